"""What an option is: a field of a dataclass, with what the parser needs and what a good value is. Pure.

The options of a run, of a workload, of an API and of the embedded target are such tables. The command line, the
environment, the web form and the workers all take them from there.
"""

import math
from collections.abc import Callable, Collection
from dataclasses import Field, field, fields
from enum import StrEnum
from typing import Any

from katydid.model.errors import ConfigError
from katydid.model.oneline import HALF
from katydid.model.options.quantities import QuantityError, duration, format_duration, milliseconds

Predicate = Callable[[Any], bool]
Rule = tuple[Predicate, str]

YEAR = 31_536_000
"""Seconds; timers of the operating system hold not much more, and no run lasts so long."""
MOST_32_BITS = 2**31 - 1
MOST_64_BITS = 2**63 - 1
_LONGEST_SHOWN = 40
"""Characters of a value that a complaint quotes."""
PREFIX = "LOAD_TEST_"
"""Of every variable of the environment."""


class Group(StrEnum):
    """The headings under which help and reference show options, in their order."""

    OWN = "Options of its own"
    REQUEST = "Request"
    PROMPTS = "Prompts"
    ARRIVALS = "Arrivals"
    LEAVING = "Leaving"
    CHECKS = "Checks"
    RUN = "Run"
    TARGET = "Target"
    WATCHING = "Watching"


POSITIVE: Rule = (lambda v: v > 0, "must be more than 0")
NOT_NEGATIVE: Rule = (lambda v: v >= 0, "must not be negative")
ANY: Rule = (lambda _: True, "")
AT_MOST_A_YEAR: Rule = (lambda v: v <= YEAR, f"must be at most {YEAR}, a year")
A_PORT: Rule = (lambda v: 0 <= v <= 65535, "must be a port, from 0 to 65535")


def at_most(limit: int) -> Rule:
    """Of a number that would fill the memory if it were any larger."""
    return (lambda v: v <= limit, f"must be at most {limit}")


AT_MOST_32_BITS: Rule = at_most(MOST_32_BITS)


def truth(text: str) -> bool:
    """A text as the environment and the web form have it.

    Raises:
        ValueError: it is not a truth value.
    """
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    try:
        return words[str(text).strip().lower()]
    except KeyError:
        raise ValueError(f"{text!r} is neither true nor false") from None


def option(
    default: object,
    help_text: str,
    *,
    kind: Callable[[str], object] = str,
    rule: Rule = ANY,
    most: Rule = ANY,
    choices: Collection[str] | None = None,
    variable: str | None = None,
    repeat: bool = False,
    group: Group = Group.OWN,
    form: bool = True,
) -> Any:
    """A field that is an option.

    Args:
        default: where nothing is given; also for an empty field of the web form.
        help_text: what `--help` and the web form say, without the default.
        choices: the only good values, as they are when the parser is filled.
        kind: makes a value out of a text; raises ValueError where it cannot. With `truth` the option takes no value;
            `duration`, `count` and `share` read what people write (`model.options.quantities`).
        rule: what a good value is, and what a bad one is told.
        most: the same of one that is too large. Without it, a number must be finite, an integer fit 64 bits, and a
            duration be no longer than a year.
        variable: of the environment; by default `LOAD_TEST_` and the field's name.
        repeat: it may be given more than once, a line of its text each; not in the web form, which has no lines.
        group: where help shows it; by default with those of its workload or API.
        form: it is a field of the web form.
    """
    if kind is duration and most is ANY:
        most = AT_MOST_A_YEAR
    metadata = {
        "help": help_text, "kind": kind, "rule": rule, "most": most, "choices": choices, "variable": variable,
        "repeat": repeat, "group": group, "form": form and not repeat,
    }  # fmt: skip
    return field(default=default, metadata=metadata)


def options_in(table: type[Any]) -> tuple[Field[object], ...]:
    """The fields of a dataclass that `option` made."""
    return tuple(each for each in fields(table) if "kind" in each.metadata)


def check_table(table: object, where: str) -> None:
    """See that something is a table of options and nothing else.

    Raises:
        ConfigError: it is not.
    """
    frozen = getattr(getattr(table, "__dataclass_params__", None), "frozen", False)
    if isinstance(table, type) and frozen and options_in(table):
        return
    raise ConfigError(f"{where}: give a class with @dataclass(frozen=True, kw_only=True) whose fields are option(…)")


def flag_of(option: Field[object]) -> str:
    """Its name on the command line."""
    return "--" + option.name.replace("_", "-")


def variable_of(option: Field[object]) -> str:
    """Its name in the environment."""
    return str(option.metadata["variable"] or PREFIX + option.name.upper())


TIMES = {duration: 1.0, milliseconds: 1e-3}
"""Kinds that are times, and what a plain number of theirs is, in seconds."""


def default_text(option: Any) -> str:
    """An option's default, as one would write it."""
    unit = TIMES.get(option.metadata["kind"])
    return str(option.default) if unit is None else format_duration(option.default * unit)


def checked(option: Any, value: object) -> object:
    """The value of an option, made out of a text where it is one.

    Raises:
        ConfigError: it is not a good one; by its option's name.
    """
    meta = option.metadata
    flag = flag_of(option)
    if value is None or (isinstance(value, str) and not value.strip()):
        return option.default
    if isinstance(value, str) and HALF.search(value):  # so Python has bytes that are no UTF-8
        raise ConfigError(f"{flag} is not text in UTF-8: give other bytes in a file")
    try:
        value = meta["kind"](value)
    except QuantityError as error:
        raise ConfigError(f"{flag} {error}") from None
    except ValueError:
        what = "true or false" if meta["kind"] is truth else "a number"
        raise ConfigError(f"{flag} {value!r} is not {what}") from None
    if meta["choices"] and value not in meta["choices"]:
        raise ConfigError(f"{flag} {value!r} is not one of {', '.join(meta['choices'])}")
    finite = _FINITE if isinstance(value, float) else ()
    fits = (_FITS,) if isinstance(value, int) else ()
    for good, why in (*finite, meta["most"], *fits, meta["rule"]):
        if not good(value):
            raise ConfigError(f"{flag} {shown(value)} {why}")
    return value


_FINITE: tuple[Rule, ...] = (
    (lambda v: not math.isnan(v), "is not a number"),
    (math.isfinite, "must be finite"),
)
_FITS: Rule = (lambda v: -MOST_64_BITS - 1 <= v <= MOST_64_BITS, "must be from -2^63 to 2^63-1")
"""Of every integer: what no file and no target could hold is refused before it gets there."""


def shown(value: object) -> str:
    """A value in a complaint about it, cut where it is long."""
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    text = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return repr(text) if isinstance(value, str) else text

"""Options as dataclass fields, with what the parser needs and which values are valid. Pure.

A dataclass of options is an option table. Runs, workloads, APIs and the embedded target have one each. The command
line, the environment, the web form and the workers all read these tables.
"""

import math
from collections.abc import Callable, Collection
from dataclasses import Field, field, fields
from enum import StrEnum
from typing import Any

from katydid.model.errors import ConfigError
from katydid.model.oneline import HALF
from katydid.model.options.quantities import (
    QuantityError,
    duration,
    format_duration,
    milliseconds,
    quoted,
    shortened,
)

Predicate = Callable[[Any], bool]
Rule = tuple[Predicate, str]

YEAR = 31_536_000
"""Seconds; operating system timers allow little more, and no run lasts this long."""
MOST_32_BITS = 2**31 - 1
MOST_64_BITS = 2**63 - 1
PREFIX = "LOAD_TEST_"
"""Prefix of all environment variables."""


class Group(StrEnum):
    """The headings under which help and reference show options, in order."""

    OWN = "Options of its own"
    REQUEST = "Request"
    PROMPTS = "Prompts"
    ARRIVALS = "Arrivals"
    LEAVING = "Clients that leave"
    CHECKS = "Checks"
    RUN = "Run"
    TARGET = "Target"
    WATCHING = "Monitoring"


POSITIVE: Rule = (lambda v: v > 0, "must be more than 0")
NOT_NEGATIVE: Rule = (lambda v: v >= 0, "must not be negative")
ANY: Rule = (lambda _: True, "")
AT_MOST_A_YEAR: Rule = (lambda v: v <= YEAR, f"must be at most {YEAR}, a year")
A_PORT: Rule = (lambda v: 0 <= v <= 65535, "must be a port, from 0 to 65535")


def at_most(limit: int) -> Rule:
    """Return a rule that limits a number whose larger values would exhaust the memory."""
    return (lambda v: v <= limit, f"must be at most {limit}")


AT_MOST_32_BITS: Rule = at_most(MOST_32_BITS)


def truth(text: str) -> bool:
    """Parse a boolean from the environment or the web form.

    Raises:
        ValueError: the text is not a boolean.
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
    """Define a dataclass field that is an option.

    Args:
        default: value if the option is not given, or if its field in the web form is empty.
        help_text: text for `--help` and the web form, without the default.
        kind: converts text to a value; raises ValueError if it cannot. With `truth`, the option takes no value;
            `duration`, `count` and `share` parse quantities (`model.options.quantities`).
        rule: the condition for a valid value, and the message if it is violated.
        most: the same for an upper limit. By default, a number must be finite, an integer must fit 64 bits, and a
            duration must not exceed a year.
        choices: the only valid values, evaluated when the parser is built.
        variable: environment variable; by default `LOAD_TEST_` and the field's name.
        repeat: True if the option may be given several times; its text then has one line per value. Not in the web
            form, which has single-line fields.
        group: heading in help; by default that of its workload or API.
        form: True if the web form has a field for it.
    """
    if kind is duration and most is ANY:
        most = AT_MOST_A_YEAR
    metadata = {
        "help": help_text, "kind": kind, "rule": rule, "most": most, "choices": choices, "variable": variable,
        "repeat": repeat, "group": group, "form": form and not repeat,
    }  # fmt: skip
    return field(default=default, metadata=metadata)


def options_in(table: type[Any]) -> tuple[Field[object], ...]:
    """Return the fields of a dataclass that were made by `option`."""
    return tuple(each for each in fields(table) if "kind" in each.metadata)


def check_table(table: object, where: str) -> None:
    """Check that an object is an option table.

    Raises:
        ConfigError: it is not.
    """
    frozen = getattr(getattr(table, "__dataclass_params__", None), "frozen", False)
    if isinstance(table, type) and frozen and options_in(table):
        return
    raise ConfigError(f"{where}: give a class with @dataclass(frozen=True, kw_only=True) whose fields are option(…)")


def flag_of(option: Field[object]) -> str:
    """Return the option's command line flag."""
    return "--" + option.name.replace("_", "-")


def variable_of(option: Field[object]) -> str:
    """Return the option's environment variable."""
    return str(option.metadata["variable"] or PREFIX + option.name.upper())


TIMES = {duration: 1.0, milliseconds: 1e-3}
"""Kinds that are durations, with the unit of a plain number in seconds."""


def default_text(option: Any) -> str:
    """Return an option's default as a user would write it."""
    unit = TIMES.get(option.metadata["kind"])
    return str(option.default) if unit is None else format_duration(option.default * unit)


def checked(option: Any, value: object) -> object:
    """Return a valid value of an option, converted from text if needed.

    Raises:
        ConfigError: the value is invalid; the message names the option.
    """
    meta = option.metadata
    flag = flag_of(option)
    if value is None or (isinstance(value, str) and not value.strip()):
        return option.default
    if isinstance(value, str) and HALF.search(value):  # how Python represents bytes that are not UTF-8
        raise ConfigError(f"{flag} is not UTF-8 text: give other bytes in a file")
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
"""Applies to every integer: larger ones fit neither files nor targets."""


def shown(value: object) -> str:
    """Format a value for an error message, shortened if it is long."""
    if isinstance(value, float):
        return f"{value:g}"
    return quoted(value) if isinstance(value, str) else shortened(str(value))

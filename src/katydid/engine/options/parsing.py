"""From the tables of options to Locust's parser and its web form, and back: to the options that a run was given.

A workload's own options, a subclass of `RunOptions`, are made known here (`register`); an API's are its dialect's.
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from katydid.dialects import DIALECTS
from katydid.engine.options import RunOptions, WatchOptions
from katydid.engine.run_info import SECRETS_WIRE_NAME
from katydid.model.errors import ConfigError
from katydid.model.options import TIMES, Group, checked, default_text, flag_of, options_in, truth, variable_of
from katydid.model.options.quantities import QuantityError

Options = TypeVar("Options")

_tables: list[Any] = [RunOptions]


class _AppendLine(argparse.Action):
    """Joins what is given into lines of one text, which goes to workers as any other option."""

    def __call__(self, _parser: object, namespace: object, values: object, _flag: object = None) -> None:
        before = getattr(namespace, self.dest, None)
        setattr(namespace, self.dest, f"{before}\n{values}" if before else values)


def register(table: type[object]) -> None:
    """Make a workload's own options, or a load shape's, known to parsers from now on, over those known before."""
    if table in _tables:
        _tables.remove(table)
    _tables.append(table)


def add_arguments(parser: Any) -> None:
    """Register every option with Locust's parser (not with a group of it, which the web form leaves out).

    Where several workloads have an option, the default is the last one's: a locustfile's imports stand first.
    """
    for each in (*known_options().values(), *options_in(WatchOptions)):
        meta, variable = each.metadata, variable_of(each)
        shown = "" if each.default is None else f"default: {default_text(each)}; "
        choices = tuple(meta["choices"]) if meta["choices"] else None  # Locust's page takes no dict
        word = "time" if meta["kind"] in TIMES else each.name.replace("_", "-")
        metavar = None if choices else f"<{word}>"
        if meta["kind"] is truth:
            more: dict[str, Any] = {"action": "store_true"}
        else:
            more = {"type": meta["kind"], "choices": choices, "metavar": metavar}
        if meta["repeat"]:
            more |= {"action": _AppendLine}
        parser.add_argument(
            flag_of(each),
            env_var=variable,
            default=each.default,
            help=f"Katydid: {meta['help']} ({shown}{variable})".replace("%", "%%"),
            include_in_web_ui=meta["form"],
            **more,
        )


def options_of_apis() -> dict[str, tuple[Any, ...]]:
    """Those that each API brings, by its name."""
    return {name: options_in(options) for name, each in DIALECTS.items() if (options := getattr(each, "options", None))}


def known_options() -> dict[str, Any]:
    """Every option of a run by its field's name."""
    tables = [*options_of_apis().values(), *map(options_in, _tables)]
    return {each.name: each for table in tables for each in table}


def headings() -> dict[str, list[str]]:
    """The names of all options under the headings of help; those of a workload are under `Group.OWN`."""
    every_run = (*options_in(RunOptions), *options_in(WatchOptions))
    found: dict[str, list[str]] = {group: [] for group in Group}
    for each in every_run:
        found[each.metadata["group"]].append(each.name)
    brought = {f"{Group.REQUEST}, --api {api}": [each.name for each in own] for api, own in options_of_apis().items()}
    common = {name for names in (*found.values(), *brought.values()) for name in names}
    found[Group.OWN] = [name for name in known_options() if name not in common]
    first, request, *others = found.items()
    return dict([first, request, *brought.items(), *others])


def plain_fields(form: Mapping[str, str]) -> dict[str, str]:
    """A web form's fields as Locust reads them: of a duration a plain number; empty ones have their defaults."""
    known = known_options()
    return {name: _plain(known.get(name), text) for name, text in form.items()}


def _plain(asked: Any, text: str) -> str:
    if asked is None or asked.metadata["kind"] is truth:
        return text
    if not text.strip():
        return "" if asked.default is None else str(asked.default)
    try:
        return str(asked.metadata["kind"](text)) if asked.metadata["kind"] in TIMES else text
    except QuantityError as error:
        raise ConfigError(f"{flag_of(asked)} {error}") from None


def run_options(parsed: Any, table: type[Options]) -> Options:
    """Options out of Locust's parsed ones, checked again, since Locust's web form checks nothing.

    Args:
        parsed: Locust's.
        table: a dataclass whose fields `option` made.

    Raises:
        ConfigError: the first value that is wrong, by its option's name.
    """
    found = table(**{each.name: checked(each, getattr(parsed, each.name)) for each in options_in(table)})
    if not isinstance(found, RunOptions):
        return found
    found = replace(found, secrets_for=getattr(parsed, SECRETS_WIRE_NAME, None))
    if (brought := getattr(DIALECTS.get(found.api), "options", None)) is None:
        return found
    if clash := {each.name for each in options_in(brought)} & {each.name for each in options_in(table)}:
        flag = min(clash).replace("_", "-")
        raise ConfigError(f"--api {parsed.api}: its option --{flag} is one of every run or of the workload: rename it")
    return replace(found, dialect_options=run_options(parsed, brought))

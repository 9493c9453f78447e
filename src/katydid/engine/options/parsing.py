"""Puts the tables of options into Locust's parser and web form, and reads the options of a run back from them.

Workloads make their own options known with `register`, as subclasses of `RunOptions`; an API's own come with its
dialect.
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
    """Joins repeated values into one text with a line for each, which goes to workers as any other option."""

    def __call__(self, _parser: object, namespace: object, values: object, _flag: object = None) -> None:
        before = getattr(namespace, self.dest, None)
        setattr(namespace, self.dest, f"{before}\n{values}" if before else values)


def register(table: type[object]) -> None:
    """Add a workload's or a load shape's options to parsers made from now on; they override those known before."""
    if table in _tables:
        _tables.remove(table)
    _tables.append(table)


def add_arguments(parser: Any) -> None:
    """Register every option with Locust's parser, not with an argument group, which the web form would leave out.

    If several workloads have the same option, the last one's default counts: a locustfile's imports come first.
    """
    for each in (*known_options().values(), *options_in(WatchOptions)):
        meta, variable = each.metadata, variable_of(each)
        shown = "" if each.default is None else f"default: {default_text(each)}; "
        more: dict[str, Any] = {"type": meta["kind"], "action": _AppendLine if meta["repeat"] else "store"}
        if meta["kind"] is truth:
            more = {"action": "store_true"}
        elif meta["choices"]:
            more["choices"] = tuple(meta["choices"])  # Locust's web UI cannot take a dict
        else:
            more["metavar"] = "<time>" if meta["kind"] in TIMES else f"<{each.name.replace('_', '-')}>"
        parser.add_argument(
            flag_of(each),
            env_var=variable,
            default=each.default,
            help=f"Katydid: {meta['help']} ({shown}{variable})".replace("%", "%%"),
            include_in_web_ui=meta["form"],
            **more,
        )


def options_of_apis() -> dict[str, tuple[Any, ...]]:
    """The options that each API brings, by the API's name."""
    return {name: options_in(options) for name, each in DIALECTS.items() if (options := getattr(each, "options", None))}


def known_options() -> dict[str, Any]:
    """Every option of a run, by its field's name."""
    tables = [*options_of_apis().values(), *map(options_in, _tables)]
    return {each.name: each for table in tables for each in table}


def headings() -> dict[str, list[str]]:
    """The names of all options by the headings of the help; a workload's own are under `Group.OWN`."""
    every_run = (*options_in(RunOptions), *options_in(WatchOptions))
    found = {str(group): [each.name for each in every_run if each.metadata["group"] is group] for group in Group}
    brought = {f"{Group.REQUEST}, --api {api}": [each.name for each in own] for api, own in options_of_apis().items()}
    common = {name for names in (*found.values(), *brought.values()) for name in names}
    found[Group.OWN] = [name for name in known_options() if name not in common]
    first, request, *others = found.items()
    return dict([first, request, *brought.items(), *others])


def plain_fields(form: Mapping[str, str]) -> dict[str, str]:
    """A web form's fields as Locust reads them: durations as plain numbers, and defaults in place of empty fields."""
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
    """Read the options of a table from Locust's parsed ones; check them again, since Locust's web form checks nothing.

    Raises:
        ConfigError: a value is wrong; names the first such option.
    """
    found = table(**{each.name: checked(each, getattr(parsed, each.name)) for each in options_in(table)})
    if not isinstance(found, RunOptions):
        return found
    found = replace(found, secrets_for=getattr(parsed, SECRETS_WIRE_NAME, None))
    if (brought := getattr(DIALECTS.get(found.api), "options", None)) is None:
        return found
    if clash := {each.name for each in options_in(brought)} & {each.name for each in options_in(table)}:
        flag = min(clash).replace("_", "-")
        raise ConfigError(f"--api {parsed.api}: its option --{flag} clashes with one of the run or workload: rename it")
    return replace(found, dialect_options=run_options(parsed, brought))

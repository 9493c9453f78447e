"""Options of the environment that the command line overrules: those that contradict one that stands there.

An option on the command line overrules its own variable, as everywhere; `--rate 10` overrules `LOAD_TEST_INTERVAL` too.
"""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

ALTERNATIVES = (
    frozenset({"interval", "concurrency", "rate", "trace"}),
    frozenset({"num_users", "concurrency"}),
    frozenset({"spawn_rate", "ramp"}),
)
"""Names of options of which a run has one."""


def let_words_overrule(parser: ArgumentParser) -> None:
    """Have a parser of Locust's read the environment without what the words contradict."""
    parse: Any = parser.parse_known_args

    def parse_known_args(args: Sequence[str] | None = None, namespace: Any = None, **more: Any) -> Any:
        words = sys.argv[1:] if args is None else args
        environment = more.pop("env_vars", os.environ)
        return parse(args, namespace, env_vars=_heeded(parser, words, environment), **more)

    parser.parse_known_args = parse_known_args  # type: ignore[method-assign, assignment]


def _heeded(parser: Any, words: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without the variables of options that an option among the words contradicts."""
    known = parser._option_string_actions  # noqa: SLF001 - argparse has no list of them
    given = {known[flag].dest for word in words if (flag := _flag(word)) in known}
    overruled = {name for names in ALTERNATIVES for name in names - given if names & given}
    variables = {action.env_var for action in known.values() if action.dest in overruled}
    return {name: value for name, value in environment.items() if name not in variables}


def _flag(word: str) -> str:
    """`--rate` of `--rate=5`, `-u` of `-u5`."""
    return word.partition("=")[0] if word.startswith("--") else word[:2]

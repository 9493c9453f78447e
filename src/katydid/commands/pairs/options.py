"""The options of `katydid ab` and `katydid bisect`, and their checks; all other options are those of a run."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from katydid.commands.loading.run import run_parser
from katydid.commands.output import check_outputs
from katydid.model.arguments import OneLineParser, did_you_mean
from katydid.model.errors import ConfigError
from katydid.model.options.quantities import count, duration
from katydid.protocol.target_url import read_target_url
from katydid.resources import locustfile

SIDES = ("base", "new")
MOST_PAIRS = 10
WAIT_READY = 300.0
"""Default of --wait-ready in seconds."""
OURS = ("--host", "-H", "--version-label")
"""Options of a run that these commands set themselves."""


@dataclass(frozen=True)
class Version:
    """One of the two versions.

    Attributes:
        label: the version label of its runs.
        host: the URL at which it answers.
        start: a shell command that starts it; None if it is always running.
        option: the option that gave the command, for messages.
    """

    label: str
    host: str
    start: str | None = None
    option: str = ""


@dataclass(frozen=True)
class Asked:
    """What the command line asks for: a workload or locustfile, both versions by side, and options for every run."""

    workload: str
    versions: Mapping[str, Version]
    options: Sequence[str]


def add_pair_options(parser: OneLineParser) -> None:
    """Add the options that both commands share."""
    parser.add_argument(
        "--max-pairs", type=count, default=MOST_PAIRS, metavar="N", help="maximum number of pairs (default: 10)"
    )
    parser.add_argument(
        "--base-version",
        default=os.environ.get("BASE_VERSION") or "base",
        metavar="NAME",
        help="label of the base version (default: base)",
    )
    parser.add_argument(
        "--new-version", default=os.environ.get("NEW_VERSION"), metavar="NAME", help="label of the new version"
    )
    parser.add_argument("--start-base", metavar="CMD", help="command that starts the base; stopped after its runs")
    parser.add_argument(
        "--wait-ready", metavar="T", type=duration, default=WAIT_READY,
        help="how long a started version may take to answer (default: 5m)",
    )  # fmt: skip
    parser.add_argument("--thresholds", metavar="FILE", help="judge the runs by this file at the end, as the gate does")
    parser.add_argument(
        "--results",
        default=os.environ.get("LOAD_TEST_RESULTS") or "reports",
        metavar="FOLDER",
        help="folder for run folders (default: reports)",
    )
    parser.add_argument("--html", metavar="F", help="write the page to this file (default: beside the runs)")
    parser.add_argument("--json", metavar="F", help="write everything as JSON; - for standard output")
    parser.add_argument("--markdown", metavar="F", help="write Markdown; - for standard output")
    parser.set_defaults(run_parser=run_parser)


def places(args: argparse.Namespace) -> list[str]:
    """The words before the first option."""
    return list(takewhile(lambda word: not word.startswith("-"), args.parser.words))


def checked(args: argparse.Namespace, asked: Asked, starts: str) -> Asked:
    """Return the request, read from `args`, if pairs can be made as asked.

    Raises:
        ConfigError: they cannot; a message names the options in `starts`, with which both can share a machine.
    """
    base, new = asked.versions.values()
    same = read_target_url(base.host).authority == read_target_url(new.host).authority
    locustfile(asked.workload)
    if args.max_pairs < 2:
        raise ConfigError(f"--max-pairs {args.max_pairs} must be at least 2: one pair cannot show the noise")
    if base.label == new.label:
        raise ConfigError(f"both versions are called {new.label}: name them with --base-version, --new-version")
    if same and not (base.start and new.start):
        raise ConfigError(f"both hosts are the same server: change one, or give {starts} to start each version there")
    check_outputs(args, "json", "markdown", "html")
    return asked


def check_options(parser: argparse.ArgumentParser, options: Sequence[str]) -> None:
    """Check the options that are passed on to runs; a run itself reports those that it does not know.

    Raises:
        ConfigError: an option is a misspelled one of this command, or one that this command sets itself.
    """
    own = own_options(parser)
    for option in (word.partition("=")[0] for word in options):
        if option in OURS:
            raise ConfigError(
                f"{option} is an option of `katydid run`: for {parser.prog} give both hosts, --base-version and "
                "--new-version"
            )
        if option.startswith("--") and (meant := did_you_mean(option, own)):
            raise ConfigError(f"unrecognized arguments: {option}{meant} see {parser.prog} --help")


def own_options(parser: argparse.ArgumentParser) -> list[str]:
    """The command's options that are not those of a run."""
    return [name for name in parser._option_string_actions if name.startswith("--")]  # noqa: SLF001 - no public list

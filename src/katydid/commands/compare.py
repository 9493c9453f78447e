"""`katydid compare BASE NEW [MORE …]`: is a version slower, faster or the same, or can the runs not tell?"""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from katydid.commands.output import STANDARD_OUTPUT, check_output, write_json, write_output
from katydid.model.arguments import Commands
from katydid.model.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from katydid.analysis.comparison.estimates import RunData
    from katydid.model.documents.comparison import Comparison, Comparisons
    from katydid.runs.folder import RunFolder


def run(args: Namespace) -> int:
    """Compare; return 4 if the verdict is invalid, else 0: it is the gate that fails on a slower version."""
    import katydid.workloads  # noqa: F401 - registers their summaries and report sections
    from katydid.analysis.comparison.estimates import read_run
    from katydid.model.documents.comparison import Verdict
    from katydid.report.render.terminal import say_where, terminal
    from katydid.runs.find import runs_of

    paths = [args.base, args.new, *args.more]
    if [args.json, args.markdown].count(STANDARD_OUTPUT) > 1:
        raise ConfigError("--json - and --markdown - both want standard output: give one of them a file")
    check_output(args.json, args.markdown, args.html)
    if args.last is not None and args.last < 1:
        raise ConfigError(f"--last {args.last} must be at least 1")
    if args.more and (twice := [path for path in paths if paths.count(path) > 1]):
        raise ConfigError(f"{twice[0]} is named twice: give each version once")
    folders = [runs_of(path)[-(args.last or 0) :] for path in paths]
    sides = [[read_run(folder) for folder in side] for side in folders]
    histories = [[] if args.no_history else _history(args.history, [folders[0], other]) for other in folders[1:]]
    console = terminal(stderr=STANDARD_OUTPUT in (args.json, args.markdown))
    found, markdown, page = (_several if args.more else _two)(sides, histories, console, args)
    write_json(args.json, found)
    if args.markdown:
        write_output(args.markdown, markdown())
    if args.html:
        write_output(args.html, page())
        say_where(console, "Report", args.html)
    return ExitCode.INVALID if found.verdict is Verdict.INVALID else ExitCode.PASSED


Written = tuple["Comparison | Comparisons", Callable[[], str], Callable[[], str]]
"""The result, and functions that render it as Markdown and as a page."""


def _two(
    sides: Sequence[Sequence[RunData]], histories: Sequence[Sequence[RunFolder]], console: Console, args: Namespace
) -> Written:
    """Compare two versions and print the result."""
    from katydid.analysis.comparison.compare import compare_runs
    from katydid.report.comparison import comparison_markdown, comparison_page, print_comparison

    found = compare_runs(sides[0], sides[1], history=histories[0])
    print_comparison(found, console)
    base, new = (_counted(found, i, side) for i, side in enumerate(sides))
    page = partial(comparison_page, found, base, new, _links(found, args), _command(args))
    return found, partial(comparison_markdown, found), page


def _command(args: Namespace) -> str:
    words = ["katydid", "compare", *map(str, (args.base, args.new, *args.more))]
    for flag, value in (("--html", args.html), ("--last", args.last), ("--history", args.history)):
        words += [flag, str(value)] if value is not None else []
    return shlex.join([*words, *(["--no-history"] if args.no_history else [])])


def _several(
    sides: Sequence[Sequence[RunData]], histories: Sequence[Sequence[RunFolder]], console: Console, args: Namespace
) -> Written:
    """Compare each of several versions with the first and print the result."""
    from katydid.analysis.comparison.compare import compare_several
    from katydid.report.comparison import comparison_markdown, comparison_page, print_comparison

    found = compare_several(sides[0], sides[1:], histories=histories)
    print_comparison(found, console)
    reports = {run: link for each in found.comparisons for run, link in _links(each, args).items()}
    page = partial(comparison_page, found, (), (), reports, _command(args))
    return found, partial(comparison_markdown, found), page


def _links(comparison: Comparison, args: Namespace) -> dict[str, str]:
    """Links from the page to the runs' reports; none if no page was asked for."""
    from katydid.report.run_list import links_to

    return links_to(comparison, Path(args.html)) if args.html else {}


def add_parser(commands: Commands) -> None:
    """Add the command's arguments to the tree."""
    parser = commands.add_parser(
        "compare",
        description="Compare the runs of two or more versions, each with the first. A version is a run "
        "folder, or a folder with several runs.",
        epilog="example: katydid compare reports/stream/v1 reports/stream/v2 --html compare.html",
    )
    parser.add_argument("base", metavar="BASE", type=Path, help="runs of the version to compare with")
    parser.add_argument("new", metavar="NEW", type=Path, help="runs of the version to judge")
    parser.add_argument(
        "more", metavar="MORE", type=Path, nargs="*", default=[], help="more versions, each compared with BASE"
    )
    parser.add_argument("--html", metavar="F", help="write a page")
    parser.add_argument("--json", metavar="F", help="write everything as JSON; - for standard output")
    parser.add_argument("--markdown", metavar="F", help="write Markdown; - for standard output")
    parser.add_argument("--last", metavar="N", type=int, help="only the newest N runs of each side")
    parser.add_argument(
        "--history",
        metavar="FOLDER",
        type=Path,
        help="folder of versions whose runs show the run-to-run noise (default: the versions beside BASE)",
    )
    parser.add_argument("--no-history", action="store_true", help="estimate the noise from the two sides alone")
    parser.set_defaults(run=run)


def _history(given: Path | None, sides: Sequence[Sequence[RunFolder]]) -> list[RunFolder]:
    """Earlier runs: those in the given folder, or by default those of the versions beside BASE."""
    from katydid.runs.find import earlier_runs, versions_of

    if given is None:
        return earlier_runs(*sides)
    found = versions_of(given)
    if not found:
        raise ConfigError(f"--history {given} has no runs in it: name a folder of versions, as reports/stream")
    known = {run.path.resolve() for side in sides for run in side}
    return [run for runs in found.values() for run in runs if run.path.resolve() not in known]


def _counted(comparison: Comparison, side: int, runs: Sequence[RunData]) -> list[pd.DataFrame]:
    counts = {run.run for run in comparison.sides[side].runs if run.counts}
    return [run.frame for run in runs if run.path in counts]

"""`katydid compare BASE NEW [MORE …]`: is a version slower, faster or the same, or can the runs not tell?"""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from katydid.commands.output import STANDARD_OUTPUT, check_outputs, write_json, write_output
from katydid.model.arguments import Commands
from katydid.model.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from pandas import DataFrame

    from katydid.analysis.comparison.estimates import RunData
    from katydid.model.documents.comparison import Comparison, Comparisons
    from katydid.runs.folder import RunFolder


def run(args: Namespace) -> int:
    """Compare; return 4 if the verdict is invalid, else 0: it is the gate that fails on a slower version."""
    import katydid.workloads  # noqa: F401 - registers their summaries and report sections
    from katydid.analysis.comparison.compare import compare_runs, compare_several
    from katydid.analysis.comparison.estimates import read_run
    from katydid.model.documents.comparison import Verdict
    from katydid.runs.find import runs_of

    paths = [args.base, args.new, *args.more]
    check_outputs(args, "json", "markdown", "html")
    if args.last is not None and args.last < 1:
        raise ConfigError(f"--last {args.last} must be at least 1")
    if args.more and (twice := [path for path in paths if paths.count(path) > 1]):
        raise ConfigError(f"{twice[0]} is named twice: give each version once")
    folders = [runs_of(path)[-(args.last or 0) :] for path in paths]
    base, *others = sides = [[read_run(folder) for folder in side] for side in folders]
    histories = [[] if args.no_history else _history(args.history, [folders[0], other]) for other in folders[1:]]
    found: Comparison | Comparisons
    if args.more:
        found = compare_several(base, others, histories=histories)
    else:
        found = compare_runs(base, others[0], history=histories[0])
    show_comparison(found, sides, args, args.html, _command(args))
    return ExitCode.INVALID if found.verdict is Verdict.INVALID else ExitCode.PASSED


def show_comparison(
    found: Comparison | Comparisons,
    sides: Sequence[Sequence[RunData]],
    args: Namespace,
    html: str | None,
    command: str,
) -> None:
    """Print a comparison, and write the results that the command line asks for.

    Args:
        found: the comparison of two versions, or of more.
        sides: the runs of each version.
        args: the command line, which has `json` and `markdown`.
        html: the file for the page; None for no page.
        command: the command that reproduces the page.
    """
    from katydid.model.documents.comparison import Comparisons
    from katydid.report.comparison import comparison_markdown, comparison_page, print_comparison
    from katydid.report.render.terminal import say_where, terminal
    from katydid.report.run_list import links_to

    console = terminal(stderr=STANDARD_OUTPUT in (args.json, args.markdown))
    print_comparison(found, console)
    write_json(args.json, found)
    if args.markdown:
        write_output(args.markdown, comparison_markdown(found))
    if html:
        base: list[DataFrame] = []
        new: list[DataFrame] = []  # several versions have no charts of their runs
        each: Sequence[Comparison] = found.comparisons if isinstance(found, Comparisons) else [found]
        if not isinstance(found, Comparisons):
            counted = [{run.run for run in side.runs if run.counts} for side in found.sides]
            base, new = (
                [run.frame for run in runs if run.path in those] for runs, those in zip(sides, counted, strict=True)
            )
        links = {run: link for comparison in each for run, link in links_to(comparison, Path(html)).items()}
        write_output(html, comparison_page(found, base, new, links, command))
        say_where(console, "Report", html)


def _command(args: Namespace) -> str:
    words = ["katydid", "compare", *map(str, (args.base, args.new, *args.more))]
    for flag, value in (("--html", args.html), ("--last", args.last), ("--history", args.history)):
        words += [flag, str(value)] if value is not None else []
    return shlex.join([*words, *(["--no-history"] if args.no_history else [])])


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


def _history(given: Path | None, sides: Sequence[Sequence[RunFolder]]) -> list[RunFolder]:
    """Earlier runs: those in the given folder, or by default those of the versions beside BASE."""
    from katydid.runs.find import earlier_runs, workload_runs

    if given is None:
        return earlier_runs(*sides)
    if not (found := workload_runs(given)):
        raise ConfigError(f"--history {given} has no runs in it: name a folder of versions, as reports/stream")
    known = {run.path.resolve() for side in sides for run in side}
    return [run for run in found if run.path.resolve() not in known]

"""`katydid compare BASE NEW`: is the new version slower, faster, the same, or can that not be told?"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from katydid.commands.output import STANDARD_OUTPUT, write_output
from katydid.model.arguments import Commands
from katydid.model.errors import ConfigError, ExitCode
from katydid.model.jsontext import json_text

if TYPE_CHECKING:
    import pandas as pd

    from katydid.analysis.comparison.estimates import RunData
    from katydid.model.documents.comparison import Comparison
    from katydid.runs.folder import RunFolder


def run(options: Namespace) -> int:
    """Compare; 0 whatever the verdict, 4 where it is invalid: judging is the gate's."""
    import katydid.workloads  # noqa: F401 - registers what their summaries and reports say
    from katydid.analysis.comparison.compare import compare_runs
    from katydid.analysis.comparison.estimates import read_run
    from katydid.model.documents.comparison import Verdict
    from katydid.report.comparison import comparison_markdown, comparison_page, print_comparison
    from katydid.report.render.terminal import terminal
    from katydid.runs.find import runs_of

    outputs = [options.json, options.markdown]
    if outputs.count(STANDARD_OUTPUT) > 1:
        raise ConfigError("--json - and --markdown - both want standard output: give one of them a file")
    if options.last is not None and options.last < 1:
        raise ConfigError(f"--last {options.last} must be at least 1")
    folders = [runs_of(path)[-(options.last or 0) :] for path in (options.base, options.new)]
    base, new = ([read_run(folder) for folder in side] for side in folders)
    history = [] if options.no_history else _history(options.history, folders)
    comparison = compare_runs(base, new, history=history)
    console = terminal(stderr=STANDARD_OUTPUT in outputs)
    print_comparison(comparison, console)
    if options.json:
        write_output(options.json, json_text(comparison) + "\n")
    if options.markdown:
        write_output(options.markdown, comparison_markdown(comparison))
    if options.html:
        page = comparison_page(comparison, *(_counted(comparison, i, side) for i, side in enumerate((base, new))))
        write_output(options.html, page)
        console.print(f"Report: {options.html}", markup=False)
    return ExitCode.INVALID if comparison.verdict is Verdict.INVALID else ExitCode.PASSED


def add_parser(commands: Commands) -> None:
    """Add the command's arguments to the tree."""
    parser = commands.add_parser(
        "compare",
        description="Compare two versions by their runs. Each side is a run folder, or a folder of several runs.",
        epilog="example: katydid compare reports/stream/v1 reports/stream/v2 --html compare.html",
    )
    parser.add_argument("base", metavar="BASE", type=Path, help="the runs to compare with")
    parser.add_argument("new", metavar="NEW", type=Path, help="the runs that are judged")
    parser.add_argument("--html", metavar="F", help="write a page")
    parser.add_argument("--json", metavar="F", help="write everything as JSON; - for standard output")
    parser.add_argument("--markdown", metavar="F", help="write Markdown; - for standard output")
    parser.add_argument("--last", metavar="N", type=int, help="only the newest N runs of each side")
    parser.add_argument(
        "--history",
        metavar="FOLDER",
        type=Path,
        help="runs, by version, that tell the noise from run to run (default: the versions beside BASE)",
    )
    parser.add_argument("--no-history", action="store_true", help="take the noise from the two sides alone")
    parser.set_defaults(run=run)


def _history(given: Path | None, sides: Sequence[Sequence[RunFolder]]) -> list[RunFolder]:
    """Earlier runs: of the folder that was named, or of the versions beside the base's."""
    from katydid.runs.find import earlier_runs, versions_of

    if given is None:
        return earlier_runs(*sides)
    found = versions_of(given)
    if not found:
        raise ConfigError(f"--history {given} holds no runs: name a folder of versions, as reports/stream")
    known = {run.path.resolve() for side in sides for run in side}
    return [run for runs in found.values() for run in runs if run.path.resolve() not in known]


def _counted(comparison: Comparison, side: int, runs: Sequence[RunData]) -> list[pd.DataFrame]:
    counts = {run.run for run in comparison.sides[side].runs if run.counts}
    return [run.frame for run in runs if run.path in counts]

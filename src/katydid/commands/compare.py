"""`katydid compare BASE NEW`: is the new version slower, faster, the same, or can that not be told?"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from katydid.analysis.comparison import CompareSettings, compare_runs
from katydid.analysis.estimates import RunData, read_run
from katydid.core.arguments import OneLineParser
from katydid.core.errors import ConfigError, ExitCode
from katydid.report.comparison import comparison_markdown, comparison_page, print_comparison
from katydid.report.terminal import terminal
from katydid.store.folder import RunFolder
from katydid.store.sides import runs_of, versions_of

STANDARD_OUTPUT = "-"


def main(arguments: Sequence[str]) -> int:
    """Compare; 0 whatever the verdict, 4 where it is invalid: judging is the gate's."""
    options = _parser().parse_args(arguments)
    outputs = [options.json, options.markdown]
    if outputs.count(STANDARD_OUTPUT) > 1:
        raise ConfigError("--json - and --markdown - both want standard output: give one of them a file")
    if options.last is not None and options.last < 1:
        raise ConfigError(f"--last {options.last} must be at least 1")
    folders = [runs_of(path)[-(options.last or 0) :] for path in (options.base, options.new)]
    base, new = ([read_run(folder) for folder in side] for side in folders)
    history = (
        [] if options.no_history else _history(options.history, options.base, [r for side in folders for r in side])
    )
    comparison = compare_runs(base, new, settings=CompareSettings(), history=history)
    comparison["workload"] = base[0].manifest.get("workload")
    console = terminal(stderr=STANDARD_OUTPUT in outputs)
    print_comparison(comparison, console)
    _write(options.json, lambda: json.dumps(comparison, indent=2, ensure_ascii=False, default=str) + "\n")
    _write(options.markdown, lambda: comparison_markdown(comparison))
    if options.html:
        page = comparison_page(comparison, *(_counted(comparison, i, side) for i, side in enumerate((base, new))))
        _write(options.html, lambda: page)
        console.print(f"Report: {options.html}", markup=False)
    return ExitCode.INVALID if comparison["verdict"] == "invalid" else ExitCode.PASSED


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="katydid compare",
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
    return parser


def _history(given: Path | None, base: Path, compared: Sequence[RunFolder]) -> list[RunFolder]:
    """Earlier runs: of the folder that was named, or of the versions beside the base's."""
    if given is not None:
        found = versions_of(given)
        if not found:
            raise ConfigError(f"--history {given} holds no runs: name a folder of versions, as reports/stream")
    else:
        resolved = base.resolve()
        version = resolved.parent if (resolved / "manifest.json").is_file() else resolved
        found = versions_of(version.parent)
    known = {run.path.resolve() for run in compared}
    return [run for runs in found.values() for run in runs if run.path.resolve() not in known]


def _counted(comparison: dict[str, Any], side: int, runs: Sequence[RunData]) -> list[Any]:
    counts = {run["run"] for run in comparison["sides"][side]["runs"] if run["counts"]}
    return [run.frame for run in runs if run.path in counts]


def _write(to: str | None, make: Callable[[], str]) -> None:
    if to == STANDARD_OUTPUT:
        sys.stdout.write(make())
    elif to:
        try:
            Path(to).parent.mkdir(parents=True, exist_ok=True)
            Path(to).write_text(make(), encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{to} cannot be written ({error.strerror}): name another file") from None

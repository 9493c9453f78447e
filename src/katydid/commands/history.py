"""`katydid history FOLDER`: a workload's metrics across its versions, with change points."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from katydid.commands.output import STANDARD_OUTPUT, check_output, write_json, write_output
from katydid.model.arguments import Commands
from katydid.model.errors import ConfigError, ExitCode, NoDataError

if TYPE_CHECKING:
    from katydid.analysis.history import History
    from katydid.model.documents.comparison import Comparison


def run(args: Namespace) -> int:
    """Show the history; return 1 if the newest version is slower than the pinned one, 4 if no run counts, else 0."""
    import katydid.workloads  # noqa: F401 - registers their summaries and report sections
    from katydid.analysis.history import history
    from katydid.analysis.summary import RunResult
    from katydid.model.documents.comparison import Verdict
    from katydid.report.history import history_page, print_history
    from katydid.report.render.terminal import say_where, terminal
    from katydid.runs.find import workload_runs

    check_output(args.json, args.html)
    if not args.folder.is_dir():
        raise ConfigError(f"{args.folder}: no such folder; name a workload's folder, as reports/stream")
    folders = workload_runs(args.folder)
    if not folders:
        raise ConfigError(f"{args.folder} has no versions in it: name a workload's folder, as reports/stream")
    read, unreadable = [], []
    for folder in folders:
        try:
            read.append(RunResult.load(folder))
        except NoDataError as error:
            unreadable.append(str(error))
    past = history(read)
    past = replace(past, left_out=(*unreadable, *past.left_out))
    pinned = _compare_with(args.pin, past) if args.pin else None
    console = terminal(stderr=args.json == STANDARD_OUTPUT)
    print_history(past, pinned, console)
    write_json(args.json, past.as_json() | {"pinned": pinned and pinned.json})
    if args.html:
        write_output(args.html, history_page(past, args.folder.resolve().name, pinned))
        say_where(console, "Report", args.html)
    verdict = pinned.verdict if pinned else None
    if past.versions and verdict in {Verdict.SLOWER, Verdict.MIXED}:
        return ExitCode.GATE_FAILED
    return ExitCode.PASSED if past.versions and verdict is not Verdict.INVALID else ExitCode.INVALID


def add_parser(commands: Commands) -> None:
    """Add the command's arguments to the tree."""
    parser = commands.add_parser(
        "history",
        description="Show a workload's metrics across its versions, with change points: lasting changes of a "
        "metric's level. To judge a single run, use `katydid gate`.",
        epilog="example: katydid history reports/stream --pin v1.0 --html history.html",
    )
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="a workload's folder, as reports/stream")
    parser.add_argument("--html", metavar="F", help="write a page")
    parser.add_argument("--json", metavar="F|-", help="write everything as JSON; - for standard output")
    parser.add_argument(
        "--pin",
        metavar="VERSION",
        help="compare the newest version with this one, to catch slow drift; exit code 1 if slower",
    )


def _compare_with(pin: str, past: History) -> Comparison:
    """Compare the newest version with the pinned one; all other versions are the history that gives the noise."""
    from katydid.analysis.comparison.compare import compare_versions
    from katydid.runs.folder import RunFolder

    versions = {version.name: [RunFolder(Path(run.name)) for run in version.runs] for version in past.versions}
    if pin not in versions:
        known = ", ".join(list(versions)[-5:]) or "none"
        raise ConfigError(f"--pin {pin}: no run of that version counts; the versions are {known}")
    newest = past.versions[-1].name
    if newest == pin:
        raise ConfigError(f"--pin {pin} is the newest version itself: name an older one")
    base, new = versions.pop(pin), versions.pop(newest)
    return compare_versions(base, new, history=[run for runs in versions.values() for run in runs])

"""`katydid report RUN`: the report again, from the run's files alone; also of a run that was killed."""

from collections.abc import Sequence
from pathlib import Path

from katydid.model.arguments import OneLineParser
from katydid.model.errors import ExitCode


def main(arguments: Sequence[str]) -> int:
    """Make the report; 0 for a valid run, 4 for one that is not."""
    from katydid.analysis.definitions import DEFINITIONS

    parser = OneLineParser(
        prog="katydid report",
        description="Make summary.json and report.html of a run again from its samples.",
        epilog="example: katydid report reports/stream/v1.2/20261121T090000Z",
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder")
    parser.add_argument(
        "--definitions",
        metavar="TOOL",
        action="append",
        default=[],
        choices=[*DEFINITIONS, "all"],
        help=f"show TTFT, ITL and TPOT as this tool defines them too ({', '.join(DEFINITIONS)}, all); "
        "needs a run with --record-events; repeatable",
    )
    options = parser.parse_args(arguments)

    import katydid.workloads  # noqa: F401 - registers what their summaries and reports say
    from katydid.report.build import build_report
    from katydid.report.render.terminal import print_summary, terminal
    from katydid.runs.folder import REPORT, RunFolder

    folder = RunFolder(options.run)
    folder.recover()
    tools = list(DEFINITIONS) if "all" in options.definitions else list(dict.fromkeys(options.definitions))
    report = build_report(folder, tools)
    print_summary(report, terminal(), str(folder.path / REPORT))
    return ExitCode.PASSED if report.summary.valid else ExitCode.INVALID

"""`katydid report RUN`: the report again, from the run's files alone; also of a run that was killed."""

from argparse import Namespace
from pathlib import Path

from katydid.model.arguments import Commands
from katydid.model.errors import ExitCode

TOOLS = ("katydid", "vllm", "aiperf", "guidellm", "genai-bench")
"""As `analysis.definitions` has them, which brings pandas."""


def add_parser(commands: Commands) -> None:
    """Add the command's arguments to the tree."""
    parser = commands.add_parser(
        "report",
        description="Make summary.json and report.html of a run again from its samples.",
        epilog="example: katydid report reports/stream/v1.2/20261121T090000Z",
    )
    parser.add_argument("folder", metavar="RUN", type=Path, help="a run folder")
    parser.add_argument(
        "--definitions",
        metavar="TOOL",
        action="append",
        default=[],
        choices=[*TOOLS, "all"],
        help=f"show TTFT, ITL and TPOT as this tool defines them too ({', '.join(TOOLS)}, all); "
        "needs a run with --record-events; repeatable",
    )
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Make the report; 0 for a valid run, 4 for one that is not."""
    import katydid.workloads  # noqa: F401 - registers what their summaries and reports say
    from katydid.report.build import build_report
    from katydid.report.render.terminal import print_summary, terminal
    from katydid.runs.folder import REPORT, RunFolder

    folder = RunFolder(options.folder)
    folder.recover()
    tools = TOOLS if "all" in options.definitions else list(dict.fromkeys(options.definitions))
    report = build_report(folder, tools)
    print_summary(report, terminal(), str(folder.path / REPORT))
    return ExitCode.PASSED if report.summary.valid else ExitCode.INVALID

"""`katydid report RUN`: make a run's report again from its files; works for a run that was killed too."""

from argparse import Namespace
from pathlib import Path

from katydid.model.arguments import Commands
from katydid.model.errors import ExitCode

TOOLS = ("katydid", "vllm", "aiperf", "guidellm", "genai-bench")
"""The tools in `analysis.definitions`, repeated here because that module imports pandas."""


def add_parser(commands: Commands) -> None:
    """Add the command's arguments to the tree."""
    parser = commands.add_parser(
        "report",
        description="Make a run's summary.json and report.html again from its samples.",
        epilog="example: katydid report reports/stream/v1.2/20261121T090000Z",
    )
    parser.add_argument("folder", metavar="RUN", type=Path, help="a run folder")
    parser.add_argument(
        "--definitions",
        metavar="TOOL",
        action="append",
        default=[],
        choices=[*TOOLS, "all"],
        help=f"also show TTFT, ITL and TPOT as this tool defines them ({', '.join(TOOLS)}, all); "
        "needs a run with --record-events; repeatable",
    )


def run(args: Namespace) -> int:
    """Make the report; return 0 if the run is valid, else 4."""
    import katydid.workloads  # noqa: F401 - registers their summaries and report sections
    from katydid.report.build import build_report, print_summary
    from katydid.report.render.terminal import terminal
    from katydid.runs.folder import REPORT, RunFolder

    folder = RunFolder(args.folder)
    folder.recover()
    tools = TOOLS if "all" in args.definitions else list(dict.fromkeys(args.definitions))
    report = build_report(folder, tools)
    print_summary(report, terminal(), str(folder.path / REPORT))
    return ExitCode.PASSED if report.summary.valid else ExitCode.INVALID

"""`katydid run WORKLOAD`: run a workload's locustfile with headless Locust and Katydid's progress and summary.

`capacity` is this command with a load shape.
"""

from argparse import Namespace

from katydid.commands.loading.start import add_run_arguments, start
from katydid.model.arguments import Commands


def add_parser(commands: Commands) -> None:
    """Add the command's arguments to the tree."""
    parser = commands.add_parser(
        "run",
        description="Run a workload through Locust, without its web UI, and write a run folder with a report.",
        add_help=False,
        usage="katydid run WORKLOAD [--host URL | --embedded-target[=OPTIONS]] [options]",
        epilog="example: katydid run stream --host http://gpu-1:8080 --users 50 --run-time 2m",
    )
    add_run_arguments(parser)
    parser.set_defaults(run=run)


def run(args: Namespace, *, stderr: bool = False) -> int:
    """Run a workload and return the exit code of its outcome (`analysis/headline.py`).

    Args:
        args: the command's own arguments; `locusts` has the others.
        stderr: print progress and summary on standard error.
    """
    return start(args, "--headless", "--only-summary", shows_run=True, stderr=stderr)

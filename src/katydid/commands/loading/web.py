"""`katydid web WORKLOAD`: open Locust's web UI for a workload's locustfile, from any folder."""

from argparse import Namespace

from katydid.commands.loading.run import add_run_arguments, start
from katydid.model.arguments import Commands
from katydid.model.errors import ConfigError

_WITHOUT_PAGE = frozenset({"--headless", "--worker"})


def add_parser(commands: Commands) -> None:
    """Add the command's arguments to the tree."""
    parser = commands.add_parser(
        "web",
        description="Open Locust's web UI for a workload, to start runs there and open their reports.",
        add_help=False,
        usage="katydid web WORKLOAD [--host URL | --embedded-target[=OPTIONS]] [options]",
        epilog="example: katydid web stream --host http://127.0.0.1:8080 --web-port 8090",
    )
    add_run_arguments(parser)


def run(args: Namespace) -> int:
    """Serve the page until Ctrl-C; return the exit code of the last run that it started, or 0 if there was none."""
    if odd := _WITHOUT_PAGE & set(args.locusts):
        raise ConfigError(f"{min(odd)} has no page: use katydid run {args.workload or 'WORKLOAD'} {min(odd)}")
    return start(args, shows_run=False)

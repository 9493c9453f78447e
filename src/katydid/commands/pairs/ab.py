"""`katydid ab [WORKLOAD] BASE_HOST NEW_HOST`: run two versions interleaved until it is decided which is faster."""

import argparse
from itertools import takewhile

from katydid.commands.pairs.options import Asked, Version, add_pair_options, check, check_options
from katydid.model.arguments import Commands
from katydid.model.errors import ConfigError, ExitCode
from katydid.protocol.target_url import read_target_url


def add_parser(commands: Commands) -> None:
    """Add the command's own options to the tree; all others are options of `katydid run`."""
    parser = commands.add_parser(
        "ab",
        description="Run two versions interleaved (base new, new base, …) until the verdict is slower, faster or no "
        "difference, or --max-pairs is reached.",
        usage="katydid ab [WORKLOAD] BASE_HOST NEW_HOST [options] [options of `katydid run`]",
        epilog="example: katydid ab stream http://127.0.0.1:8001 http://127.0.0.1:8002 --users 50 --run-time 2m",
    )
    add_pair_options(parser)
    parser.add_argument("--start-new", metavar="CMD", help="command that starts the new version; see --start-base")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare; return the gate's code if there are thresholds, else 4 if the verdict is invalid and 0 otherwise."""
    from katydid.commands.pairs.decide import decide

    decision = decide(args, _read(args))
    if decision.judged is not None:
        return decision.judged
    return ExitCode.INVALID if decision.verdict == "invalid" else ExitCode.PASSED


def _read(args: argparse.Namespace) -> Asked:
    """Read the command line.

    Raises:
        ConfigError: something in it is wrong.
    """
    places = list(takewhile(lambda word: not word.startswith("-"), args.parser.words))
    if len(places) not in {2, 3} or (len(places) == 2 and "://" not in places[0]):
        raise ConfigError("give both hosts first: katydid ab [WORKLOAD] BASE_HOST NEW_HOST [options]")
    workload, hosts = (places[0] if len(places) > 2 else "stream"), places[-2:]
    for host in hosts:
        read_target_url(host)
    versions = {
        "base": Version(args.base_version, hosts[0], args.start_base, "--start-base"),
        "new": Version(args.new_version or "new", hosts[1], args.start_new, "--start-new"),
    }
    asked = Asked(workload, versions, args.locusts[len(places) :])
    check_options(args.parser, asked.options)
    check(args, asked, starts="--start-base CMD and --start-new CMD")
    return asked

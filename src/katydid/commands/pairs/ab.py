"""`katydid ab [WORKLOAD] BASE_HOST NEW_HOST`: run two versions interleaved until it is decided which is faster."""

import argparse

from katydid.commands.pairs.options import Asked, Version, add_pair_options, check_options, checked, places
from katydid.model.arguments import Commands
from katydid.model.errors import ConfigError, ExitCode


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


def run(args: argparse.Namespace) -> int:
    """Compare; return the gate's code if there are thresholds, else 4 if the verdict is invalid and 0 otherwise."""
    from katydid.commands.pairs.decide import decide

    decision = decide(args, _read(args))
    if decision.judged is not None:
        return decision.judged
    return ExitCode.INVALID if decision.verdict == "invalid" else ExitCode.PASSED


def _read(args: argparse.Namespace) -> Asked:
    """Read and check the command line."""
    first = places(args)
    if len(first) not in {2, 3} or (len(first) == 2 and "://" not in first[0]):
        raise ConfigError("give both hosts first: katydid ab [WORKLOAD] BASE_HOST NEW_HOST [options]")
    workload, base, new = ["stream", *first][-3:]
    versions = {
        "base": Version(args.base_version, base, args.start_base, "--start-base"),
        "new": Version(args.new_version or "new", new, args.start_new, "--start-new"),
    }
    options = args.locusts[len(first) :]
    check_options(args.parser, options)
    return checked(args, Asked(workload, versions, options), starts="--start-base CMD and --start-new CMD")

"""`katydid bisect --base HOST --new HOST -- CMD`: an answer for `git bisect run`.

Git reads exit code 0 as good, 125 as "cannot be tested", 128 and more as "stop the search", and all others as bad.
Katydid's usual exit codes would mark a wrong commit as bad, so they are translated: see `for_git`.
"""

import argparse
import shlex
from pathlib import Path

from katydid.commands.output import tell
from katydid.commands.pairs.options import Asked, Version, add_pair_options, check_options, checked, places
from katydid.model.arguments import Commands
from katydid.model.errors import ConfigError, ExitCode
from katydid.resources import git

GOOD, BAD, SKIP, ABORT = 0, 1, 125, 255
"""Exit codes, as git reads them."""
ANSWERS = {"faster": GOOD, "no_difference": GOOD, "slower": BAD, "mixed": BAD, "cannot_tell": SKIP, "invalid": SKIP}
"""The exit code for each verdict; a version that is worse in one metric is bad, whatever is better."""
USAGE = "katydid bisect [WORKLOAD] (--base HOST | --start-base CMD) --new HOST [options of `katydid ab`] -- CMD"


def add_parser(commands: Commands) -> None:
    """Add the command's own options to the tree; all others are options of `katydid run`."""
    parser = commands.add_parser(
        "bisect",
        description="Compare the version that git has checked out, which CMD builds and starts at --new, with a good "
        "one, as `katydid ab` does. Exit code: 0 good (not slower), 1 bad (slower, or mixed), 125 cannot tell, or CMD "
        "did not build or start it.",
        usage=USAGE,
        epilog="example: git bisect run katydid bisect --base http://127.0.0.1:8001 --new http://127.0.0.1:8002 "
        "--users 20 --run-time 1m -- 'make && exec ./serve --port 8002'",
    )
    parser.add_argument(
        "--base", metavar="HOST", help="URL of the good version (default, with --start-base: the same as --new)"
    )
    parser.add_argument("--new", metavar="HOST", help="URL at which CMD serves the checked-out version")
    add_pair_options(parser)


def run(args: argparse.Namespace) -> int:
    """Compare; return the exit code for git."""
    from katydid.commands.pairs.decide import decide
    from katydid.commands.pairs.runs import VersionError

    try:
        decision = decide(args, _read(args))
    except VersionError as error:
        if error.side == "base" or error.exit_code is not ExitCode.USAGE:
            raise
        tell(f"katydid bisect: {error}")
        return SKIP
    if decision.judged == ExitCode.GATE_FAILED:
        return BAD
    return SKIP if decision.judged in {ExitCode.CANNOT_TELL, ExitCode.INVALID} else ANSWERS[decision.verdict]


def for_git(code: int) -> int:
    """Translate an exit code for git.

    Invalid runs mean "cannot be tested". An error says nothing about the version, so it stops a search that is under
    way; outside a search a person reads the code, and it stays as it is.
    """
    if code == ExitCode.INVALID:
        return SKIP
    return ABORT if code in {ExitCode.USAGE, ExitCode.INTERNAL} and _searching() else code


def _searching() -> bool:
    """Return True if `git bisect` is under way in the repository of the working folder."""
    found = git("rev-parse", "--git-path", "BISECT_START", folder=Path())
    return bool(found) and Path(found).is_file()


def _read(args: argparse.Namespace) -> Asked:
    """Read and check the command line."""
    first, words = places(args), args.parser.words
    command = words[words.index("--") + 1 :] if "--" in words else []
    options = [word for word in args.locusts[len(first) : len(args.locusts) - len(command)] if word != "--"]
    check_options(args.parser, options)
    if not command or not args.new or not (args.base or args.start_base) or len(first) > 1:
        raise ConfigError(f"give --base or --start-base, --new, and CMD last: {USAGE}")
    start = command[0] if len(command) == 1 else shlex.join(command)
    label = args.new_version or git("rev-parse", "--short", "HEAD", folder=Path()) or "new"
    versions = {
        "base": Version(args.base_version, args.base or args.new, args.start_base, "--start-base"),
        "new": Version(label, args.new, start, "CMD"),
    }
    workload = first[0] if first else "stream"
    return checked(args, Asked(workload, versions, options), starts="--start-base CMD")

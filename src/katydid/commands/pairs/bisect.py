"""`katydid bisect --base HOST --new HOST -- CMD`: an answer for `git bisect run`.

Git takes 0 as good, 125 as "cannot be tested", 128 and more as the end of the search, and all else as bad. So the exit
codes of the other commands, which would name a wrong commit, are translated: see `for_git`.
"""

import argparse
import shlex
from itertools import takewhile
from pathlib import Path

from katydid.commands.output import tell
from katydid.commands.pairs.options import Asked, Version, add_pair_options, check, check_options
from katydid.model.arguments import Commands
from katydid.model.errors import ConfigError, ExitCode
from katydid.protocol.target_url import read_target_url
from katydid.resources import git

GOOD, BAD, SKIP, ABORT = 0, 1, 125, 255
"""What git reads in an exit code."""
ANSWERS = {"faster": GOOD, "no_difference": GOOD, "slower": BAD, "mixed": BAD, "cannot_tell": SKIP, "invalid": SKIP}
"""By the verdict; a version that is worse in one thing is bad, whatever is better."""
USAGE = "katydid bisect [WORKLOAD] (--base HOST | --start-base CMD) --new HOST [options of `katydid ab`] -- CMD"


def add_parser(commands: Commands) -> None:
    """Add the command's own options to the tree; all others are those of a run."""
    parser = commands.add_parser(
        "bisect",
        description="Compare the version that git has checked out, which CMD builds and starts at --new, with a good "
        "one, as `katydid ab` does. Exit code: 0 good (not slower), 1 bad (slower, or mixed), 125 cannot tell, or CMD "
        "does not build or start.",
        usage=USAGE,
        epilog="example: git bisect run katydid bisect --base http://127.0.0.1:8001 --new http://127.0.0.1:8002 "
        "--users 20 --run-time 1m -- 'make && exec ./serve --port 8002'",
    )
    parser.add_argument(
        "--base", metavar="HOST", help="where the good version answers (default, where it is started: where --new does)"
    )
    parser.add_argument("--new", metavar="HOST", help="where CMD lets the checked-out version answer")
    add_pair_options(parser)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Compare; what git reads in the exit code."""
    from katydid.commands.pairs.decide import decide
    from katydid.commands.pairs.served import VersionError

    try:
        decision = decide(given, _read(given))
    except VersionError as error:
        if error.side == "base" or error.exit_code is not ExitCode.USAGE:
            raise
        tell(f"katydid bisect: {error}")
        return SKIP
    if decision.judged == ExitCode.GATE_FAILED:
        return BAD
    return SKIP if decision.judged in {ExitCode.CANNOT_TELL, ExitCode.INVALID} else ANSWERS[decision.verdict]


def for_git(code: int) -> int:
    """The exit code that git is to read for this one.

    Runs that say nothing cannot be tested. Errors end a search that is going on, as they are no answer about the
    version; where there is none, a person reads them, and they keep their codes.
    """
    if code == ExitCode.INVALID:
        return SKIP
    return ABORT if code in {ExitCode.USAGE, ExitCode.INTERNAL} and _searching() else code


def _searching() -> bool:
    """Whether `git bisect` is under way in the repository that we are in."""
    found = git("rev-parse", "--git-path", "BISECT_START", folder=Path())
    return bool(found) and Path(found).is_file()


def _read(given: argparse.Namespace) -> Asked:
    """What was asked for.

    Raises:
        ConfigError: something is wrong with it.
    """
    places = list(takewhile(lambda word: not word.startswith("-"), given.parser.words))
    words = given.parser.words
    command = words[words.index("--") + 1 :] if "--" in words else []
    options = [word for word in given.locusts[len(places) : len(given.locusts) - len(command)] if word != "--"]
    check_options(given.parser, options)
    if not command or not given.new or not (given.base or given.start_base) or len(places) > 1:
        raise ConfigError(f"give the good version, where CMD lets the other answer, and CMD last: {USAGE}")
    base = given.base or given.new
    for host in (base, given.new):
        read_target_url(host)
    start = command[0] if len(command) == 1 else shlex.join(command)
    label = given.new_version or git("rev-parse", "--short", "HEAD", folder=Path()) or "new"
    versions = {
        "base": Version(given.base_version, base, given.start_base, "--start-base"),
        "new": Version(label, given.new, start, "CMD"),
    }
    asked = Asked(places[0] if places else "stream", versions, options)
    check(given, asked, starts="--start-base CMD")
    return asked

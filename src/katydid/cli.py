"""The command `katydid`: runs a subcommand, and turns whatever it raises into a message and an exit code."""

import errno
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from io import TextIOWrapper
from textwrap import wrap

from katydid.commands import COMMANDS, command_parsers
from katydid.commands.output import known_width, tell
from katydid.model.arguments import did_you_mean
from katydid.model.errors import ExitCode, KatydidError, naming_paths, os_words
from katydid.model.version import __version__

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
CLOSED_PIPE = 141
"""The exit code of a program that SIGPIPE ended; it is not a verdict."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit code (docs/reference/errors.md)."""
    if argv is None and not sys.warnoptions:  # hide warnings of libraries, unless Python was started with -W
        warnings.simplefilter("ignore")
    if isinstance(sys.stdout, TextIOWrapper):  # a path or a label may have bytes that cannot be encoded
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["--version"]:
        print(f"katydid {__version__}")  # noqa: T201 - asked for
        return ExitCode.PASSED
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(_usage())  # noqa: T201 - asked for
        return ExitCode.PASSED if arguments else ExitCode.USAGE
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        known = f": use one of {', '.join(COMMANDS)}"
        _complain(f"there is no command {name!r}{did_you_mean(name, COMMANDS) or known}")
        return ExitCode.USAGE
    code = _call(name, rest)
    if name == "bisect":
        from katydid.commands.pairs.bisect import for_git  # noqa: PLC0415 - no other command is imported

        return for_git(code)
    return code


def _call(name: str, words: Sequence[str]) -> int:
    """Run a command and return its exit code, whatever it raises."""
    try:
        with naming_paths():
            parser = command_parsers([name])[name]
            arguments, rest = parser.parse_known_args(words)
            if rest and not hasattr(arguments, "run_parser"):  # those that have one pass unknown options to Locust
                parser.error(f"unrecognized arguments: {' '.join(rest)}")
            arguments.locusts = rest
            code: int = arguments.run(arguments)
        sys.stdout.flush()
    except KatydidError as error:
        _complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # the reader has closed the pipe, as `| head` does
        _discard_output()
        return CLOSED_PIPE
    except Exception as error:  # noqa: BLE001 - else Python would exit with 1, which means that the gate failed
        if isinstance(error, OSError) and error.errno in _FULL:
            _discard_output()
            _complain(f"the output cannot be written ({os_words(error)}): make room, or write elsewhere")
            return ExitCode.USAGE
        traceback.print_exc()
        _complain("this is a bug in Katydid; please report it with the lines above")
        return ExitCode.INTERNAL
    return code


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python reports the error again at exit


def _usage() -> str:
    names = max(map(len, COMMANDS)) + len("    ")
    room = (known_width(sys.stdout) or 1000) - names
    lines = [
        f"{'' if more else f'  {name}':<{names}}{line}"
        for name, text in COMMANDS.items()
        for more, line in enumerate(wrap(text, room, break_on_hyphens=False))
    ]
    usage = "usage: katydid COMMAND …    (katydid COMMAND --help for its options)"
    return "\n".join([usage, "", *lines, "", "example: katydid run stream --embedded-target --users 20 --run-time 30s"])


def _complain(message: str) -> None:
    tell(f"katydid: {message}")  # one line and no traceback for bad input

"""The command `katydid`: each subcommand reads only what the one before it wrote.

Nothing heavy is imported before it is known which subcommand runs; above all, Locust is imported by
`run` alone, since it patches the whole process.
"""

import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from importlib import import_module

from katydid.model.arguments import did_you_mean
from katydid.model.errors import ExitCode, KatydidError
from katydid.model.version import __version__

COMMANDS = {
    "run": "run a workload against a target, and leave a run folder with its report",
    "report": "make the report of a run again from its folder",
    "compare": "say whether a new version is faster or slower than another, by their runs",
    "ab": "run two versions interleaved until it is decided which is faster",
    "gate": "judge runs by a thresholds file, for CI",
    "history": "show a workload's metrics over its versions, with the changes of their level",
    "capacity": "search the highest load that keeps the objective",
    "plan": "say how many workers a number of streams needs, and how long they would wait",
    "doctor": "check this machine before a run: limits, cores, clocks, and whether the target answers",
    "calibrate": "measure the instrument's own error, and the load that this machine can generate",
    "target": "serve a local target with known, settable behaviour",
    "completion": "print a script that completes commands and options in bash, zsh or fish",
}
"""Each is a module of `katydid.commands` with a `main`; the target's lies with the target."""


CLOSED_PIPE = 141
"""As every program that SIGPIPE ends; it is no verdict."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; its exit code (docs/reference/errors.md)."""
    if argv is None and not sys.warnoptions:  # who wants to see what libraries warn each other of says -W
        warnings.simplefilter("ignore")
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["--version"]:
        print(f"katydid {__version__}")  # noqa: T201 - asked for
        return ExitCode.PASSED
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(_usage())  # noqa: T201 - asked for
        return ExitCode.PASSED if arguments else ExitCode.USAGE
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        _complain(f"there is no command {name!r}{did_you_mean(name, COMMANDS) or _known()}")
        return ExitCode.USAGE
    return _call(name, rest)


def _call(name: str, arguments: Sequence[str]) -> int:
    """Run a command; whatever it raises becomes an exit code."""
    try:
        module = "katydid.target.command" if name == "target" else f"katydid.commands.{name}"
        code: int = import_module(module).main(arguments)
        sys.stdout.flush()
    except KatydidError as error:
        _complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # of `| head`: who read has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains as it leaves
        return CLOSED_PIPE
    except Exception:  # noqa: BLE001 - else Python would exit with 1, which says that the gate failed
        traceback.print_exc()
        _complain("this is an error of Katydid's own; please report it with the lines above")
        return ExitCode.INTERNAL
    return code


def _known() -> str:
    return f": take one of {', '.join(COMMANDS)}"


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            "usage: katydid COMMAND …    (katydid COMMAND --help tells all about one)",
            "",
            *lines,
            "",
            "example: katydid run stream --embedded-target --users 20 --interval 5 --run-time 30s",
        ]
    )


def _complain(message: str) -> None:
    print(f"katydid: {message}", file=sys.stderr)  # noqa: T201 - the one line that bad input gets

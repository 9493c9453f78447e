"""The command `katydid`: each subcommand reads only what the one before it wrote.

Nothing heavy is imported before it is known which subcommand runs; above all, Locust is imported by
`run` alone, since it patches the whole process.
"""

import sys
import traceback
from collections.abc import Callable, Sequence

from katydid import __version__
from katydid.core.errors import ExitCode, KatydidError

Command = Callable[[Sequence[str]], int]


def _run(arguments: Sequence[str]) -> int:
    from katydid.commands.run import main  # noqa: PLC0415 - see above

    return main(arguments)


def _report(arguments: Sequence[str]) -> int:
    from katydid.commands.report import main  # noqa: PLC0415 - see above

    return main(arguments)


def _compare(arguments: Sequence[str]) -> int:
    from katydid.commands.compare import main  # noqa: PLC0415 - see above

    return main(arguments)


def _gate(arguments: Sequence[str]) -> int:
    from katydid.commands.gate import main  # noqa: PLC0415 - see above

    return main(arguments)


def _history(arguments: Sequence[str]) -> int:
    from katydid.commands.history import main  # noqa: PLC0415 - see above

    return main(arguments)


def _target(arguments: Sequence[str]) -> int:
    from katydid.target.command import main  # noqa: PLC0415 - see above

    return main(arguments)


COMMANDS: dict[str, tuple[Command, str]] = {
    "run": (_run, "run a workload against a target, and leave a run folder with its report"),
    "report": (_report, "make the report of a run again from its folder"),
    "compare": (_compare, "say whether a new version is faster or slower than another, by their runs"),
    "gate": (_gate, "judge runs by a thresholds file, for CI"),
    "history": (_history, "show a workload's metrics over its versions, with the changes of their level"),
    "target": (_target, "serve a local target with known, settable behaviour"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; its exit code (DESIGN section 2)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["--version"]:
        print(f"katydid {__version__}")  # noqa: T201 - asked for
        return ExitCode.PASSED
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(_usage())  # noqa: T201 - asked for
        return ExitCode.PASSED if arguments else ExitCode.USAGE
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        _complain(f"there is no command {name!r}: take one of {', '.join(COMMANDS)}")
        return ExitCode.USAGE
    return _call(COMMANDS[name][0], rest)


def _call(command: Command, arguments: Sequence[str]) -> int:
    """Run it; whatever it raises becomes an exit code."""
    try:
        return command(arguments)
    except KatydidError as error:
        _complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception:  # noqa: BLE001 - else Python would exit with 1, which says that the gate failed
        traceback.print_exc()
        _complain("this is an error of Katydid's own; please report it with the lines above")
        return ExitCode.INTERNAL


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items()]
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

"""The command `katydid`: each subcommand reads only what the one before it wrote.

Nothing heavy is imported before it is known which subcommand runs; above all, Locust is imported by
`run` alone, since it patches the whole process.
"""

import sys
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


def _plan(arguments: Sequence[str]) -> int:
    from katydid.commands.plan import main  # noqa: PLC0415 - see above

    return main(arguments)


def _target(arguments: Sequence[str]) -> int:
    from katydid.target.command import main  # noqa: PLC0415 - see above

    return main(arguments)


COMMANDS: dict[str, tuple[Command, str]] = {
    "run": (_run, "run a workload against a target, and leave a run folder with its report"),
    "report": (_report, "make the report of a run again from its folder"),
    "plan": (_plan, "say how many workers a number of streams needs, and how long they would wait"),
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
    try:
        return COMMANDS[name][0](rest)
    except KatydidError as error:
        _complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


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

"""`katydid run WORKLOAD`: run a workload's locustfile with Locust in this process; `web` and `capacity` start here too.

Locust's exit code becomes Katydid's. Options that the command does not know go to Locust unchanged. So do Katydid's
options of a run: they are registered with Locust's parser (`engine/options`).
"""

import argparse
import io
import os
import re
import shlex
import socket
import sys
import traceback
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr
from pathlib import Path

from katydid.commands.output import check_output
from katydid.model.arguments import Commands, OneLineParser, did_you_mean_in, without_values
from katydid.model.errors import ConfigError, ExitCode, KatydidError
from katydid.resources import locustfile, shipped_workloads


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


def run(args: Namespace, *, stderr: bool = False) -> int:
    """Run a workload headless, with Katydid's progress and summary, on standard error if asked; see `start`."""
    return start(args, "--headless", "--only-summary", shows_run=True, stderr=stderr)


def add_run_arguments(parser: OneLineParser) -> None:
    """Add the workload and the options of these commands; unknown options go to Locust (`locusts`)."""
    parser.add_argument(
        "workload", metavar="WORKLOAD", nargs="?", help=f"{', '.join(shipped_workloads())}, or a locustfile"
    )
    parser.add_argument(
        "--embedded-target",
        nargs="?",
        const="",
        metavar="OPTIONS",
        help="start a local target for this run, with OPTIONS of `katydid target`",
    )
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--help-locust", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(run_parser=run_parser)


def start(args: Namespace, *words: str, shows_run: bool, stderr: bool = False) -> int:
    """Start Locust, or print the command's help; return the exit code of the outcome (`analysis/headline.py`).

    Args:
        args: the command's own arguments; `locusts` has the others.
        words: more arguments for Locust.
        shows_run: Katydid shows the run, and Locust logs warnings only; else Locust shows it and logs everything.
        stderr: print progress and summary on standard error.
    """
    parser = args.parser
    if args.help or args.help_locust:
        return _help(parser, args.workload, locusts=args.help_locust)
    if args.workload is None or args.workload.startswith("-"):
        raise ConfigError(f"no workload given: {parser.prog} WORKLOAD, such as `{parser.prog} stream --host URL`")
    if parser.words[0].startswith("-") and args.workload not in shipped_workloads():  # it may be an option's value
        raise ConfigError(f"the workload comes first: {parser.prog} WORKLOAD [options]; see {parser.prog} --help")
    file, locusts = locustfile(args.workload), joined_hosts(args.locusts)
    locusts = ["-f", str(file), *words, *(_quiet(locusts) if shows_run else ()), *_port(locusts), *locusts]
    if not args.workload.endswith(".py"):  # a locustfile may have options of its own
        _check_options(args.workload, locusts, parser.prog)
    with ExitStack() as stack:
        if args.embedded_target is not None:
            locusts = _with_target(stack, args.embedded_target, locusts)
        return _locust(locusts, shows_run=shows_run, stderr=stderr)


def _with_target(stack: ExitStack, options: str, locusts: Sequence[str]) -> list[str]:
    """Start an embedded target; return the arguments for a run against it, with its pid as default `--target-pid`."""
    from katydid.target.process import start_target
    from katydid.target.settings import settings_from_arguments

    target = stack.enter_context(start_target(settings_from_arguments(shlex.split(options))))
    return ["--target-pid", str(target.pid), *locusts, "--host", target.url]


_HOST = ("--host", "-H")


def joined_hosts(words: Sequence[str]) -> list[str]:
    """Join repeated `--host` options into one with commas, since Locust's parser would only take the last."""
    left, hosts, following = [], [], iter(words)
    for word in following:
        name, equals, value = word.partition("=")
        if name in _HOST and not equals:
            value = next(following, "")
        if name in _HOST and value:
            hosts.append(value)
        else:
            left.append(word)
    return [*left, "--host", ",".join(dict.fromkeys(hosts))] if len(hosts) > 1 else list(words)


def _quiet(locusts: Sequence[str]) -> list[str]:
    """Have Locust log warnings only, unless a log level was asked for."""
    asked = "LOCUST_LOGLEVEL" in os.environ or any(a.startswith(("-L", "--loglevel")) for a in locusts)
    return [] if asked else ["--loglevel", "WARNING"]


def _port(locusts: Sequence[str]) -> list[str]:
    """Choose a free port for a run of several processes: on Locust's default port, two runs would mix up workers."""
    several = "LOCUST_PROCESSES" in os.environ or any(a.startswith("--processes") for a in locusts)
    named = any(name.startswith("LOCUST_MASTER") and name.endswith("PORT") for name in os.environ)
    if not several or named or any(a.startswith("--master") for a in locusts):
        return []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    return ["--master-bind-port", port, "--master-port", port]


def _check_options(workload: str, arguments: Sequence[str], command: str) -> None:
    """Report options that Locust would refuse, in one line instead of Locust's several.

    Raises:
        ConfigError: an option or a value is wrong.
    """
    from locust.argument_parser import get_parser

    _install(workload)
    said, parser = io.StringIO(), get_parser()
    parser.add_argument("--embedded-target", help=argparse.SUPPRESS)  # so that it can be suggested
    try:
        with redirect_stderr(said):
            given = parser.parse_args(list(arguments))
    except SystemExit as refusal:
        if not refusal.code:
            raise
        first = said.getvalue().strip().splitlines()[0]  # Locust's guesses may follow below
        complaint = re.sub(r"^[^:]*: error: ", "", first)
        meant = did_you_mean_in(complaint, parser._option_string_actions)  # noqa: SLF001 - argparse has no list of them
        raise ConfigError(f"{without_values(complaint)}{meant or ';'} see {command} --help") from None
    check_output(given.logfile, given.html_file)  # Locust would only find out later
    if more := set(given.user_classes or ()) - {workload.capitalize()}:  # the only class of the workload's locustfile
        raise ConfigError(f"{min(more)!r} is one workload too many: give one workload; see {command} --help")


def _install(workload: str | None) -> int | None:
    """Register the options of a run and of a workload or locustfile with Locust; return a workload's default users."""
    from katydid.engine.options.load import fill_parsers

    users = None
    if workload and workload.endswith(".py"):
        from locust.util.load_locustfile import load_locustfile

        with blaming_locustfile():
            load_locustfile(str(locustfile(workload)))
    elif workload:
        from katydid.workloads import user_class

        users = user_class(workload).default_users
    fill_parsers()
    return users


@contextmanager
def blaming_locustfile() -> Iterator[None]:
    """Report an exception that a locustfile raises while it is loaded as an error in the locustfile.

    Raises:
        ConfigError: in place of such an exception.
    """
    try:
        yield
    except (KatydidError, KeyboardInterrupt):
        raise
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        loading = next((n for n, frame in enumerate(frames) if frame.name == "load_locustfile"), None)
        if loading is None:
            raise
        what = f"it exits ({error.code})" if isinstance(error, SystemExit) else f"{type(error).__name__}: {error}"
        if not isinstance(error, SyntaxError):  # its message has the line already
            own = [frame for frame in frames[loading:] if _is_users(Path(frame.filename))]
            what = "".join(f"{frame.filename}, line {frame.lineno}: " for frame in own[-1:]) + what
        raise ConfigError(f"the locustfile cannot be loaded: {what}") from None


_NOT_USERS = (Path(__file__).resolve().parents[2], Path(traceback.__file__).parent)
"""The folders of Katydid and of Python's standard library."""


def _is_users(file: Path) -> bool:
    """Return True if a file belongs to the locustfile's author: not to a library, to Katydid or to Python itself."""
    return file.is_file() and "site-packages" not in file.parts and not any(map(file.is_relative_to, _NOT_USERS))


def _locust(arguments: list[str], *, shows_run: bool, stderr: bool) -> int:
    from locust import main as locusts_main

    from katydid.engine.live.output import keep_going, take_over_log
    from katydid.engine.live.progress import Progress
    from katydid.engine.plugin import Lifecycle
    from katydid.engine.workers.presence import look_for_master

    keep_going()
    if shows_run:
        Progress.enable(stderr=stderr)
    take_over_log(locusts_main, shows_run=shows_run)
    look_for_master(arguments)
    sys.argv = ["locust", *arguments]
    try:
        with blaming_locustfile():
            locusts_main.main()
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 1
        ours = set(ExitCode) - {ExitCode.GATE_FAILED}  # 1 is also the exit code of Locust's own errors
        if code == Lifecycle.last_code or code in ours:
            return code
        return ExitCode.INTERNAL if Lifecycle.started else ExitCode.USAGE
    return ExitCode.INTERNAL


def run_parser(workload: str | None = None) -> tuple[argparse.ArgumentParser, int | None]:
    """Locust's parser with the options of a run and of a workload or locustfile, and the workload's default users."""
    from locust.argument_parser import get_parser

    users = _install(workload)
    return get_parser(default_config_files=[]), users


def _help(parser: argparse.ArgumentParser, workload: str | None, *, locusts: bool) -> int:
    from katydid.commands.loading.help import locust_help, run_help

    known = workload if workload and (workload in shipped_workloads() or workload.endswith(".py")) else None
    options, users = run_parser(known)
    print(locust_help(options) if locusts else run_help(parser, options, known, users))  # noqa: T201 - asked for
    return ExitCode.PASSED

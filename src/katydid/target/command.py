"""`katydid target`: serves until a signal stops it, or until its parent process has ended."""

import asyncio
import contextlib
import functools
import gc
import os
import signal
import sys
import threading
from argparse import Namespace

from katydid.model.arguments import Commands
from katydid.model.errors import ExitCode
from katydid.target.settings import ABOUT, TargetSettings, add_arguments, settings_of


def add_parser(commands: Commands) -> None:
    """Add the command's arguments to the tree."""
    parser = commands.add_parser("target", **ABOUT)
    add_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Serve with the settings in the arguments."""
    return serve(settings_of(arguments))


def serve(settings: TargetSettings) -> int:
    """Serve until stopped, and return the exit code 0."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(settings))
    return ExitCode.PASSED


async def _serve(settings: TargetSettings) -> None:
    from katydid.target.server import Target  # --help does not need it

    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    signals = [signal.SIGTERM]
    if settings.exit_with_parent:
        # Ctrl-C in a terminal reaches all its processes, but the parent may want to finish requests in flight.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    else:
        signals.append(signal.SIGINT)
    for number in signals:
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt
            loop.add_signal_handler(number, stopped.set)
    if settings.exit_with_parent:
        threading.Thread(target=_listen_to_parent, args=(loop, stopped), daemon=True).start()
    target = Target(settings, loop)
    url = await target.serve()
    gc.freeze()  # all objects so far stay; scanning them at each collection would delay chunks
    print(f"katydid target listening on {url}", flush=True)  # noqa: T201 - the ready line
    await stopped.wait()
    target.stop()
    await asyncio.sleep(0)  # let the connections' last callbacks run


def _listen_to_parent(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    """Read standard input in a thread, and stop the target at its end.

    Each line is answered with an empty line after the loop's current callback. So a parent that has received a whole
    answer and then asks here finds that request in the log.
    """
    with contextlib.suppress(RuntimeError):  # the loop has already ended
        while data := os.read(sys.stdin.fileno(), 4096):
            loop.call_soon_threadsafe(functools.partial(print, "\n" * data.count(b"\n"), end="", flush=True))
        loop.call_soon_threadsafe(stopped.set)

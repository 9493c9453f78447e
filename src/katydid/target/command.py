"""`katydid target`: serves until it is told to stop, or until its parent is gone."""

import asyncio
import contextlib
import gc
import os
import signal
import threading
from collections.abc import Sequence

from katydid.core.errors import ExitCode
from katydid.target.server import Target
from katydid.target.settings import TargetSettings, settings_from_arguments


def main(arguments: Sequence[str]) -> int:
    """Serve; 0 when stopped by a signal."""
    settings = settings_from_arguments(arguments)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(settings))
    return ExitCode.PASSED


async def _serve(settings: TargetSettings) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt
            loop.add_signal_handler(number, stopped.set)
    target = Target(settings, loop)
    server = await target.serve()
    scheme = "https" if settings.tls_cert else "http"
    port = server.sockets[0].getsockname()[1]
    gc.freeze()  # what is there now stays; collecting it again and again would show as late chunks
    print(f"katydid target listening on {scheme}://{settings.host}:{port}", flush=True)  # noqa: T201 - the ready line
    if settings.exit_with_parent:
        watch = threading.Thread(target=_wait_for_end_of_input, args=(loop, stopped), daemon=True)
        watch.start()
    await stopped.wait()
    server.close()
    target.log.close()


def _wait_for_end_of_input(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    while os.read(0, 4096):
        pass
    with contextlib.suppress(RuntimeError):  # the loop has ended first
        loop.call_soon_threadsafe(stopped.set)

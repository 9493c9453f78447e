"""Waiting for a target that is still starting, or loads its model: `--wait-ready`."""

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator

import gevent

from katydid.engine.services.base import NoAnswerError, NotReadyError
from katydid.model.errors import ConfigError, ExitCode
from katydid.model.options.quantities import format_duration

PAUSE = 1.0
"""Seconds between two looks."""


def when_ready(look: Callable[[], str], patience: float, say: Callable[[str], None]) -> str:
    """Look until the target is ready; what the look then says.

    Args:
        look: the look before the load.
        patience: seconds in which a new look may begin; 0 for one alone.
        say: shows a line to the person who waits, where there is something new to say.

    Raises:
        NoAnswerError, NotReadyError: of the one look.
        ConfigError: the target is not ready in time, or cannot be loaded so.
    """
    until = time.monotonic() + patience
    last = ""
    while True:
        try:
            return look()
        except (NoAnswerError, NotReadyError) as error:
            why = str(error)
            if not patience:
                raise
        left = until - time.monotonic()
        if left <= 0:
            raise ConfigError(f"--wait-ready {format_duration(patience)} is over: {why}")
        if why != last:
            say(f"waiting up to {format_duration(patience)} for the target: {why}")
        last = why
        gevent.sleep(min(PAUSE, left))


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Before the run, when Locust does not listen to it yet: SIGTERM, which Ctrl-C becomes here, ends the process."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(int(ExitCode.INTERRUPTED)))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

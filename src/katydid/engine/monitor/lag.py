"""How late the event loop comes to its timers: whatever blocks it shows here.

A timer comes every few milliseconds. It is late by as long as the loop was in somebody's code, had no core, or
stood still with the whole process. While streams keep the loop awake the timer costs its own call; it wakes an
idle process a hundred times a second, for some 0.2 % of a core.
"""

import time
from collections.abc import Callable
from typing import Any

import gevent

PERIOD = 0.01
"""Seconds between looks: whatever blocks the loop for longer is seen, and its length to within as much."""
LATE = 0.005
"""Seconds of lag that do not count as blocked: a loop that works through many streams comes to its timers so late."""


class LagProbe:
    """Watches the event loop that it is made in, until `stop`.

    Args:
        clock: the monotonic one.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._worst = self._blocked = 0.0
        self._timer: Any = gevent.get_hub().loop.timer(PERIOD, PERIOD, ref=False)
        self._due = self._clock() + PERIOD
        self._timer.start(self.look, update=True)

    def take(self) -> tuple[float, float]:
        """Seconds since the last call: the worst lag, and the sum of all lags over `LATE`."""
        now = self._clock()
        if now - self._due > LATE:  # the caller's timer came before ours after a long stop
            self._count(now)
            self._due = now
        taken = self._worst, self._blocked
        self._worst = self._blocked = 0.0
        return taken

    def stop(self) -> None:
        """Watch no longer; safe to call again."""
        self._timer.stop()
        self._timer.close()

    def look(self) -> None:
        """The timer's callback."""
        now = self._clock()
        self._count(now)
        # libev's repeating timers keep their grid, unless they have missed a place on it: then it begins anew.
        self._due = max(self._due + PERIOD, now)

    def _count(self, now: float) -> None:
        lag = now - self._due
        self._worst = max(self._worst, lag)
        if lag > LATE:
            self._blocked += lag

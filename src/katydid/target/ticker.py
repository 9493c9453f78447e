"""Cheap timers: one heap, and one timer of the event loop, for all streams.

A thousand streams with a chunk every 20 ms need 50,000 timers per second. Each of asyncio's own timers costs about as
much as writing the chunk. Deadlines are absolute, so a late tick delays one chunk and not those after it.
"""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

GRAIN = 0.0005
"""Seconds; steps due within one grain run in the same tick. The event loop waits in whole milliseconds, rounded up, so
on average a chunk is neither early nor late."""

Step = Callable[[], float | None]


class Ticker:
    """Calls steps when they are due. A step returns the time of its next call, or None for no more calls."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: list[tuple[float, int, Step]] = []
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None
        self._ticking = False

    def now(self) -> float:
        """The event loop's clock, seconds."""
        return self._loop.time()

    def at(self, when: float, step: Step) -> None:
        """Call `step` at the time `when`."""
        heapq.heappush(self._due, (when, next(self._numbers), step))
        if not self._ticking:
            self._arm()

    def _arm(self) -> None:
        if not self._due:
            return
        when = self._due[0][0]
        if self._timer is not None:
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._ticking = True
        due, horizon = self._due, self._loop.time() + GRAIN
        try:
            while due and due[0][0] <= horizon:
                _, number, step = heapq.heappop(due)
                if (again := step()) is not None:
                    heapq.heappush(due, (again, number, step))
        finally:  # an error in one step must not stop all streams
            self._ticking = False
            self._arm()

"""When to look at the sockets: while many chunks come alone, after a little rest, so that several are there.

A chunk that comes alone costs a wake-up of the process, and that is most of what it costs. Since the kernel says
when it came, it need not be read at once. So while enough of them come for each rest to save a wake-up, the event
loop rests at each of its turns; one wake-up then serves several streams. Without the kernel's stamps nothing rests,
nor where the streams themselves are so fast that the rest makes one read of several of their chunks.
`_intake.c` is the same in C.
"""

import time
from collections.abc import Callable

import gevent.monkey

REST = 0.001
"""Seconds. A start may be late by as much, and chunks of one stream that are closer than that become one read; the
gaps between most services' tokens are five times as long, and the limit for late starts is fifty times this."""
FEWEST = 2000
"""Chunks a second that have to come alone."""
WINDOW = 0.1
"""Seconds over which chunks are counted."""
WORSE = 0.05
"""Reads of several chunks, by those of one, that may come with the rest: streams this fast would lose their gaps."""
AWAKE = 5.0
"""Seconds without a rest after there were more."""

_sleep: Callable[[float], None] = gevent.monkey.get_original("time", "sleep")


class Gathering:
    """One event loop's.

    Attributes:
        alone: content events that came alone, and with a stamp; for the reader to count.
        merged: reads that brought several.
    """

    __slots__ = ("_awake_until", "_began", "_resting", "_usual", "alone", "merged")

    def __init__(self) -> None:
        self.alone = self.merged = 0
        self._began = 0.0
        self._resting = False
        self._awake_until = 0.0
        self._usual = 0.0  # reads of several chunks by those of one, while the loop did not rest

    def turn(self) -> bool:
        """Rest, or not, at a turn of the event loop; whether it did."""
        now = time.monotonic()
        passed = now - self._began
        if passed >= WINDOW:
            share = self.merged / max(self.alone, 1)
            if not self._resting:
                self._usual = share
            elif share > self._usual + WORSE:
                self._awake_until = now + AWAKE
            self._resting = self.alone >= passed * FEWEST and now >= self._awake_until
            self.alone, self.merged, self._began = 0, 0, now
        if self._resting:
            _sleep(REST)
        return self._resting


GATHERING = Gathering()
"""This process's: it has one event loop."""

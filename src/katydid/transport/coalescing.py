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

COALESCE_S = 0.001
"""Seconds. A start may be late by as much, and chunks of one stream that are closer than that become one read; the
gaps between most services' tokens are five times as long, and the limit for late starts is fifty times this."""
FEWEST = 2000
"""Chunks a second that have to come alone."""
WINDOW_S = 0.1
"""Seconds over which chunks are counted."""
MERGE_RATE_LIMIT = 0.05
"""Reads of several chunks, by those of one, that may come with the rest: streams this fast would lose their gaps."""
BACKOFF_S = 5.0
"""Seconds without a rest after there were more."""

SAME_TURN_NS = 50_000
"""Nanoseconds between the calls of two clients in one turn of the loop, at most."""

_sleep: Callable[[float], None] = gevent.monkey.get_original("time", "sleep")


class ReadCoalescer:
    """One event loop's.

    Attributes:
        alone: content events that came alone, and with a stamp; for the reader to count.
        merged: reads that brought several.
        stamped, unstamped: reads whose time is the kernel's, and those whose time is our own; only ever grow.
        looked_ns: begin of the turn before this one, on the monotonic clock: what is read now came after that, since
            the loop has looked at all sockets in between; None before there was any.
    """

    __slots__ = (
        "_awake_until",
        "_began",
        "_resting",
        "_turned_ns",
        "_usual",
        "alone",
        "looked_ns",
        "merged",
        "stamped",
        "unstamped",
    )

    def __init__(self) -> None:
        self.alone = self.merged = self.stamped = self.unstamped = 0
        self.looked_ns: int | None = None
        self._turned_ns: int | None = None
        self._began = 0.0
        self._resting = False
        self._awake_until = 0.0
        self._usual = 0.0  # reads of several chunks by those of one, while the loop did not rest

    def tick(self) -> bool:
        """Rest, or not, at a turn of the event loop; whether it did."""
        now = time.monotonic()
        now_ns = round(now * 1e9)
        if self._turned_ns is None or now_ns - self._turned_ns >= SAME_TURN_NS:
            self.looked_ns, self._turned_ns = self._turned_ns, now_ns
        passed = now - self._began
        if passed >= WINDOW_S:
            share = self.merged / max(self.alone, 1)
            if not self._resting:
                self._usual = share
            elif share > self._usual + MERGE_RATE_LIMIT:
                self._awake_until = now + BACKOFF_S
            self._resting = self.alone >= passed * FEWEST and now >= self._awake_until
            self.alone, self.merged, self._began = 0, 0, now
        if self._resting:
            _sleep(COALESCE_S)
        return self._resting


COALESCER = ReadCoalescer()
"""This process's: it has one event loop."""

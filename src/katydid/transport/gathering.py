"""When to look at the sockets: while many chunks come alone, after a little rest, so that several are there.

A chunk that comes alone costs a wake-up of the process, and that is most of what it costs. Since the kernel says
when it came, it need not be read at once. So while enough of them come for each rest to save a wake-up, the event
loop rests at each of its turns; one wake-up then serves several streams. Without the kernel's stamps nothing rests.
`_intake.c` is the same in C.
"""

import time
from collections.abc import Callable

import gevent.monkey

REST = 0.0005
"""Seconds. A start may be late by as much, and chunks of one stream that are closer than that become one read; the
gaps between tokens are ten times as long, and the limit for late starts is a hundred times this."""
WINDOW = 0.1
"""Seconds over which chunks are counted."""

_sleep: Callable[[float], None] = gevent.monkey.get_original("time", "sleep")


class Gathering:
    """One event loop's.

    Attributes:
        alone: content events that came alone, and with a stamp; for the reader to count.
    """

    __slots__ = ("_began", "_resting", "alone")

    def __init__(self) -> None:
        self.alone = 0
        self._began = 0.0
        self._resting = False

    def turn(self) -> bool:
        """Rest, or not, at a turn of the event loop; whether it did."""
        now = time.monotonic()
        passed = now - self._began
        if passed >= WINDOW:
            self._resting = self.alone >= passed / REST
            self.alone, self._began = 0, now
        if self._resting:
            _sleep(REST)
        return self._resting


GATHERING = Gathering()
"""This process's: it has one event loop."""

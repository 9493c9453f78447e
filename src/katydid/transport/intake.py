"""One socket's reads: each is stamped, and plain content events in it are noted without waking anybody.

This is where nearly every chunk of a run ends. A reader is armed with what a plain content event looks like
(`protocol.counting`); what a read brings of such events, each an HTTP chunk of its own, it only notes the time of.
Anything else goes to the listener, from the first byte that is something else. `_intake.c` is the same in C,
taken where it could be compiled: a Python call for each chunk, with the processor's caches gone cold in between,
costs several times what all the rest of Katydid does with it.

A chunk that comes alone costs a wake-up of the process, and that is most of what it costs. Since the kernel says
when it came, it need not be read at once. So while enough of them come for each rest to save a wake-up, the event
loop rests at each of its turns; one wake-up then serves several streams. Without the kernel's stamps nothing rests,
nor where the streams themselves are so fast that the rest makes one read of several of their chunks.
"""

import socket
import time
from collections.abc import Callable
from typing import Protocol

import gevent.monkey

from katydid.protocol import skim
from katydid.protocol.skim import ChunkRule
from katydid.transport import clock

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
MOST_EVENTS = 4096
"""Events that are noted before the listener hears of them, so that a stream without an end meets its limits."""


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


class Listener(Protocol):
    """Whom a reader tells what it does not take itself. Called in the event loop: it must not block or raise."""

    def on_read(self, wire: bytes, at: float, /) -> None:
        """Take bytes that arrived at `at`, seconds on the monotonic clock; none: the peer has closed."""

    def on_error(self, error: OSError, /) -> None:
        """The connection is dead."""


class Reader(Protocol):
    """What both twins are.

    Attributes:
        armed: whether plain events are noted.
        last_at: arrival of what the latest read brought; its reading, where the kernel has no stamp of it.
        lag_ns: how far behind the kernel a read was, at worst; for the caller to reset.
    """

    lag_ns: int

    @property
    def armed(self) -> bool: ...  # noqa: D102 - see the class
    @property
    def last_at(self) -> float: ...  # noqa: D102 - see the class

    def on_readable(self, listener: Listener, /) -> None:
        """Read once, as the event loop's callback."""

    def read(self, listener: Listener, /) -> bool:
        """Read once; False where there was nothing."""

    def arm(self, rule: ChunkRule, /) -> None:
        """Note plain events from now on; see `protocol.skim.skim`."""

    def disarm(self) -> tuple[list[float], int, int, int]:
        """Note no more; gives what was noted since the last time.

        Returns:
            (reads, events, first, size): arrivals of the reads that brought any, how many all of them and how
            many the first of them brought, and the bytes of their bodies.
        """


class Intake:
    """The twin in Python; see `Reader`."""

    __slots__ = ("_events", "_first", "_reads", "_rule", "_size", "_sock", "lag_ns", "last_at")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._rule: ChunkRule | None = None
        self._reads: list[float] = []
        self._events = self._first = self._size = 0
        self.last_at = 0.0
        self.lag_ns = 0

    @property
    def armed(self) -> bool:
        """See `Reader`."""
        return self._rule is not None

    def on_readable(self, listener: Listener, /) -> None:
        """See `Reader.on_readable`."""
        self.read(listener)

    def read(self, listener: Listener, /) -> bool:
        """See `Reader.read`."""
        try:
            wire, self.last_at, age = clock.receive(self._sock, COALESCER.looked_ns)
        except BlockingIOError:
            return False
        except OSError as error:
            listener.on_error(error)
            return False
        if age is not None and age > self.lag_ns:
            self.lag_ns = age
        count_read(wire, age)
        position = 0
        if self._rule and self._events < MOST_EVENTS:
            position, events, size = skim.fastest(wire, 0, self._rule)
            self._note(events, size)
            if age is not None:
                COALESCER.alone += events == 1
                COALESCER.merged += events > 1
            if events and position == len(wire):
                return True
        listener.on_read(wire[position:], self.last_at)
        return bool(wire)

    def arm(self, rule: ChunkRule, /) -> None:
        """See `Reader.arm`."""
        self._rule = rule

    def disarm(self) -> tuple[list[float], int, int, int]:
        """See `Reader.disarm`."""
        taken = self._reads, self._events, self._first, self._size
        self._rule, self._reads = None, []
        self._events = self._first = self._size = 0
        return taken

    def _note(self, events: int, size: int) -> None:
        if not events:
            return
        if not self._reads:
            self._first = events
        self._reads.append(self.last_at)
        self._events += events
        self._size += size


def count_read(wire: bytes, age_ns: int | None) -> None:
    """Note whose time a read has; see `stamps`."""
    if wire and age_ns is None:
        COALESCER.unstamped += 1
    elif wire:
        COALESCER.stamped += 1


def stamps() -> tuple[int, int]:
    """Reads of this process that brought something: those whose time is the kernel's, and those whose is our own."""
    stamped, unstamped = (0, 0) if compiled is None else _intake.stamps()
    return COALESCER.stamped + stamped, COALESCER.unstamped + unstamped


def reader(sock: socket.socket) -> Reader:
    """What reads a socket, the faster twin where it is there."""
    return Intake(sock) if compiled is None else compiled(sock.fileno())


try:
    from katydid.transport import _intake
except ImportError:
    compiled, on_turn = None, COALESCER.tick
else:
    compiled, on_turn = _intake.Intake, _intake.turn
    """The twin in C, and its `gathering.ReadCoalescer.turn`; None, and the one in Python, where it is not there."""

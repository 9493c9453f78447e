"""Read one socket: timestamp each read, and note plain content events in it without waking a greenlet.

Nearly every chunk of a run ends here. A reader is armed with the rule for plain content events (`protocol.counting`).
If a read begins with such events, each in an HTTP chunk of its own, the reader only notes their time. Anything else
goes to the listener, from the first byte that does not match. `_intake.c` does the same in C and is used if it was
compiled: a Python call per chunk, with cold processor caches, costs several times as much as everything else that
Katydid does with a chunk.

Read coalescing: a chunk that arrives alone wakes the process up, which is most of its cost. The kernel timestamps it,
so it need not be read at once. While enough chunks arrive for each pause to save a wake-up, the event loop sleeps
briefly in each iteration, so that one wake-up serves several streams. It does not sleep without kernel timestamps, nor
if the streams are so fast that the pause would merge several chunks of one stream into one read.
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
"""Seconds of a pause. It may delay a start by as much, and merges chunks of one stream that are closer together. The
gaps between most services' tokens are five times as long, and the limit for late starts is fifty times as long."""
FEWEST = 2000
"""Minimum rate of chunks that arrive alone, per second, for pauses."""
WINDOW_S = 0.1
"""Seconds over which chunks are counted."""
MERGE_RATE_LIMIT = 0.05
"""Maximum increase, due to pauses, of the ratio of reads with several chunks to reads with one: fast streams would
lose their gaps."""
BACKOFF_S = 5.0
"""Seconds without pauses after that limit was exceeded."""

SAME_TURN_NS = 50_000
"""Maximum nanoseconds between the calls of two clients in one iteration of the event loop."""

_sleep: Callable[[float], None] = gevent.monkey.get_original("time", "sleep")
MOST_EVENTS = 4096
"""Events that are noted before the listener is called, so that the limits apply to an endless stream too."""


class ReadCoalescer:
    """The read coalescing of one event loop.

    Attributes:
        alone: content events that arrived alone and with a kernel timestamp; readers count them.
        merged: reads with several content events.
        stamped, unstamped: reads with and without a kernel timestamp; they are never reset.
        looked_ns: start of the previous iteration, on the monotonic clock. What is read now arrived later, since the
            loop has checked all sockets in between. None before the second iteration.
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
        self._usual = 0.0  # ratio of reads with several chunks to reads with one, without pauses

    def tick(self) -> bool:
        """Called in each iteration of the event loop: pause if that pays; return True if it paused."""
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
"""The one of this process, which has one event loop."""


class Listener(Protocol):
    """Takes what a reader does not handle itself. Called in the event loop: it must not block or raise."""

    def on_read(self, wire: bytes, at: float, /) -> None:
        """Take bytes that arrived at `at`, in seconds on the monotonic clock; no bytes if the peer has closed."""

    def on_error(self, error: OSError, /) -> None:
        """The connection failed."""


class Reader(Protocol):
    """The interface of both implementations.

    Attributes:
        armed: True while plain events are noted.
        last_at: arrival of the latest read's bytes; the time of the read if there is no kernel timestamp.
        lag_ns: the longest delay of a read after the arrival in the kernel; the caller resets it.
    """

    lag_ns: int

    @property
    def armed(self) -> bool: ...  # noqa: D102 - see the class
    @property
    def last_at(self) -> float: ...  # noqa: D102 - see the class

    def on_readable(self, listener: Listener, /) -> None:
        """Read once, as the event loop's callback."""

    def read(self, listener: Listener, /) -> bool:
        """Read once; return False if there was nothing to read."""

    def arm(self, rule: ChunkRule, /) -> None:
        """Note plain events from now on; see `protocol.skim.skim`."""

    def disarm(self) -> tuple[list[float], int, int, int]:
        """Stop noting plain events; return those noted since the last call.

        Returns:
            (reads, events, first, size): arrivals of the reads with such events, the number of events in all of them
            and in the first of them, and the bytes of their bodies.
        """


class Intake:
    """The implementation in Python; see `Reader`."""

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
    """Count a read by whether it had a kernel timestamp; see `stamps`."""
    if wire and age_ns is None:
        COALESCER.unstamped += 1
    elif wire:
        COALESCER.stamped += 1


def stamps() -> tuple[int, int]:
    """The numbers of this process's reads with and without a kernel timestamp."""
    stamped, unstamped = (0, 0) if compiled is None else _intake.stamps()
    return COALESCER.stamped + stamped, COALESCER.unstamped + unstamped


def reader(sock: socket.socket) -> Reader:
    """Create a reader of a socket, in C if it was compiled."""
    return Intake(sock) if compiled is None else compiled(sock.fileno())


try:
    from katydid.transport import _intake
except ImportError:
    compiled, on_turn = None, COALESCER.tick
else:
    compiled, on_turn = _intake.Intake, _intake.turn
    """The reader in C and its `ReadCoalescer.tick`; None and the Python version if it was not compiled."""

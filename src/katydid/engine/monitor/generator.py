"""Monitors the generator itself once a second, so that a slow generator is not mistaken for a slow target.

A process that has run out of file descriptors must still report its state, then most of all. So the files in /proc
are opened when the run begins and read again and again. Without /proc, psutil is used; figures that cannot be read are
None.
"""

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from typing import Any

import gevent
import psutil

from katydid.engine.run_info import RunInfo
from katydid.runs.rows import MonitorRow, RowBuffer, record_schema
from katydid.transport.intake import stamps

PERIOD = 1.0
SUSPENDED = 0.005
"""Seconds by which two clocks that are read one after the other may differ without a suspension."""
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_MOST = 64 * 1024


@dataclass(slots=True)
class Monitor:
    """Adds one row per second about this `process` to a buffer, until its greenlet is killed.

    Opens all its file descriptors when it is created, and no more later. Exactly one process per machine records the
    traffic of the `whole_machine` too. The other arguments return the current numbers.
    """

    info: RunInfo
    process: str
    users: Callable[[], int]
    connections: Callable[[], int]
    in_flight: Callable[[], int]
    whole_machine: InitVar[bool]
    buffer: RowBuffer = field(init=False, default_factory=lambda: RowBuffer(record_schema(MonitorRow)))
    _own: "_OwnProcess" = field(init=False)

    def __post_init__(self, whole_machine: bool) -> None:
        self._own = _OwnProcess(whole_machine)

    def run(self) -> None:
        """Run as the body of the greenlet; when it is killed, add a last row if something blocked the loop."""
        seen = _Look(self._own)
        probe = LagProbe()
        try:
            while True:
                gevent.sleep(max(0.0, seen.at + PERIOD - time.monotonic()))
                seen = self._row(seen, *probe.take())
        finally:
            lag, blocked = probe.take()
            if blocked > 0:
                self._row(seen, lag, blocked)
            probe.stop()
            self._own.close()

    def _row(self, before: "_Look", lag: float, blocked: float) -> "_Look":
        now = _Look(self._own)
        passed = max(now.at - before.at, 1e-3)
        waited = None if now.waited is None or before.waited is None else now.waited - before.waited
        sent, received = (
            (new - old for new, old in zip(now.network, before.network, strict=True))
            if now.network and before.network
            else (None, None)
        )
        self.buffer.append(
            MonitorRow(
                at_ms=self.info.ms(now.at),
                process=self.process,
                users=self.users(),
                cpu_percent=(now.used - before.used) / passed * 100.0,
                cpu_wait_percent=None if waited is None else waited / passed * 100.0,
                memory_bytes=self._own.memory_bytes(),
                sent_bytes=sent,
                received_bytes=received,
                loop_lag_ms=lag * 1000.0,
                open_connections=self.connections(),
                clock_step_ms=(now.offset - before.offset) * 1000.0,
                stamped_reads=now.stamps[0] - before.stamps[0],
                unstamped_reads=now.stamps[1] - before.stamps[1],
                in_flight=self.in_flight(),
                blocked_ms=(blocked + max(0.0, now.asleep - before.asleep - SUSPENDED)) * 1000.0,
            )
        )
        return now


class _Look:
    """The counters at one moment."""

    def __init__(self, own: "_OwnProcess") -> None:
        self.at = time.monotonic()
        self.used = time.process_time()
        self.waited = own.waited()
        self.network = own.network()
        self.offset = time.time() - time.monotonic()
        self.asleep = suspended()
        self.stamps = stamps()


class _KeptFile:
    """A file in /proc that is opened once and read anew each time; `read` returns None if there is no such file."""

    def __init__(self, path: str) -> None:
        self._fd: int | None = None
        with contextlib.suppress(OSError):
            self._fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))

    def read(self) -> bytes | None:
        with contextlib.suppress(OSError):
            return None if self._fd is None else os.pread(self._fd, _MOST, 0)
        return None

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class _OwnProcess:
    """What the operating system knows of this process and its machine, until `close`."""

    def __init__(self, whole_machine: bool) -> None:
        self._whole_machine = whole_machine
        self._ps = psutil.Process()
        self._memory = _KeptFile("/proc/self/statm")
        self._scheduler = _KeptFile("/proc/self/schedstat")
        self._network = _KeptFile("/proc/net/dev")
        self._last_memory = 0

    def close(self) -> None:
        for file in (self._memory, self._scheduler, self._network):
            file.close()

    def memory_bytes(self) -> int:
        """Resident memory; the last known value if it cannot be read any more."""
        text = self._memory.read()
        with contextlib.suppress(OSError, psutil.Error, IndexError, ValueError):
            self._last_memory = int(text.split()[1]) * _PAGE if text else self._ps.memory_info().rss
        return self._last_memory

    def waited(self) -> float | None:
        """Seconds that the main thread was runnable without a core (Documentation/scheduler/sched-stats.rst)."""
        text = self._scheduler.read()
        with contextlib.suppress(IndexError, ValueError):
            return int(text.split()[1]) / 1e9 if text else None
        return None

    def network(self) -> tuple[int, int] | None:
        """Bytes (sent, received) on all interfaces of the machine, if they are recorded.

        /proc/net/dev has one line per interface, with eight columns for received data and eight for sent data.
        """
        if not self._whole_machine:
            return None
        text = self._network.read()
        with contextlib.suppress(OSError, psutil.Error, IndexError, ValueError):
            if text is None:
                counters = psutil.net_io_counters()
                return (counters.bytes_sent, counters.bytes_recv) if counters else None
            lines = text.decode("ascii", "replace").splitlines()[2:]
            columns = [line.rpartition(":")[2].split() for line in lines]
            return sum(int(each[8]) for each in columns), sum(int(each[0]) for each in columns)
        return None


def suspended() -> float:
    """Seconds that this machine has been suspended since boot; the monotonic clock stops in a suspension."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()


LAG_PERIOD = 0.01
"""Seconds between timers: a block of the loop that is longer is seen, and its length is known to this accuracy."""
LAG_LATE = 0.005
"""Lag in seconds that does not count as blocked: a loop that is busy with many streams runs timers this late."""


class LagProbe:
    """Measures the lag of the event loop that it is created in, until `stop`.

    A timer runs every few milliseconds. It is late by the time for which the loop was busy in some code, had no core,
    or stood still with the whole process. While streams keep the loop busy, the timer costs only its own call; it
    wakes an idle process a hundred times per second, for about 0.2 % of a core.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._worst = self._blocked = 0.0
        self._timer: Any = gevent.get_hub().loop.timer(LAG_PERIOD, LAG_PERIOD, ref=False)
        self._due = self._clock() + LAG_PERIOD
        self._timer.start(self.look, update=True)

    def take(self) -> tuple[float, float]:
        """The worst lag since the last call, and the sum of all lags over `LAG_LATE`, in seconds."""
        now = self._clock()
        if now - self._due > LAG_LATE:  # after a long block, the caller's timer may run before this one
            self._count(now)
            self._due = now
        taken = self._worst, self._blocked
        self._worst = self._blocked = 0.0
        return taken

    def stop(self) -> None:
        """Stop the timer; safe to call again."""
        self._timer.stop()
        self._timer.close()

    def look(self) -> None:
        """The timer's callback."""
        now = self._clock()
        self._count(now)
        # libev's repeating timers keep to their grid, but start a new one after missing a place on it.
        self._due = max(self._due + LAG_PERIOD, now)

    def _count(self, now: float) -> None:
        lag = now - self._due
        self._worst = max(self._worst, lag)
        if lag > LAG_LATE:
            self._blocked += lag

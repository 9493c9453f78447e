"""Monitors the generator itself once a second, so that a slow generator is not mistaken for a slow target."""

import time
from collections.abc import Callable
from typing import Any

import gevent

from katydid.engine.monitor.own_process import OwnProcess, suspended
from katydid.engine.run_info import RunInfo
from katydid.runs.rows import MonitorRow, RowBuffer, record_schema
from katydid.transport.intake import stamps

PERIOD = 1.0
SUSPENDED = 0.005
"""Seconds by which two clocks that are read one after the other may differ without a suspension."""


class Monitor:
    """Adds one row per second to a buffer until its greenlet is killed.

    Opens all its file descriptors when it is created, and no more later.

    Args:
        info: the run.
        process: name of this process in the rows.
        users: returns the number of running users.
        connections: returns the number of open connections.
        in_flight: returns the number of requests in flight.
        whole_machine: record the machine's network traffic too; exactly one process per machine does.
    """

    def __init__(
        self,
        info: RunInfo,
        process: str,
        users: Callable[[], int],
        connections: Callable[[], int],
        in_flight: Callable[[], int],
        *,
        whole_machine: bool,
    ) -> None:
        self.buffer = RowBuffer(record_schema(MonitorRow))
        self._info = info
        self._process = process
        self._users = users
        self._connections = connections
        self._in_flight = in_flight
        self._whole_machine = whole_machine
        self._own = OwnProcess()

    def run(self) -> None:
        """Run as the body of the greenlet; when it is killed, add a last row if something blocked the loop."""
        seen = _Look(self._own, self._network())
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
        now = _Look(self._own, self._network())
        passed = max(now.at - before.at, 1e-3)
        waited = None if now.waited is None or before.waited is None else now.waited - before.waited
        sent, received = (
            (new - old for new, old in zip(now.network, before.network, strict=True))
            if now.network and before.network
            else (None, None)
        )
        self.buffer.append(
            MonitorRow(
                at_ms=self._info.ms(now.at),
                process=self._process,
                users=self._users(),
                cpu_percent=(now.used - before.used) / passed * 100.0,
                cpu_wait_percent=None if waited is None else waited / passed * 100.0,
                memory_bytes=self._own.memory_bytes(),
                sent_bytes=sent,
                received_bytes=received,
                loop_lag_ms=lag * 1000.0,
                open_connections=self._connections(),
                clock_step_ms=(now.offset - before.offset) * 1000.0,
                stamped_reads=now.stamps[0] - before.stamps[0],
                unstamped_reads=now.stamps[1] - before.stamps[1],
                in_flight=self._in_flight(),
                blocked_ms=(blocked + max(0.0, now.asleep - before.asleep - SUSPENDED)) * 1000.0,
            )
        )
        return now

    def _network(self) -> tuple[int, int] | None:
        return self._own.network() if self._whole_machine else None


class _Look:
    """The counters at one moment."""

    def __init__(self, own: OwnProcess, network: tuple[int, int] | None) -> None:
        self.at = time.monotonic()
        self.used = own.cpu_seconds()
        self.waited = own.waited()
        self.network = network
        self.offset = time.time() - time.monotonic()
        self.asleep = suspended()
        self.stamps = stamps()


LAG_PERIOD = 0.01
"""Seconds between timers: a block of the loop that is longer is seen, and its length is known to this accuracy."""
LAG_LATE = 0.005
"""Lag in seconds that does not count as blocked: a loop that is busy with many streams runs timers this late."""


class LagProbe:
    """Measures the lag of the event loop that it is created in, until `stop`.

    A timer runs every few milliseconds. It is late by the time for which the loop was busy in some code, had no core,
    or stood still with the whole process. While streams keep the loop busy, the timer costs only its own call; it
    wakes an idle process a hundred times per second, for about 0.2 % of a core.

    Args:
        clock: a monotonic clock.
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

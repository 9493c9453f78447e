"""How the generator itself is doing, once a second: what later tells a slow target from a slow us."""

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
"""Seconds by which two clocks that are read behind each other may seem to run apart."""


class Monitor:
    """Fills a buffer with one row a second until its greenlet is killed.

    Needs no file descriptor but those that it opens when it is made.

    Args:
        whole_machine: count the machine's network bytes here; one process a machine does.
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
        """The greenlet's body. What blocked the loop after its last row it tells when it is killed."""
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
    """What counters said at one moment."""

    def __init__(self, own: OwnProcess, network: tuple[int, int] | None) -> None:
        self.at = time.monotonic()
        self.used = own.cpu_seconds()
        self.waited = own.waited()
        self.network = network
        self.offset = time.time() - time.monotonic()
        self.asleep = suspended()
        self.stamps = stamps()


LAG_PERIOD = 0.01
"""Seconds between looks: whatever blocks the loop for longer is seen, and its length to within as much."""
LAG_LATE = 0.005
"""Seconds of lag that do not count as blocked: a loop that works through many streams comes to its timers so late."""


class LagProbe:
    """Watches the event loop that it is made in, until `stop`: whatever blocks it makes its timers late.

    A timer comes every few milliseconds. It is late by as long as the loop was in somebody's code, had no core, or
    stood still with the whole process. While streams keep the loop awake the timer costs its own call; it wakes an
    idle process a hundred times a second, for some 0.2 % of a core.

    Args:
        clock: the monotonic one.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._worst = self._blocked = 0.0
        self._timer: Any = gevent.get_hub().loop.timer(LAG_PERIOD, LAG_PERIOD, ref=False)
        self._due = self._clock() + LAG_PERIOD
        self._timer.start(self.look, update=True)

    def take(self) -> tuple[float, float]:
        """Seconds since the last call: the worst lag, and the sum of all lags over `LAG_LATE`."""
        now = self._clock()
        if now - self._due > LAG_LATE:  # the caller's timer came before ours after a long stop
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
        self._due = max(self._due + LAG_PERIOD, now)

    def _count(self, now: float) -> None:
        lag = now - self._due
        self._worst = max(self._worst, lag)
        if lag > LAG_LATE:
            self._blocked += lag

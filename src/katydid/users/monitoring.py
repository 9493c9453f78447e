"""How the generator itself is doing, once a second: what later tells a slow target from a slow us."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import psutil

from katydid.store.monitor import MonitorRow
from katydid.store.rows import RowBuffer, record_schema
from katydid.users.runinfo import RunInfo

PERIOD = 1.0
_SCHEDULER = Path("/proc/self/schedstat")
PROBE = 0.05
"""Seconds between looks at the event loop; a callback that blocks it for longer is seen."""


class Monitor:
    """Fills a buffer with one row a second until its greenlet is killed.

    Args:
        whole_machine: count the machine's network bytes here; one process a machine does.
    """

    def __init__(
        self,
        info: RunInfo,
        process: str,
        users: Callable[[], int],
        connections: Callable[[], int],
        *,
        whole_machine: bool,
    ) -> None:
        self.buffer = RowBuffer(record_schema(MonitorRow))
        self._info = info
        self._process = process
        self._users = users
        self._connections = connections
        self._whole_machine = whole_machine
        self._ps = psutil.Process()

    def run(self) -> None:
        """The greenlet's body."""
        self._ps.cpu_percent()
        waited, looked = _waited(), time.monotonic()
        network = self._network()
        offset = time.time() - time.monotonic()
        while True:
            lag = self._watch_loop(time.monotonic() + PERIOD)
            before, network = network, self._network()
            waited_before, waited, looked_before, looked = waited, _waited(), looked, time.monotonic()
            before_offset, offset = offset, time.time() - time.monotonic()
            sent, received = (
                (now - then for now, then in zip(network, before, strict=True)) if network and before else (None, None)
            )
            self.buffer.append(
                MonitorRow(
                    at_ms=self._info.ms(time.monotonic()),
                    process=self._process,
                    users=self._users(),
                    cpu_percent=self._ps.cpu_percent(),
                    cpu_wait_percent=(
                        None
                        if waited is None or waited_before is None
                        else (waited - waited_before) / (looked - looked_before) * 100.0
                    ),
                    memory_bytes=self._ps.memory_info().rss,
                    sent_bytes=sent,
                    received_bytes=received,
                    loop_lag_ms=lag * 1000.0,
                    open_connections=self._connections(),
                    clock_step_ms=(offset - before_offset) * 1000.0,
                )
            )

    def _watch_loop(self, until: float) -> float:
        worst = 0.0
        while (now := time.monotonic()) < until:
            gevent.sleep(PROBE)
            worst = max(worst, time.monotonic() - now - PROBE)
        return worst

    def _network(self) -> Any:
        if not self._whole_machine:
            return None
        counters = psutil.net_io_counters()
        return (counters.bytes_sent, counters.bytes_recv) if counters else None


def _waited() -> float | None:
    """Seconds that this process's main thread was ready and had no core (Documentation/scheduler/sched-stats.rst)."""
    try:
        return int(_SCHEDULER.read_bytes().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return None

"""Monitors the CPU and memory of the machine that keeps the run folder, and of the target if possible, once a second.

The target is watched as a process on this machine, or through its Prometheus metrics. Figures that cannot be read
leave no row, and never make a run fail.
"""

import contextlib
import logging
import time
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException

import gevent
import psutil
from prometheus_client.parser import text_string_to_metric_families

from katydid.engine.run_info import RunInfo
from katydid.model.values import amount
from katydid.runs.rows import MACHINE, TARGET, MonitorRow, RowBuffer

logger = logging.getLogger("katydid")

PERIOD = 1.0
SCRAPE_TIMEOUT = 0.9
MOST_METRICS = 4 * 1024 * 1024
"""Bytes of metrics to read at most: no service has that many, and an endless answer must not fill the memory."""
CPU_SECONDS, MEMORY_BYTES = "process_cpu_seconds_total", "process_resident_memory_bytes"
"""The names of these metrics in Prometheus' client libraries."""

Usage = tuple[float, float]
"""CPU in percent, and memory in bytes."""


class ResourceMonitor:
    """Adds rows to a monitor's buffer until its greenlet is killed.

    The target is the process `pid` on this machine, or its metrics are at `metrics_url`, which takes precedence.
    """

    def __init__(self, info: RunInfo, buffer: RowBuffer, pid: int | None, metrics_url: str | None) -> None:
        self._info = info
        self._buffer = buffer
        self._pid = pid
        self._metrics_url = metrics_url

    def run(self) -> None:
        """Run as the body of the greenlet."""
        psutil.cpu_percent()
        target = self._scraped() if self._metrics_url else self._of_process()
        while True:
            gevent.sleep(PERIOD)
            with contextlib.suppress(OSError):  # out of descriptors: the generator's own monitor needs none
                self._add(MACHINE, psutil.cpu_percent(), psutil.virtual_memory().used)
            if (usage := next(target, None)) is not None:
                self._add(TARGET, *usage)

    def _add(self, process: str, cpu: float, memory: float) -> None:
        self._buffer.append(
            MonitorRow(
                at_ms=self._info.ms(time.monotonic()),
                process=process,
                users=0,
                cpu_percent=cpu,
                cpu_wait_percent=None,
                memory_bytes=round(memory),
                sent_bytes=None,
                received_bytes=None,
                loop_lag_ms=0.0,
                open_connections=0,
                clock_step_ms=0.0,
            )
        )

    def _of_process(self) -> Iterator[Usage | None]:
        """CPU and memory of the target's process and its children."""
        if self._pid is None:
            return
        known: dict[int, psutil.Process] = {}
        while True:
            try:
                root = known.setdefault(self._pid, psutil.Process(self._pid))
                family = [known.setdefault(p.pid, p) for p in (root, *root.children(recursive=True))]
                yield sum(p.cpu_percent() for p in family), float(sum(p.memory_info().rss for p in family))
            except OSError:  # out of descriptors; it may work again later
                yield None
            except psutil.Error as error:
                logger.warning("the target's process %d cannot be watched any more (%s)", self._pid, error)
                return

    def _scraped(self) -> Iterator[Usage | None]:
        at = used = float("inf")
        warned = False
        while True:
            usage, now = None, time.monotonic()
            try:
                figures = self._scrape()
            except (OSError, ValueError, HTTPException) as error:
                if not warned:
                    logger.warning("--target-metrics %s cannot be read (%s)", self._metrics_url, error)
                    warned = True
            else:
                cpu = figures[CPU_SECONDS]
                if cpu >= used:  # a counter that decreased belongs to a process that has been restarted
                    usage = 100.0 * (cpu - used) / (now - at), figures[MEMORY_BYTES]
                at, used = now, cpu
            yield usage

    def _scrape(self) -> dict[str, float]:
        """Read the CPU time and memory, each summed over all label values.

        Raises:
            ValueError: a value is missing or invalid, or the page cannot be parsed.
            OSError, HTTPException: the page cannot be fetched.
        """
        assert self._metrics_url is not None  # noqa: S101 - the caller has checked
        with urllib.request.urlopen(self._metrics_url, timeout=SCRAPE_TIMEOUT) as answer:  # noqa: S310 - the user's own URL
            text = answer.read(MOST_METRICS).decode("utf-8")
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        sums: dict[str, float] = {}
        for name in (CPU_SECONDS, MEMORY_BYTES):
            values = [sample.value for sample in samples if sample.name == name]
            if not values or amount(sum(values)) is None:
                raise ValueError(f"it has no valid {name}")
            sums[name] = sum(values)
        return sums

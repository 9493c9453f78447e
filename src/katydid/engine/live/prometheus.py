"""The run's metrics for Prometheus, in its units: seconds, bytes and ratios; its counters never decrease.

Names follow https://prometheus.io/docs/practices/naming/. Counters continue from run to run of a process, as
Prometheus expects; `katydid_run_info` tells the runs apart. Rows are counted by the batch, not one by one.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from katydid.engine.live.figures import Batch

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0)
"""Upper bounds in seconds: the times of a model's answers, from a cache hit to a long answer."""

HISTOGRAMS = {
    "ttft_ms": ("katydid_ttft_seconds", "From the start of a successful request to its first chunk with content"),
    "duration_ms": ("katydid_request_duration_seconds", "From the start of a successful request to its last byte"),
    "gap_max_ms": ("katydid_chunk_gap_max_seconds", "Longest gap between two content chunks of a successful request"),
    "late_ms": ("katydid_start_delay_seconds", "From a request's due time to its start"),
}
SUMS = {
    "bytes": ("katydid_received_bytes", "Bytes of answers' bodies"),
    "chunks": ("katydid_content_chunks", "Chunks with content"),
    "prompt_tokens": ("katydid_prompt_tokens", "Prompt tokens, as the target counts them"),
    "completion_tokens": ("katydid_completion_tokens", "Completion tokens, as the target counts them"),
}
PROCESS_GAUGES = {
    "users": ("katydid_process_users", "Running users of a process", 1.0),
    "cpu_percent": ("katydid_process_cpu_ratio", "Share of one core that a process uses", 0.01),
    "memory_bytes": ("katydid_process_resident_memory_bytes", "Resident memory of a process", 1.0),
    "loop_lag_ms": ("katydid_event_loop_lag_seconds", "Worst lag of a process's event loop in its last second", 0.001),
    "open_connections": ("katydid_open_connections", "Connections of a process to the target", 1.0),
}


@dataclass(slots=True)
class _Histogram:
    counts: np.ndarray = field(default_factory=lambda: np.zeros(len(BUCKETS) + 1, dtype=np.int64))
    total: float = 0.0

    def add(self, values: np.ndarray) -> None:
        self.counts += np.bincount(np.searchsorted(BUCKETS, values), minlength=len(BUCKETS) + 1)
        self.total += float(values.sum())

    def buckets(self) -> list[tuple[str, float]]:
        bounds = [*map(str, BUCKETS), "+Inf"]
        return list(zip(bounds, map(float, np.cumsum(self.counts)), strict=True))


class RunMetrics(Collector):
    """Everything in `/metrics`; a process has one of these. `state` returns further gauges by name and help."""

    def __init__(self, state: Callable[[], Mapping[tuple[str, str], float]]) -> None:
        self._state = state
        self._info: dict[str, str] = {}
        self._workload = ""
        self._requests: Counter[tuple[str, ...]] = Counter()
        self._sums: dict[str, defaultdict[tuple[str, str], float]] = {column: defaultdict(float) for column in SUMS}
        self._histograms: dict[str, defaultdict[tuple[str, str], _Histogram]] = {
            column: defaultdict(_Histogram) for column in HISTOGRAMS
        }
        self._processes: dict[str, dict[str, float]] = {column: {} for column in PROCESS_GAUGES}

    def begin(self, workload: str, info: Mapping[str, str]) -> None:
        """Start a new run; counters continue."""
        self._workload = workload
        self._info = dict(info)
        for values in self._processes.values():
            values.clear()

    def add_samples(self, batch: Batch) -> None:
        """Count a batch of samples."""
        names = np.array(batch.words("name"), dtype=object)
        outcomes = batch.words("outcome")
        causes = zip(outcomes, batch.words("error"), batch.words("blame"), strict=True)
        for (name, (outcome, error, blame)), count in Counter(zip(names, causes, strict=True)).items():
            self._requests[self._workload, str(name), outcome or "", error or "", blame or ""] += count
        ok = np.array(outcomes, dtype=object) == "ok"
        for name in set(names):
            key, of_name = (self._workload, name), names == name
            for column, sums in self._sums.items():
                sums[key] += float(np.nansum(batch.numbers(column)[of_name]))
            for column, histograms in self._histograms.items():
                values = batch.numbers(column)[of_name if column == "late_ms" else of_name & ok] / 1000.0
                if len(known := values[np.isfinite(values)]):
                    histograms[key].add(known)

    def add_monitor(self, batch: Batch) -> None:
        """Add a batch of monitor rows; the last row of each process counts."""
        processes = list(map(str, batch.words("process")))
        for column, values in self._processes.items():
            values.update(zip(processes, map(float, batch.numbers(column)), strict=True))

    def collect(self) -> Iterator[Metric]:
        """See `Collector.collect`."""
        labels = ["workload", "name"]
        requests = CounterMetricFamily(
            "katydid_requests", "Requests that have ended", labels=[*labels, "outcome", "error", "blame"]
        )
        for key, count in self._requests.items():
            requests.add_metric(list(key), count)
        yield requests
        for column, (name, text) in HISTOGRAMS.items():
            histogram = HistogramMetricFamily(name, text, labels=labels)
            for key, found in self._histograms[column].items():
                histogram.add_metric(list(key), found.buckets(), found.total)
            yield histogram
        for column, (name, text) in SUMS.items():
            counter = CounterMetricFamily(name, text, labels=labels)
            for key, total in self._sums[column].items():
                counter.add_metric(list(key), total)
            yield counter
        for column, (name, text, unit) in PROCESS_GAUGES.items():
            gauge = GaugeMetricFamily(name, text, labels=["process"])
            for process, value in self._processes[column].items():
                gauge.add_metric([process], value * unit)
            yield gauge
        for (name, text), value in self._state().items():
            yield GaugeMetricFamily(name, text, value=value)
        if self._info:
            yield InfoMetricFamily("katydid_run", "The current run, or the last one", value=self._info)

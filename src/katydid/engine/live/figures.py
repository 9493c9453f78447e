"""A table of a run's live figures: of its last minute, and of the whole run so far.

The report's figures are exact and come at the end; these are approximate and come while the run goes on.
"""

from collections import Counter, deque
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from katydid.model.formatting import fraction, milliseconds, number, or_dash
from katydid.runs.rows import decode
from katydid.stats.histogram import Histogram


class Batch:
    """A batch of samples or monitor rows, as `RowBuffer.drain` encoded it."""

    def __init__(self, data: bytes) -> None:
        self._table: pa.Table = decode(data)

    def numbers(self, name: str) -> np.ndarray:
        """A column of numbers or booleans, as floats; missing values are NaN."""
        column = self._table[name].combine_chunks()
        return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))

    def words(self, name: str) -> list[str | None]:
        """A column of strings."""
        return list(self._table[name].to_pylist())


WINDOW_MS = 60_000.0
MOST_RECENT = 20_000
"""Newest times of the last minute that a quantile uses: more would block the event loop that makes the load."""
SILENT_MS = 5000.0
"""A process that has sent nothing for this long no longer counts as having requests in flight."""
TIMES = {"ttft_ms": "TTFT", "gap_max_ms": "Longest inter-chunk latency", "duration_ms": "Service time"}
QUANTILES = {0.5: "p50", 0.95: "p95"}
_NONE = "–"
_OUTCOMES = {
    "ok": "Succeeded", "failed": "Failed", "aborted": "Aborted at the end", "abandoned": "Abandoned by their clients",
}  # fmt: skip


@dataclass(slots=True)
class _Ended:
    """The requests of one batch, which ended at about the same time: their counts, and the times of successful ones."""

    at_ms: float
    counts: Counter[str]
    times: dict[str, np.ndarray]


class LiveFigures:
    """The live figures of one run, in which a start is late if it is delayed by more than `late_limit_ms`."""

    def __init__(self, late_limit_ms: float) -> None:
        self._late_limit = late_limit_ms
        self._window: deque[_Ended] = deque()
        self._histograms = {column: Histogram() for column in TIMES}
        self._whole: Counter[str] = Counter()
        self.failed = 0
        """Failed requests, including those of the warm-up, as the failure threshold counts them."""
        self._in_flight: dict[str, tuple[float, int]] = {}
        """Requests in flight by process, as last reported, and when."""

    def add_samples(self, batch: Batch) -> None:
        """Add a batch of samples. Requests that failed after the stop are left out, as in the report."""
        outcomes = np.array(batch.words("outcome"), dtype=object)
        late_ms = batch.numbers("late_ms")
        in_time = (batch.numbers("after_stop") == 0) | (outcomes != "failed")
        counted = in_time & (batch.numbers("warm_up") == 0)
        ok = in_time & (outcomes == "ok")

        def counts(rows: np.ndarray) -> Counter[str]:
            known = late_ms[rows & np.isfinite(late_ms)]
            late = int((known > self._late_limit).sum())
            return Counter(outcomes[rows].tolist()) + Counter(late=late, started=len(known))

        columns = {column: batch.numbers(column) for column in TIMES}
        ends = batch.numbers("start_ms") + batch.numbers("duration_ms")
        known = ends if np.isfinite(ends).any() else batch.numbers("scheduled_ms")
        ended = _Ended(float(np.nanmax(known)), counts(in_time), {name: each[ok] for name, each in columns.items()})
        self._window.append(ended)
        self.failed += ended.counts["failed"]
        self._whole += counts(counted)
        for column, values in columns.items():
            self._histograms[column].add(values[ok & counted & np.isfinite(values)].tolist())
        self._forget(ended.at_ms)  # the rows may never be asked for

    def add_monitor(self, batch: Batch) -> None:
        """Add a batch of monitor rows."""
        rows = zip(batch.words("process"), batch.numbers("at_ms"), batch.numbers("in_flight"), strict=True)
        self._in_flight |= {str(process): (at_ms, int(count)) for process, at_ms, count in rows if np.isfinite(count)}

    @property
    def in_flight(self) -> int:
        """Requests in flight in all processes, as they last reported."""
        newest = max((at_ms for at_ms, _ in self._in_flight.values()), default=0.0)
        return self._in_flight_since(newest - SILENT_MS)

    def _in_flight_since(self, ms: float) -> int:
        return sum(count for at_ms, count in self._in_flight.values() if at_ms > ms)

    def recent(self, column: str, now_ms: float) -> dict[str, float]:
        """The quantiles of the last minute's times, by name; empty without any."""
        self._forget(now_ms)
        values = np.concatenate([part.times[column] for part in self._window] or [np.array([])])
        values = values[np.isfinite(values)][-MOST_RECENT:]
        if not len(values):
            return {}
        found = np.quantile(values, list(QUANTILES), method="inverted_cdf")
        return dict(zip(QUANTILES.values(), map(float, found), strict=True))

    def _forget(self, now_ms: float) -> None:
        while self._window and self._window[0].at_ms < now_ms - WINDOW_MS:
            self._window.popleft()

    def rows(self, *, now_ms: float, failures: int, threshold: int) -> list[dict[str, str]]:
        """The table, with the columns `figure`, `recent` (the last minute) and `whole` (without the warm-up).

        `failures` are counted as the failure threshold does, if there is one; `threshold` is 0 for none.
        """
        self._forget(now_ms)
        recent: Counter[str] = sum((part.counts for part in self._window), Counter())
        limit = f"of {number(threshold)}" if threshold else "(no limit)"
        table = {
            "Failures until the stop": (_NONE, f"{number(failures)} {limit}"),
            "In flight": (number(self._in_flight_since(now_ms - SILENT_MS)), _NONE),
        }
        for column, label in TIMES.items():
            quantiles, histogram = self.recent(column, now_ms), self._histograms[column]
            for q, name in QUANTILES.items():
                whole = histogram.quantile(q) if histogram.total else None
                table[f"{label} {name}"] = or_dash(quantiles.get(name), milliseconds), or_dash(whole, milliseconds)
        table["Late starts"] = _late_share(recent), _late_share(self._whole)
        table |= {label: (number(recent[name]), number(self._whole[name])) for name, label in _OUTCOMES.items()}
        return [{"figure": figure, "recent": last, "whole": all_} for figure, (last, all_) in table.items()]


def _late_share(counts: Counter[str]) -> str:
    return fraction(counts["late"] / counts["started"]) if counts["started"] else _NONE

"""A table of a run's live figures: of its last minute, and of the whole run so far.

The report's figures are exact and come at the end; these are approximate and come while the run goes on.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from katydid.engine.live.batches import Batch
from katydid.model.formatting import fraction, milliseconds, number

_GROWTH = 1.01
_LOWEST = 0.001
_BUCKETS = 2400
"""Enough for 1 µs to 6.5 h, in milliseconds."""


class LogHistogram:
    """A histogram of times in milliseconds; its quantiles are accurate to 0.5 %."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BUCKETS, dtype=np.int64)

    def add(self, values: np.ndarray) -> None:
        """Count values; missing ones (NaN) are left out."""
        known = values[np.isfinite(values)]
        if len(known):
            places = np.log(np.maximum(known, _LOWEST) / _LOWEST) / np.log(_GROWTH)
            self._counts += np.bincount(np.minimum(places.astype(np.int64), _BUCKETS - 1), minlength=_BUCKETS)

    def quantile(self, q: float) -> float | None:
        """The value that a share `q` of all values does not exceed; None without values."""
        total = int(self._counts.sum())
        if not total:
            return None
        place = int(np.searchsorted(np.cumsum(self._counts), max(1, np.ceil(q * total))))
        return float(_LOWEST * _GROWTH ** (place + 0.5))


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
    """The requests of one batch, which ended at about the same time."""

    at_ms: float
    outcomes: dict[str, int]
    late: int
    started: int
    times: dict[str, np.ndarray]


class LiveFigures:
    """The live figures of one run.

    Args:
        late_limit_ms: a start is late if it is delayed by more than this.
    """

    def __init__(self, late_limit_ms: float) -> None:
        self._late_limit = late_limit_ms
        self._window: deque[_Ended] = deque()
        self._histograms = {column: LogHistogram() for column in TIMES}
        self._outcomes: dict[str, int] = {}
        self._late = self._started = 0
        self.failed = 0
        """Failed requests, including those of the warm-up, as the failure threshold counts them."""
        self._in_flight: dict[str, tuple[float, int]] = {}
        """Requests in flight by process, as last reported, and when."""

    def add_samples(self, batch: Batch) -> None:
        """Add a batch of samples. Requests that failed after the stop are left out, as in the report."""
        outcomes = np.array(batch.words("outcome"), dtype=object)
        in_time = (batch.numbers("after_stop") == 0) | (outcomes != "failed")
        counted = in_time & (batch.numbers("warm_up") == 0)
        late_ms = batch.numbers("late_ms")
        self.failed += int((in_time & (outcomes == "failed")).sum())
        ok = in_time & (outcomes == "ok")
        columns = {column: batch.numbers(column) for column in TIMES}
        ends = batch.numbers("start_ms") + batch.numbers("duration_ms")
        self._window.append(
            _Ended(
                at_ms=float(np.nanmax(ends))
                if np.isfinite(ends).any()
                else float(np.max(batch.numbers("scheduled_ms"))),
                outcomes=_counts(outcomes[in_time]),
                late=int((late_ms[in_time] > self._late_limit).sum()),
                started=int(np.isfinite(late_ms[in_time]).sum()),
                times={column: values[ok] for column, values in columns.items()},
            )
        )
        for column, values in columns.items():
            self._histograms[column].add(values[ok & counted])
        for outcome, count in _counts(outcomes[counted]).items():
            self._outcomes[outcome] = self._outcomes.get(outcome, 0) + count
        self._late += int((late_ms[counted] > self._late_limit).sum())
        self._started += int(np.isfinite(late_ms[counted]).sum())
        self._forget(self._window[-1].at_ms)  # the rows may never be asked for

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

        Args:
            now_ms: milliseconds since the run's start.
            failures: failed requests so far, as the failure threshold counts them if there is one.
            threshold: number of failures that ends the run; 0 for none.
        """
        self._forget(now_ms)
        recent = list(self._window)
        rows = [
            _row(
                "Failures until the stop",
                _NONE,
                f"{number(failures)} of {number(threshold)}" if threshold else f"{number(failures)} (no limit)",
            )
        ]
        rows.append(_row("In flight", number(self._in_flight_since(now_ms - SILENT_MS)), _NONE))
        for column, label in TIMES.items():
            quantiles = self.recent(column, now_ms)
            for q, name in QUANTILES.items():
                whole = self._histograms[column].quantile(q)
                rows.append(_row(f"{label} {name}", _ms(quantiles.get(name)), _ms(whole)))
        started = sum(part.started for part in recent)
        late = sum(part.late for part in recent)
        rows.append(_row("Late starts", _share(late, started), _share(self._late, self._started)))
        for outcome, label in _OUTCOMES.items():
            count = sum(part.outcomes.get(outcome, 0) for part in recent)
            rows.append(_row(label, number(count), number(self._outcomes.get(outcome, 0))))
        return rows


def _counts(outcomes: np.ndarray) -> dict[str, int]:
    return {name: int((outcomes == name).sum()) for name in _OUTCOMES}


def _row(name: str, recent: str, whole: str) -> dict[str, str]:
    return {"figure": name, "recent": recent, "whole": whole}


def _ms(value: float | None) -> str:
    return _NONE if value is None else milliseconds(value)


def _share(part: int, whole: int) -> str:
    return fraction(part / whole) if whole else _NONE

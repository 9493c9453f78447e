"""A run over time and its distributions, reduced to at most a few hundred points for charts.

Whole-run samples in, plain tables and arrays out. Knows nothing about drawing.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from katydid.analysis.derived import ends_ms, quantile
from katydid.analysis.offered import due_times
from katydid.model.documents.manifest import Manifest
from katydid.model.metrics import CONFIDENCE, fewest_for

MOST_BINS = 200
FEW_BINS = 24
"""The number of bins that a chart should have even if each has few requests."""
GOOD_BIN = 20
"""The number of requests in a bin whose values show more than chance."""
_MOST = 0.75
"""Share of the requests that should be in bins with as many requests as a quantile needs."""

_HISTOGRAM_BINS = (8, 48)
"""The fewest and the most bins of a histogram."""
_NICE_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400)


def over_time(frame: pd.DataFrame, monitor: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """One row per time bin, from the start of the run to the end of its last request.

    Args:
        frame: samples with derived columns, of the whole run.
        monitor: one row per second and process.
        manifest: for the offered load; may lack the interval.

    Returns:
        Columns `seconds` (middle of the bin) and `width`; in requests per second `offered`, `started` and, by the
        time of their end, `ok`, `failed`, `abandoned`; `in_flight` (mean) and `users`. NaN if unknown in a bin.
    """
    if frame.empty:
        return pd.DataFrame(columns=["seconds", "width"])
    start = frame["start_ms"].fillna(frame["scheduled_ms"]).to_numpy(dtype=np.float64).clip(min=0.0) / 1000.0
    # A wrong clock gives times below zero: such a run is invalid, but still has a report.
    ends = ends_ms(frame).to_numpy(dtype=np.float64) / 1000.0
    end = np.where(np.isnan(ends), start, np.maximum(ends, start))
    width = bin_width(float(end.max()), len(frame))
    bins = int(end.max() // width) + 1
    outcome = frame["outcome"].to_numpy()
    ok = outcome == "ok"
    table = pd.DataFrame({"seconds": (np.arange(bins) + 0.5) * width, "width": float(width)})
    table["started"] = _per_second(start, width, bins)
    table["ok"] = _per_second(end[ok], width, bins)
    for name in ("failed", "abandoned"):
        table[name] = _per_second(end[outcome == name], width, bins)
    table["in_flight"] = _in_flight(start, end, width, bins)
    table["users"] = _users(monitor, table["seconds"].to_numpy())
    due = due_times(frame, manifest, bins * width * 1000.0)
    if due is not None:
        inside = due[(due >= 0) & (due < bins * width * 1000.0)]
        table["offered"] = _per_second(inside / 1000.0, width, bins)
    else:
        table["offered"] = table["users"] / (manifest.interval_s or math.nan)
    table.loc[table["seconds"] > (manifest.stopped_at_ms or math.inf) / 1000.0, "offered"] = math.nan
    return table


def bin_width(seconds: float, requests: int) -> int:
    """The width of a bin in seconds: small, but large enough for GOOD_BIN requests, unless that leaves too few bins."""
    wanted = min(MOST_BINS, max(FEW_BINS, requests // GOOD_BIN))
    return next((w for w in _NICE_SECONDS if seconds / w <= wanted), math.ceil(seconds / wanted))


def quantile_width(seconds: np.ndarray, q: float) -> int:
    """The smallest bin width, in seconds, at which most requests are in bins with enough requests for a quantile.

    Args:
        seconds: the time of each request, not below 0; at least one.
        q: the quantile.
    """
    whole = int(seconds.max()) + 1
    finest, least = bin_width(float(whole), len(seconds)), fewest_for(q)
    for width in (finest, *(w for w in _NICE_SECONDS if finest < w < whole)):
        counts = np.bincount((seconds // width).astype(np.int64))
        if counts[counts >= least].sum() >= _MOST * len(seconds):
            return width
    return whole


def _per_second(moments: np.ndarray, width: float, bins: int) -> np.ndarray:
    counts: np.ndarray = np.bincount((moments // width).astype(int), minlength=bins)
    return counts / width


def _in_flight(start: np.ndarray, end: np.ndarray, width: float, bins: int) -> np.ndarray:
    """Mean number of requests in flight in each bin, from the time that requests spent in it."""
    edges = np.arange(bins + 1) * width
    spent = _time_until(edges, start) - _time_until(edges, end)
    added: np.ndarray = np.diff(spent)
    return added / width


def _time_until(edges: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """For each edge, the sum of the times from all earlier moments to the edge."""
    ordered = np.sort(moments)
    before = np.searchsorted(ordered, edges)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    total: np.ndarray = before * edges - sums[before]
    return total


def quantile_course(seconds: np.ndarray, values: np.ndarray, q: float, width: float) -> list[tuple[float, float]]:
    """(middle of a bin, quantile of its values) from time 0 on; NaN if a bin has too few values for the quantile.

    Args:
        seconds: the time of each value, not below 0.
        values: as many as `seconds`.
        q: the quantile, as defined by `derived.quantile`.
        width: of the bins, in seconds.
    """
    where = (seconds // width).astype(np.int64)
    order = np.argsort(where, kind="stable")
    ends = np.cumsum(np.bincount(where))
    least = fewest_for(q)
    return [
        ((place + 0.5) * width, quantile(inside, q) if len(inside) >= least else math.nan)
        for place, inside in enumerate(np.split(values[order], ends[:-1]))
    ]


def _users(monitor: pd.DataFrame, middles: np.ndarray) -> np.ndarray:
    """Users of all processes at the middle of each bin; NaN without a monitor."""
    sending = monitor[monitor["process"] != "master"]
    if sending.empty:
        return np.full(len(middles), np.nan)
    total = np.zeros(len(middles))
    for _, rows in sending.groupby("process", observed=True):
        at = rows["at_ms"].to_numpy(dtype=np.float64) / 1000.0
        total += np.interp(middles, at, rows["users"].to_numpy(dtype=np.float64))
    return total


def histogram(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges (bins + 1) and counts; evenly spaced, or logarithmically if the values span more than a decade."""
    low, high = float(values.min()), float(values.max())
    bins = int(np.clip(2 * np.sqrt(len(values)), *_HISTOGRAM_BINS))
    if low > 0 and high / low > 10:
        edges = np.geomspace(low, high, bins + 1)
    else:
        edges = np.linspace(low, high if high > low else low + 1.0, bins + 1)
    edges[0], edges[-1] = min(edges[0], low), max(edges[-1], high)
    counts, _ = np.histogram(values, edges)
    return edges, counts


_CURVE = (0.0, 0.1, 0.25, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99)
_CURVE_TAIL = (0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 0.99995, 0.99999)


def percentile_curve(values: np.ndarray) -> Sequence[tuple[float, float]]:
    """(quantile, value) from the minimum up to the highest quantile that the sample size allows."""
    if not len(values):
        return []
    highest = (1.0 - CONFIDENCE) ** (1.0 / len(values))
    ordered = np.sort(values)
    return [(q, quantile(ordered, q)) for q in (*_CURVE, *_CURVE_TAIL) if q <= highest]

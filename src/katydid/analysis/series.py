"""The course of a run and its distributions, in few enough points to draw: at most some hundred."""

from typing import Any

import numpy as np
import pandas as pd

from katydid.analysis.derived import quantile

MOST_BINS = 120
_NICE_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)


def over_time(frame: pd.DataFrame, monitor: pd.DataFrame) -> pd.DataFrame:
    """One row a bin of time.

    Args:
        frame: samples with derived columns, of the whole run.
        monitor: one row a second and process.

    Returns:
        Columns `seconds` (middle of the bin), `width`, `started`, `ok`, `failed` (requests a second),
        `users`, `ttft_p50`, `ttft_p95`, `duration_p50`, `duration_p95` (milliseconds; NaN where the bin
        has none). A request belongs to the bin of its start.
    """
    start = frame["start_ms"].fillna(frame["scheduled_ms"]).to_numpy(dtype=np.float64) / 1000.0
    if not len(start):
        return pd.DataFrame(columns=["seconds", "width", "started", "ok", "failed", "users"])
    width = next((w for w in _NICE_SECONDS if start.max() / w <= MOST_BINS), _NICE_SECONDS[-1])
    bins = np.floor(np.maximum(start, 0.0) / width).astype(int)
    rows = []
    for index, group in frame.groupby(bins):
        ok = group[group["outcome"] == "ok"]
        row: dict[str, Any] = {
            "seconds": (float(index) + 0.5) * width,  # type: ignore[arg-type]  # groupby types its keys as Hashable
            "width": width,
            "started": len(group) / width,
            "ok": len(ok) / width,
            "failed": (group["outcome"] == "failed").sum() / width,
        }
        for name in ("ttft", "duration"):
            values = ok[f"{name}_ms"].dropna().to_numpy(dtype=np.float64)
            row[f"{name}_p50"] = quantile(values, 0.5) if len(values) else np.nan
            row[f"{name}_p95"] = quantile(values, 0.95) if len(values) else np.nan
        rows.append(row)
    table = pd.DataFrame(rows)
    table["users"] = _users(monitor, table["seconds"].to_numpy())
    return table


def _users(monitor: pd.DataFrame, middles: np.ndarray) -> np.ndarray:
    """Users at the time of each bin, all processes together."""
    sending = monitor[monitor["process"] != "master"]
    if sending.empty:
        return np.full(len(middles), np.nan)
    total = np.zeros(len(middles))
    for _, rows in sending.groupby("process", observed=True):
        at = rows["at_ms"].to_numpy(dtype=np.float64) / 1000.0
        total += np.interp(middles, at, rows["users"].to_numpy(dtype=np.float64))
    return total


def histogram(values: np.ndarray, bins: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Edges (bins + 1) and counts; spaced evenly, or by ratio where the values span more than a decade."""
    low, high = float(values.min()), float(values.max())
    if low > 0 and high / low > 10:
        edges = np.geomspace(low, high, bins + 1)
    else:
        edges = np.linspace(low, high if high > low else low + 1.0, bins + 1)
    edges[0], edges[-1] = min(edges[0], low), max(edges[-1], high)
    counts, _ = np.histogram(values, edges)
    return edges, counts

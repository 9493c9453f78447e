"""When a run has settled: MSER-5 on one-second means (White 1997; Pasupathy and Schmeiser 2010).

MSER cuts the beginning that minimises the standard error of the remaining mean. All runs of a comparison get the same
cut, so it is found on the mean course of a version's runs, which is less noisy than a single run.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

BATCH = 5
"""Seconds per batch: the 5 in the method's name."""
MOST_CUT = 0.5
"""The largest share of a run to cut."""
FEWEST_BATCHES = 6
CLEAR = 3.0
"""Standard errors by which the beginning must differ from the rest; otherwise chance alone would always cut some."""


def settled_after(frames: Sequence[pd.DataFrame]) -> float:
    """Seconds from the start of the run until service times have settled; 0 if they were steady from the start.

    Args:
        frames: samples of one version's runs; only successful requests are used.
    """
    frames = [frame for frame in frames if _length(frame)]
    seconds = int(min((_length(frame) for frame in frames), default=0))
    if seconds < BATCH * FEWEST_BATCHES:
        return 0.0
    courses = np.array([_course(frame, seconds) for frame in frames])
    known = ~np.isnan(courses)
    with np.errstate(invalid="ignore"):  # 0 / 0 if no run had a request in that second
        course = np.where(known, courses, 0.0).sum(axis=0) / known.sum(axis=0)
    usable = len(course) // BATCH * BATCH
    batches = course[:usable].reshape(-1, BATCH)
    means = np.array([batch[~np.isnan(batch)].mean() if (~np.isnan(batch)).any() else np.nan for batch in batches])
    if np.isnan(means).all():
        return 0.0
    means = means[: _last_known(means)]
    return float(_mser(np.nan_to_num(means, nan=float(np.nanmean(means)))) * BATCH)


def _length(frame: pd.DataFrame) -> float:
    ok = frame["outcome"] == "ok"
    return float(frame.loc[ok, "scheduled_ms"].max()) / 1000.0 if ok.any() else 0.0


def _course(frame: pd.DataFrame, seconds: int) -> np.ndarray:
    """Mean log service time of the requests due in each second, less the run's mean; NaN in seconds without any."""
    ok = frame.loc[(frame["outcome"] == "ok") & (frame["duration_ms"] > 0), ["scheduled_ms", "duration_ms"]]
    second = (ok["scheduled_ms"].to_numpy() // 1000).astype(np.int64)
    inside = (second >= 0) & (second < seconds)
    logs = np.log(ok["duration_ms"].to_numpy()[inside])
    count = np.bincount(second[inside], minlength=seconds)
    total = np.bincount(second[inside], weights=logs, minlength=seconds)
    with np.errstate(invalid="ignore"):
        course = total / count
    known = course[~np.isnan(course)]
    return np.asarray(course - known.mean()) if len(known) else course


def _last_known(means: np.ndarray) -> int:
    known = np.flatnonzero(~np.isnan(means))
    return int(known[-1]) + 1 if len(known) else 0


def _mser(means: np.ndarray) -> int:
    """The number of batches to cut; 0 if the part to cut does not clearly differ from the rest."""
    if len(means) < FEWEST_BATCHES:
        return 0
    scores = [float(np.var(means[cut:])) / (len(means) - cut) for cut in range(int(len(means) * MOST_CUT) + 1)]
    cut = int(np.argmin(scores))
    if not cut:
        return 0
    rest = means[cut:]
    error = float(rest.std(ddof=1)) * np.sqrt(1.0 / cut + 1.0 / len(rest))
    return cut if abs(float(means[:cut].mean() - rest.mean())) > CLEAR * error else 0

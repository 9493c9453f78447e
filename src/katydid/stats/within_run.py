"""Statistics of the requests of one run: when it had settled, how exact a quantile is, and what long answers cost.

Requests of one run are correlated, so none of these supports a verdict. Knows no metric.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

# When a run has settled: MSER-5 on one-second means (White 1997; Pasupathy and Schmeiser 2010)
#
# MSER cuts the beginning that minimises the standard error of the remaining mean. All runs of a comparison get the same
# cut, so it is found on the mean course of a version's runs, which is less noisy than a single run.

BATCH = 5
"""Seconds per batch: the 5 in the method's name."""
MOST_CUT = 0.5
"""The largest share of a run to cut."""
FEWEST_BATCHES = 6
CLEAR = 3.0
"""Standard errors by which the beginning must differ from the rest; otherwise chance alone would always cut some."""


def settled_after(frames: Sequence[pd.DataFrame]) -> float:
    """Seconds until the service times of one version's runs have settled; 0 if they were steady from the start.

    The frames are each run's samples, of which only successful requests are used.
    """
    frames = [frame for frame in frames if _length(frame)]
    seconds = int(min((_length(frame) for frame in frames), default=0))
    if seconds < BATCH * FEWEST_BATCHES:
        return 0.0
    course = _known_mean(np.array([_course(frame, seconds) for frame in frames]), axis=0)
    means = _known_mean(course[: seconds // BATCH * BATCH].reshape(-1, BATCH), axis=1)
    known = np.flatnonzero(~np.isnan(means))
    if not len(known):
        return 0.0
    means = means[: known[-1] + 1]
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


def _known_mean(values: np.ndarray, axis: int) -> np.ndarray:
    """The mean along an axis of all values but NaN; NaN if there are no others."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0.0).sum(axis=axis) / known.sum(axis=axis))


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


# The standard error of a quantile, by bootstrap
#
# Users and blocks of time are resampled together (the pigeonhole bootstrap, Owen 2007), because requests of one user
# are correlated, and so are requests of the same half minute. It cannot see the noise from run to run.

BLOCK_MS = 30_000.0
DRAWS = 400
SEED = 20_07


def log_errors(frame: pd.DataFrame, column: str, quantiles: Sequence[float]) -> list[float] | None:
    """Standard errors of the logs of a column's quantiles; None with fewer than two users or blocks to resample.

    The frame has the successful requests that count of one run; quantiles are in (0, 1).
    """
    known = frame[column].notna()
    values = frame.loc[known, column].to_numpy(dtype=np.float64)
    users = pd.factorize(frame.loc[known, "user"])[0]
    blocks = (frame.loc[known, "scheduled_ms"].to_numpy(dtype=np.float64) // BLOCK_MS).astype(np.int64)
    blocks -= blocks.min(initial=0)
    if len(values) < 2 or users.max() < 1 or blocks.max() < 1:
        return None
    order = np.argsort(values)
    values, users, blocks = values[order], users[order], blocks[order]
    random = np.random.default_rng(SEED)
    logs = np.full((len(quantiles), DRAWS), np.nan)
    shares, of_users, of_blocks = np.array(quantiles), users.max() + 1, blocks.max() + 1
    for draw in range(DRAWS):
        reached = np.cumsum(_drawn(random, of_users)[users] * _drawn(random, of_blocks)[blocks])
        if reached[-1]:
            logs[:, draw] = np.log(values[np.searchsorted(reached, shares * reached[-1])])
    return [float(np.nanstd(each)) for each in logs]


def _drawn(random: np.random.Generator, count: int) -> np.ndarray:
    """How often each of `count` items is drawn in `count` draws with replacement."""
    return np.bincount(random.integers(0, count, count), minlength=count)


# How much of a request's time depends on the length of its answer
#
# A request takes a fixed time plus a time per token. In a mean answer the tokens take the share `s`, so an answer `r`
# times as long takes `1 − s + s·r` times the time. The share is estimated on logarithms, where times have a similar
# spread, as its posterior mean under a flat prior on [0, 1]: 0.5 ± 0.29 if all answers are about equally long and say
# nothing about it.

STEPS = 100
"""Grid steps of the share."""


@dataclass(frozen=True, slots=True)
class LengthCost:
    """The share of a mean answer's time that its tokens take.

    Attributes:
        share: 0 if length costs nothing, 1 if time is proportional to length.
        error: standard deviation of the share.
    """

    share: float
    error: float

    def times_as_long(self, lengths: np.ndarray) -> np.ndarray:
        """How many times as long as the mean answer these take; lengths are relative to the mean length."""
        factors: np.ndarray = 1.0 - self.share + self.share * lengths
        return factors


def length_cost(times: np.ndarray, lengths: np.ndarray) -> LengthCost:
    """Estimate the cost of length from requests' times, and their answers' lengths relative to the mean; all > 0."""
    shares = np.linspace(0.0, 1.0, STEPS + 1)
    logs = np.log(times)
    spread = np.array([np.var(logs - np.log(LengthCost(share, 0.0).times_as_long(lengths))) for share in shares])
    likelihood = -0.5 * len(times) * np.log(np.maximum(spread, np.finfo(float).tiny))
    weights = np.exp(likelihood - likelihood.max())
    weights /= weights.sum()
    mean = float(weights @ shares)
    return LengthCost(mean, float(weights @ (shares - mean) ** 2) ** 0.5)

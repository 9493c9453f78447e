"""The noise from run to run, and whether today is noisier than earlier runs were.

Earlier runs make up for few runs today, but only if today is as quiet: with the history's noise on a day that is twice
as noisy, equal versions are called different in one of seven cases. So today's variances are compared with the
history's. The test takes the mean variance ratio over all primary metrics, because a noisy machine affects all of them.
Its degrees of freedom are for the effective number of independent metrics, because metrics of one run are correlated.
Three runs may agree by chance in what all metrics share; Hotelling's trace also sees scatter in other directions. Knows
no metric's name.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

Values = Sequence[float]

LEAST_VARIANCE = 1e-12
"""A smaller variance of logs counts as zero: it comes from rounding, not from the runs."""
NOISIER = 0.10
"""Significance level at which the mean variance ratio calls today's runs, or one side's, noisier than the history."""
NOISIER_ANYHOW = 0.05
"""The same for Hotelling's trace."""
DISTINCT = 1e-6
"""With a smaller eigenvalue of their correlation matrix, some metrics follow from the others."""
FEWEST_OF_A_SIDE = 3
"""With fewer runs, a side's own noise is not judged: it is hardly known."""


@dataclass(frozen=True, slots=True)
class Noise:
    """The variance of a run's log value from run to run, and its degrees of freedom."""

    variance: float
    df: float


@dataclass(frozen=True, slots=True)
class Today:
    """The variance of today's runs over that of the history; 1 unless it is significantly larger.

    Attributes:
        both: for both sides together.
        base, new: for each side.
        dimensions: the effective number of independent metrics that the ratios rest on.
    """

    both: float = 1.0
    base: float = 1.0
    new: float = 1.0
    dimensions: float = 1.0


AS_EVER = Today()


def noise_of(groups: Sequence[Values]) -> Noise | None:
    """Pooled variance of runs around the mean of their group (a version); None if no group has two runs."""
    squares, df = 0.0, 0
    for group in groups:
        if len(group) > 1:
            mean = sum(group) / len(group)
            squares += float(sum((value - mean) ** 2 for value in group))
            df += len(group) - 1
    return Noise(above_rounding(squares / df), df) if df else None


def above_rounding(variance: float) -> float:
    """The variance, or 0 if it comes from rounding alone."""
    return variance if variance >= LEAST_VARIANCE else 0.0


def pooled(sides: Sequence[Values], history: Sequence[Values], scale: float, dimensions: float) -> Noise | None:
    """The pooled noise of the sides and the history, with the history's variance multiplied by `scale`.

    A scaled variance is known no better than the scale: its degrees of freedom are at most those of the sides, times
    `dimensions`. If the scale is infinite, only the sides count.
    """
    ours, earlier = noise_of(sides), noise_of(history)
    if ours is None or earlier is None or scale == 1.0:
        return noise_of([*sides, *history])
    if not math.isfinite(scale):
        return ours
    df = ours.df + earlier.df
    variance = (ours.variance * ours.df + scale * earlier.variance * earlier.df) / df
    return Noise(variance, min(df, ours.df * dimensions))


def todays_noise(base: np.ndarray, new: np.ndarray, history: Sequence[np.ndarray]) -> Today:
    """How noisy today's runs are compared with the history's, an array per version.

    The arrays have the logs of runs: a row per run, a column per primary metric.
    """
    told = [noise_of(column) for column in _columns(history)]
    if not told or any(noise is None for noise in told):
        return AS_EVER
    earlier = [noise for noise in told if noise is not None]
    dimensions = _dimensions(_scaled(history, history))

    def scale(sides: Sequence[np.ndarray]) -> float:
        ours = [noise_of(column) for column in _columns(sides)]
        ratios = [_ratio(mine, theirs) for mine, theirs in zip(ours, earlier, strict=True) if mine is not None]
        if not ratios or ours[0] is None:
            return 1.0
        found = float(np.mean(ratios))
        limit = special.fdtri(ours[0].df * dimensions, earlier[0].df * dimensions, 1.0 - NOISIER)
        noisier = found > max(limit, 1.0) or _scatter_more(sides, history)
        return max(found, limit, 1.0) if noisier else 1.0

    sides = [scale([side]) if len(side) >= FEWEST_OF_A_SIDE else 1.0 for side in (base, new)]
    return Today(scale([base, new]), sides[0], sides[1], dimensions)


def _columns(groups: Sequence[np.ndarray]) -> list[list[Values]]:
    """Each metric's values, one sequence per group."""
    count = groups[0].shape[1] if groups else 0
    return [[group[:, metric].tolist() for group in groups] for metric in range(count)]


def _ratio(mine: Noise, theirs: Noise) -> float:
    if theirs.variance == 0.0:
        return 1.0 if mine.variance == 0.0 else math.inf
    return mine.variance / theirs.variance


def _scaled(groups: Sequence[np.ndarray], history: Sequence[np.ndarray]) -> np.ndarray:
    """Deviations of runs from the mean of their group, each metric divided by the norm of the history's deviations."""
    mine, theirs = (np.concatenate([g - g.mean(axis=0) for g in some if len(g)]) for some in (groups, history))
    lengths = np.sqrt((theirs**2).sum(axis=0))
    lengths[lengths == 0.0] = 1.0
    scaled: np.ndarray = mine / lengths
    return scaled


def _dimensions(scaled: np.ndarray) -> float:
    """The effective number of independent metrics: M² over the sum of their squared correlations."""
    count = scaled.shape[1]
    return float(np.clip(count**2 / max(float(((scaled.T @ scaled) ** 2).sum()), 1.0), 1.0, count))


def _scatter_more(sides: Sequence[np.ndarray], history: Sequence[np.ndarray]) -> bool:
    """Return True if today's runs scatter significantly more than the history in any direction.

    Tests Hotelling's trace (Lawley 1938) by the F approximation of McKeon (1974). This needs a few more runs in the
    history than there are metrics; with fewer, or if metrics follow from each other, the result is False.
    """
    ours, earlier = (sum(max(len(group) - 1, 0) for group in groups) for groups in (sides, history))
    mine, theirs = _scaled(sides, history), _scaled(history, history)
    count = mine.shape[1]
    within = theirs.T @ theirs
    if count == 1 or not ours or earlier <= count + 3 or np.linalg.eigvalsh(within)[0] < DISTINCT:
        return False
    trace = float(np.trace(np.linalg.solve(within, mine.T @ mine)))
    df, spare = float(count * ours), earlier - count
    spread = (spare + ours - 1) * (earlier - 1) / (spare * (spare - 3))
    rest = 4.0 + (df + 2.0) / (spread - 1.0)
    limit = df * (rest - 2.0) / (rest * (spare - 1)) * special.fdtri(df, rest, 1.0 - NOISIER_ANYHOW)
    return bool(trace > limit)

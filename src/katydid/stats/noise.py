"""The noise from run to run, and whether today's is that of earlier runs.

History makes few runs tell more, but only where today is as quiet as it was: with its noise on a day that is twice as
noisy, equal versions are called different in one of seven cases. So today's variances are compared with the
history's, over all metrics that decide together, as a noisy machine makes all of them scatter. Metrics of one run are
correlated: of their mean ratio they count as as many as their correlations allow. Three runs may lie close together in
what all metrics share; Hotelling's trace sees what else they scatter in. Knows no metric's name.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

Values = Sequence[float]

LEAST_VARIANCE = 1e-12
"""Of logs, what is less counts as zero: it comes of rounding, not of runs."""
NOISIER = 0.10
"""Level at which today's runs, or those of one side, count as noisier than the history by their mean ratio."""
NOISIER_ANYHOW = 0.05
"""The same by Hotelling's trace."""
DISTINCT = 1e-6
"""Least eigenvalue of the metrics' correlations with which none of them follows from the others."""
FEWEST_OF_A_SIDE = 3
"""Runs of a side from which on its own noise is judged: of fewer it is hardly known."""


@dataclass(frozen=True, slots=True)
class Noise:
    """The variance of one run's log value from run to run, and what it rests on."""

    variance: float
    df: float


@dataclass(frozen=True, slots=True)
class Today:
    """Variance of today's runs over that of the history; 1 where it is not larger by more than chance.

    Attributes:
        both: of both sides.
        base, new: of each.
        dimensions: as how many independent metrics the metrics count that told it.
    """

    both: float = 1.0
    base: float = 1.0
    new: float = 1.0
    dimensions: float = 1.0


AS_EVER = Today()


def noise_of(groups: Sequence[Values]) -> Noise | None:
    """Pooled variance of runs around the mean of their group (a version); None where no group has two."""
    squares, df = 0.0, 0
    for group in groups:
        if len(group) > 1:
            mean = sum(group) / len(group)
            squares += float(sum((value - mean) ** 2 for value in group))
            df += len(group) - 1
    return Noise(above_rounding(squares / df), df) if df else None


def above_rounding(variance: float) -> float:
    """The variance, or 0 where it comes of rounding."""
    return variance if variance >= LEAST_VARIANCE else 0.0


def pooled(sides: Sequence[Values], history: Sequence[Values], scale: float, dimensions: float) -> Noise | None:
    """The noise of sides and history, whose variance counts `scale` times, which is known as well as sides tell."""
    ours, earlier = noise_of(sides), noise_of(history)
    if ours is None or earlier is None or scale == 1.0:
        return noise_of([*sides, *history])
    if not math.isfinite(scale):
        return ours
    df = ours.df + earlier.df
    variance = (ours.variance * ours.df + scale * earlier.variance * earlier.df) / df
    return Noise(variance, min(df, ours.df * dimensions))


def todays_noise(base: np.ndarray, new: np.ndarray, history: Sequence[np.ndarray]) -> Today:
    """How noisy today's runs are against the history's.

    Args:
        base: logs, a row a run and a column a metric that decides.
        new: the same of the other side.
        history: the same of earlier runs, an array a version.
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
    """Each metric's values, a sequence a group."""
    count = groups[0].shape[1] if groups else 0
    return [[group[:, metric].tolist() for group in groups] for metric in range(count)]


def _ratio(mine: Noise, theirs: Noise) -> float:
    if theirs.variance == 0.0:
        return 1.0 if mine.variance == 0.0 else math.inf
    return mine.variance / theirs.variance


def _scaled(groups: Sequence[np.ndarray], history: Sequence[np.ndarray]) -> np.ndarray:
    """Runs around the mean of their group, each metric by the length of the history's."""
    mine, theirs = (np.concatenate([g - g.mean(axis=0) for g in some if len(g)]) for some in (groups, history))
    lengths = np.sqrt((theirs**2).sum(axis=0))
    lengths[lengths == 0.0] = 1.0
    scaled: np.ndarray = mine / lengths
    return scaled


def _dimensions(scaled: np.ndarray) -> float:
    """As how many independent metrics these count: M² over the sum of their squared correlations."""
    count = scaled.shape[1]
    return float(np.clip(count**2 / max(float(((scaled.T @ scaled) ** 2).sum()), 1.0), 1.0, count))


def _scatter_more(sides: Sequence[np.ndarray], history: Sequence[np.ndarray]) -> bool:
    """Whether today's runs scatter more than the history in any way, by Hotelling's trace (Lawley 1938).

    Beyond chance by the F approximation of McKeon (1974), which needs a history of a few runs more than there are
    metrics; of fewer, and where metrics follow from each other, the trace says nothing.
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

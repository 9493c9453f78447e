"""The statistics of a comparison: how much two versions differ beyond the noise from run to run.

The sample unit is the run: one value per run, on the log scale, so that differences are ratios. Requests of a run are
correlated, and tests on pooled requests call two runs of one version different in about half of the cases. Student's
and Fisher's distributions come from `scipy.special`, because `scipy.stats` takes a second to import. Knows no metrics,
files or messages.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import special

from katydid.stats.noise import AS_EVER, Noise, Today, Values, noise_of, pooled

__all__ = ["AS_EVER", "Noise", "Today", "Values", "noise_of"]

INTERVAL = 0.95
"""Confidence level of the reported interval."""
POWER = 0.80
"""Power of the smallest detectable change."""
FEWEST_PAIRS = 5
"""The fewest pairs whose differences may estimate the noise; an earlier series counts as one pair less than it has."""
MOST_RUNS = 200
"""More runs per side than this are not worth suggesting."""
SURPRISE = 0.01
"""Level at which one side counts as noisier than the rest: rare enough not to affect the interval's coverage."""
PAIRING = 0.05
"""Level at which pairs count as correlated."""
UNSEEN = 3.0
"""With one run per side, today's noise is unknown and assumed to be this many times the history's.

It does not depend on the number of versions in the history. On a day twice as noisy as a history of four equally quiet
versions, a factor of 1 calls equal versions different in 19 % of cases. Any factor that keeps this below 3 % (1.5 or
more) finds a 20 % change on a steady day in less than a fifth of cases.
"""
FEWEST_DAYS = 3
"""The fewest days of history that show how much days differ."""
FEWEST_STEPS = 6
"""From this many days on, the noise of days comes from the steps between them, which a slow drift hardly affects."""


class Design(StrEnum):
    """The source of the noise estimate of a difference."""

    RUNS = "runs"
    PAIRS = "pairs"
    WELCH = "unequal runs"
    DAYS = "runs of different days"
    WITHIN_RUN = "within one run"
    FAILURES = "failures of runs"


@dataclass(frozen=True, slots=True)
class Difference:
    """log(new) - log(base).

    Attributes:
        se: standard error of the log ratio.
        df: degrees of freedom of the standard error.
    """

    log_ratio: float
    se: float
    df: float
    design: Design

    @property
    def p_value(self) -> float:
        """Two-sided p-value for no difference; 1 for an error from within one run, which supports no verdict."""
        if self.design is Design.WITHIN_RUN or not self.log_ratio:
            return 1.0
        if self.se == 0.0:
            return 0.0
        return float(2.0 * special.stdtr(self.df, -abs(self.log_ratio) / self.se))

    def interval(self, confidence: float = INTERVAL) -> tuple[float, float]:
        """Confidence limits of the log ratio."""
        reach = float(special.stdtrit(self.df, (1.0 + confidence) / 2.0)) * self.se
        return self.log_ratio - reach, self.log_ratio + reach


@dataclass(frozen=True, slots=True)
class EarlierPairs:
    """Interleaved pairs of earlier comparisons, which show the noise of a pair's difference.

    Attributes:
        series: logs of both sides' runs, pair by pair; each series has two versions and one session.
        today: how noisy the differences of today's pairs are compared with these.
    """

    series: Sequence[tuple[Values, Values]] = ()
    today: Today = AS_EVER


NO_PAIRS = EarlierPairs()


def compare_values(
    base: Values,
    new: Values,
    history: Sequence[Values] = (),
    *,
    interleaved: bool,
    today: Today = AS_EVER,
    pairs: EarlierPairs = NO_PAIRS,
) -> Difference | None:
    """Compare two sets of runs of one session; None if the noise is unknown (one run each and no history).

    The noise is pooled over both sides and the history, around the mean of each side and version. If today is noisier
    than the history, the history's variance is scaled up to today's. If one side scatters significantly more than the
    rest, the result is the wider of the pooled and Welch's interval. Interleaved runs that are significantly correlated
    in pairs, today's and earlier pairs together, are compared as pairs. With one run per side, today's noise is
    unknown, and assumed to be UNSEEN times the history's.

    Values are logs of a metric, one per run, of the history by version. If `interleaved`, the i-th runs of both sides
    were made side by side. `today` is how noisy both sides are compared with the history.
    """
    log_ratio = float(np.mean(new) - np.mean(base))
    noise = pooled([base, new], history, today.both, today.dimensions)
    if noise is None:
        return None
    se = float(np.sqrt(noise.variance * (1.0 / len(base) + 1.0 / len(new))))
    if len(base) == len(new) == 1:
        se *= UNSEEN
    difference = Difference(log_ratio, se, noise.df, Design.RUNS)
    if interleaved and len(base) == len(new) > 1 and (paired := _paired(base, new, pairs)):
        return paired
    if noises := _noises(base, new, history, today):
        unequal = _unequal(log_ratio, noises, (len(base), len(new)))
        return max(difference, unequal, key=_reach)
    return difference


def compare_days(base: Values, new: Values, history: Sequence[Values], days: Sequence[Values]) -> Difference | None:
    """Compare runs that were not interleaved; None if fewer than FEWEST_DAYS days show how much days differ.

    Sides that were made on different days differ by their days too. The means of earlier days show by how much: their
    variance includes the days' own and that of the runs within a day, so a difference has twice that variance. If a
    side has fewer runs than a typical day, the variance of the missing runs is added (Satterthwaite 1946).

    For the degrees of freedom, days vary at least as much as their runs imply. Otherwise a few days that agree by
    chance would make the variance both small and seemingly well known. True differences between the history's versions
    can only make the result too cautious. From FEWEST_STEPS days on, only the steps from day to day count, so that a
    slow drift does not inflate the variance. The values of earlier runs are given by version and by day, oldest first.
    """
    if len(days) < FEWEST_DAYS:
        return None
    between, df = _between([float(np.mean(day)) for day in days])
    runs_a_day = len(days) / sum(1.0 / len(day) for day in days)
    noise = noise_of([base, new, *history])
    lacking = max(0.0, 1.0 / len(base) + 1.0 / len(new) - 2.0 / runs_a_day)
    ratio = float(np.mean(new) - np.mean(base))
    if noise is None or not lacking * noise.variance:
        return Difference(ratio, float(np.sqrt(2.0 * between)), df, Design.DAYS)
    of_runs = Noise(lacking * noise.variance, noise.df)
    least = Noise(2.0 * max(between, noise.variance / runs_a_day), df)
    return Difference(ratio, float(np.sqrt(2.0 * between + of_runs.variance)), _known([least, of_runs]), Design.DAYS)


def _between(means: Values) -> tuple[float, float]:
    """Variance of the days' means and its degrees of freedom; with many days from their steps (von Neumann 1941)."""
    count = len(means)
    if count < FEWEST_STEPS:
        return float(np.var(means, ddof=1)), count - 1.0
    return float(np.mean(np.diff(means) ** 2)) / 2.0, 2.0 * (count - 1) ** 2 / (3 * count - 4)


def _reach(difference: Difference) -> float:
    low, high = difference.interval()
    return high - low


def _paired(base: Values, new: Values, earlier: EarlierPairs) -> Difference | None:
    """Compare as pairs; None if there are too few, or if they are not correlated and pairing would only cost power."""
    series = [(base, new), *earlier.series]
    differences, sums = ([(np.asarray(b) + sign * np.asarray(a)).tolist() for a, b in series] for sign in (-1.0, 1.0))
    spread, shared = noise_of(differences), noise_of(sums)
    if spread is None or shared is None or spread.df < FEWEST_PAIRS - 1:
        return None
    if shared.variance <= spread.variance * special.fdtri(spread.df, spread.df, 1.0 - PAIRING):
        return None
    noise = pooled(differences[:1], differences[1:], earlier.today.both, earlier.today.dimensions)
    assert noise is not None  # noqa: S101 - there are two pairs today
    return Difference(
        float(np.mean(differences[0])), float(np.sqrt(noise.variance / len(base))), noise.df, Design.PAIRS
    )


def _noises(base: Values, new: Values, history: Sequence[Values], today: Today) -> tuple[Noise, Noise] | None:
    """Each side's own noise, if one side is significantly noisier; else None."""
    if max(today.base, today.new) > 1.0:
        scales = (base, today.base), (new, today.new)
        ours, theirs = (pooled([side], history, scale, today.dimensions) for side, scale in scales)
        return None if ours is None or theirs is None else (ours, theirs)
    for mine, other in ((new, base), (base, new)):
        noise, rest = noise_of([mine]), noise_of([other, *history])
        if len(mine) > 2 and noise and rest and _is_surprising(noise, rest):
            return (rest, noise) if mine is new else (noise, rest)
    return None


def _is_surprising(noise: Noise, rest: Noise) -> bool:
    limit = rest.variance * special.fdtri(noise.df, rest.df, 1.0 - SURPRISE)
    return rest.variance > 0.0 and bool(noise.variance > limit)


def _unequal(log_ratio: float, noises: tuple[Noise, Noise], runs: tuple[int, int]) -> Difference:
    """The difference with each side's own noise (Welch-Satterthwaite)."""
    parts = [Noise(noise.variance / count, noise.df) for noise, count in zip(noises, runs, strict=True)]
    variance = sum(part.variance for part in parts)
    return Difference(log_ratio, float(np.sqrt(variance)), _known(parts), Design.WELCH)


def _known(parts: Sequence[Noise]) -> float:
    """Degrees of freedom of a sum of variances, at least one of them above 0 (Satterthwaite 1946)."""
    squares = sum(part.variance**2 / part.df for part in parts)
    return sum(part.variance for part in parts) ** 2 / squares


def holm(p_values: Values) -> list[float]:
    """Adjusted p-values that control the family-wise error rate (Holm 1979)."""
    return _step(p_values, lambda rank, count: count - rank, reverse=False)


def benjamini_hochberg(p_values: Values) -> list[float]:
    """Adjusted p-values that control the false discovery rate (Benjamini and Hochberg 1995)."""
    return _step(p_values, lambda rank, count: count / (rank + 1), reverse=True)


def _step(p_values: Values, factor: Callable[[int, int], float], *, reverse: bool) -> list[float]:
    order = np.argsort(p_values)
    adjusted = np.array([p_values[i] * factor(rank, len(p_values)) for rank, i in enumerate(order)])
    adjusted = np.minimum.accumulate(adjusted[::-1])[::-1] if reverse else np.maximum.accumulate(adjusted)
    result = np.empty(len(p_values))
    result[order] = np.minimum(adjusted, 1.0)
    return [float(p) for p in result]


def smallest_detectable(se: float, df: float, alpha: float) -> float:
    """The log ratio that a two-sided test at `alpha` detects with a chance of POWER."""
    return float(special.stdtrit(df, 1.0 - alpha / 2.0) + special.stdtrit(df, POWER)) * se


def runs_needed(change: float, noise: Noise, alpha: float, *, runs: int) -> int | None:
    """Runs per side needed to detect a log ratio of `change` in a test at level `alpha`; None if more than MOST_RUNS.

    The noise is estimated from `runs` runs of both sides together; further runs add degrees of freedom to it.
    """
    sd = float(np.sqrt(noise.variance))
    for count in range(1, MOST_RUNS + 1):
        df = max(noise.df + 2 * count - runs, noise.df, 2 * (count - 1), 1)
        if noise.df == 0 and count == 1:
            continue
        if smallest_detectable(sd * np.sqrt(2.0 / count), df, alpha) <= change:
            return count
    return None

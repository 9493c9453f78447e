"""How far two versions differ beyond the noise from run to run: the statistics of a comparison.

The run is the unit: one number a run, on the log scale, so that differences are ratios. Requests of a run are
correlated, and tests on pooled requests call two runs of one version different in about half of the cases. Knows no
metrics, files or words. Student's and Fisher's distributions come from `scipy.special`: `scipy.stats`, which has them
too, takes a second to import.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import special

from katydid.stats.noise import AS_EVER, Noise, Today, Values, noise_of, pooled

__all__ = ["AS_EVER", "Noise", "Today", "Values", "noise_of"]

INTERVAL = 0.95
"""Confidence of the interval that is shown."""
POWER = 0.80
"""With which the smallest detectable change would be found."""
FEWEST_PAIRS = 5
"""Pairs from which on their own differences may carry the noise; of earlier series each counts one less."""
MOST_RUNS = 200
"""Runs a side beyond which nobody would go to find a change."""
SURPRISE = 0.01
"""Level at which a side's own scatter counts as larger than the others': rare enough to leave coverage alone."""
PAIRING = 0.05
"""Level at which pairs count as correlated."""
UNSEEN = 3.0
"""By how much noisier than the history a day is taken to be of which there is one run a side.

However many versions the history has: of a day twice as noisy as four versions that were equally quiet, a factor of 1
calls equal versions different in 19 % of cases. Any that keeps that below 3 %, 1.5 or more, finds a change of 20 % on a
steady day in less than a fifth.
"""
FEWEST_DAYS = 3
"""Days of the history from which on they tell how much one day differs from the next."""
FEWEST_STEPS = 6
"""Days from which on the steps between them tell it, which a slow creep hardly changes."""


class Design(StrEnum):
    """Where the noise of a difference was taken from."""

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
        se: its standard error.
        df: degrees of freedom of that.
    """

    log_ratio: float
    se: float
    df: float
    design: Design

    @property
    def p_value(self) -> float:
        """Two-sided, for no difference."""
        if self.se == 0.0:
            return 0.0 if self.log_ratio else 1.0
        return float(2.0 * special.stdtr(self.df, -abs(self.log_ratio) / self.se))

    def interval(self, confidence: float = INTERVAL) -> tuple[float, float]:
        """Limits of the log ratio."""
        reach = float(special.stdtrit(self.df, (1.0 + confidence) / 2.0)) * self.se
        return self.log_ratio - reach, self.log_ratio + reach


@dataclass(frozen=True, slots=True)
class EarlierPairs:
    """Interleaved pairs of earlier comparisons: how far two runs side by side differ, whatever the versions.

    Attributes:
        series: logs of both sides' runs, pair by pair; a series is of two versions and one session.
        today: how noisy the differences of today's pairs are against these.
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
    """The difference of two sets of runs of one session; None where nothing tells the noise (one run each, no history).

    The noise is pooled over both sides and the history, whose versions are centred one by one. Where today is noisier
    than the history, that counts only scaled to today. A side whose own runs scatter more than the noise explains gets
    the wider of this and Welch's interval. Runs that were interleaved and visibly correlated in pairs, today's and
    earlier ones together, are compared as pairs. Of one run a side today's noise is unknown: it is taken as UNSEEN
    times the history's.

    Args:
        base: logs of a metric, a run each; in the order of time where `interleaved`.
        new: the same of the other side.
        history: logs of earlier runs, a sequence a version.
        interleaved: the i-th runs of both sides were made side by side.
        today: how noisy both sides are against the history.
        pairs: of earlier comparisons.
    """
    log_ratio = float(np.mean(new) - np.mean(base))
    noise = pooled([base, new], history, today.both, today.dimensions)
    if noise is None:
        return None
    se = float(np.sqrt(noise.variance * (1.0 / len(base) + 1.0 / len(new))))
    if len(base) == len(new) == 1:
        se *= UNSEEN
    found = [Difference(log_ratio, se, noise.df, Design.RUNS)]
    if interleaved and len(base) == len(new) > 1:
        paired = _paired(base, new, pairs)
        if paired is not None:
            return paired
    noises = _noises(base, new, history, today)
    if noises is not None:
        found.append(_unequal(log_ratio, noises, (len(base), len(new))))
    return max(found, key=_reach)


def compare_days(base: Values, new: Values, history: Sequence[Values], days: Sequence[Values]) -> Difference | None:
    """The difference of runs that were not interleaved; None where fewer than FEWEST_DAYS tell how days differ.

    Two sides made at different times differ by their days too. How much, the means of earlier days tell: their
    variance is that of a day and of the runs of one, so that twice as much is the variance of a difference; where a
    side has fewer runs than a day, those that it lacks add theirs (Satterthwaite 1946). For the degrees of freedom
    days differ at least as their runs make them: a few that lie close together by chance would else make the variance
    small and pass for well known at once. That the history's versions may truly differ makes it too careful at most;
    of FEWEST_STEPS days and more only the steps from day to day count, so that a slow creep does not hide itself.

    Args:
        base: logs of a metric, a run each.
        new: the same of the other side.
        history: logs of earlier runs, a sequence a version.
        days: logs of earlier runs, a sequence a day on which some were made, in their order.
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
    """Variance of days, and its degrees of freedom; of many by the steps from one to the next (von Neumann 1941)."""
    count = len(means)
    if count < FEWEST_STEPS:
        return float(np.var(means, ddof=1)), count - 1.0
    return float(np.mean(np.diff(means) ** 2)) / 2.0, 2.0 * (count - 1) ** 2 / (3 * count - 4)


def _reach(difference: Difference) -> float:
    low, high = difference.interval()
    return high - low


def _paired(base: Values, new: Values, earlier: EarlierPairs) -> Difference | None:
    """Differences of pairs; None where these are too few, or not correlated, so that pairing would only cost."""
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
    """Each side's own noise, where one's is larger by more than chance; else None."""
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
    """Each side by its own noise (Welch-Satterthwaite)."""
    parts = [Noise(noise.variance / count, noise.df) for noise, count in zip(noises, runs, strict=True)]
    variance = sum(part.variance for part in parts)
    return Difference(log_ratio, float(np.sqrt(variance)), _known(parts), Design.WELCH)


def _known(parts: Sequence[Noise]) -> float:
    """Degrees of freedom of a sum of variances, of which one at least is more than 0 (Satterthwaite 1946)."""
    squares = sum(part.variance**2 / part.df for part in parts)
    return sum(part.variance for part in parts) ** 2 / squares


def holm(p_values: Values) -> list[float]:
    """Adjusted p-values that keep the chance of any false alarm of the family (Holm 1979)."""
    return _step(p_values, lambda rank, count: count - rank, reverse=False)


def benjamini_hochberg(p_values: Values) -> list[float]:
    """Adjusted p-values that keep the share of false ones among those found (Benjamini and Hochberg 1995)."""
    return _step(p_values, lambda rank, count: count / (rank + 1), reverse=True)


def _step(p_values: Values, factor: Callable[[int, int], float], *, reverse: bool) -> list[float]:
    order = np.argsort(p_values)
    adjusted = np.array([p_values[i] * factor(rank, len(p_values)) for rank, i in enumerate(order)])
    adjusted = np.minimum.accumulate(adjusted[::-1])[::-1] if reverse else np.maximum.accumulate(adjusted)
    result = np.empty(len(p_values))
    result[order] = np.minimum(adjusted, 1.0)
    return [float(p) for p in result]


def smallest_detectable(se: float, df: float, alpha: float) -> float:
    """The log ratio that a two-sided test at `alpha` finds with the usual POWER."""
    return float(special.stdtrit(df, 1.0 - alpha / 2.0) + special.stdtrit(df, POWER)) * se


def runs_needed(change: float, noise: Noise, alpha: float, *, runs: int) -> int | None:
    """Runs a side with which a log ratio of `change` would be found; None beyond MOST_RUNS.

    Args:
        change: to be found.
        noise: of one run, as far as it is known now.
        alpha: of the test.
        runs: that both sides have together now; further ones add to what is known about the noise.
    """
    sd = float(np.sqrt(noise.variance))
    for count in range(1, MOST_RUNS + 1):
        df = max(noise.df + 2 * count - runs, noise.df, 2 * (count - 1), 1)
        if noise.df == 0 and count == 1:
            continue
        if smallest_detectable(sd * np.sqrt(2.0 / count), df, alpha) <= change:
            return count
    return None

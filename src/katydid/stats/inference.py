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

Values = Sequence[float]

INTERVAL = 0.95
"""Confidence of the interval that is shown."""
POWER = 0.80
"""With which the smallest detectable change would be found."""
FEWEST_PAIRS = 5
"""Pairs from which on their own differences may carry the noise."""
MOST_RUNS = 200
"""Runs a side beyond which nobody would go to find a change."""
SURPRISE = 0.01
"""Level at which a side's own scatter counts as larger than the others': rare enough to leave coverage alone."""
PAIRING = 0.05
"""Level at which pairs count as correlated."""


LEAST_VARIANCE = 1e-12
"""Of logs, what is less counts as zero: it comes of rounding, not of runs."""


class Design(StrEnum):
    """Where the noise of a difference was taken from."""

    RUNS = "runs"
    PAIRS = "pairs"
    WELCH = "unequal runs"
    WITHIN_RUN = "within one run"
    FAILURES = "failures of runs"


@dataclass(frozen=True, slots=True)
class Noise:
    """The variance of one run's log value from run to run, and what it rests on."""

    variance: float
    df: int


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


def noise_of(groups: Sequence[Values]) -> Noise | None:
    """Pooled variance of runs around the mean of their group (a version); None where no group has two."""
    squares, df = 0.0, 0
    for group in groups:
        if len(group) > 1:
            squares += float(np.var(group)) * len(group)
            df += len(group) - 1
    return Noise(_variance(squares / df), df) if df else None


def _variance(found: float) -> float:
    return found if found >= LEAST_VARIANCE else 0.0


def compare_values(
    base: Values, new: Values, history: Sequence[Values] = (), *, interleaved: bool
) -> Difference | None:
    """The difference of two sets of runs; None where nothing tells the noise (one run each, no history).

    The noise is pooled over both sides and the history, whose versions are centred one by one. A side whose
    own runs scatter more than that explains gets the wider of this and Welch's interval. Runs that were
    interleaved and visibly correlated in pairs are compared as pairs.

    Args:
        base: logs of a metric, a run each; in the order of time where `interleaved`.
        new: the same of the other side.
        history: logs of earlier runs, a sequence a version.
        interleaved: the i-th runs of both sides were made side by side.
    """
    log_ratio = float(np.mean(new) - np.mean(base))
    noise = noise_of([base, new, *history])
    if noise is None:
        return None
    se = float(np.sqrt(noise.variance * (1.0 / len(base) + 1.0 / len(new))))
    pooled = Difference(log_ratio, se, noise.df, Design.RUNS)
    if interleaved and len(base) == len(new) >= FEWEST_PAIRS:
        paired = _paired(np.asarray(base), np.asarray(new))
        if paired is not None:
            return paired
    welch = _welch(base, new, history)
    if welch is not None and _reach(welch) > _reach(pooled):
        return welch
    return pooled


def _reach(difference: Difference) -> float:
    low, high = difference.interval()
    return high - low


def _paired(base: np.ndarray, new: np.ndarray) -> Difference | None:
    """Differences of pairs; None where the pairs are not correlated, so that pairing would only cost."""
    differences, sums = new - base, new + base
    spread, shared = (_variance(float(np.var(values, ddof=1))) for values in (differences, sums))
    df = len(base) - 1
    if shared <= spread * special.fdtri(df, df, 1.0 - PAIRING):
        return None
    return Difference(float(differences.mean()), float(np.sqrt(spread / len(base))), df, Design.PAIRS)


def _welch(base: Values, new: Values, history: Sequence[Values]) -> Difference | None:
    """Each side by its own noise, where the new one's is larger than the base's by more than chance."""
    if len(new) < 3:
        return None
    mine, others = noise_of([new]), noise_of([base, *history])
    if mine is None or others is None or others.variance == 0.0:
        return None
    if mine.variance <= others.variance * special.fdtri(mine.df, others.df, 1.0 - SURPRISE):
        return None
    parts = others.variance / len(base), mine.variance / len(new)
    variance = sum(parts)
    # Welch-Satterthwaite
    df = variance**2 / (parts[0] ** 2 / others.df + parts[1] ** 2 / mine.df)
    return Difference(float(np.mean(new) - np.mean(base)), float(np.sqrt(variance)), df, Design.WELCH)


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

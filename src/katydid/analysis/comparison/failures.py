"""Compare the failure rates of two versions, from each run's number of failures and requests.

Failures are counts, but not independent: a target that falters fails many requests at once, and some runs have more
failures than others. So their variance is the binomial one times a dispersion (quasi-binomial: McCullagh and Nelder
1989, section 4.5; Williams 1982), which comes from three sources:

- within a run, from how unevenly its failures are spread over its course (batch means over blocks of requests). With
  fewer than FEW failures, episodes are counted instead; failures that come steadily are not an episode.
- from run to run, from Pearson's chi square of runs around the rate of their version, if there are enough failures.
- from an assumption: two requests of a run have a correlation of ASSUMED, so no run is worth more than 1 / ASSUMED
  independent requests (beta-binomial). The assumption has the weight of ASSUMED_DF degrees of freedom of observation
  (moderated variances: Smyth 2004; for counts: Lund, Nettleton, McCarthy and Smyth 2012), so a single pair of runs can
  show a large difference, but only a large one.

The difference is tested by the score test with Student's t, and the interval inverts the same test (Miettinen and
Nurminen 1985). So the two agree, and 0 of 200 needs no special case. Knows no metric and no file.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from katydid.stats.inference import INTERVAL, MOST_RUNS, POWER

FEW = 5
"""The fewest failures of a run whose course shows how they clump; with fewer, episodes are counted."""
EPISODE_GAP_MS = 5000.0
"""Failures at most this far apart belong to one episode: a server that falters fails many at once."""
BLOCKS = (20, 8)
"""Numbers of blocks into which a run is cut: short blocks for bursts, long ones for outages."""
ASSUMED = 0.005
"""Assumed correlation of two requests of a run."""
ASSUMED_DF = 8
OF_A_DAY = 0.02
"""Assumed correlation of two requests of a day: a rate of 5 % varies from day to day by an sd of three points."""
STEPS = 60
"""Steps of the bisection for a limit of an interval; each halves the error."""


@dataclass(frozen=True, slots=True)
class RunFailures:
    """The failures of one run.

    Attributes:
        failed: requests that failed.
        ended: requests that succeeded or failed.
        clumping: variance of the failures over that of independent ones, for each of BLOCKS.
    """

    failed: float
    ended: float
    clumping: tuple[float, ...] = (1.0,) * len(BLOCKS)


def episodes(at_ms: np.ndarray) -> int:
    """The number of times that the target began to fail, from the instants of all failures."""
    return int(len(at_ms) > 0) + int((np.diff(np.sort(at_ms)) > EPISODE_GAP_MS).sum())


def clumping(failed: np.ndarray, faltered: int) -> tuple[float, ...]:
    """The variance of a run's failures over that of independent ones, for each of BLOCKS.

    Args:
        failed: whether each request failed, in the order in which they were due.
        faltered: the number of episodes.
    """
    count = int(failed.sum())
    if count < FEW:
        return clumping_of_few(count, faltered)
    rate = count / len(failed)
    if rate == 1.0:
        return (1.0,) * len(BLOCKS)
    return tuple(_clumping(failed, rate, min(blocks, len(failed))) for blocks in BLOCKS)


def clumping_of_few(count: float, faltered: int) -> tuple[float, ...]:
    """The same from the number of episodes; 1 for FEW failures or more, as steady failures are one episode too."""
    return (max(count / max(faltered, 1), 1.0) if count < FEW else 1.0,) * len(BLOCKS)


def _clumping(failed: np.ndarray, rate: float, blocks: int) -> float:
    sizes = np.full(blocks, len(failed) // blocks)
    sizes[: len(failed) % blocks] += 1
    found = np.add.reduceat(failed, np.cumsum(sizes) - sizes, dtype=np.int64)
    return float(((found - sizes * rate) ** 2 / (sizes * rate * (1.0 - rate))).sum() / (blocks - 1))


@dataclass(frozen=True, slots=True)
class RateDifference:
    """The failure rate of the new side less that of the base.

    Attributes:
        base, new: failures and requests of all runs of a side.
        runs: of both sides together.
        dispersion: variance over the binomial variance.
        df: degrees of freedom of the dispersion.
        of_days: additional dispersion from the days, if the sides were not interleaved.
    """

    base: tuple[float, float]
    new: tuple[float, float]
    runs: int
    dispersion: float
    df: float
    of_days: float = 0.0

    @property
    def change(self) -> float:
        """The difference of the rates, as a fraction of all requests."""
        return self.new[0] / self.new[1] - self.base[0] / self.base[1]

    @property
    def p_value(self) -> float:
        """Two-sided p-value for no difference."""
        error = self._error(0.0)
        return float(2.0 * special.stdtr(self.df, -abs(self.change) / error)) if error else 1.0

    def interval(self, confidence: float = INTERVAL) -> tuple[float, float]:
        """Limits of the difference: the range that the score test does not reject."""
        reach = float(special.stdtrit(self.df, (1.0 + confidence) / 2.0))
        return self._limit(-1.0, reach), self._limit(1.0, reach)

    def _limit(self, end: float, reach: float) -> float:
        inside, outside = self.change, end
        for _ in range(STEPS):
            middle = (inside + outside) / 2.0
            if abs(self.change - middle) <= reach * self._error(middle):
                inside = middle
            else:
                outside = middle
        return (inside + outside) / 2.0

    def _error(self, difference: float) -> float:
        """Standard error of the change if the true difference is `difference`."""
        base, new = _restricted(*self.base, *self.new, difference)
        variance = base * (1.0 - base) / self.base[1] + new * (1.0 - new) / self.new[1]
        return math.sqrt((self.dispersion + self.of_days) * max(variance, 0.0))

    def smallest_detectable(self, alpha: float) -> float | None:
        """The rise that a two-sided test at `alpha` detects with a chance of POWER; None if the rate would exceed 1."""
        dispersion = self.dispersion + self.of_days
        return self._detectable(alpha, dispersion * (1.0 / self.base[1] + 1.0 / self.new[1]), self.df)

    def _detectable(self, alpha: float, per_variance: float, df: float) -> float | None:
        """The same for a difference with `per_variance` times the variance of one request."""
        factor = float(special.stdtrit(df, 1.0 - alpha / 2.0) + special.stdtrit(df, POWER)) ** 2 * per_variance
        rate = self.base[0] / self.base[1]
        # rise² = factor · p · (1 − p), with p = rate + rise / 2 in the middle
        a, b, c = 1.0 + factor / 4.0, factor * (rate - 0.5), -factor * rate * (1.0 - rate)
        rise = (-b + float(np.sqrt(b * b - 4.0 * a * c))) / (2.0 * a)
        return rise if rate + rise <= 1.0 else None

    def runs_needed(self, alpha: float, least: float) -> int | None:
        """Interleaved runs per side that would detect the observed change, or `least` if that is larger.

        None if more than MOST_RUNS.
        """
        wanted, requests = max(abs(self.change), least), (self.base[1] + self.new[1]) / self.runs
        for count in range(1, MOST_RUNS + 1):
            df = max(self.df + 2 * count - self.runs, ASSUMED_DF)
            found = self._detectable(alpha, self.dispersion * 2.0 / (count * requests), df)
            if found is not None and found <= wanted:
                return count
        return None


def compare_failures(
    base: Sequence[RunFailures],
    new: Sequence[RunFailures],
    history: Sequence[Sequence[RunFailures]] = (),
    *,
    interleaved: bool,
    days: Sequence[Sequence[RunFailures]] = (),
) -> RateDifference:
    """Compare the failure rates of two sides; each has at least one run, and each run at least one request.

    Earlier runs are given by version, and by day for sides that were not interleaved.
    """
    runs = [*base, *new]
    within = _within(runs)
    requests = sum(run.ended for run in runs) / len(runs)
    assumed = within + (requests - 1.0) * ASSUMED
    seen, df = (sum(parts) for parts in zip((0.0, 0), *_from_run_to_run([base, new, *history]), strict=True))
    dispersion = (ASSUMED_DF * assumed + seen) / (ASSUMED_DF + df)
    totals = [(sum(run.failed for run in side), sum(run.ended for run in side)) for side in (base, new)]
    found = RateDifference(totals[0], totals[1], len(runs), max(dispersion, within), float(ASSUMED_DF + df))
    if interleaved:
        return found
    told, known = _of_a_day(days, found.dispersion)
    correlation = (ASSUMED_DF * OF_A_DAY + known * told) / (ASSUMED_DF + known)
    side = 2.0 / sum(1.0 / ended for _, ended in totals)
    return replace(found, df=min(found.df, float(ASSUMED_DF + known)), of_days=side * correlation)


def _within(runs: Sequence[RunFailures]) -> float:
    """Dispersion within runs, weighted by their failures; at least 1, that of independent requests."""
    failed = sum(run.failed for run in runs)
    if not failed:
        return 1.0
    return max(1.0, *(sum(run.failed * run.clumping[i] for run in runs) / failed for i in range(len(BLOCKS))))


def _from_run_to_run(groups: Sequence[Sequence[RunFailures]]) -> Iterator[tuple[float, int]]:
    """Chi square and degrees of freedom of each version with enough failures to show how its runs scatter."""
    for runs in groups:
        failed, ended = sum(run.failed for run in runs), sum(run.ended for run in runs)
        if len(runs) < 2 or failed < FEW * len(runs) or failed == ended:
            continue
        rate = failed / ended
        yield sum((r.failed - r.ended * rate) ** 2 / (r.ended * rate * (1.0 - rate)) for r in runs), len(runs) - 1


def _of_a_day(days: Sequence[Sequence[RunFailures]], dispersion: float) -> tuple[float, int]:
    """Correlation of two requests of a day, and its degrees of freedom; (0, 0) if the days have too few failures."""
    whole = [RunFailures(sum(run.failed for run in day), sum(run.ended for run in day)) for day in days]
    for seen, df in _from_run_to_run([whole]):
        requests = len(whole) / sum(1.0 / day.ended for day in whole)
        return max(0.0, (seen / df - dispersion) / requests), df
    return 0.0, 0


def _restricted(failed0: float, ended0: float, failed1: float, ended1: float, difference: float) -> tuple[float, float]:
    """The most likely two rates that differ by `difference` (Miettinen and Nurminen 1985, appendix)."""
    ended = ended0 + ended1
    if difference == 0.0:
        rate = (failed0 + failed1) / ended
        return rate, rate
    l2 = (ended1 + 2.0 * ended0) * difference - ended - (failed0 + failed1)
    l1 = (ended0 * difference - ended - 2.0 * failed0) * difference + failed0 + failed1
    l0 = failed0 * difference * (1.0 - difference)
    q = l2**3 / (3.0 * ended) ** 3 - l1 * l2 / (6.0 * ended**2) + l0 / (2.0 * ended)
    p = math.copysign(math.sqrt(max(l2**2 / (3.0 * ended) ** 2 - l1 / (3.0 * ended), 0.0)), q)
    angle = (math.pi + np.arccos(_clip(q / p**3, -1.0))) / 3.0 if p else 0.0
    first = _clip(float(2.0 * p * np.cos(angle)) - l2 / (3.0 * ended))
    return first, _clip(first + difference)


def _clip(value: float, least: float = 0.0) -> float:
    return min(max(value, least), 1.0)

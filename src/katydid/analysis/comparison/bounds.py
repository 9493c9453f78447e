"""Differences with a value that is only a lower bound, and differences of runs that were stopped early.

If a quantile falls among requests that timed out, it is a lower bound. If only the new side's value is one, the true
change is at least the one shown; if only the base's, at most. Two effects must not be mistaken for a change:

- A quantile near the edge of the timeouts jumps. Two sides with 5 % timeouts each may have their p95 on different
  sides of that edge by chance. So the side with the known value must be clear of the edge. If it is not, or if only
  some runs of the other side have bounds, the sides are compared by the share of requests that took longer than the
  known value.
- A run that was stopped early has fewer requests than the runs that the noise was estimated from, so its variance is
  assumed larger in proportion. A run that was stopped while users were still being added had another load: no verdict.

Knows no metric's label and no report.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from katydid.analysis.comparison.estimates import Estimates
from katydid.model.metrics import STATISTICS, split_name
from katydid.stats.censoring import Known
from katydid.stats.inference import Design, Difference, compare_values

Runs = Sequence[Estimates]

EDGE_ERRORS = 3.0
"""Standard errors by which the share of timeouts must be below the edge of the quantile."""
ON_BOTH_SIDES = "it falls among requests that timed out or were aborted, on both sides"
UNSETTLED = "it falls among requests that timed out or were aborted: its lower bound does not decide it"
IN_A_RAMP = "runs were stopped while users were still being added: their times are of different loads"


class Bound(StrEnum):
    """The true change is at least the one shown (a bound on the new side), at most it (on the base), or unknown."""

    LOWER = "lower"
    UPPER = "upper"
    BOTH = "both"


@dataclass(frozen=True)
class Weighed:
    """A difference with its bound.

    Attributes:
        floor: the log ratio that the change exceeds, if it was tested by shares; None if by the interval.
        reason: why there can be no verdict.
    """

    difference: Difference | None
    p_value: float
    bound: Bound | None = None
    floor: float | None = None
    reason: str = ""


def weigh(name: str, difference: Difference | None, groups: Sequence[Runs], min_change: float) -> Weighed | None:
    """Adjust a metric's difference for bounds and early stops; None if no value is bounded and no run stopped early.

    The difference takes bounds as values. The groups are the runs of the base, of the new side and of each earlier
    version. A change smaller than `min_change`, a fraction, does not matter.
    """
    distribution, _ = split_name(name)
    sides, groups = groups[:2], [[run for run in group if distribution in run.times] for group in groups]
    lacking = any(distribution not in run.times for side in sides for run in side)
    bounded = [any(name in run.bounds for run in side) for side in sides]
    early = any(run.stopped_early for group in groups for run in group)
    if lacking or not (early or any(bounded)):
        return None
    if any(run.in_ramp for side in sides for run in side):
        return Weighed(difference, 1.0, reason=IN_A_RAMP)
    if all(bounded):
        return Weighed(None, 1.0, Bound.BOTH, reason=ON_BOTH_SIDES)
    bound = Bound.LOWER if bounded[1] else Bound.UPPER if bounded[0] else None
    if difference is None or difference.design is Design.WITHIN_RUN:
        return Weighed(difference if bound is None else None, 1.0, bound)
    difference = _widened(difference, groups, distribution)
    if bound is not None:
        return _bounded(name, difference, groups, bound, min_change)
    return Weighed(difference, difference.p_value)


def limits(interval: tuple[float, float] | None, bound: Bound | None, floor: float | None) -> list[float | None]:
    """The limits of a change's interval as fractions; None on an open side."""
    if interval is None or bound is Bound.BOTH:
        return [None, None]
    low, high = interval
    if bound is Bound.LOWER:
        return [math.expm1(low if floor is None else max(low, floor)), None]
    if bound is Bound.UPPER:
        return [None, math.expm1(high if floor is None else min(high, floor))]
    return [math.expm1(low), math.expm1(high)]


def stands(bound: Bound | None, *, longer: bool) -> bool:
    """Return True if a verdict on a bound holds although the new side's successful answers differ in length.

    If long answers time out, that side's successes are the shorter ones. Shorter answers cannot explain why a side is
    slower; longer ones could.
    """
    return (bound is Bound.LOWER and not longer) or (bound is Bound.UPPER and longer)


def _bounded(name: str, difference: Difference, groups: Sequence[Runs], bound: Bound, min_change: float) -> Weighed:
    """A difference in which one side is only a lower bound."""
    if _is_certain(name, groups, bound):
        return Weighed(difference, _one_way(difference, bound), bound)
    least = math.log1p(min_change) if bound is Bound.LOWER else math.log1p(-min_change)
    return Weighed(difference, _p_of_shares(name, groups, bound, least), bound, floor=least)


def _one_way(difference: Difference, bound: Bound) -> float:
    """The p-value of the difference; 1 if it points away from the open side of the bound."""
    return difference.p_value if (difference.log_ratio > 0) == (bound is Bound.LOWER) else 1.0


def _is_certain(name: str, groups: Sequence[Runs], bound: Bound) -> bool:
    """Return True if every run of one side has a bound, and the other side's timeouts are clear of the quantile."""
    distribution, statistic = split_name(name)
    quantile = next(each.quantile for each in STATISTICS if each.name == statistic)
    if quantile is None:
        return True
    open_side, known = (groups[1], groups[0]) if bound is Bound.LOWER else (groups[0], groups[1])
    if not all(name in run.bounds for run in open_side):
        return False
    shares = np.array([run.times[distribution].beyond for run in known])
    counts = np.array([run.times[distribution].count for run in known], dtype=np.float64)
    total, share = counts.sum(), float(np.average(shares, weights=counts))
    error = math.sqrt(max(share, 1.0 / total) * (1.0 - share) / total)
    if len(known) > 1:
        error = max(error, float(shares.std(ddof=1)) / math.sqrt(len(known)))
    return share + EDGE_ERRORS * error < 1.0 - quantile


def _p_of_shares(name: str, groups: Sequence[Runs], bound: Bound, least: float) -> float:
    """The p-value for the shares of requests that took longer than exp(|`least`|) times the known side's value."""
    distribution, _ = split_name(name)
    finite, open_side = groups[:2] if bound is Bound.LOWER else groups[1::-1]
    limit = math.exp(float(np.mean([math.log(run.values[name]) for run in finite])) + abs(least))
    if any(run.values[name] < limit for run in open_side if name in run.bounds):
        return 1.0  # some runs' times are not known up to the limit
    times = [[run.times[distribution] for run in group] for group in groups]

    def longer(known: Known) -> float:
        """The number of requests that took longer."""
        return known.share_beyond(limit) * known.count

    # Half a request is added, so that a share of 0 has a log.
    logs = [[math.log((longer(known) + 0.5) / (known.count + 1.0)) for known in group] for group in times]
    difference = compare_values(logs[0], logs[1], logs[2:], interleaved=False)
    assert difference is not None  # noqa: S101 - the values themselves had one
    difference = _widened(difference, groups, distribution)
    of_independent_requests = math.sqrt(sum(1.0 / (0.5 + sum(map(longer, side))) for side in times[:2]))  # Poisson
    return _one_way(replace(difference, se=max(difference.se, of_independent_requests)), bound)


def _widened(difference: Difference, groups: Sequence[Runs], distribution: str) -> Difference:
    """The difference, with noise that allows for runs that were stopped early.

    The pooled variance is for runs with the harmonic mean of the requests of the runs it comes from. A run with fewer
    requests gets a larger variance in proportion, as if all noise came from sampling; this can only be too cautious.
    Degrees of freedom by Satterthwaite, dominated by the short runs.
    """
    if difference.design is Design.PAIRS or not any(run.stopped_early for group in groups for run in group):
        return difference
    inverse = [[1.0 / max(1, run.times[distribution].count) for run in group] for group in groups]
    known = [(len(group) - 1, float(np.mean(group))) for group in inverse if len(group) > 1]
    weight = sum(df * variance for df, variance in known)
    ours = sum(float(np.mean(group)) / len(group) for group in inverse[:2])
    usual = weight / sum(df for df, _ in known) * sum(1.0 / len(group) for group in inverse[:2])
    df = weight**2 / sum(df * variance**2 for df, variance in known)
    return replace(difference, se=difference.se * math.sqrt(max(1.0, ours / usual)), df=min(difference.df, df))

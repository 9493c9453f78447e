"""Differences of which a side is known only as a lower bound, and those of runs that were stopped early.

Where a quantile lies among requests that timed out, what they had is a lower bound. If only the new side's is
one, the change is at least what it says; if only the base's, at most. Two things must be kept apart from noise:

- A quantile at the edge of the time-outs jumps. Two sides with 5 % time-outs each may lie on either side of the
  edge of p95 by luck. So the side whose value is known must be clear of the edge; where it is not, or where only
  some runs are bounds, the sides are compared by the share of requests that took longer than the known value.
- A run that was stopped early has fewer requests than those that tell the noise: its variance is taken as larger
  by as much. One that was stopped while users were still being added had another load: no verdict.

Knows no metric's label and no report.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from katydid.analysis.comparison.estimates import Estimates
from katydid.model.metrics import STATISTICS, split_name
from katydid.stats.inference import Design, Difference, compare_values

Runs = Sequence[Estimates]

EDGE_ERRORS = 3.0
"""Standard errors by which a side's time-outs must be fewer than would reach the quantile."""
ON_BOTH_SIDES = "it lies among requests that timed out or were cut off, on both sides"
UNSETTLED = "it lies among requests that timed out or were cut off, and what they had at least does not settle it"
IN_A_RAMP = "runs were stopped while users were still being added: their times are those of different loads"


class Bound(StrEnum):
    """What a change is: at least what it says (of the new side), at most (of the base), or unknown."""

    LOWER = "lower"
    UPPER = "upper"
    BOTH = "both"


@dataclass(frozen=True)
class Weighed:
    """A difference with its bound.

    Attributes:
        floor: the log ratio that the change exceeds, where the shares say so; None where the interval does.
        reason: why there can be no verdict.
    """

    difference: Difference | None
    p_value: float
    bound: Bound | None = None
    floor: float | None = None
    reason: str = ""


def weigh(name: str, difference: Difference | None, groups: Sequence[Runs], min_change: float) -> Weighed | None:
    """What a metric's difference is worth; None where no value is bounded and no run was stopped early.

    Args:
        name: of the metric.
        difference: of its values, bounds taken as values.
        groups: the runs of the base, those of the new side, and earlier ones, a sequence a version.
        min_change: the fraction from which on a change is of interest.
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
    """The ends of a change's interval as fractions; None on the side on which it is open."""
    if interval is None or bound is Bound.BOTH:
        return [None, None]
    low, high = interval
    if bound is Bound.LOWER:
        return [math.expm1(low if floor is None else max(low, floor)), None]
    if bound is Bound.UPPER:
        return [None, math.expm1(high if floor is None else min(high, floor))]
    return [math.expm1(low), math.expm1(high)]


def stands(bound: Bound | None, *, longer: bool) -> bool:
    """Whether a verdict on a bound holds although the new side's successful answers are of another length.

    Where long answers time out, the successes of that side are the shorter ones: they do not explain that it is
    slower, as answers that are longer would.
    """
    return (bound is Bound.LOWER and not longer) or (bound is Bound.UPPER and longer)


def _bounded(name: str, difference: Difference, groups: Sequence[Runs], bound: Bound, min_change: float) -> Weighed:
    """A difference of which one side is known as a lower bound alone."""
    if _is_certain(name, groups, bound):
        return Weighed(difference, _one_way(difference, bound), bound)
    least = math.log1p(min_change) if bound is Bound.LOWER else math.log1p(-min_change)
    return Weighed(difference, _p_of_shares(name, groups, bound, least), bound, floor=least)


def _one_way(difference: Difference, bound: Bound) -> float:
    """Its p-value; 1 where it points to the side on which the bound is open."""
    return difference.p_value if (difference.log_ratio > 0) == (bound is Bound.LOWER) else 1.0


def _is_certain(name: str, groups: Sequence[Runs], bound: Bound) -> bool:
    """Whether every run of one side has a bound, and those of the other have so few open ends that none is by luck."""
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
    """The p-value of the shares of requests that took longer than the known side's value and `least`, a log ratio."""
    distribution, _ = split_name(name)
    known, open_side = groups[:2] if bound is Bound.LOWER else groups[1::-1]
    limit = math.exp(float(np.mean([math.log(run.values[name]) for run in known])) + abs(least))
    if any(run.values[name] < limit for run in open_side if name in run.bounds):
        return 1.0  # so long are the times of no run known
    logs = [[_log_share(run, distribution, limit) for run in group] for group in groups]
    difference = compare_values(logs[0], logs[1], logs[2:], interleaved=False)
    assert difference is not None  # noqa: S101 - the values themselves had one
    difference = _widened(difference, groups, distribution)
    error = _counting_error(groups[:2], distribution, limit)
    return _one_way(replace(difference, se=max(difference.se, error)), bound)


def _log_share(run: Estimates, distribution: str, limit: float) -> float:
    """The log of the share of requests that took longer, with half a request added, so that none has one too."""
    known = run.times[distribution]
    return math.log((known.share_beyond(limit) * known.count + 0.5) / (known.count + 1.0))


def _counting_error(sides: Sequence[Runs], distribution: str, limit: float) -> float:
    """The least standard error of the log of a ratio of shares: that of independent requests (Poisson's)."""
    error = 0.0
    for side in sides:
        known = [run.times[distribution] for run in side]
        error += 1.0 / (0.5 + sum(each.share_beyond(limit) * each.count for each in known))
    return math.sqrt(error)


def _widened(difference: Difference, groups: Sequence[Runs], distribution: str) -> Difference:
    """A difference whose noise takes account of runs that were stopped early.

    The pooled variance is that of runs with as many requests as its own have in the (harmonic) mean. That of a run
    with fewer is larger: in proportion, as if all noise came from sampling, which is at most too careful. Degrees
    of freedom by Satterthwaite: those of the short runs decide.
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

"""Each metric's verdict from the runs of both sides: slower, faster, no difference, or cannot tell.

"Slower" means worse, for rates too. A change counts if it is both significant (adjusted for the number of metrics) and
large enough to matter. The verdict is "no difference" only if the interval shows it (two one-sided tests, Schuirmann
1987), else "cannot tell".
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from katydid.analysis.comparison import bounds
from katydid.analysis.comparison.bounds import Bound
from katydid.analysis.comparison.estimates import Estimates
from katydid.analysis.comparison.failures import RateDifference, RunFailures, clumping_of_few, compare_failures
from katydid.analysis.comparison.primaries import FAILURES
from katydid.analysis.comparison.sides import (
    NOT_INTERLEAVED,
    Series,
    Sides,
    todays,
    todays_pairs,
    with_successes,
)
from katydid.model.documents.comparison import ComparedMetric, ComparedPoints, CompareSettings, Verdict
from katydid.model.metrics import METRICS, split_name, whole_name
from katydid.model.metrics.rates import FlatMetric
from katydid.model.units import Better, Unit
from katydid.stats import inference
from katydid.stats.inference import Design, Difference, EarlierPairs, Noise, Values
from katydid.stats.noise import Today

LEAST_POINTS = 0.005
"""A share must change by half a percentage point to matter, however large the relative change is."""
SAME_POINTS = 2 * LEAST_POINTS
"""Failure rates that differ by less are the same, whatever their ratio: no other rate is within 10 % of 0 %."""
ASSUMED_SD = 0.04
"""Assumed run-to-run sd of a log quantile if the noise is unknown: typical of a server on a shared machine."""
NONE = "none on either side"
TWO_WAYS = "the runs declare it differently"
NO_SUCCESS = "no request succeeded on one side"


@dataclass(frozen=True)
class Judged:
    """A metric's comparison.

    Attributes:
        base, new: geometric mean of the runs' values; for shares their mean, for failures the rate over all runs; None
            if a run lacks the metric.
        level: for shares only, the base's value that the ratio refers to, with half a request added.
        difference: None if the noise is unknown, and for failures.
        rates: for failures only.
        reason: why a verdict is impossible, if not because of the noise.
        bound, floor: of a change that is known on one side only; see `bounds`.
        declared: the metric, if a workload declares it.
    """

    name: str
    primary: bool
    base: float | None = None
    new: float | None = None
    level: float | None = None
    difference: Difference | None = None
    rates: RateDifference | None = None
    noise: Noise | None = None
    runs: int = 0
    p_value: float = 1.0
    verdict: Verdict = Verdict.CANNOT_TELL
    reason: str = ""
    bound: Bound | None = None
    floor: float | None = None
    declared: FlatMetric | None = None

    @property
    def metric(self) -> FlatMetric:
        """The metric that is compared."""
        return self.declared or METRICS[self.name]

    def row(self, settings: CompareSettings, family: int) -> ComparedMetric:
        """The metric's row of the comparison; fractions, never NaN. `family` tests share the level."""
        alpha = settings.family_alpha / family
        undecided = self.verdict is Verdict.CANNOT_TELL and self.base is not None and self.bound is None
        return ComparedMetric(
            name=self.name,
            base=self.base,
            new=self.new,
            change=self.change,
            bound=self.bound,
            verdict=self.verdict,
            primary=self.primary,
            runs_needed=self._needed(settings, alpha) if undecided else None,
            p_value=self.p_value,
            reason=self.reason,
            label=self.metric.label,
            unit=self.metric.unit,
            better=self.metric.better,
            **(self._of_ratio(alpha) if self.rates is None else self._of_rates(self.rates, alpha)),
        )

    def _of_ratio(self, alpha: float) -> dict[str, Any]:
        difference, interval, detectable = self.difference, None, None
        if difference is not None:
            interval = difference.interval()
            if difference.design is not Design.WITHIN_RUN and self.bound is None:
                detectable = inference.smallest_detectable(difference.se, difference.df, alpha)
        low, high = bounds.limits(interval, self.bound, self.floor)
        points = None
        if self.base is not None and self.new is not None and self.level is not None:
            points = in_points(self.base, self.new, self.level, interval, detectable)
        return {
            "low": low,
            "high": high,
            "smallest_detectable": None if detectable is None else math.expm1(detectable),
            "design": difference and difference.design,
            "points": points,
        }

    def _of_rates(self, rates: RateDifference, alpha: float) -> dict[str, Any]:
        """Failures are compared in points; the ratios are the points divided by the base's rate."""
        (low, high), detectable = rates.interval(), rates.smallest_detectable(alpha)
        level = self.level or math.nan
        return {
            "low": low / level,
            "high": high / level,
            "smallest_detectable": detectable and detectable / level,
            "design": Design.FAILURES,
            "points": ComparedPoints(
                change=100.0 * rates.change,
                low=100.0 * low,
                high=100.0 * high,
                detectable=detectable and 100.0 * detectable,
            ),
        }

    @property
    def change(self) -> float | None:
        """The new side's change against the base, as a fraction."""
        if self.difference is not None:
            return math.expm1(self.difference.log_ratio)
        if self.rates is not None and self.level:
            return (self.rates.new[0] + 0.5) / (self.rates.new[1] + 1.0) / self.level - 1.0
        if self.bound is Bound.BOTH:
            return None
        return self.new / self.base - 1.0 if self.new is not None and self.base else None

    def _needed(self, settings: CompareSettings, alpha: float) -> int | None:
        """Runs per side that would detect the observed change, or the smallest that matters if that is larger."""
        if self.rates is not None:
            return self.rates.runs_needed(alpha, LEAST_POINTS)
        noise = self.noise or Noise(ASSUMED_SD**2, 0)
        if noise.variance == 0.0:
            return None
        seen = abs(self.difference.log_ratio) if self.difference else 0.0
        wanted = max(seen, math.log1p(settings.min_change))
        return inference.runs_needed(wanted, noise, alpha, runs=self.runs)


def in_points(
    base: float, new: float, level: float, interval: tuple[float, float] | None, detectable: float | None
) -> ComparedPoints:
    """Convert the comparison of two shares from ratios to percentage points: from 0 % to 100 % is no finite ratio.

    The ratio's interval is multiplied by the base's share, the usual way from relative to absolute effects (Cochrane
    Handbook 5.1, section 12.5.4.2). It is limited to possible shares, and widened to include the difference itself.

    Args:
        base: the base's share as shown, a fraction.
        new: the new side's.
        level: the base's share that the ratio refers to; not 0.
        interval: of the log ratio.
        detectable: the smallest detectable log ratio; left out if the share would exceed 100 %.
    """
    change = 100.0 * (new - base)
    low = high = smallest = None
    if interval is not None:
        low, high = (100.0 * level * math.expm1(limit) for limit in interval)
        low, high = max(min(low, change), -100.0 * base), min(max(high, change), 100.0 * (1.0 - base))
    if detectable is not None:
        found = 100.0 * level * math.expm1(detectable)
        smallest = found if found <= 100.0 * (1.0 - level) else None
    return ComparedPoints(change=change, low=low, high=high, detectable=smallest)


def judge_metrics(names: Sequence[str], sides: Sides, settings: CompareSettings) -> list[Judged]:
    """Every metric's verdict: the primary ones adjusted by Holm, the others by Benjamini and Hochberg."""
    primary = {FAILURES, *settings.primary}
    today = todays(sides, settings.primary), todays_pairs(sides, settings.primary)
    raw = [_weighed(_compared(name, sides, *today, primary=name in primary), sides, settings) for name in names]
    return [
        *_judged([m for m in raw if m.primary], inference.holm, settings),
        *_judged([m for m in raw if not m.primary], inference.benjamini_hochberg, settings),
    ]


def _weighed(metric: Judged, sides: Sides, settings: CompareSettings) -> Judged:
    """The metric with the error that all its runs share, and with its difference adjusted by `bounds`."""
    if metric.difference is not None and (error := sides.errors.get(metric.name)):
        difference = replace(metric.difference, se=math.hypot(metric.difference.se, error))
        metric = replace(metric, difference=difference, p_value=difference.p_value)
    runs = (sides.base, sides.new, *sides.history)
    found = bounds.weigh(metric.name, metric.difference, runs, settings.min_change) if not metric.reason else None
    return metric if found is None else replace(metric, **vars(found))


def _judged(
    metrics: Sequence[Judged], adjust: Callable[[Values], list[float]], settings: CompareSettings
) -> list[Judged]:
    adjusted = adjust([metric.p_value for metric in metrics])
    judged = []
    for metric, p in zip(metrics, adjusted, strict=True):
        verdict = verdict_on(metric, p, settings)
        unsettled = metric.bound is not None and verdict is Verdict.CANNOT_TELL and metric.difference is not None
        reason = metric.reason or (bounds.UNSETTLED if unsettled else "")
        judged.append(replace(metric, p_value=p, verdict=verdict, reason=reason))
    return judged


def verdict_on(metric: Judged, p: float, settings: CompareSettings) -> Verdict:
    """The verdict on a metric, given its p-value adjusted for the number of metrics."""
    if metric.verdict is not Verdict.CANNOT_TELL:
        return metric.verdict
    if metric.rates is not None:
        return _verdict_on_failures(metric, metric.rates, p, settings)
    difference = metric.difference
    if difference is None or metric.reason or difference.design is Design.WITHIN_RUN:
        return Verdict.CANNOT_TELL
    change = math.expm1(difference.log_ratio)
    if p < settings.family_alpha and abs(change) >= settings.min_change and _worth_a_word(metric):
        worse = (change > 0) == (metric.metric.better is not Better.HIGHER)
        return Verdict.SLOWER if worse else Verdict.FASTER
    if metric.bound is not None:
        return Verdict.CANNOT_TELL
    low, high = difference.interval(1.0 - 2.0 * settings.same_level)
    inside = math.expm1(low) > -settings.same_within and math.expm1(high) < settings.same_within
    return Verdict.NO_DIFFERENCE if inside else Verdict.CANNOT_TELL


def _verdict_on_failures(metric: Judged, rates: RateDifference, p: float, settings: CompareSettings) -> Verdict:
    change = abs(metric.change or 0.0)
    if p < settings.family_alpha and change >= settings.min_change and _worth_a_word(metric):
        return Verdict.SLOWER if rates.change > 0 else Verdict.FASTER
    same = max(SAME_POINTS, settings.same_within * (metric.base or 0.0))
    low, high = rates.interval(1.0 - 2.0 * settings.same_level)
    return Verdict.NO_DIFFERENCE if -same < low and high < same else Verdict.CANNOT_TELL


def undecided_failures(metrics: Sequence[Judged]) -> float:
    """The change of the failure rate, if it is large enough to matter but the verdict is "cannot tell"; else 0."""
    found = next((m for m in metrics if m.name == FAILURES and m.verdict is Verdict.CANNOT_TELL), None)
    if found is None or not _worth_a_word(found):
        return 0.0
    return (found.new or 0.0) - (found.base or 0.0)


def _worth_a_word(metric: Judged) -> bool:
    if metric.metric.unit is not Unit.FRACTION:
        return True
    return abs((metric.new or 0.0) - (metric.base or 0.0)) >= LEAST_POINTS


def _compared(name: str, sides: Sides, today: Today, of_pairs: Today, *, primary: bool) -> Judged:
    known = sides.catalogue.metrics[name]
    empty = Judged(name, primary, declared=None if name in METRICS else known)
    if name != FAILURES:
        sides = with_successes(sides)
        if not sides.base or not sides.new:
            return replace(empty, reason=NO_SUCCESS)
    if lacking := _lacking(name, sides):
        return replace(empty, reason=lacking)
    if name == FAILURES:
        return _failures(empty, sides)
    share = known.unit is Unit.FRACTION
    shown = [_shown([run.values[name] for run in side], share=share) for side in (sides.base, sides.new)]
    runs = (*sides.base, *sides.new)
    metric = replace(empty, base=shown[0], new=shown[1], runs=len(runs))
    if not share and min(run.values[name] for run in runs) <= 0:
        return replace(metric, reason="a run's value is 0, so there is no ratio")
    base, new = (_logs(side, name, share=share) for side in (sides.base, sides.new))
    if share:
        metric = replace(metric, level=math.exp(sum(base) / len(base)))
        if all(run.values[name] == 0 for run in runs):
            return replace(metric, reason=NONE, verdict=Verdict.NO_DIFFERENCE)
    history, days = ([_logs(runs, name, share=share) for runs in groups] for groups in (sides.history, sides.days))
    if sides.interleaved:
        pairs = EarlierPairs([_logs_of_pairs(series, name, share=share) for series in sides.pairs], of_pairs)
        difference = inference.compare_values(base, new, history, interleaved=True, today=today, pairs=pairs)
    else:
        difference = inference.compare_days(base, new, history, [day for day in days if day])
    unknown = difference is None and not sides.interleaved and bool(len(runs) > 2 or history)
    if difference is None and not unknown and (error := sides.within(name)) is not None:
        difference = Difference(new[0] - base[0], error, 1e6, Design.WITHIN_RUN)
    noise = inference.noise_of([base, new, *history])
    p = difference.p_value if difference else 1.0
    return replace(metric, difference=difference, noise=noise, p_value=p, reason=NOT_INTERLEAVED if unknown else "")


def _logs(runs: Sequence[Estimates], name: str, *, share: bool) -> list[float]:
    """Logs of the values that have one; to a share half a request is added, so that a share of 0 has a log too."""
    if share:
        return [math.log((r.values[name] * r.requests + 0.5) / (r.requests + 1.0)) for r in runs if name in r.values]
    return [math.log(run.values[name]) for run in runs if run.values.get(name, 0.0) > 0]


def _logs_of_pairs(series: Series, name: str, *, share: bool) -> tuple[Values, Values]:
    """Logs of both sides' runs, pair by pair, for the pairs in which both runs have the metric."""
    logs = [_logs(pair, name, share=share) for pair in series]
    whole = [pair for pair in logs if len(pair) > 1]
    return [base for base, _ in whole], [new for _, new in whole]


def _lacking(name: str, sides: Sides) -> str:
    """Why there is no value to compare; empty if every run has one."""
    if split_name(whole_name(name))[0] in sides.catalogue.differing:
        return TWO_WAYS
    lacking = next((run for run in (*sides.base, *sides.new) if name not in run.values), None)
    return "" if lacking is None else lacking.missing.get(name, "a run lacks it")


def _failures(metric: Judged, sides: Sides) -> Judged:
    base, new, history, days = (
        [[_failed(run) for run in runs if FAILURES in run.values] for runs in groups]
        for groups in ([sides.base], [sides.new], sides.history, sides.days)
    )
    rates = compare_failures(base[0], new[0], history, interleaved=sides.interleaved, days=days)
    shares = [failed / ended for failed, ended in (rates.base, rates.new)]
    level = (rates.base[0] + 0.5) / (rates.base[1] + 1.0)
    metric = replace(metric, base=shares[0], new=shares[1], level=level, runs=rates.runs)
    if not any(shares):
        return replace(metric, reason=NONE, verdict=Verdict.NO_DIFFERENCE)
    return replace(metric, rates=rates, p_value=rates.p_value)


def _failed(run: Estimates) -> RunFailures:
    ended = float(run.ok + run.failed)
    failed = run.values[FAILURES] * ended
    return RunFailures(failed, ended, run.clumping or clumping_of_few(failed, run.episodes))


def _shown(values: Values, *, share: bool) -> float:
    if share or min(values) <= 0:
        return sum(values) / len(values)
    return math.exp(sum(map(math.log, values)) / len(values))

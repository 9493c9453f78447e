"""One metric's verdict out of the runs of both sides: slower, faster, no difference, or cannot tell.

"Slower" stands for worse, also of rates. A change counts when it is both beyond the noise (adjusted for
the number of metrics that are judged) and large enough to be of interest; "no difference" is said only
where the interval shows it (two one-sided tests, Schuirmann 1987); everything else cannot be told.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from katydid.analysis import bounds, inference
from katydid.analysis.bounds import Bound
from katydid.analysis.estimates import Estimates
from katydid.analysis.inference import Design, Difference, Noise, Values
from katydid.analysis.shares import in_points
from katydid.core.metrics import METRICS
from katydid.core.units import Better, Unit

FEWEST_EPISODES = 5
"""Times that the target faltered, on both sides together, before failure rates are compared."""
LEAST_POINTS = 0.005
"""A share must change by half a percentage point to be of interest, however large that is relative to it."""
ASSUMED_SD = 0.04
"""Run-to-run sd of a log quantile where nothing tells it: typical of a server on a shared machine."""
EQUIVALENCE = 0.90
"""The interval that must lie inside the limits for "no difference": two one-sided tests at 5 %."""


class Verdict(StrEnum):
    """Of a metric, and of a whole comparison; only the latter can be invalid."""

    FASTER = "faster"
    SLOWER = "slower"
    NO_DIFFERENCE = "no_difference"
    CANNOT_TELL = "cannot_tell"
    INVALID = "invalid"


@dataclass(frozen=True, kw_only=True)
class CompareSettings:
    """What a comparison looks for (`[compare]` and `[policy]` of a thresholds file).

    Attributes:
        primary: metrics that decide, Holm-adjusted; all others are exploratory.
        min_change: fraction below which a change is of no interest.
        same_within: fraction that "no difference" means.
        family_alpha: chance that two equal versions are called different in any primary metric.
    """

    primary: tuple[str, ...] = ("duration.p50", "duration.p95")
    min_change: float = 0.05
    same_within: float = 0.10
    family_alpha: float = 0.01


@dataclass(frozen=True)
class Sides:
    """The runs that are compared, as numbers.

    Attributes:
        history: earlier runs, a sequence a version.
        interleaved: the i-th runs of both sides were made side by side.
        within: the standard error of a metric's log within one run, for when nothing else is known.
    """

    base: Sequence[Estimates]
    new: Sequence[Estimates]
    history: Sequence[Sequence[Estimates]]
    interleaved: bool
    within: Callable[[str], float | None]


@dataclass(frozen=True)
class Judged:
    """A metric's comparison.

    Attributes:
        base, new: of the runs' geometric means, of shares their means; None where a run lacks the metric.
        level: of a share, what the base's runs were compared with: half a request is added; None of all else.
        difference: None where nothing tells the noise.
        reason: why nothing can be said, where that is not the noise.
        bound, floor: of a change that is known on one side only; see `bounds`.
    """

    name: str
    primary: bool
    base: float | None = None
    new: float | None = None
    level: float | None = None
    difference: Difference | None = None
    noise: Noise | None = None
    runs: int = 0
    p_value: float = 1.0
    verdict: Verdict = Verdict.CANNOT_TELL
    reason: str = ""
    bound: Bound | None = None
    floor: float | None = None

    def as_dict(self, settings: CompareSettings, family: int) -> dict[str, Any]:
        """The metric's entry in `compare --json`; fractions, NaN nowhere."""
        difference, alpha = self.difference, settings.family_alpha / family
        interval = detectable = needed = None
        if difference is not None:
            interval = difference.interval()
            if difference.design is not Design.WITHIN_RUN and self.bound is None:
                detectable = inference.smallest_detectable(difference.se, difference.df, alpha)
        if self.verdict is Verdict.CANNOT_TELL and self.base is not None and self.bound is None:
            needed = self._needed(settings, alpha)
        low, high = bounds.limits(interval, self.bound, self.floor)
        return {
            "name": self.name,
            "base": self.base,
            "new": self.new,
            "change": self.change,
            "low": low,
            "high": high,
            "bound": self.bound and str(self.bound),
            "verdict": str(self.verdict),
            "primary": self.primary,
            "smallest_detectable": None if detectable is None else math.expm1(detectable),
            "runs_needed": needed,
            "p_value": self.p_value,
            "design": str(difference.design) if difference is not None else None,
            "reason": self.reason,
            "points": self._points(interval, detectable),
        }

    def _points(self, interval: tuple[float, float] | None, detectable: float | None) -> dict[str, Any] | None:
        if self.base is None or self.new is None or self.level is None:
            return None
        return asdict(in_points(self.base, self.new, self.level, interval, detectable))

    @property
    def change(self) -> float | None:
        """Of the new side against the base, as a fraction."""
        if self.difference is not None:
            return math.expm1(self.difference.log_ratio)
        if self.bound is Bound.BOTH:
            return None
        return self.new / self.base - 1.0 if self.new is not None and self.base else None

    def _needed(self, settings: CompareSettings, alpha: float) -> int | None:
        """Runs a side that would find the change that was seen, or the smallest of interest if it is larger."""
        noise = self.noise or Noise(ASSUMED_SD**2, 0)
        if noise.variance == 0.0:
            return None
        seen = abs(self.difference.log_ratio) if self.difference else 0.0
        wanted = max(seen, math.log1p(settings.min_change))
        return inference.runs_needed(wanted, noise, alpha, runs=self.runs)


def judge_metrics(names: Sequence[str], sides: Sides, settings: CompareSettings) -> list[Judged]:
    """Every metric's verdict: the primary ones adjusted by Holm, the others by Benjamini and Hochberg."""
    raw = [_weighed(_compared(name, sides, primary=name in settings.primary), sides, settings) for name in names]
    return [
        *_judged([m for m in raw if m.primary], inference.holm, settings),
        *_judged([m for m in raw if not m.primary], inference.benjamini_hochberg, settings),
    ]


def _weighed(metric: Judged, sides: Sides, settings: CompareSettings) -> Judged:
    """The metric with what `bounds` says of its difference."""
    runs = (sides.base, sides.new, *sides.history)
    found = bounds.weigh(metric.name, metric.difference, runs, settings.min_change) if not metric.reason else None
    return metric if found is None else replace(metric, **vars(found))


def _judged(
    metrics: Sequence[Judged], adjust: Callable[[Values], list[float]], settings: CompareSettings
) -> list[Judged]:
    adjusted = adjust([metric.p_value for metric in metrics])
    judged = [
        replace(metric, p_value=p, verdict=_verdict(metric, p, settings))
        for metric, p in zip(metrics, adjusted, strict=True)
    ]
    return [replace(metric, reason=bounds.UNSETTLED) if _is_unsettled(metric) else metric for metric in judged]


def _is_unsettled(metric: Judged) -> bool:
    said = metric.reason or metric.difference is None
    return metric.bound is not None and metric.verdict is Verdict.CANNOT_TELL and not said


def _verdict(metric: Judged, p: float, settings: CompareSettings) -> Verdict:
    if metric.verdict is not Verdict.CANNOT_TELL:
        return metric.verdict
    difference = metric.difference
    if difference is None or metric.reason or difference.design is Design.WITHIN_RUN:
        return Verdict.CANNOT_TELL
    change = math.expm1(difference.log_ratio)
    if p < settings.family_alpha and abs(change) >= settings.min_change and _worth_a_word(metric):
        worse = (change > 0) == (METRICS[metric.name].better is not Better.HIGHER)
        return Verdict.SLOWER if worse else Verdict.FASTER
    if metric.bound is not None:
        return Verdict.CANNOT_TELL
    low, high = difference.interval(EQUIVALENCE)
    inside = math.expm1(low) > -settings.same_within and math.expm1(high) < settings.same_within
    return Verdict.NO_DIFFERENCE if inside else Verdict.CANNOT_TELL


def _worth_a_word(metric: Judged) -> bool:
    if METRICS[metric.name].unit is not Unit.FRACTION:
        return True
    return abs((metric.new or 0.0) - (metric.base or 0.0)) >= LEAST_POINTS


def _compared(name: str, sides: Sides, *, primary: bool) -> Judged:
    empty = Judged(name, primary)
    lacking = next((run for run in (*sides.base, *sides.new) if name not in run.values), None)
    if lacking is not None:
        return replace(empty, reason=lacking.missing.get(name, "a run lacks it"))
    share = METRICS[name].unit is Unit.FRACTION
    shown = [_shown([run.values[name] for run in side], share=share) for side in (sides.base, sides.new)]
    metric = replace(empty, base=shown[0], new=shown[1], runs=len(sides.base) + len(sides.new))
    if not share and min(run.values[name] for run in (*sides.base, *sides.new)) <= 0:
        return replace(metric, reason="a run's value is 0, so that there is no ratio")
    base, new = ([_log(run, name, share=share) for run in side] for side in (sides.base, sides.new))
    if share:
        metric = replace(metric, level=math.exp(sum(base) / len(base)))
        if (said := _too_little_happened(name, sides)) is not None:
            return replace(metric, reason=said[0], verdict=said[1])
    history = [
        [_log(run, name, share=share) for run in version if name in run.values and (share or run.values[name] > 0)]
        for version in sides.history
    ]
    difference = inference.compare_runs(base, new, history, interleaved=sides.interleaved)
    if difference is None and (error := sides.within(name)) is not None:
        difference = Difference(new[0] - base[0], error, 1e6, Design.WITHIN_RUN)
    noise = inference.noise_of([base, new, *history])
    p = difference.p_value if difference and difference.design is not Design.WITHIN_RUN else 1.0
    return replace(metric, difference=difference, noise=noise, p_value=p)


def _too_little_happened(name: str, sides: Sides) -> tuple[str, Verdict] | None:
    runs = (*sides.base, *sides.new)
    if all(run.values[name] == 0 for run in runs):
        return "none on either side", Verdict.NO_DIFFERENCE
    episodes = sum(run.episodes for run in runs)
    if name == "failure_rate" and episodes < FEWEST_EPISODES:
        return f"{episodes} episodes of failures are too few to compare rates", Verdict.CANNOT_TELL
    return None


def _shown(values: Values, *, share: bool) -> float:
    if share or min(values) <= 0:
        return sum(values) / len(values)
    return math.exp(sum(map(math.log, values)) / len(values))


def _log(run: Estimates, name: str, *, share: bool) -> float:
    """The log of a value; of a share with half a request added, so that none at all has one too."""
    value = run.values[name]
    if not share:
        return math.log(value)
    return math.log((value * run.requests + 0.5) / (run.requests + 1.0))

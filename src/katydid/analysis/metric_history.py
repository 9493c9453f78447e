"""One metric over a workload's versions: a value each, the levels they belong to, and the changes between these.

Knows no runs and no files: values by version come in.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import special

from katydid.model.metrics import METRICS
from katydid.model.units import Better, Unit
from katydid.stats import changepoints
from katydid.stats.changepoints import FEWEST_VALUES, Changes, Course
from katydid.stats.inference import INTERVAL, noise_of


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a metric's level.

    Attributes:
        version: the first of the new level; `index` is its place among the versions.
        before, after: the levels.
        change, low, high: as fractions, with the interval at 95 %; that the place was searched for is not in it.
        verdict: slower or faster; slower stands for worse.
        confirmed: it was there one version earlier too; else it is tentative until the next version confirms it.
    """

    version: str
    index: int
    before: float
    after: float
    change: float
    low: float
    high: float
    verdict: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Trend:
    """A metric that rises or falls steadily over all versions; as in `Change`.

    Attributes:
        change, low, high: a version.
        whole: from the first version to the newest.
    """

    change: float
    low: float
    high: float
    whole: float
    verdict: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class MetricHistory:
    """One metric over all versions.

    Attributes:
        values: a version each: the geometric mean of its runs, the mean for shares; None where no run has it.
        levels: the level that each version belongs to, or its place on the trend; None where that was not looked for.
        unsearched: why changes were not looked for; empty where they were.
    """

    name: str
    values: tuple[float | None, ...]
    levels: tuple[float | None, ...] = ()
    changes: tuple[Change, ...] = ()
    unsearched: str = ""
    trend: Trend | None = None


def is_searched(name: str) -> bool:
    """Whether changes of a metric are looked for."""
    return METRICS[name].unit is not Unit.FRACTION


def metric_history(
    name: str, versions: Sequence[str], by_version: Sequence[Sequence[float]], metrics: int = 1
) -> MetricHistory:
    """The history of a metric.

    Args:
        name: of the metric.
        versions: their names, in order.
        by_version: the values of each version's runs; none where no run has the metric.
        metrics: that are looked at together.
    """
    if not is_searched(name):
        means = tuple(float(np.mean(values)) if values else None for values in by_version)
        return MetricHistory(name, means, unsearched="shares are shown, not searched")
    logs = [[math.log(value) for value in values if value > 0.0] for values in by_version]
    values = tuple(math.exp(float(np.mean(of_one))) if of_one else None for of_one in logs)
    places = [place for place, of_one in enumerate(logs) if of_one]
    known = [logs[place] for place in places]
    course = Course([float(np.mean(of_one)) for of_one in known], [len(of_one) for of_one in known], noise_of(known))
    found = changepoints.look(course, metrics)
    if found is None:
        few = f"{len(known)} of the {FEWEST_VALUES} versions that it takes"
        return MetricHistory(name, values, unsearched=few)
    levels: list[float | None] = [None] * len(versions)
    if found.trend is not None:
        for number, place in enumerate(places):
            levels[place] = math.exp(found.trend.start + found.trend.slope * number)
        return MetricHistory(name, values, tuple(levels), trend=_trend(name, found.trend, found.df, len(known)))
    edges = [0, *found.at, len(known)]
    for begin, end in pairwise(edges):
        for place in places[begin:end]:
            levels[place] = math.exp(_level(course, begin, end))
    changes = [
        _change(name, (versions[places[at]], places[at]), (before, at, after), course, found)
        for before, at, after in zip(edges, edges[1:], edges[2:], strict=False)
    ]
    return MetricHistory(name, values, tuple(levels), tuple(changes))


def _level(course: Course, begin: int, end: int) -> float:
    return float(np.average(course.logs[begin:end], weights=course.runs[begin:end]))


def _change(name: str, version: tuple[str, int], edges: tuple[int, int, int], course: Course, found: Changes) -> Change:
    """The change at the middle one of three edges."""
    start, at, end = edges
    before, after = _level(course, start, at), _level(course, at, end)
    error = math.sqrt(found.variance * (1.0 / sum(course.runs[start:at]) + 1.0 / sum(course.runs[at:end])))
    reach = _reach(error, found.df)
    return Change(
        version=version[0],
        index=version[1],
        before=math.exp(before),
        after=math.exp(after),
        change=math.expm1(after - before),
        low=math.expm1(after - before - reach),
        high=math.expm1(after - before + reach),
        verdict=_verdict(name, after - before),
        confirmed=found.confirmed[found.at.index(at)],
    )


def _trend(name: str, line: changepoints.Trend, df: float, count: int) -> Trend:
    reach = _reach(line.error, df)
    return Trend(
        change=math.expm1(line.slope),
        low=math.expm1(line.slope - reach),
        high=math.expm1(line.slope + reach),
        whole=math.expm1(line.slope * (count - 1)),
        verdict=_verdict(name, line.slope),
        confirmed=line.confirmed,
    )


def _reach(error: float, df: float) -> float:
    return float(special.stdtrit(df, (1.0 + INTERVAL) / 2.0)) * error if error else 0.0


def _verdict(name: str, change: float) -> str:
    return "slower" if (change > 0.0) == (METRICS[name].better is Better.LOWER) else "faster"

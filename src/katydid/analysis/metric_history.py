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
from katydid.stats.changepoints import FEWEST_VALUES, Changes, Course, find_changes
from katydid.stats.inference import INTERVAL, noise_of


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a metric's level.

    Attributes:
        version: the first of the new level; `index` is its place among the versions.
        before, after: the levels.
        change, low, high: as fractions, with the interval at 95 %; that the place was searched for is not in it.
        verdict: slower or faster; slower stands for worse.
    """

    version: str
    index: int
    before: float
    after: float
    change: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True, slots=True)
class MetricHistory:
    """One metric over all versions.

    Attributes:
        values: a version each: the geometric mean of its runs, the mean for shares; None where no run has it.
        levels: the level that each version belongs to, None where that was not looked for.
        unsearched: why changes were not looked for; empty where they were.
    """

    name: str
    values: tuple[float | None, ...]
    levels: tuple[float | None, ...] = ()
    changes: tuple[Change, ...] = ()
    unsearched: str = ""


def metric_history(name: str, versions: Sequence[str], by_version: Sequence[Sequence[float]]) -> MetricHistory:
    """The history of a metric.

    Args:
        name: of the metric.
        versions: their names, in order.
        by_version: the values of each version's runs; none where no run has the metric.
    """
    if METRICS[name].unit is Unit.FRACTION:
        means = tuple(float(np.mean(values)) if values else None for values in by_version)
        return MetricHistory(name, means, unsearched="shares are shown, not searched")
    logs = [[math.log(value) for value in values if value > 0.0] for values in by_version]
    values = tuple(math.exp(float(np.mean(of_one))) if of_one else None for of_one in logs)
    places = [place for place, of_one in enumerate(logs) if of_one]
    known = [logs[place] for place in places]
    course = Course([float(np.mean(of_one)) for of_one in known], [len(of_one) for of_one in known], noise_of(known))
    found = find_changes(course)
    if found is None:
        few = f"{len(known)} of the {FEWEST_VALUES} versions that it takes"
        return MetricHistory(name, values, unsearched=few)
    levels: list[float | None] = [None] * len(versions)
    edges = [0, *found.at, len(known)]
    for begin, end in pairwise(edges):
        for place in places[begin:end]:
            levels[place] = math.exp(_level(course, begin, end))
    changes = [
        _change(METRICS[name].better, (versions[places[at]], places[at]), (before, at, after), course, found)
        for before, at, after in zip(edges, edges[1:], edges[2:], strict=False)
    ]
    return MetricHistory(name, values, tuple(levels), tuple(changes))


def _level(course: Course, begin: int, end: int) -> float:
    return float(np.average(course.logs[begin:end], weights=course.runs[begin:end]))


def _change(
    better: Better, version: tuple[str, int], edges: tuple[int, int, int], course: Course, found: Changes
) -> Change:
    """The change at the middle one of three edges."""
    start, at, end = edges
    before, after = _level(course, start, at), _level(course, at, end)
    reach = 0.0
    if found.variance:
        error = math.sqrt(found.variance * (1.0 / sum(course.runs[start:at]) + 1.0 / sum(course.runs[at:end])))
        reach = float(special.stdtrit(found.df, (1.0 + INTERVAL) / 2.0)) * error
    return Change(
        version=version[0],
        index=version[1],
        before=math.exp(before),
        after=math.exp(after),
        change=math.expm1(after - before),
        low=math.expm1(after - before - reach),
        high=math.expm1(after - before + reach),
        verdict="slower" if (after > before) == (better is Better.LOWER) else "faster",
    )

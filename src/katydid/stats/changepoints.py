"""Where a course of values changes its level, or that it has a trend, and whether that is confirmed.

PELT on logs, with a penalty that knows how well the noise is known. A value is a version's mean log over its runs. Who
looks at several metrics after each version sees something somewhere sooner or later: so what is found is *tentative*
until it is found again one version later, at a level that looks and metrics share. Knows neither metrics nor files.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import special

from katydid.stats.inference import Noise

FEWEST_VALUES = 8
"""Versions below which the noise of their course is not known well enough to look for changes."""
SHORTEST = 2
"""Versions that a level lasts at least: one that stands out alone is an outlier, not a change."""
DF_OF_DIFFERENCE = 2.0 / 3.0
"""Degrees of freedom that each first difference is worth: neighbours share a value (von Neumann 1941)."""
LAGS = (1, 2)
"""Versions between the values whose differences tell the noise: neighbours that resemble each other hide it."""
PLACE = 1
"""Versions by which the place of a change may shift from one look to the next."""
MOST_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Course:
    """A metric over versions, in their order.

    Attributes:
        logs: the mean of each version's runs, on the log scale.
        runs: how many these are.
        repeats: the noise from run to run of one version; None where no version has two runs.
    """

    logs: Sequence[float]
    runs: Sequence[int]
    repeats: Noise | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """A steady rise or fall.

    Attributes:
        start: log value of the first version, by the line.
        slope: a version, of logs.
        error: its standard error.
        confirmed: the version before showed it too.
    """

    start: float
    slope: float
    error: float
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """What was found.

    Attributes:
        at: indices of the first version of each new level; none where there is a trend.
        variance: of one run's log value, as it was assumed; 0 where the levels explain all.
        df: what that rests on.
        confirmed: of each change, whether the look one version before showed it too.
    """

    at: list[int]
    variance: float
    df: float
    trend: Trend | None = None
    confirmed: tuple[bool, ...] = ()


def look(course: Course, metrics: int = 1) -> Changes | None:
    """The changes of level in a course, or its trend, with whether they are confirmed; None where it is too short.

    Args:
        course: up to the newest version.
        metrics: that are looked at together.
    """
    found = find_changes(course)
    if found is None:
        return None
    before = find_changes(Course(course.logs[:-1], course.runs[:-1], course.repeats))
    if found.trend is not None:
        strict = find_changes(course, chance=1.0 / metrics)
        again = before.trend if before else None
        settled = bool(strict and strict.trend and again and again.slope * found.trend.slope > 0.0)
        return replace(found, trend=replace(found.trend, confirmed=settled))
    places = [] if before is None else before.at
    sure = _surely(course, found.at, 1.0 / metrics) if places else []
    return replace(found, confirmed=tuple(_is_near(at, places) and _is_near(at, sure) for at in found.at))


def _surely(course: Course, at: list[int], chance: float) -> list[int]:
    """The changes that are found at a lower chance of a false one, where the noise is that beside those at `at`.

    Not that of the whole course: of few versions a step, however large, would hide in the noise that it makes.
    """
    logs, runs = np.asarray(course.logs, dtype=np.float64), np.asarray(course.runs, dtype=np.float64)
    variance, df = _noise(logs, runs, at, course.repeats)
    return at if variance == 0.0 else pelt(logs, runs / variance, penalty(len(logs), df, chance))


def _is_near(at: int, places: Sequence[int]) -> bool:
    return any(abs(at - place) <= PLACE for place in places)


def find_changes(course: Course, chance: float = 1.0) -> Changes | None:
    """The changes of level in a course, or its trend; None where it is too short to tell.

    The noise is the largest of what the repeats of a version, the differences between neighbours and those between
    next but ones show: repeats alone do not see what differs between days, and with them 33 to 89 % of flat histories
    were called changed (`measure_changepoints.py`). Differences across a change that was found are left out, and the
    search repeated, as long as that finds more. Where a line explains the course as well as steps do, it is a trend.

    Args:
        course: of a metric.
        chance: of a false alarm, as a part of the usual.
    """
    found = _steps(course, chance)
    if found is None or found.variance == 0.0:
        return found
    trend = _trend(course, found, penalty(len(course.logs), found.df, chance))
    return found if trend is None else replace(found, at=[], trend=trend)


def _steps(course: Course, chance: float) -> Changes | None:
    logs, runs = np.asarray(course.logs, dtype=np.float64), np.asarray(course.runs, dtype=np.float64)
    if len(logs) < FEWEST_VALUES:
        return None
    found = Changes([], 0.0, 0.0)
    for _ in range(MOST_ROUNDS):
        variance, df = _noise(logs, runs, found.at, course.repeats)
        if variance == 0.0:
            return Changes(found.at, 0.0, df)
        at = pelt(logs, runs / variance, penalty(len(logs), df, chance))
        if len(at) <= len(found.at):
            return found if found.at else Changes(at, variance, df)
        found = Changes(at, variance, df)
    return found


def _noise(logs: np.ndarray, runs: np.ndarray, at: Sequence[int], repeats: Noise | None) -> tuple[float, float]:
    """The variance of one run, and its degrees of freedom."""
    told = [] if repeats is None else [(repeats.variance, float(repeats.df))]
    for lag in LAGS:
        inside = np.ones(len(logs) - lag, dtype=bool)
        for index in at:
            inside[max(0, index - lag) : index] = False
        if inside.any():
            scaled = (logs[lag:] - logs[:-lag])[inside] ** 2 / (1.0 / runs[lag:] + 1.0 / runs[:-lag])[inside]
            told.append((float(scaled.mean()), DF_OF_DIFFERENCE * len(scaled)))
    return max(told)


def _trend(course: Course, found: Changes, beta: float) -> Trend | None:
    """The line through all values, where with the penalty of one change it explains them better than steps do."""
    logs, weights = np.asarray(course.logs, dtype=np.float64), np.asarray(course.runs, dtype=np.float64)
    weights = weights / found.variance
    places = np.arange(len(logs)) - np.average(np.arange(len(logs)), weights=weights)
    information = float(weights @ places**2)
    middle, slope = float(np.average(logs, weights=weights)), float(weights @ (places * logs)) / information
    line = float(weights @ (logs - middle - slope * places) ** 2) + beta
    edges = [0, *found.at, len(logs)]
    steps = beta * len(found.at)
    for begin, end in pairwise(edges):
        part, weight = logs[begin:end], weights[begin:end]
        steps += float(weight @ (part - np.average(part, weights=weight)) ** 2)
    if line >= steps:
        return None
    return Trend(middle + slope * float(places[0]), slope, information**-0.5)


def penalty(count: int, df: float, chance: float = 1.0) -> float:
    """What a further change must gain in squared standard errors: about 3 log n, as if the noise were known.

    Where the noise is estimated, it is the square of Student's quantile at the same probability, here twice that, as
    the largest of several estimates of the noise is rather too large.

    Args:
        count: of the values.
        df: of the noise.
        chance: of a false alarm, as a part of the usual.
    """
    known = float(np.sqrt(3.0 * np.log(count)))
    return float(special.stdtrit(df, 2.0 * chance * special.ndtr(-known)) ** 2)


def pelt(values: Sequence[float] | np.ndarray, weights: Sequence[float] | np.ndarray, beta: float) -> list[int]:
    """Indices at which new levels begin, so that weighted squares around them plus `beta` a change are least.

    The exact optimum, with candidates dropped that can never be the last change again (Killick, Fearnhead
    and Eckley 2012, theorem 3.1); every level lasts SHORTEST values or more.

    Args:
        values: at least SHORTEST.
        weights: one over the variance of each value.
        beta: the penalty.
    """
    y, w = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    y = y - y[0]  # sums of squares of what is left lose no digits
    sums = [np.concatenate([[0.0], np.cumsum(part)]) for part in (w, w * y, w * y * y)]

    def cost(start: np.ndarray, end: int) -> np.ndarray:
        """Weighted squares of values[start:end] around their mean."""
        weight, linear, square = (part[end] - part[start] for part in sums)
        cost: np.ndarray = square - linear * linear / weight
        return cost

    count = len(y)
    best, last = np.full(count + 1, np.inf), np.zeros(count + 1, dtype=np.int64)
    best[0] = -beta
    starts = np.array([0])
    for end in range(SHORTEST, count + 1):
        totals = best[starts] + cost(starts, end) + beta
        chosen = int(np.argmin(totals))
        best[end], last[end] = totals[chosen], starts[chosen]
        # A level that begins at `opened` may end from the next round on.
        opened = end - SHORTEST + 1
        if opened >= SHORTEST:
            starts = np.append(starts[best[starts] + cost(starts, opened) <= best[opened]], opened)
    changes, end = [], count
    while (end := int(last[end])) > 0:
        changes.append(end)
    return changes[::-1]

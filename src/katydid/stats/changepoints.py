"""Find changes of level and trends in a series of values, and tell whether they are confirmed.

PELT on logs, with a penalty that depends on how well the noise is known. A value is a version's mean log over its runs.
Checking several metrics after every version raises a false alarm sooner or later, so a finding is *tentative* until it
is found again one version later, at a level adjusted for the number of metrics. Knows neither metrics nor files.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import special

from katydid.stats.inference import Noise

FEWEST_VALUES = 8
"""With fewer versions, the noise is not known well enough to look for changes."""
SHORTEST = 2
"""The fewest versions in a level: a single one that stands out is an outlier, not a change."""
DF_OF_DIFFERENCE = 2.0 / 3.0
"""Degrees of freedom per first difference: neighbouring differences share a value (von Neumann 1941)."""
LAGS = (1, 2)
"""Lags, in versions, of the differences that estimate the noise: lag 1 alone misses it if neighbours are correlated."""
PLACE = 1
"""Versions by which a change may move from one look to the next."""
MOST_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Course:
    """A metric over versions, oldest first.

    Attributes:
        logs: the mean log value of each version's runs.
        runs: the number of runs of each version.
        repeats: the run-to-run noise within versions; None if no version has two runs.
    """

    logs: Sequence[float]
    runs: Sequence[int]
    repeats: Noise | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """A steady rise or fall.

    Attributes:
        start: the line's log value at the first version.
        slope: change of the log value per version.
        error: standard error of the slope.
        confirmed: the look one version earlier found it too.
    """

    start: float
    slope: float
    error: float
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of level, or the trend, found in a course.

    Attributes:
        at: indices of the first version of each new level; empty if there is a trend.
        variance: assumed variance of one run's log value; 0 if the levels explain everything.
        df: degrees of freedom of the variance.
        confirmed: for each change, whether the look one version earlier found it too.
    """

    at: list[int]
    variance: float
    df: float
    trend: Trend | None = None
    confirmed: tuple[bool, ...] = ()


def look(course: Course, metrics: int = 1) -> Changes | None:
    """Find the changes of level in a course, or its trend, and whether they are confirmed; None if it is too short.

    The course goes up to the newest version; `metrics` courses are examined together.
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
    """The changes found at a stricter false-alarm level, with the noise estimated within the levels between `at`.

    The noise of the whole course would not do: with few versions, a step inflates it enough to hide itself.
    """
    variance, df = _noise(course, at)
    return at if variance == 0.0 else _levels(course, variance, df, chance)


def _is_near(at: int, places: Sequence[int]) -> bool:
    return any(abs(at - place) <= PLACE for place in places)


def find_changes(course: Course, chance: float = 1.0) -> Changes | None:
    """Find the changes of level in a course, or its trend; None if it is too short.

    The noise is the largest of three estimates: from repeated runs of a version, from differences between neighbouring
    versions, and from differences at lag 2. Repeats alone miss what differs between days: with them, 33 to 89 % of flat
    histories were called changed (`measure_changepoints.py`). Differences across a change already found are left out,
    and the search is repeated until it finds no more. If a line explains the course as well as steps do, it is a trend.
    The chance of a false alarm is a fraction of the usual one.
    """
    found = _steps(course, chance)
    if found is None or found.variance == 0.0:
        return found
    trend = _trend(course, found, penalty(len(course.logs), found.df, chance))
    return found if trend is None else replace(found, at=[], trend=trend)


def _steps(course: Course, chance: float) -> Changes | None:
    if len(course.logs) < FEWEST_VALUES:
        return None
    found = Changes([], 0.0, 0.0)
    for _ in range(MOST_ROUNDS):
        variance, df = _noise(course, found.at)
        if variance == 0.0:
            return Changes(found.at, 0.0, df)
        at = _levels(course, variance, df, chance)
        if len(at) <= len(found.at):
            return found if found.at else Changes(at, variance, df)
        found = Changes(at, variance, df)
    return found


def _levels(course: Course, variance: float, df: float, chance: float) -> list[int]:
    """Where new levels begin, given the variance of one run's log value."""
    weights = np.asarray(course.runs, dtype=np.float64) / variance
    return pelt(course.logs, weights, penalty(len(course.logs), df, chance))


def _noise(course: Course, at: Sequence[int]) -> tuple[float, float]:
    """The variance of one run's log value, and its degrees of freedom; `at` are the changes found already."""
    logs, runs = np.asarray(course.logs, dtype=np.float64), np.asarray(course.runs, dtype=np.float64)
    told = [] if course.repeats is None else [(course.repeats.variance, float(course.repeats.df))]
    for lag in LAGS:
        inside = np.ones(len(logs) - lag, dtype=bool)
        for index in at:
            inside[max(0, index - lag) : index] = False
        if inside.any():
            scaled = (logs[lag:] - logs[:-lag])[inside] ** 2 / (1.0 / runs[lag:] + 1.0 / runs[:-lag])[inside]
            told.append((float(scaled.mean()), DF_OF_DIFFERENCE * len(scaled)))
    return max(told)


def _trend(course: Course, found: Changes, beta: float) -> Trend | None:
    """The line through all values, if with the penalty of one change it explains them better than the steps do."""
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
    """The gain, in squared standard errors, that a further change must bring: about 3 log n if the noise were known.

    As the noise is estimated, the normal quantile is replaced by Student's at the same tail probability. The
    probability is doubled, because the largest of several noise estimates tends to be too large. The chance of a false
    alarm is a fraction of the usual one.
    """
    known = float(np.sqrt(3.0 * np.log(count)))
    return float(special.stdtrit(df, 2.0 * chance * special.ndtr(-known)) ** 2)


def pelt(values: Sequence[float] | np.ndarray, weights: Sequence[float] | np.ndarray, beta: float) -> list[int]:
    """Indices at which new levels begin: those that minimise the weighted squares around the levels plus the penalty.

    The optimum is exact: candidates are pruned only if they can never be the last change again (Killick, Fearnhead and
    Eckley 2012, theorem 3.1). Every level has at least SHORTEST values; a value's weight is one over its variance, and
    `beta` the penalty per change.
    """
    y, w = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    y = y - y[0]  # so that sums of squares lose no digits
    sums = [np.concatenate([[0.0], np.cumsum(part)]) for part in (w, w * y, w * y * y)]

    def cost(start: np.ndarray, end: int) -> np.ndarray:
        """The weighted sum of squares of values[start:end] around their mean."""
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
        # From the next round on, a level that begins at `opened` is long enough to end.
        opened = end - SHORTEST + 1
        if opened >= SHORTEST:
            starts = np.append(starts[best[starts] + cost(starts, opened) <= best[opened]], opened)
    changes, end = [], count
    while (end := int(last[end])) > 0:
        changes.append(end)
    return changes[::-1]

"""Where a course of values changes its level: PELT on logs, with a penalty that knows how well the noise is known.

A value is a version's mean log over its runs. Knows neither metrics nor files.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from katydid.stats.inference import Noise

FEWEST_VALUES = 8
"""Versions below which the noise of their course is not known well enough to look for changes."""
SHORTEST = 2
"""Versions that a level lasts at least: one that stands out alone is an outlier, not a change."""
DF_OF_DIFFERENCE = 2.0 / 3.0
"""Degrees of freedom that each first difference is worth: neighbours share a value (von Neumann 1941)."""
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
class Changes:
    """What was found.

    Attributes:
        at: indices of the first version of each new level.
        variance: of one run's log value, as it was assumed; 0 where the levels explain all.
        df: what that rests on.
    """

    at: list[int]
    variance: float
    df: float


def find_changes(course: Course) -> Changes | None:
    """The changes of level in a course; None where it is too short to tell.

    The noise is the larger of what the repeats of a version and the differences between neighbours show:
    repeats alone do not see what differs between days, and with it called 33 to 89 % of flat histories
    changed (`measure_changepoints.py`). Differences across a change that was found are left out, and the
    search repeated, as long as that finds more.
    """
    logs, runs = np.asarray(course.logs, dtype=np.float64), np.asarray(course.runs, dtype=np.float64)
    if len(logs) < FEWEST_VALUES:
        return None
    found = Changes([], 0.0, 0.0)
    for _ in range(MOST_ROUNDS):
        variance, df = _noise(logs, runs, found.at, course.repeats)
        if variance == 0.0:
            return Changes(found.at, 0.0, df)
        at = pelt(logs, runs / variance, penalty(len(logs), df))
        if len(at) <= len(found.at):
            return found if found.at else Changes(at, variance, df)
        found = Changes(at, variance, df)
    return found


def _noise(logs: np.ndarray, runs: np.ndarray, at: Sequence[int], repeats: Noise | None) -> tuple[float, float]:
    """The variance of one run, and its degrees of freedom."""
    inside = np.ones(len(logs) - 1, dtype=bool)
    inside[[index - 1 for index in at]] = False
    scaled = np.diff(logs)[inside] ** 2 / (1.0 / runs[1:] + 1.0 / runs[:-1])[inside]
    between = float(scaled.mean()), DF_OF_DIFFERENCE * len(scaled)
    return between if repeats is None else max(between, (repeats.variance, float(repeats.df)))


def penalty(count: int, df: float) -> float:
    """What a further change must gain in squared standard errors: 3 log n, as if the noise were known.

    Where the noise is estimated, it is the square of Student's quantile at the same probability. In
    simulation 0.4 to 1.5 % of flat histories of 8 to 30 versions are then called changed.
    """
    known = float(np.sqrt(3.0 * np.log(count)))
    return float(special.stdtrit(df, special.ndtr(-known)) ** 2)


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

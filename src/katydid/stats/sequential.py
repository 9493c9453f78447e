"""Group-sequential tests: the significance level of each look at a comparison that stops once it is decided.

A test at 1 % that is repeated after every pair is wrong in several percent of cases. A group-sequential test spends
its chance of a false alarm over the looks (Lan and DeMets 1983), here the same amount at each look: at a look's level,
a Brownian motion that has not crossed before crosses with that chance (Armitage, McPherson and Rowe 1969). The same
levels are used for Student's t, as Pocock (1977) does. Knows no metric and no verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

REACH = 8.0
"""The grid's half-width, in standard deviations of the sum at the last look."""
STEP = 0.05
"""The grid's step, in standard deviations of one pair."""
HALVINGS = 50
"""Steps of the bisection for a limit."""
FEWEST = 2
"""Pairs before the first look if earlier runs show the noise."""
FEWEST_ALONE = 3
"""Pairs before the first look without earlier runs."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look.

    Attributes:
        pairs: the number of pairs made by then.
        different: family-wise level of the two-sided tests that a primary metric differs.
        same: level of each of the two one-sided tests for no difference.
    """

    pairs: int
    different: float
    same: float


def looks(most: int, *, with_history: bool, metrics: int, different: float, same: float) -> list[Look]:
    """Plan the looks of a comparison before its first run.

    Args:
        most: the most pairs.
        with_history: earlier runs show the noise.
        metrics: the number of primary metrics.
        different: chance that equal versions are called different at any look, in any metric.
        same: chance that versions that differ by the limit are called the same at any look.
    """
    first = min(FEWEST if with_history else FEWEST_ALONE, most)
    pairs = range(first, most + 1)
    # Bonferroni over the metrics here; at a look, Holm's rule divides the level that they share.
    of_one = spending_levels(pairs, different / metrics, sides=2)
    return [
        Look(count, min(level * metrics, different), bound)
        for count, level, bound in zip(pairs, of_one, spending_levels(pairs, same, sides=1), strict=True)
    ]


def spending_levels(pairs: Sequence[int], alpha: float, *, sides: int) -> list[float]:
    """Nominal levels of looks after these numbers of pairs, such that all looks together err with a chance of `alpha`.

    Each look spends the same part of `alpha`. The density of the pairs' sum is propagated on a grid: the part that has
    not crossed the limit at one look moves on to the next by a normal step. A test has 2 sides, or only the upper one.
    """
    reach = REACH * pairs[-1] ** 0.5
    grid = np.arange(-reach, reach + STEP, STEP)
    spent = alpha / len(pairs)
    density, levels, before = None, [], 0
    for count in pairs:
        if density is None:
            density = np.exp(-(grid**2) / (2.0 * count)) / np.sqrt(2.0 * np.pi * count)
        else:
            density = _step(density, grid, count - before)
        limit = _limit(density, grid, spent, sides)
        levels.append(float(special.ndtr(-limit / count**0.5)) * sides)
        density = np.where((np.abs(grid) if sides > 1 else grid) < limit, density, 0.0)
        before = count
    return levels


def _step(density: np.ndarray, grid: np.ndarray, pairs: int) -> np.ndarray:
    """The density after further pairs."""
    steps = np.arange(-len(grid) + 1, len(grid)) * STEP
    kernel = np.exp(-(steps**2) / (2.0 * pairs)) * STEP / np.sqrt(2.0 * np.pi * pairs)
    return np.convolve(density, kernel)[len(grid) - 1 : 2 * len(grid) - 1]


def _limit(density: np.ndarray, grid: np.ndarray, spent: float, sides: int) -> float:
    """The limit that the sum exceeds with a chance of `spent`."""
    beyond = (np.cumsum(density[::-1])[::-1] - density / 2.0) * STEP * sides
    low, high = 0.0, float(grid[-1])
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if float(np.interp(middle, grid, beyond)) > spent else (low, middle)
    return (low + high) / 2.0

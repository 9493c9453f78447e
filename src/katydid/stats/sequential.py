"""Looking at a comparison after every pair, and stopping when it is decided: how much each look may cost.

A test at 1 % that is repeated after every pair is wrong in several percent of cases. A group-sequential test spends
its chance of a false alarm over the looks (Lan and DeMets 1983), here the same amount at each: the level of a look is
the one at which a Brownian motion that has not crossed before crosses with that chance (Armitage, McPherson and Rowe
1969). Of Student's t the same levels are taken, as Pocock (1977) does. Knows no metric and no verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

REACH = 8.0
"""Standard deviations of the last look's sum that the grid covers to each side."""
STEP = 0.05
"""Of the grid, in standard deviations of one pair."""
HALVINGS = 50
"""Of the bisection for a limit."""
FEWEST = 2
"""Pairs of the first look where earlier runs tell the noise."""
FEWEST_ALONE = 3
"""The same where these pairs alone do."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look.

    Attributes:
        pairs: made by then.
        different: level of the two-sided test that a metric that decides differs, for all of them together.
        same: level of each of the two one-sided tests that it does not.
    """

    pairs: int
    different: float
    same: float


def looks(most: int, *, with_history: bool, metrics: int, different: float, same: float) -> list[Look]:
    """The looks of a comparison, planned before its first run.

    Args:
        most: pairs, at least as many as the first look needs.
        with_history: earlier runs tell the noise.
        metrics: that decide.
        different: chance that equal versions are called different at any look, in any metric.
        same: chance that versions that differ by the limit are called the same at any look.
    """
    first = min(FEWEST if with_history else FEWEST_ALONE, most)
    pairs = range(first, most + 1)
    # By Bonferroni over the metrics; at a look Holm's rule divides what is theirs together.
    of_one = spending_levels(pairs, different / metrics, sides=2)
    return [
        Look(count, min(level * metrics, different), bound)
        for count, level, bound in zip(pairs, of_one, spending_levels(pairs, same, sides=1), strict=True)
    ]


def spending_levels(pairs: Sequence[int], alpha: float, *, sides: int) -> list[float]:
    """Nominal levels of the looks after these numbers of pairs, which together are wrong with a chance of `alpha`.

    Each look spends the same part of it. The sum of the pairs is followed on a grid: what has not crossed at one look
    goes on by a normal step to the next.

    Args:
        pairs: at each look, increasing.
        alpha: of all looks.
        sides: 2 where both directions count; else 1, and the upper one does.
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
    """The density some pairs later."""
    steps = np.arange(-len(grid) + 1, len(grid)) * STEP
    kernel = np.exp(-(steps**2) / (2.0 * pairs)) * STEP / np.sqrt(2.0 * np.pi * pairs)
    return np.convolve(density, kernel)[len(grid) - 1 : 2 * len(grid) - 1]


def _limit(density: np.ndarray, grid: np.ndarray, spent: float, sides: int) -> float:
    """Of the sum, beyond which the chance is `spent`."""
    beyond = (np.cumsum(density[::-1])[::-1] - density / 2.0) * STEP * sides
    low, high = 0.0, float(grid[-1])
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if float(np.interp(middle, grid, beyond)) > spent else (low, middle)
    return (low + high) / 2.0

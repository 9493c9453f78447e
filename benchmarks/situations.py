"""Realistic noise: the ways in which runs of two equal versions differ.

Draws the runs of a comparison from a pool of runs of one version (`simulate_verdicts.pool`). Situations: a side or a
day that is noisier than the others, days that differ, drift, and occasional slow runs. Judges nothing.
"""

from dataclasses import dataclass

import numpy as np

WHOLE = (10,)
"""A history of ten runs of one version."""
VERSIONS = (5,) * 4
"""A history of four versions with five runs each, made on four days."""


@dataclass(frozen=True)
class Situation:
    """How the runs of a comparison are made.

    Attributes:
        base, new: factors of the noise of each side.
        history: number of runs of each earlier version; each version has its own day.
        days: standard deviation of the effect of a day; the sides are on two days unless they are interleaved.
        drift: by how much each run is slower than the one before, as a fraction.
        slow: share of runs that are 30 % slower.
        interleaved: True for base new, new base, …; False if all base runs come first.
        shared: part of the variance that the two runs of a pair share.
    """

    name: str
    base: float = 1.0
    new: float = 1.0
    history: tuple[int, ...] = WHOLE
    days: float = 0.0
    drift: float = 0.0
    slow: float = 0.0
    interleaved: bool = True
    shared: float = 0.0


STEADY = Situation("same noise as the history")
SITUATIONS = (
    STEADY,
    Situation("same noise, history of 4 versions × 5 runs", history=VERSIONS),
    Situation("new version twice as noisy", new=2.0),
    Situation("new version three times as noisy", new=3.0),
    Situation("base twice as noisy", base=2.0),
    Situation("today twice as noisy", 2.0, 2.0),
    Situation("today three times as noisy", 3.0, 3.0),
    Situation("today twice as noisy, history of 4 versions × 5 runs", 2.0, 2.0, history=VERSIONS),
    Situation("1 run in 10 is 30 % slower", slow=0.1),
    Situation("drift of 1 % per run, interleaved", drift=0.01),
    Situation("drift of 5 % per run, interleaved", drift=0.05),
    Situation("drift of 1 % per run, base runs first", drift=0.01, interleaved=False),
    Situation(
        "drift of 1 % per run, base runs first, history of 4 versions × 5 runs",
        drift=0.01,
        interleaved=False,
        history=VERSIONS,
    ),
    Situation("days differ by 3 % (sd), interleaved on one day", days=0.03, history=VERSIONS),
    Situation("two days that differ by 3 % (sd), history of 1 version", days=0.03, interleaved=False),
    Situation(
        "two days that differ by 3 % (sd), history of 4 versions × 5 runs",
        days=0.03,
        interleaved=False,
        history=VERSIONS,
    ),
    Situation(
        "two days that differ by 5 % (sd), history of 4 versions × 5 runs",
        days=0.05,
        interleaved=False,
        history=VERSIONS,
    ),
    Situation(
        "two days that differ by 5 % (sd), history of 10 versions × 3 runs",
        days=0.05,
        interleaved=False,
        history=(3,) * 10,
    ),
)


@dataclass(frozen=True)
class Drawn:
    """Log values with a row per run; `history` has an array per version."""

    base: np.ndarray
    new: np.ndarray
    history: list[np.ndarray]


def draw(runs: np.ndarray, count: int, situation: Situation, random: np.random.Generator) -> Drawn:
    """Draw the runs of two equal versions, `count` per side, and of the history."""

    def some(number: int) -> np.ndarray:
        return runs[random.integers(0, len(runs), number)]

    base, new = some(count), some(count)
    if situation.shared:
        luck = some(count) * situation.shared**0.5
        base, new = (side * (1.0 - situation.shared) ** 0.5 + luck for side in (base, new))
    order = np.arange(2 * count)
    places = order[:count], order[count:]
    if situation.interleaved:
        first, second = order[::2], order[1::2]
        swapped = np.arange(count) % 2 == 1
        places = np.where(swapped, second, first), np.where(swapped, first, second)
    days = [random.normal(0.0, situation.days)] * 2 if situation.interleaved else random.normal(0.0, situation.days, 2)
    sides = [
        side * scale + (place * np.log1p(situation.drift))[:, None] + day + _slow(count, situation, random)
        for side, scale, place, day in zip((base, new), (situation.base, situation.new), places, days, strict=True)
    ]
    history = [
        some(number) + random.normal(0.0, situation.days) + _slow(number, situation, random)
        for number in situation.history
    ]
    return Drawn(sides[0], sides[1], history)


def _slow(count: int, situation: Situation, random: np.random.Generator) -> np.ndarray:
    return (random.random(count) < situation.slow)[:, None] * np.log(1.3)

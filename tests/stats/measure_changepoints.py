"""How often change points are called in flat histories, and how soon a step is found. Prints two tables.

    python tests/stats/measure_changepoints.py

Values are lognormal with a run-to-run sd of 3.8 %; `day` is an sd of the same size that all runs of a
version share. About a minute.
"""

import numpy as np

from katydid.stats.changepoints import Course, find_changes
from katydid.stats.inference import noise_of

SD = 0.038
FLAT, STEPS = 2000, 1000


def course(random: np.random.Generator, levels: np.ndarray, runs: int, day: float) -> Course:
    """A version for each level."""
    count = len(levels)
    logs = levels[:, None] + random.normal(0.0, SD, (count, runs)) + random.normal(0.0, day, (count, 1))
    return Course(list(logs.mean(axis=1)), [runs] * count, noise_of([list(row) for row in logs]))


def flat_histories(random: np.random.Generator) -> None:
    """Share of flat histories with any change point."""
    print("| flat: versions | 1 run each | 3 runs | 3 runs, noise between days | 5 runs |\n|---|---|---|---|---|")
    for count in (8, 10, 15, 20, 30):
        cells = []
        for runs, day in ((1, 0.0), (3, 0.0), (3, SD), (5, 0.0)):
            found = sum(bool(find_changes(course(random, np.zeros(count), runs, day)).at) for _ in range(FLAT))
            cells.append(f"{100 * found / FLAT:.1f} %")
        print(f"| {count} | {' | '.join(cells)} |", flush=True)


def steps(random: np.random.Generator) -> None:
    """Share of steps after 15 versions that are found, to within one version."""
    print("\n| step | runs | after 2 versions | 3 | 5 | 10 |\n|---|---|---|---|---|---|")
    for change in (0.05, 0.10, 0.20):
        for runs in (1, 3):
            cells = []
            for after in (2, 3, 5, 10):
                levels = np.repeat([0.0, np.log1p(change)], [15, after])
                changes = (find_changes(course(random, levels, runs, 0.0)).at for _ in range(STEPS))
                found = sum(any(abs(index - 15) <= 1 for index in at) for at in changes)
                cells.append(f"{100 * found / STEPS:.0f} %")
            print(f"| {change:.0%} | {runs} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    seeded = np.random.default_rng(1)
    flat_histories(seeded)
    steps(seeded)

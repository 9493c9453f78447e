"""How often change points are called in flat histories, and how soon a step is found. Prints four tables.

    python tests/stats/measure_changepoints.py

Values are lognormal with a run-to-run sd of 3.8 %; `day` is an sd of the same size that all runs of a version share.
The eleven metrics of a stream are correlated as a common cause, one of the first token, one of the tokens, and some
noise of each make them. Some minutes.
"""

import numpy as np

from katydid.stats.changepoints import FEWEST_VALUES, Course, find_changes, look
from katydid.stats.inference import noise_of

SD = 0.038
FLAT, STEPS, HISTORIES = 2000, 1000, 300
NEWEST = 30
METRICS = 11


def course(random: np.random.Generator, levels: np.ndarray, runs: int, day: float) -> Course:
    """A version for each level."""
    count = len(levels)
    logs = levels[:, None] + random.normal(0.0, SD, (count, runs)) + random.normal(0.0, day, (count, 1))
    return Course(list(logs.mean(axis=1)), [runs] * count, noise_of([list(row) for row in logs]))


def of_values(logs: np.ndarray) -> Course:
    """A version a row, a run a column."""
    return Course(list(logs.mean(axis=1)), [logs.shape[1]] * len(logs), noise_of([list(row) for row in logs]))


def stream(random: np.random.Generator, runs: int, day: float) -> list[np.ndarray]:
    """The metrics of a flat history of streams: p50 and p95 of five times, and the tokens a second."""

    def luck(sd: float) -> np.ndarray:
        return random.normal(0.0, sd, (NEWEST, runs))

    common = luck(SD * 0.5**0.5) + random.normal(0.0, day, (NEWEST, 1))
    first, tokens = luck(SD * 0.5**0.5), luck(SD * 0.5**0.5)
    times = {"ttft": common + first, "tpot": common + tokens, "duration": common + first / 7 + tokens * 6 / 7}
    found = [time + luck(SD / 4) for time in times.values() for _ in ("p50", "p95")]
    beside = [metric + luck(SD / 30) for metric in found[2:]]  # response time and inter-chunk latency
    return [*found, *beside, luck(SD / 4)]


def independent(random: np.random.Generator, runs: int, day: float) -> list[np.ndarray]:
    """As many metrics that have nothing to do with each other."""
    shape = NEWEST, runs
    return [random.normal(0.0, SD, shape) + random.normal(0.0, day, (NEWEST, 1)) for _ in range(METRICS)]


def looked_at(metrics: list[np.ndarray]) -> tuple[bool, bool]:
    """Whether anything was ever found, and confirmed, by who looks at all metrics after each version."""
    tentative = confirmed = False
    for values in metrics:
        for count in range(FEWEST_VALUES, NEWEST + 1):
            seen = of_values(values[:count])
            first = find_changes(seen)
            if not first.at and first.trend is None:
                continue
            found = look(seen, len(metrics))
            tentative |= bool(found.at) or found.trend is not None
            confirmed |= any(found.confirmed) or (found.trend is not None and found.trend.confirmed)
    return tentative, confirmed


def every_look(random: np.random.Generator) -> None:
    """Share of flat histories in which someone who looks after each version ever sees something."""
    print("\n| flat, looked at after each of 8 to 30 versions | runs | ever tentative | ever confirmed |")
    print("|---|---|---|---|", flush=True)
    kinds = (("a stream's 11 metrics", stream), ("11 independent metrics", independent))
    for name, kind in kinds:
        for runs, day in ((1, 0.0), (3, 0.0), (3, SD)):
            found = [looked_at(kind(random, runs, day)) for _ in range(HISTORIES)]
            shares = (f"{100 * np.mean([of[place] for of in found]):.1f} %" for place in (0, 1))
            row = f"| {name} | {runs}{', noise between days' if day else ''} | "
            print(f"{row}{' | '.join(shares)} |", flush=True)


def confirmations(random: np.random.Generator) -> None:
    """How soon a step of 10 % is found, and confirmed, among eleven metrics."""
    print("\n| step | runs | found after 3, 5, 10 versions | confirmed after 4, 6, 11 |\n|---|---|---|---|")
    for change in (0.05, 0.10, 0.20):
        for runs in (1, 3):
            levels = np.repeat([0.0, np.log1p(change)], [15, 11])
            told = {after: [0, 0] for after in (3, 4, 5, 6, 10, 11)}
            for _ in range(HISTORIES):
                values = levels[:, None] + random.normal(0.0, SD, (len(levels), runs))
                for after, counts in told.items():
                    found = look(of_values(values[: 15 + after]), METRICS)
                    near = [sure for at, sure in zip(found.at, found.confirmed, strict=True) if abs(at - 15) <= 1]
                    counts[0] += bool(near)
                    counts[1] += any(near)
            cells = (
                ", ".join(f"{100 * told[after][place] / HISTORIES:.0f} %" for after in afters)
                for place, afters in ((0, (3, 5, 10)), (1, (4, 6, 11)))
            )
            print(f"| {change:.0%} | {runs} | {' | '.join(cells)} |", flush=True)


def flat_histories(random: np.random.Generator) -> None:
    """Share of flat histories with any change point."""
    print("| flat: versions | 1 run each | 3 runs | 3 runs, noise between days | 5 runs |\n|---|---|---|---|---|")
    for count in (8, 10, 15, 20, 30):
        cells = []
        for runs, day in ((1, 0.0), (3, 0.0), (3, SD), (5, 0.0)):
            looks = (find_changes(course(random, np.zeros(count), runs, day)) for _ in range(FLAT))
            found = sum(bool(each.at) or each.trend is not None for each in looks)
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
    confirmations(seeded)
    every_look(seeded)
    flat_histories(seeded)
    steps(seeded)

"""How often are Katydid's verdicts right? Simulated pairs of versions, judged by the code that judges real ones.

A run is 200 users with 24 requests each: service times are log-normal (sigma 0.5), users differ (20 %), the
run drifts (a first-order autoregression), and the whole run has its luck, so large that the p95 of runs of
one version scatters by the level's standard deviation. The history is ten runs of an earlier version.

    python benchmarks/simulate_verdicts.py   # 1,000 pairs a cell, half a minute: the table of docs/verdicts.md
    python benchmarks/simulate_verdicts.py --pairs 100
"""

import argparse
from dataclasses import dataclass

import numpy as np

from katydid.analysis.comparison import CompareSettings, overall
from katydid.analysis.estimates import Estimates
from katydid.analysis.inference import compare_runs
from katydid.analysis.verdicts import Sides, judge_metrics

LEVELS = {"quiet": 0.025, "typical": 0.04, "noisy": 0.095}
"""Standard deviation of a run's log p95 from run to run."""
RUNS = (1, 3, 5)
HISTORY = 10
USERS, CYCLES = 200, 24
POOL = 3000
METRICS = ("duration.p50", "duration.p95")

COLUMNS = (
    "noise (sd of p95)",
    "runs a side",
    "equal: called different",
    "equal: no difference",
    "interval holds the truth",
    "10 % slower: found",
    "10 % slower: called no difference",
    "20 % slower: found",
)


@dataclass(frozen=True)
class Cell:
    """Shares of pairs, in a cell of the table."""

    different: float
    slower: float
    same: float
    covered: float


def pool(sd: float, random: np.random.Generator) -> np.ndarray:
    """Log p50 and p95 of many runs of one version: shape (POOL, 2), centred."""
    logs = np.empty((POOL, 2))
    for run in range(POOL):
        users = random.normal(0.0, 0.2, (USERS, 1))
        times = users + _drift(random) + random.normal(0.0, 0.5, (USERS, CYCLES))
        logs[run] = np.quantile(times, (0.5, 0.95))
    luck = max(0.0, sd**2 - float(logs[:, 1].var())) ** 0.5
    logs += random.normal(0.0, luck, (POOL, 1))
    return logs - logs.mean(axis=0)


def _drift(random: np.random.Generator) -> np.ndarray:
    steps, drift = random.normal(0.0, 0.006, CYCLES), np.empty(CYCLES)
    level = 0.0
    for cycle, step in enumerate(steps):
        level = 0.8 * level + step
        drift[cycle] = level
    return drift


def cell(
    runs: np.ndarray,
    count: int,
    effect: float,
    *,
    pairs: int,
    random: np.random.Generator,
    settings: CompareSettings,
    shared: float = 0.0,
) -> Cell:
    """Judge many pairs of versions.

    Args:
        runs: from `pool`.
        count: runs a side.
        effect: how much slower the new version is, as a fraction.
        pairs: to judge.
        random: draws the runs.
        settings: of the comparison.
        shared: part of the variance that the runs of an interleaved pair share; 0 where they were not interleaved.
    """
    different = slower = same = covered = 0
    for _ in range(pairs):
        base, new, earlier = (runs[random.integers(0, len(runs), n)] for n in (count, count, HISTORY))
        if shared:
            luck = runs[random.integers(0, len(runs), count)]
            base, new = (side * (1 - shared) ** 0.5 + luck * shared**0.5 for side in (base, new))
        new = new + np.log1p(effect)
        sides = Sides(_estimates(base), _estimates(new), [_estimates(earlier)], shared > 0, lambda _: None)
        metrics = judge_metrics(METRICS, sides, settings)
        verdict = overall(metrics, metrics)
        different += verdict in {"slower", "faster"}
        slower += verdict == "slower"
        same += verdict == "no_difference"
        difference = compare_runs(base[:, 1], new[:, 1], [earlier[:, 1]], interleaved=shared > 0)
        low, high = difference.interval()
        covered += low <= np.log1p(effect) <= high
    return Cell(different / pairs, slower / pairs, same / pairs, covered / pairs)


def _estimates(logs: np.ndarray) -> list[Estimates]:
    return [
        Estimates(
            values={name: float(np.exp(log)) for name, log in zip(METRICS, row, strict=True)},
            ok=1000,
            failed=0,
            requests=1000,
            episodes=0,
            tokens=None,
            users_at_stop=None,
        )
        for row in logs
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Simulate pairs of versions and count the verdicts.")
    parser.add_argument("--pairs", type=int, default=1000, help="a cell (default: 1000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--family-alpha", type=float, default=CompareSettings().family_alpha)
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    settings = CompareSettings(family_alpha=options.family_alpha)
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for level, sd in LEVELS.items():
        runs = pool(sd, random)
        designs = [(str(count), count, 0.0) for count in RUNS] + [("5, in turns, sharing 80 %", 5, 0.8)]
        for label, count, shared in designs:
            how = {"pairs": options.pairs, "random": random, "settings": settings, "shared": shared}
            none, ten, twenty = (cell(runs, count, effect, **how) for effect in (0.0, 0.1, 0.2))
            figures = (none.different, none.same, none.covered, ten.slower, ten.same, twenty.slower)
            print(f"| {level} ({sd:.1%}) | {label} | " + " | ".join(f"{figure:.1%}" for figure in figures) + " |")


if __name__ == "__main__":
    main()

"""How often are Katydid's verdicts right? Simulated pairs of versions, judged by the real code.

A run has 200 users with 24 requests each. Times to the first token and per token are log-normal (sigma 0.5 and 0.12),
users differ (20 %), and the run drifts (a first-order autoregression). Each run also has a random effect on its times,
so large that p95 of TTFT varies between runs of one version by the level's standard deviation; half of its variance is
common to both times. The history is ten runs of an earlier version, or that of one of the `situations`: sides and days
that are noisier, that differ or drift. Requests fail one by one, or in bursts of neighbours, and the failure rate may
vary from run to run; failures are counted by the real code.

    python benchmarks/simulate_verdicts.py   # 2,000 pairs per cell, an hour: the tables of docs/verdicts.md
    python benchmarks/simulate_verdicts.py --pairs 100
    python benchmarks/simulate_verdicts.py --only 1 --rows 8:12   # in parts: each row has its own random numbers
"""

import argparse
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from situations import SITUATIONS, STEADY, Situation, draw
from tables import Row, add_options, percent, print_tables

from katydid.analysis.comparison.compare import overall
from katydid.analysis.comparison.estimates import Estimates
from katydid.analysis.comparison.failures import clumping, clumping_of_few, episodes
from katydid.analysis.comparison.primaries import FAILURES
from katydid.analysis.comparison.sides import Sides
from katydid.analysis.comparison.verdicts import judge_metrics
from katydid.model.documents.comparison import STREAM, CompareSettings

LEVELS = {"quiet": 0.025, "typical": 0.04, "noisy": 0.095}
"""Standard deviation of the log of p95 of TTFT from run to run."""
RUNS = (1, 3, 5)
OF_SITUATIONS = (1, 3, 5, 10)
HISTORY = 10
USERS, CYCLES = 200, 24
TOKENS = 64
POOL = 3000
METRICS = STREAM
P95 = METRICS.index("ttft.p95")
SECONDS = 120.0
"""Duration of a run, which determines how far apart its failures are."""

COLUMNS = (
    "noise (sd of p95)",
    "runs per side",
    "equal: called different",
    "equal: no difference",
    "interval contains the truth",
    "10 % slower: found",
    "10 % slower: called no difference",
    "20 % slower: found",
)


@dataclass(frozen=True)
class Cell:
    """Shares of pairs in a cell of the table."""

    different: float
    slower: float
    same: float
    covered: float


@dataclass(frozen=True)
class Failing:
    """How requests fail.

    Attributes:
        base, new: failure rates of the sides.
        requests: requests per run.
        burst: number of neighbouring requests that fail together.
        luck: standard deviation of a run's failure rate, as a fraction of it.
    """

    base: float = 0.0
    new: float = 0.0
    requests: int = 1200
    burst: int = 1
    luck: float = 0.0

    @property
    def how(self) -> str:
        """The label of the row."""
        together = f"bursts of {self.burst}" if self.burst > 1 else "independent"
        return f"{together}, runs vary by {self.luck:.0%}" if self.luck else together


NO_CLUMPS = clumping_of_few(0, 0)
NONE_FAIL = Failing()
EQUAL = [
    NONE_FAIL,
    *(Failing(rate, rate, burst=burst) for rate in (0.01, 0.05) for burst in (1, 4, 20)),
    *(Failing(rate, rate, luck=0.3) for rate in (0.01, 0.05)),
    Failing(0.05, 0.05, requests=200, burst=4),
]
"""Equal versions, one per row."""
WORSE = [
    (5, Failing(0.01, 0.05)),
    (5, Failing(0.01, 0.05, burst=4)),
    (5, Failing(0.01, 0.05, luck=0.3)),
    (3, Failing(0.0, 0.2, requests=200)),
    (3, Failing(0.0, 0.2, requests=200, burst=4)),
    (3, Failing(0.0, 0.05, requests=200)),
    (1, Failing(0.0, 0.5, requests=200)),
    (1, Failing(0.0, 0.2, requests=200)),
    (1, Failing(0.0, 0.5, requests=200, burst=4)),
]
"""Runs per side, and a version that fails more."""


def pool(sd: float, random: np.random.Generator) -> np.ndarray:
    """Simulate many runs of one version: log METRICS, shape (POOL, len(METRICS)), centred."""
    logs = np.empty((POOL, len(METRICS)))
    for run in range(POOL):
        slow = random.normal(0.0, 0.2, (USERS, 1)) + _drift(random)
        ttft = np.log(0.3) + slow + random.normal(0.0, 0.5, (USERS, CYCLES))
        tpot = np.log(0.02) + slow + random.normal(0.0, 0.12, (USERS, CYCLES))
        duration = np.log(np.exp(ttft) + TOKENS * np.exp(tpot))
        logs[run] = [*np.quantile(ttft, (0.5, 0.95)), np.median(tpot), np.median(duration)]
    luck = max(0.0, sd**2 - float(logs[:, P95].var())) ** 0.5
    common, of_ttft, of_tpot = random.normal(0.0, luck * 0.5**0.5, (3, POOL))
    # TTFT is about a seventh of the service time.
    logs += np.stack([common + of_ttft] * 2 + [common + of_tpot, common + of_ttft / 7 + of_tpot * 6 / 7], axis=1)
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
    situation: Situation = STEADY,
    failing: Failing = NONE_FAIL,
    history: bool = True,
) -> Cell:
    """Judge many pairs of versions.

    Args:
        runs: the runs to draw from, from `pool`.
        count: runs per side.
        effect: fraction by which the new version is slower.
        pairs: number of pairs to judge.
        random: draws the runs.
        settings: settings of the comparison.
        situation: how the runs are made.
        failing: how requests fail; the history fails like the base.
        history: True if there is a history.
    """
    different = slower = same = covered = shown = 0
    for _ in range(pairs):
        drawn = draw(runs, count, situation, random)
        earlier = [[_estimates(row, failing.base, failing, random) for row in version] for version in drawn.history]
        sides = Sides(
            [_estimates(row, failing.base, failing, random) for row in drawn.base],
            [_estimates(row + np.log1p(effect), failing.new, failing, random) for row in drawn.new],
            earlier if history else [],
            situation.interleaved,
            lambda _: None,
            days=earlier if history and situation.days else [],
        )
        metrics = judge_metrics([*METRICS, FAILURES], sides, settings)
        verdict = overall(metrics, metrics)
        different += verdict in {"slower", "faster", "mixed"}
        slower += verdict == "slower"
        same += verdict == "no_difference"
        difference = next(metric.difference for metric in metrics if metric.name == "ttft.p95")
        if difference is not None:
            low, high = difference.interval()
            shown += 1
            covered += low <= np.log1p(effect) <= high
    return Cell(different / pairs, slower / pairs, same / pairs, covered / shown if shown else float("nan"))


def _estimates(logs: np.ndarray, rate: float, failing: Failing, random: np.random.Generator) -> Estimates:
    count, faltered, clumps = 0, 0, NO_CLUMPS
    if rate:
        failed = _failed(rate, failing, random)
        count, faltered = int(failed.sum()), episodes(np.flatnonzero(failed) * SECONDS * 1000.0 / failing.requests)
        clumps = clumping(failed, faltered)
    values = dict(zip(METRICS, np.exp(logs).tolist(), strict=True))
    return Estimates(
        values=values | {FAILURES: count / failing.requests},
        ok=failing.requests - count,
        failed=count,
        requests=failing.requests,
        episodes=faltered,
        users_at_stop=None,
        clumping=clumps,
    )


def _failed(rate: float, failing: Failing, random: np.random.Generator) -> np.ndarray:
    """Draw which requests of a run fail, in order."""
    rate *= float(np.exp(random.normal(0.0, failing.luck))) if failing.luck else 1.0
    starts = np.flatnonzero(random.random(failing.requests) < -np.log1p(-min(rate, 0.99)) / failing.burst)
    if failing.burst == 1:
        return np.asarray(random.random(failing.requests) < rate)
    failed = np.zeros(failing.requests, dtype=bool)
    for start in starts:
        failed[start : start + failing.burst] = True
    return failed


Figures = Callable[[dict], tuple[float, ...]]
"""Computes the figures of a row, given the arguments of `cell`."""
Judged = tuple[str, Figures]
"""The first cells of a row, and the function that computes its figures."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Simulate pairs of versions and count the verdicts.")
    parser.add_argument("--pairs", type=int, default=2000, help="pairs per cell (default: 2000)")
    add_options(parser)
    parser.add_argument("--family-alpha", type=float, default=CompareSettings().family_alpha)
    options = parser.parse_args()
    how = {"pairs": options.pairs, "settings": CompareSettings(family_alpha=options.family_alpha)}
    random = np.random.default_rng(options.seed)
    drawn = {level: pool(sd, random) for level, sd in LEVELS.items()}
    rows = {
        COLUMNS: _times(drawn),
        SITUATION_COLUMNS: _situations(drawn),
        EQUAL_COLUMNS: _equal(drawn),
        WORSE_COLUMNS: _worse(drawn),
    }
    print_tables({columns: _with(how, found) for columns, found in rows.items()}, options)


def _with(how: dict, rows: Iterable[Judged]) -> Iterator[Row]:
    for label, figures in rows:

        def cells(random: np.random.Generator, figures: Figures = figures) -> list[str]:
            return [percent(figure) for figure in figures(how | {"random": random})]

        yield re.sub(r"(?<=\d)%", " %", label), cells


def _times(drawn: dict[str, np.ndarray]) -> Iterator[Judged]:
    for level, runs in ((level, drawn[level]) for level in LEVELS):
        designs = [(str(count), count, STEADY) for count in RUNS]
        designs += [("5, pairs share 80 %", 5, Situation("pairs are correlated", shared=0.8))]
        for label, count, situation in designs:

            def figures(
                how: dict, runs: np.ndarray = runs, count: int = count, situation: Situation = situation
            ) -> tuple[float, ...]:
                effects = (0.0, 0.1, 0.2)
                none, ten, twenty = (cell(runs, count, effect, situation=situation, **how) for effect in effects)
                return none.different, none.same, none.covered, ten.slower, ten.same, twenty.slower

            yield f"{level} ({LEVELS[level]:.1%}) | {label}", figures


SITUATION_COLUMNS = (
    "situation",
    "runs per side",
    "equal: called different",
    "equal: no difference",
    "interval contains the truth",
    "5 % slower: found",
    "10 % slower: found",
    "10 % slower: called no difference",
    "20 % slower: found",
)
EQUAL_COLUMNS = (
    "equal versions: share of requests that fail",
    "1 run, no history",
    "1 run",
    "3 runs",
    "5 runs",
)
WORSE_COLUMNS = ("worse version: share of requests that fail", "runs per side", "slower", "slower, no history")


def _situations(drawn: dict[str, np.ndarray]) -> Iterator[Judged]:
    for situation in SITUATIONS:
        for count in OF_SITUATIONS:

            def figures(how: dict, situation: Situation = situation, count: int = count) -> tuple[float, ...]:
                effects = (0.0, 0.05, 0.1, 0.2)
                cells = [cell(drawn["typical"], count, effect, situation=situation, **how) for effect in effects]
                none, five, ten, twenty = cells
                return none.different, none.same, none.covered, five.slower, ten.slower, ten.same, twenty.slower

            yield f"{situation.name} | {count}", figures


def _equal(drawn: dict[str, np.ndarray]) -> Iterator[Judged]:
    for failing in EQUAL:
        label = f"{failing.base:.0%} of {failing.requests}, {failing.how}" if failing.base else "none"

        def figures(how: dict, failing: Failing = failing) -> tuple[float, ...]:
            designs = ((1, False), (1, True), (3, True), (5, True))
            cells = (cell(drawn["typical"], n, 0.0, failing=failing, history=history, **how) for n, history in designs)
            return tuple(found.different for found in cells)

        yield label, figures


def _worse(drawn: dict[str, np.ndarray]) -> Iterator[Judged]:
    for count, failing in WORSE:
        label = f"{failing.base:.0%} → {failing.new:.0%} of {failing.requests}, {failing.how}"

        def figures(how: dict, count: int = count, failing: Failing = failing) -> tuple[float, ...]:
            with_and_without = (True, False)
            return tuple(
                cell(drawn["typical"], count, 0.0, failing=failing, history=history, **how).slower
                for history in with_and_without
            )

        yield f"{label} | {count}", figures


if __name__ == "__main__":
    main()

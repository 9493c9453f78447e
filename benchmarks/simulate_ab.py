"""How often is `katydid ab` right, and after how many pairs? Simulated series, judged as real ones are.

Each run has a value of every metric that decides for streams; each scatters from run to run by the same standard
deviation, half of whose variance is the same for all. The history is ten runs of an earlier version, or none.

    python benchmarks/simulate_ab.py   # 2,000 series a cell, some minutes: the table of docs/verdicts.md
    python benchmarks/simulate_ab.py --series 100
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from katydid.analysis.comparison.compare import overall
from katydid.analysis.comparison.estimates import Estimates
from katydid.analysis.comparison.looks import DECIDED, at_look, planned_looks
from katydid.analysis.comparison.primaries import FAILURES
from katydid.analysis.comparison.sides import Sides
from katydid.analysis.comparison.verdicts import judge_metrics
from katydid.model.documents.comparison import STREAM, CompareSettings

SDS = (0.01, 0.025, 0.04)
TRUTHS = (0.0, 0.05, 0.10, 0.20)
HISTORY = 10
MOST = 10
REQUESTS = 1200


@dataclass(frozen=True)
class Series:
    """Shares of the series, and the mean number of their pairs."""

    slower: float
    faster: float
    same: float
    pairs: float


def simulate(
    sd: float, truth: float, *, series: int, random: np.random.Generator, history: int = HISTORY, most: int = MOST
) -> Series:
    """Many series of pairs, each until it is decided.

    Args:
        sd: of a run's log values from run to run.
        truth: by what fraction the new version is slower.
        series: how many.
        random: draws the runs.
        history: runs of it; 0 for none.
        most: pairs.
    """
    settings = CompareSettings()
    looks = planned_looks(settings, most, with_history=history > 0)
    found, pairs = [], 0
    for _ in range(series):
        base, new = _runs(sd, most, random), _runs(sd, most, random, truth)
        earlier = [_runs(sd, history, random)] if history else []
        for look in looks:
            sides = Sides(base[: look.pairs], new[: look.pairs], earlier, True, lambda _: None)
            metrics = judge_metrics([*STREAM, FAILURES], sides, at_look(settings, look))
            verdict = overall(metrics, metrics)
            if verdict in DECIDED:
                break
        found.append(verdict)
        pairs += look.pairs
    shares = [found.count(verdict) / series for verdict in ("slower", "faster", "no_difference")]
    return Series(*shares, pairs / series)


def _runs(sd: float, count: int, random: np.random.Generator, slower: float = 0.0) -> list[Estimates]:
    luck = random.normal(0.0, sd * 0.5**0.5, (count, 1)) + random.normal(0.0, sd * 0.5**0.5, (count, len(STREAM)))
    return [
        Estimates(
            values=dict(zip(STREAM, np.exp(row + np.log1p(slower)).tolist(), strict=True)) | {FAILURES: 0.0},
            ok=REQUESTS, failed=0, requests=REQUESTS, episodes=0, tokens=None, users_at_stop=None,
        )
        for row in luck
    ]  # fmt: skip


COLUMNS = ("sd of each metric", "history", "truth", "slower", "faster", "no difference", "mean pairs")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Simulate series of pairs and count the verdicts.")
    parser.add_argument("--series", type=int, default=2000, help="a cell (default: 2000)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for row in _rows(options.series, np.random.default_rng(options.seed)):
        print(f"| {' | '.join(row)} |", flush=True)


def _rows(series: int, random: np.random.Generator) -> Iterator[list[str]]:
    for history in (HISTORY, 0):
        for sd in SDS:
            for truth in TRUTHS:
                found = simulate(sd, truth, series=series, random=random, history=history)
                shares = [f"{100 * share:.1f} %" for share in (found.slower, found.faster, found.same)]
                told = f"{truth:.0%} slower" if truth else "equal"
                yield [
                    f"{100 * sd:.1f} %",
                    f"{history} runs" if history else "none",
                    told,
                    *shares,
                    f"{found.pairs:.1f}",
                ]


if __name__ == "__main__":
    main()

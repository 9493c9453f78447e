"""How often is `katydid ab` right, and after how many pairs? Simulated series, judged by the real code.

Each run has a value of every primary metric of streams. All metrics vary from run to run with the same standard
deviation; half of the variance is common to all metrics of a run. The two runs of a pair share a part of their
variance, or none. The history is ten runs of an earlier version, or none, or the pairs of an earlier `ab`, which are
either known as pairs or treated as separate runs.

    python benchmarks/simulate_ab.py   # 2,000 series per cell, some minutes: the tables of docs/verdicts.md
    python benchmarks/simulate_ab.py --series 100 --only 1 --rows 4:8
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tables import Row, add_options, percent, print_tables

from katydid.analysis.comparison.compare import DECIDED, at_look, overall, planned_looks
from katydid.analysis.comparison.estimates import Estimates
from katydid.analysis.comparison.primaries import FAILURES
from katydid.analysis.comparison.sides import Sides
from katydid.analysis.comparison.verdicts import judge_metrics
from katydid.model.documents.comparison import STREAM, CompareSettings

SDS = (0.01, 0.025, 0.04)
TRUTHS = (0.0, 0.05, 0.10, 0.20)
HISTORY = 10
MOST = 10
REQUESTS = 1200
SHARED = 0.8
PAIRED_SD = 0.04
Runs = list[Estimates]


@dataclass(frozen=True)
class History:
    """Earlier runs.

    Attributes:
        runs: number of runs of one version.
        pairs: number of pairs of two versions, made by an earlier `ab`.
        known: True if the pairs are known as pairs.
    """

    runs: int = 0
    pairs: int = 0
    known: bool = True


USUAL = History(runs=HISTORY)


@dataclass(frozen=True)
class Series:
    """Shares of the verdicts, and the mean number of pairs."""

    slower: float
    faster: float
    same: float
    pairs: float


def simulate(
    sd: float,
    truth: float,
    *,
    series: int,
    random: np.random.Generator,
    history: History = USUAL,
    shared: float = 0.0,
    most: int = MOST,
) -> Series:
    """Simulate many series of pairs, each until its verdict.

    Args:
        sd: standard deviation of log values from run to run.
        truth: fraction by which the new version is slower.
        series: number of series.
        random: draws the runs.
        history: earlier runs.
        shared: part of the variance that the two runs of a pair share.
        most: maximum number of pairs.
    """
    settings = CompareSettings()
    looks = planned_looks(settings, most, with_history=history != History())
    found, pairs = [], 0
    for _ in range(series):
        base, new = _pairs(sd, shared, most, random, truth)
        earlier, before = _earlier(sd, shared, history, random)
        for look in looks:
            sides = Sides(base[: look.pairs], new[: look.pairs], earlier, True, lambda _: None, pairs=before)
            metrics = judge_metrics([*STREAM, FAILURES], sides, at_look(settings, look))
            verdict = overall(metrics, metrics)
            if verdict in DECIDED:
                break
        found.append(verdict)
        pairs += look.pairs
    shares = [found.count(verdict) / series for verdict in ("slower", "faster", "no_difference")]
    return Series(*shares, pairs / series)


def _earlier(
    sd: float, shared: float, history: History, random: np.random.Generator
) -> tuple[list[Runs], list[list[tuple[Estimates, Estimates]]]]:
    """Draw earlier runs: the runs by version, and the pairs among them."""
    if not history.pairs:
        return ([_pairs(sd, 0.0, history.runs, random)[0]] if history.runs else []), []
    versions = _pairs(sd, shared, history.pairs, random)
    return list(versions), [list(zip(*versions, strict=True))] if history.known else []


def _pairs(sd: float, shared: float, count: int, random: np.random.Generator, slower: float = 0.0) -> tuple[Runs, Runs]:
    """Draw the runs of both sides, pair by pair."""
    common = _noise(sd * shared**0.5, count, random)
    base, new = (common + _noise(sd * (1.0 - shared) ** 0.5, count, random) for _ in range(2))
    return _estimates(base), _estimates(new + np.log1p(slower))


def _noise(sd: float, count: int, random: np.random.Generator) -> np.ndarray:
    half = sd * 0.5**0.5
    return random.normal(0.0, half, (count, 1)) + random.normal(0.0, half, (count, len(STREAM)))


def _estimates(logs: np.ndarray) -> Runs:
    return [
        Estimates(
            values=dict(zip(STREAM, np.exp(row).tolist(), strict=True)) | {FAILURES: 0.0},
            ok=REQUESTS, failed=0, requests=REQUESTS, episodes=0, users_at_stop=None,
        )
        for row in logs
    ]  # fmt: skip


COLUMNS = ("sd of each metric", "history", "truth", "slower", "faster", "no difference", "mean number of pairs")
PAIR_COLUMNS = ("shared variance", "earlier pairs", *COLUMNS[2:])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Simulate series of pairs and count the verdicts.")
    parser.add_argument("--series", type=int, default=2000, help="series per cell (default: 2000)")
    add_options(parser)
    options = parser.parse_args()
    print_tables({COLUMNS: _usual(options.series), PAIR_COLUMNS: _with_pairs(options.series)}, options)


def _usual(series: int) -> Iterator[Row]:
    for history in (USUAL, History()):
        for sd in SDS:
            begins = f"{100 * sd:.1f} % | {f'{history.runs} runs' if history.runs else 'none'}"
            yield from _rows(begins, sd, series=series, history=history)


def _with_pairs(series: int) -> Iterator[Row]:
    for shared in (SHARED, 0.0):
        for pairs in (5, 10):
            for known in (False, True):
                begins = f"{100 * shared:.0f} % | {pairs}, {'pairing known' if known else 'pairing unknown'}"
                history = History(pairs=pairs, known=known)
                yield from _rows(begins, PAIRED_SD, series=series, history=history, shared=shared)


def _rows(begins: str, sd: float, *, series: int, history: History, shared: float = 0.0) -> Iterator[Row]:
    for truth in TRUTHS:

        def cells(random: np.random.Generator, truth: float = truth) -> list[str]:
            found = simulate(sd, truth, series=series, random=random, history=history, shared=shared)
            return [*map(percent, (found.slower, found.faster, found.same)), f"{found.pairs:.1f}"]

        yield f"{begins} | {f'{100 * truth:.0f} % slower' if truth else 'equal'}", cells


if __name__ == "__main__":
    main()

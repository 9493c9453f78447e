"""Does stopping a run early bias its latency? Simulated runs, some of them stopped, judged by the real code.

A run has 100 users, in a closed loop (the next request when the last has ended) or paced (one every 5 s). Service times
are log-normal (median 3 s, sigma 0.5), times a random factor per run (3 %). A fifth of the requests fails: at once,
late (at the time of their answer), or half of each. A stopped run ends at a random failure, from the 60th to the 200th,
and aborts requests in flight.

    python benchmarks/simulate_stopped_runs.py   # a few minutes: the last table of docs/verdicts.md
    python benchmarks/simulate_stopped_runs.py --runs 50 --pairs 100
"""

import argparse
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from katydid.analysis.comparison.estimates import Estimates, RunData, estimate
from katydid.analysis.comparison.sides import Sides
from katydid.analysis.comparison.verdicts import judge_metrics
from katydid.analysis.derived import with_derived
from katydid.model.documents.comparison import CompareSettings, Verdict
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Summary

METRICS = ("ttft.p50", "ttft.p95", "tpot.p50", "duration.p50", "duration.p95")
LOADS = {"closed": 0.0, "paced": 5.0}
"""Seconds from one request of a user to its next."""
FAILURES = ("at once", "late", "both")
USERS, CYCLES = 100, 24
MEDIAN_MS, SIGMA, LUCK, FAILING = 3000.0, 0.5, 0.03, 0.2
TTFT_SHARE = (0.1, 0.5)
FIRST_STOP, LAST_STOP = 60, 200
HISTORY = 10
RUNS = (1, 3, 5)
TOKENS = 40.0


def simulated(
    random: np.random.Generator, *, interval: float, failures: str, stop: int = 0, slower: float = 0.0
) -> tuple[RunData, float]:
    """Simulate a run; also return its random factor (`luck`).

    Args:
        random: draws the run.
        interval: in seconds; 0 for a closed loop.
        failures: when requests fail, one of FAILURES.
        stop: number of the failure at which the run is stopped; 0 if it is not stopped.
        slower: fraction by which the version is slower.
    """
    luck = float(np.exp(random.normal(0.0, LUCK)))
    times = random.lognormal(math.log(MEDIAN_MS * luck * (1.0 + slower)), SIGMA, (CYCLES, USERS))
    first = times * random.uniform(*TTFT_SHARE, (CYCLES, USERS))
    failed = random.random((CYCLES, USERS)) < FAILING
    at_once = failed & ((failures == "at once") | ((failures == "both") & (random.random((CYCLES, USERS)) < 0.5)))
    times = np.where(at_once, 20.0, times)
    due, start = np.empty((CYCLES, USERS)), np.empty((CYCLES, USERS))
    free = next_due = np.arange(USERS) * (interval or 3.0) * 1000.0 / USERS
    for cycle in range(CYCLES):
        due[cycle] = next_due if interval else free
        start[cycle] = np.maximum(due[cycle], free)
        free = start[cycle] + times[cycle]
        next_due = start[cycle] + interval * 1000.0
    end = start + times
    stopped = float(np.sort(end[failed])[stop - 1]) if stop else math.inf
    rows = start < stopped
    cut, lost = (end > stopped)[rows], failed[rows]
    came = ~lost & (start + first <= stopped)[rows]
    samples = pd.DataFrame(
        {
            "name": "chat",
            "user": np.tile(np.arange(USERS), (CYCLES, 1))[rows],
            "iteration": np.repeat(np.arange(CYCLES), USERS).reshape(CYCLES, USERS)[rows],
            "scheduled_ms": due[rows],
            "start_ms": start[rows],
            "late_ms": (start - due)[rows],
            "ttft_ms": np.where(came, first[rows], np.nan),
            "duration_ms": np.where(cut, np.nan, times[rows]),
            "ended_ms": np.where(cut, stopped, np.nan),
            "completion_tokens": np.where(cut | lost, np.nan, TOKENS),
            "chunks": TOKENS,
            "outcome": np.where(cut, "aborted", np.where(lost, "failed", "ok")),
            "error": np.where(lost & ~cut, "http_5xx", None),
            "after_stop": cut,
            "warm_up": False,
        }
    ).sort_values("scheduled_ms", ignore_index=True)
    ended = "failure-threshold" if stop else "run-time"
    manifest = Manifest.of(interval_s=interval, ended=ended, users=USERS)
    counts = {"requests": len(samples), "ok": len(samples)}
    summary = Summary.of(valid=True, invalid_reasons=[], counts=counts, metrics={})
    return RunData("run", manifest, with_derived(samples, manifest), summary), luck


@dataclass(frozen=True)
class Pool:
    """Runs of one version, some of them stopped.

    Attributes:
        whole: runs that were not stopped.
        stopped: runs that were stopped.
        errors: mean error of the stopped runs' values by metric, as a fraction.
    """

    whole: list[Estimates]
    stopped: list[Estimates]
    errors: dict[str, float]


def pool(random: np.random.Generator, *, load: str, failures: str, runs: int) -> Pool:
    """Simulate `runs` stopped runs, and half as many whole ones."""

    def drawn(*, stopped: bool) -> tuple[Estimates, float]:
        stop = int(random.integers(FIRST_STOP, LAST_STOP + 1)) if stopped else 0
        run, luck = simulated(random, interval=LOADS[load], failures=failures, stop=stop)
        return estimate(run, 0.0), luck

    whole = [drawn(stopped=False)[0] for _ in range(runs // 2)]
    made = [drawn(stopped=True) for _ in range(runs)]
    truth = _truth(random)
    errors = {}
    for name in METRICS:
        known = [(each.values, luck) for each, luck in made if name in each.values and name not in each.bounds]  # noqa: PD011
        errors[name] = float(np.expm1(np.mean([math.log(values[name] / truth[name] / luck) for values, luck in known])))
    return Pool(whole, [each for each, _ in made], errors)


def different(random: np.random.Generator, drawn: Pool, *, runs: int, pairs: int, both: bool) -> float:
    """Return the share of equal pairs that any of METRICS calls different, with a history of whole runs.

    Args:
        random: draws the pairs.
        drawn: the runs to draw from.
        runs: runs per side.
        pairs: number of pairs to judge.
        both: True if the runs of both sides were stopped, False if only those of the new side.
    """
    settings, count = CompareSettings(primary=METRICS), 0
    for _ in range(pairs):
        stopped = random.permutation(len(drawn.stopped))[: 2 * runs]
        whole = random.permutation(len(drawn.whole))[: runs + HISTORY]
        new, other = ([drawn.stopped[i] for i in part] for part in (stopped[:runs], stopped[runs:]))
        base = other if both else [drawn.whole[i] for i in whole[HISTORY:]]
        sides = Sides(base, new, [[drawn.whole[i] for i in whole[:HISTORY]]], True, lambda _: None)
        judged = judge_metrics(METRICS, sides, settings)
        count += any(metric.verdict in {Verdict.SLOWER, Verdict.FASTER} for metric in judged)
    return count / pairs


def _truth(random: np.random.Generator) -> dict[str, float]:
    """Return the true values, from very many requests without a random factor."""
    times = random.lognormal(math.log(MEDIAN_MS), SIGMA, 2_000_000)
    first = times * random.uniform(*TTFT_SHARE, len(times))
    columns = {"ttft": first, "duration": times, "tpot": (times - first) / (TOKENS - 1.0)}
    return {
        name: float(np.quantile(columns[name.partition(".")[0]], int(name.rpartition(".p")[2]) / 100))
        for name in METRICS
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Simulate stopped runs; compute errors and count verdicts.")
    parser.add_argument("--runs", type=int, default=500, help="stopped runs of each kind (default: 500)")
    parser.add_argument("--pairs", type=int, default=1000, help="pairs per figure (default: 1000)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    called = [f"{who} stopped, {runs} per side" for who in ("new", "both") for runs in RUNS]
    heads = ("load", "requests fail", *METRICS, *called)
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}", flush=True)
    for load in LOADS:
        for failures in FAILURES:
            drawn = pool(random, load=load, failures=failures, runs=options.runs)
            shares = [
                different(random, drawn, runs=runs, pairs=options.pairs, both=both)
                for both in (False, True)
                for runs in RUNS
            ]
            figures = [*(f"{drawn.errors[name]:+.1%}" for name in METRICS), *(f"{share:.1%}" for share in shares)]
            line = f"| {load} | {failures} | {' | '.join(figures)} |"
            print(line.replace("%", " %").replace("-", "−"), flush=True)


if __name__ == "__main__":
    main()

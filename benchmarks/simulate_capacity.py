"""How exact is `katydid capacity`? Simulated searches, made by the real code.

The targets of `tests/support/capacity_targets.py` and `queue_model.py` have a known capacity. It is computed if there
is an exact formula, otherwise found by simulating stages of half an hour. Failing requests raise it, since they need no
slot. Users have an interval of 2 s; the objective is p95 ≤ 1 s and failures ≤ 5 %.

    python benchmarks/simulate_capacity.py   # 60 searches per row, an hour: the table of docs/explanation/capacity.md
    python benchmarks/simulate_capacity.py --searches 10 sharing limiter
"""

import argparse
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from capacity_targets import Batching, Bucket, Sharing, Sliding, Slots, Target, Windows
from katydid.analysis.capacity.estimate import estimate_capacity
from katydid.analysis.capacity.holds import Criterion
from katydid.analysis.capacity.search import SearchSettings
from katydid.load.stages import Hold
from katydid.model.documents.capacity import CapacityFound
from queue_model import search

T = 2.0
OBJECTIVE = [Criterion("failure_rate", 0.05), Criterion("duration.p95", 0.05, 1000.0)]
LONG = 900
"""Length of a stage that determines the true capacity, in intervals."""

Random = np.random.Generator


def always(seconds: float) -> Callable[[Random], float]:
    """The same work for every request."""
    return lambda _: seconds


def exponential(mean: float) -> Callable[[Random], float]:
    """Exponentially distributed work."""
    return lambda random: random.exponential(mean)


def either(usual: float, share: float, other: float) -> Callable[[Random], float]:
    """Two kinds of requests: a share of them take the other time."""
    return lambda random: other if random.random() < share else usual


def lognormal(median: float, sigma: float) -> Callable[[Random], float]:
    """Log-normally distributed work."""
    return lambda random: median * math.exp(sigma * random.normal())


def tokens(low: int, high: int) -> Callable[[Random], float]:
    """A uniformly distributed number of tokens, from `low` to `high`."""
    return lambda random: float(random.integers(low, high + 1))


def quick() -> Slots:
    """A service that never limits the capacity."""
    return Slots(1000, always(0.05))


@dataclass(frozen=True)
class Row:
    """A target, and its capacity if there is a formula for it."""

    make: Callable[[], Target]
    truth: float | None = None
    hold: float = 6 * T


LIMIT = 20.0 * T / 0.95
"""Number of users of whom 5 % are rejected by a limiter of 20 requests/s."""
ROWS = {
    "slots": Row(lambda: Target(Slots(10, always(0.2))), 100),
    "sharing, exponential work": Row(lambda: Target(Sharing(4, exponential(0.15)))),
    "sharing, exponential work, each hold varies by 4 %": Row(lambda: Target(Sharing(4, exponential(0.15), luck=0.04))),
    "sharing, fixed work": Row(lambda: Target(Sharing(4, always(0.15)))),
    "batching, 10 ms + 1 ms per request in each step, 20 to 60 tokens": Row(
        lambda: Target(Batching(0.01, 0.001, tokens(20, 60), 64))
    ),
    "batching, 15 ms + 0.4 ms, 40 tokens, at most 16 requests": Row(
        lambda: Target(Batching(0.015, 0.0004, always(40), 16))
    ),
    "slots, 2 % failures at any load": Row(lambda: Target(Slots(10, always(0.2)), 0.02)),
    "slots, 3 % failures at any load": Row(lambda: Target(Slots(10, always(0.2)), 0.03)),
    "slots, 4 % failures at any load": Row(lambda: Target(Slots(10, always(0.2)), 0.04)),
    "slots, 3 % of requests take 1.5 s": Row(lambda: Target(Slots(10, either(0.1, 0.03, 1.5)))),
    "slots, log-normal, sigma 0.8": Row(lambda: Target(Slots(10, lognormal(0.2, 0.8)))),
    "limiter, window of 60 s": Row(lambda: Target(quick(), limit=lambda: Windows(1200, 60)), LIMIT),
    "limiter, window of 60 s, no Retry-After": Row(
        lambda: Target(quick(), limit=lambda: Windows(1200, 60), says=False), LIMIT
    ),
    "limiter, sliding window of 60 s": Row(lambda: Target(quick(), limit=lambda: Sliding(1200, 60)), LIMIT),
    "limiter, window of an hour": Row(
        lambda: Target(quick(), limit=lambda: Windows(1200, 3600)), 1200 * T / 3600 / 0.95
    ),
    "limiter, bucket of 5": Row(lambda: Target(quick(), limit=lambda: Bucket(20, 5)), LIMIT),
    "limiter, bucket of 50": Row(lambda: Target(quick(), limit=lambda: Bucket(20, 50)), LIMIT),
    "limiter, bucket of 200": Row(lambda: Target(quick(), limit=lambda: Bucket(20, 200)), LIMIT),
    "slots, --hold of 3 intervals": Row(lambda: Target(Slots(10, always(0.2))), 100, hold=3 * T),
    "sharing, exponential work, --hold of 3 intervals": Row(lambda: Target(Sharing(4, exponential(0.15))), hold=3 * T),
    "batching, 10 + 1 ms, --hold of 3 intervals": Row(
        lambda: Target(Batching(0.01, 0.001, tokens(20, 60), 64)), hold=3 * T
    ),
    "slots, lognormal, --hold of 3 intervals": Row(lambda: Target(Slots(10, lognormal(0.2, 0.4))), hold=3 * T),
}


def truth_of(row: Row, most: int = 400) -> float:
    """Return the largest number of users that meets the objective in the long run."""
    if row.truth is not None:
        return row.truth
    low, high, target = 0, most, row.make()
    while high - low > 1:
        middle = (low + high) // 2
        held = target.measured(Hold(middle, LONG * T, settle=20 * T), T, OBJECTIVE).held
        low, high = (middle, high) if held else (low, middle)
    return float(low)


def searched(row: Row, seed: int) -> tuple[CapacityFound, float]:
    """Return the result of a search, and how many seconds of load it took."""
    settings = SearchSettings(interval=T, hold=row.hold, max_users=500, seed=seed)
    results, seconds = search(row.make(), settings, OBJECTIVE, seed)
    return estimate_capacity(results, OBJECTIVE), seconds


def line(name: str, row: Row, searches: int) -> str:
    """Return a row of the table."""
    truth = truth_of(row)
    done = [searched(row, seed) for seed in range(searches)]
    estimates = [found for found, _ in done if found.capacity is not None and not found.at_least]
    off = np.array([found.capacity / truth - 1.0 for found in estimates])
    unseen = sum(found.limiter_seen is False for found, _ in done)
    covered = sum(found.low <= truth <= found.high for found in estimates)
    far = f"{np.mean(np.abs(off) > 0.2):.0%}" if len(off) else "–"
    bias = f"{off.mean():+.1%} ± {off.std():.1%}" if len(off) else "–"
    worst = f"{off[np.abs(off).argmax()]:+.0%}" if len(off) else "–"
    seconds = np.mean([seconds for _, seconds in done])
    cells = (name, f"{truth:.3g}", bias, worst, far, f"{covered} of {len(estimates)}", str(unseen), f"{seconds:.0f} s")
    return "| " + " | ".join(cells).replace("%", " %").replace("-", "−") + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=60)
    parser.add_argument("names", nargs="*", help="only rows whose name contains one of these words")
    asked = parser.parse_args()
    print("| target | truth | error | largest | error > 20 % | interval contains the truth | limiter not seen | load |")
    print("|---|---|---|---|---|---|---|---|")
    for name, row in ROWS.items():
        if not asked.names or any(word in name for word in asked.names):
            print(line(name, row, asked.searches), flush=True)


if __name__ == "__main__":
    main()

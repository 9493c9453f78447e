"""How often is the diagnosis of a burst right? Simulated services of known concurrency, diagnosed by the real code.

    python benchmarks/simulate_bursts.py   # 40 bursts each, some minutes: the table of docs/explanation/capacity.md

As in `katydid run burst`, there is one request alone, a burst, a smaller burst and one request alone again, each after
the one before has ended. Service times vary by 5 % (standard deviation), unless the row says otherwise.
"""

import argparse
import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from katydid.stats.concurrency_model import Burst
from katydid.workloads.burst.contradictions import Probes
from katydid.workloads.burst.diagnosis import NOT_DETERMINED, Diagnosis, diagnose_burst

Random = np.random.Generator
SIZES = (8, 12, 20, 40)
VARIATION = 0.05


class Service:
    """A service, which keeps its state from one burst to the next."""

    def ends(self, random: Random, requests: int) -> list[float]:
        """Return when each request of a burst ends, in seconds from its start."""
        raise NotImplementedError


@dataclass
class Queue(Service):
    """One queue with several workers.

    Attributes:
        workers: service time of each worker.
        variation: standard deviation of service times, as a fraction.
        cold: range of the time of a worker's first request; None if it is not slower.
        added: when each worker is added, from the start of the first burst; later bursts have all workers.
    """

    workers: tuple[float, ...]
    variation: float = VARIATION
    cold: tuple[float, float] | None = None
    added: tuple[float, ...] = ()
    _warm: set[int] = field(default_factory=set)
    _scaled: bool = False

    def ends(self, random: Random, requests: int) -> list[float]:
        """See `Service.ends`."""
        added = (0.0,) * len(self.workers) if self._scaled or not self.added else self.added
        self._scaled |= requests > 1
        free = [(at, random.random(), worker) for worker, at in enumerate(added)]
        heapq.heapify(free)
        ends = []
        for _ in range(requests):
            at, _, worker = heapq.heappop(free)
            took = self.workers[worker] * max(0.05, 1.0 + self.variation * random.normal())
            if self.cold and worker not in self._warm:
                self._warm.add(worker)
                took = random.uniform(*self.cold)
            ends.append(at + took)
            heapq.heappush(free, (at + took, random.random(), worker))
        return ends


@dataclass
class Shared(Service):
    """Serves all requests at once; they share `cores`."""

    cores: int
    work: float

    def ends(self, random: Random, requests: int) -> list[float]:
        """See `Service.ends`."""
        left = np.sort(self.work * (1.0 + VARIATION * random.normal(size=requests)))
        at, done, ends = 0.0, 0.0, []
        for number, work in enumerate(left):
            at += (work - done) / min(1.0, self.cores / (requests - number))
            done = work
            ends.append(at)
        return ends


@dataclass
class Batched(Service):
    """Continuous batching: each step makes one token per request, and takes longer with more requests."""

    step: float
    each: float
    tokens: int

    def ends(self, random: Random, requests: int) -> list[float]:
        """See `Service.ends`."""
        return list(self.tokens * (self.step + self.each * requests) * (1.0 + 0.01 * random.normal(size=requests)))


@dataclass
class Limited(Service):
    """A rate limiter that admits requests; each then takes `service` seconds."""

    per_s: float
    service: float

    def ends(self, random: Random, requests: int) -> list[float]:
        """See `Service.ends`."""
        took = self.service * (1.0 + VARIATION * random.normal(size=requests))
        return list(np.arange(requests) / self.per_s + took)


@dataclass(frozen=True)
class Row:
    """A service, with the verdicts and possible causes that are right; `not determined` is right for all."""

    make: Callable[[], Service]
    right: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()


ROWS = {
    "1 slot": Row(lambda: Queue((0.3,)), ("one at a time",)),
    "4 slots": Row(lambda: Queue((0.3,) * 4), ("4 at a time",)),
    "4 slots that vary by 15 %": Row(lambda: Queue((0.3,) * 4, 0.15), ("4 at a time",)),
    "a slot for each": Row(lambda: Queue((0.3,) * 64), ("all at once",)),
    "2 servers, one 1.5 × slower": Row(lambda: Queue((0.3, 0.45)), ("2 at a time",), ("unlike_servers",)),
    "2 servers, one 2 × slower": Row(lambda: Queue((0.3, 0.6)), ("2 at a time",), ("unlike_servers",)),
    "2 servers, one 3 × slower": Row(lambda: Queue((0.3, 0.9)), ("2 at a time",), ("unlike_servers",)),
    "2 servers, one 2 × slower, no variation": Row(
        lambda: Queue((0.3, 0.6), 0.0), ("2 at a time",), ("unlike_servers",)
    ),
    "3 slots, the first answer of each cold (1 to 1.5 s)": Row(
        lambda: Queue((0.3,) * 3, cold=(1.0, 1.5)), ("3 at a time",), ("cold_start",)
    ),
    "4 slots, the first answer of each cold": Row(
        lambda: Queue((0.3,) * 4, cold=(1.0, 1.5)), ("4 at a time",), ("cold_start",)
    ),
    "1 slot, 3 more after 2 s": Row(
        lambda: Queue((0.3,) * 4, added=(0.0, 2.0, 2.0, 2.0)), ("4 at a time",), ("cold_start",)
    ),
    "sharing, 4 cores": Row(lambda: Shared(4, 0.2), (), ("sharing",)),
    "sharing, 1 core": Row(lambda: Shared(1, 0.05), (), ("sharing",)),
    "continuous batching": Row(lambda: Batched(0.010, 0.001, 40), (), ("sharing",)),
    "a limiter, 20 a second, 0.2 s each": Row(lambda: Limited(20, 0.2), (), ("limiter",)),
    "a limiter, 5 a second, 0.2 s each": Row(lambda: Limited(5, 0.2), (), ("limiter",)),
}


def diagnosed(service: Service, users: int, random: Random) -> Diagnosis:
    """Return the diagnosis of a run of the workload, with its probes."""

    def burst(requests: int) -> Burst:
        return Burst(np.sort(1000.0 * np.asarray(service.ends(random, requests))), np.empty(0))

    before = float(burst(1).answers[0])
    whole, smaller = burst(users), burst(max(1, users // 2))
    return diagnose_burst([whole], [0], Probes(before, float(burst(1).answers[0]), smaller))


def counted(row: Row, users: int, searches: int) -> tuple[int, int, Counter[str]]:
    """Return how many diagnoses are right, how many of them name the concurrency or the cause, and all verdicts."""
    found = [diagnosed(row.make(), users, np.random.default_rng(seed)) for seed in range(searches)]
    named = [d.verdict in row.right or any(cause in d.possible for cause in row.possible) for d in found]
    right = [name or d.verdict == NOT_DETERMINED for name, d in zip(named, found, strict=True)]
    return sum(right), sum(named), Counter(d.verdict for d in found)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bursts", type=int, default=40)
    asked = parser.parse_args()
    print("| service | " + " | ".join(f"{users} users" for users in SIZES) + " | most frequent verdict |")
    print("|---" * (len(SIZES) + 2) + "|")
    for name, row in ROWS.items():
        cells, said = [], Counter[str]()
        for users in SIZES:
            right, named, words = counted(row, users, asked.bursts)
            cells.append(f"{right} ({named})")
            said += words
        print(f"| {name} | " + " | ".join(cells) + f" | {said.most_common(1)[0][0]} |", flush=True)


if __name__ == "__main__":
    main()

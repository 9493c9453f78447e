"""Plan how many workers a service needs.

The model: each stream sends the worker pool one job after another, each as long as its audio. A job keeps one
worker busy for audio × real-time factor (RTF). So the load is concurrency × RTF erlang, whatever the length of the
jobs, and waits are proportional to that length.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from katydid.model.errors import ConfigError
from katydid.model.formatting import fraction, plural
from katydid.stats.queueing import (
    Waits,
    burst_seconds,
    burst_share,
    erlang_c,
    servers_for,
    service_times,
    simulate_waits,
    wait_quantile,
)

_SHOWN_UTILISATIONS = (0.98, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)
MOST_LOAD = 5000.0
"""In erlang: more than any plan needs, and few enough to compute quickly."""
MOST_WORKERS = 100_000
"""The most workers considered, for the same reason."""
_LEAST, _MOST = 1e-9, 1e9
"""Range of the inputs; products and quotients of such numbers stay finite."""


@dataclass(frozen=True, kw_only=True)
class Demand:
    """The demand that a plan must serve.

    Attributes:
        concurrency: concurrent streams.
        rtf: worker-seconds per second of audio, without waiting.
        utilisation: the share of its time that a worker may be busy.
        audio_s: length of one job's audio, seconds.
        variation: coefficient of variation of the service times; 1 means exponential.
        services: measured service times, seconds; if given, `variation` is ignored.
        time_out_s: how long a client waits for its result.
    """

    concurrency: float
    rtf: float
    utilisation: float = 0.7
    audio_s: float = 1.0
    variation: float = 1.0
    services: np.ndarray | None = None
    time_out_s: float = 60.0

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ConfigError: a value is out of its range.
        """
        positive = (
            ("concurrency", self.concurrency),
            ("rtf", self.rtf),
            ("audio", self.audio_s),
            ("time-out", self.time_out_s),
        )
        for name, value in positive:
            if not _LEAST <= value <= _MOST:
                allowed = f"from {_LEAST:g} to {_MOST:g}" if value > 0 else "more than 0"
                raise ConfigError(f"--{name} {value:g} must be {allowed}")
        if not 0 < self.utilisation <= 1:
            raise ConfigError(
                f"--utilisation {self.utilisation:g} must be more than 0 and at most 1: 0.7 keeps 30 % in reserve"
            )
        if not 0 <= self.variation <= 10:
            raise ConfigError(f"--variation {self.variation:g} must be from 0 (all jobs equal) to 10")
        if self.load > MOST_LOAD:
            raise ConfigError(f"a load of {plural(self.load, 'worker')} is over {MOST_LOAD:g}: plan for a part of it")
        if self.load / self.utilisation > MOST_WORKERS:
            most = plural(MOST_WORKERS, "worker")
            raise ConfigError(f"--utilisation {self.utilisation:g} needs more than {most}: raise it")

    @property
    def load(self) -> float:
        """Mean number of busy workers (erlang)."""
        return self.concurrency * self.rtf

    @property
    def service_s(self) -> float:
        """Mean service time of a job, seconds."""
        return self.audio_s * self.rtf

    @property
    def is_simulated(self) -> bool:
        """True if the waits come from a simulation, because no formula covers the service times."""
        return self.services is not None or self.variation != 1

    @property
    def method(self) -> str:
        """The method that gives the waits."""
        if self.services is not None:
            return "simulation with the run's own service times"
        return "Erlang C" if self.variation == 1 else f"simulation, service times vary by {fraction(self.variation)}"


@dataclass(frozen=True, slots=True)
class Choice:
    """A number of workers with its waits, in seconds; infinite if the queue grows without bound.

    Attributes:
        wait_probability: chance that a job has to wait.
        burst_s: if all streams begin at once, the time until the last job is done.
        burst_share: of such a burst, the share of jobs done before the timeout.
    """

    workers: int
    utilisation: float
    wait_probability: float
    wait_p95_s: float
    wait_p99_s: float
    burst_s: float
    burst_share: float


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """A plan.

    Attributes:
        planned: by the formula concurrency × RTF / utilisation.
        slight: the fewest workers with a p95 wait of at most `slight_wait_s`.
        choices: these two and others, fewest workers first.
    """

    demand: Demand
    planned: Choice
    slight: Choice
    slight_wait_s: float
    choices: tuple[Choice, ...]

    @property
    def streams_per_worker(self) -> float:
        """Streams that one worker can serve at the utilisation asked for."""
        return self.demand.utilisation / self.demand.rtf


def make_plan(demand: Demand, slight_wait_s: float | None = None, workers: int | None = None) -> WorkerPlan:
    """Plan the workers for a demand.

    Args:
        demand: to serve.
        slight_wait_s: the largest acceptable p95 wait; by default the service time of a job.
        workers: a further number of workers to include.
    """
    waits = _waits(demand)
    jobs = math.ceil(demand.concurrency)

    @cache
    def choose(workers: int) -> Choice:
        wait = waits(workers)
        return Choice(
            workers=workers,
            utilisation=demand.load / workers,
            wait_probability=wait.waiting,
            wait_p95_s=wait.p95,
            wait_p99_s=wait.p99,
            burst_s=burst_seconds(workers, jobs, demand.service_s),
            burst_share=burst_share(workers, jobs, demand.service_s, demand.time_out_s),
        )

    planned = servers_for(demand.load, demand.utilisation)
    fewest = math.floor(demand.load + 1e-9) + 1
    limit = demand.service_s if slight_wait_s is None else slight_wait_s
    slight = _fewest_within(choose, fewest, limit)
    shown = {servers_for(demand.load, u) for u in _SHOWN_UTILISATIONS} | {fewest, planned, slight.workers}
    shown |= {max(1, fewest - 1), fewest if workers is None else workers}
    choices = tuple(choose(count) for count in sorted(shown))
    return WorkerPlan(demand, choose(planned), slight, limit, choices)


def _waits(demand: Demand) -> Callable[[int], Waits]:
    load, service = demand.load, demand.service_s
    if not demand.is_simulated:
        return lambda servers: Waits(
            erlang_c(servers, load),
            wait_quantile(servers, load, service, 0.95),
            wait_quantile(servers, load, service, 0.99),
        )
    drawn = demand.services if demand.services is not None else service_times(service, demand.variation)
    rate = demand.concurrency / demand.audio_s
    return lambda servers: simulate_waits(servers, rate, drawn)


def _fewest_within(choose: Callable[[int], Choice], fewest: int, limit: float) -> Choice:
    """The fewest workers with a p95 wait of at most `limit`, by bisection: more workers never mean longer waits."""
    low, high = fewest, fewest
    while choose(high).wait_p95_s > limit:
        low, high = high + 1, 2 * high + 1
    while low < high:
        middle = (low + high) // 2
        if choose(middle).wait_p95_s <= limit:
            high = middle
        else:
            low = middle + 1
    return choose(high)

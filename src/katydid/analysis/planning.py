"""Plan how many workers a service needs, and compare a speech run with what queueing theory predicts for it.

The plan's model: each stream sends the worker pool one job after another, each as long as its audio. A job keeps one
worker busy for audio × real-time factor (RTF). So the load is concurrency × RTF erlang, whatever the length of the
jobs, and waits are proportional to that length.

The comparison's model is a gateway that hands audio to its workers chunk by chunk through one queue: first come, first
served; each chunk keeps one worker busy for its length × RTF; chunks of clients that have left are dropped. The
simulation uses the run's own start times, so any difference is due to the target. Knows no files and no reports.
"""

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from katydid.analysis.derived import failed_later, quantile
from katydid.model.documents.manifest import Manifest
from katydid.model.errors import ConfigError
from katydid.model.formatting import fraction, plural
from katydid.model.sample import ErrorClass
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
REFUSED = (ErrorClass.OVERLOADED.value, ErrorClass.RATE_LIMITED.value)
"""Errors by which a service rejects a stream for overload."""
PLAUSIBLE_RTF = (0.001, 1000.0)
"""Range of a recogniser's RTF; a value outside is in the wrong unit, such as seconds for milliseconds."""


def is_plausible(rtf: float) -> bool:
    """Return True if a recogniser can have this real-time factor."""
    low, high = PLAUSIBLE_RTF
    return low <= rtf <= high


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


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """The share of all streams with a final result in time, and the RTF and lag (seconds) of these streams.

    RTF and lag are NaN if no stream had a result.
    """

    success: float
    rtf_mean: float
    rtf_p95: float
    lag_p50_s: float
    lag_p95_s: float


@dataclass(frozen=True, slots=True)
class TheoryComparison:
    """A run compared with theory, which assumes these workers and this RTF.

    Attributes:
        streams: number of streams that the target accepted.
        refused: number of streams that it rejected; they have no result in the theory either.
    """

    workers: int
    rtf: float
    streams: int
    refused: int
    measured: QueueFigures
    theory: QueueFigures


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The data of a measured run that a plan needs.

    Attributes:
        streams: accepted streams, one row each.
        refused: number of rejected streams.
        concurrency: the most streams that were speaking at the same time, counting rejected streams as if accepted.
        rtf: mean processing time per second of audio, as the target reports it; None if it does not.
        services_s: processing time of each stream, seconds.
        audio_s: mean length of a stream's audio, seconds.
    """

    streams: pd.DataFrame
    refused: int
    concurrency: float
    rtf: float | None
    services_s: np.ndarray
    audio_s: float
    time_out_s: float
    chunk_s: float
    speed: float


def run_facts(samples: pd.DataFrame, manifest: Manifest) -> RunFacts:
    """Read the data for a plan from a speech run.

    Raises:
        ConfigError: it is not a speech run, or the target accepted no stream.
    """
    if "audio_ms" not in samples or "audio_chunk" not in (manifest.options or {}):
        raise ConfigError("--from: this is not a run of speech; give one that `katydid run speech` wrote")
    asked = samples[(samples["outcome"] != "aborted") & ~failed_later(samples)]
    streams = asked[asked["status"] == 101]
    if streams.empty:
        raise ConfigError("--from: the target accepted no stream; there is nothing to plan from")
    told = streams.dropna(subset=["server_rtf"])
    audio = told["audio_ms"].to_numpy(dtype=np.float64) / 1000.0
    services = told["server_rtf"].to_numpy(dtype=np.float64) * audio
    return RunFacts(
        streams,
        len(asked) - len(streams),
        _most_at_once(asked, manifest.option("audio_speed")),
        float(services.sum() / audio.sum()) if len(told) else None,
        services,
        float(streams["audio_ms"].mean()) / 1000.0,
        manifest.request_timeout_s or math.inf,
        manifest.option("audio_chunk") / 1000.0,
        manifest.option("audio_speed"),
    )


def _most_at_once(streams: pd.DataFrame, speed: float) -> float:
    starts = streams["start_ms"].fillna(streams["scheduled_ms"]) if "scheduled_ms" in streams else streams["start_ms"]
    begins = starts.to_numpy(dtype=np.float64)
    ends = begins + (streams["audio_ms"].to_numpy(dtype=np.float64) / speed if speed else 0.0)
    moments = np.concatenate([begins, ends])
    steps = np.concatenate([np.ones(len(begins)), -np.ones(len(ends))])
    order = np.lexsort((-steps, moments))  # a stream that begins when another ends overlaps it
    return float(np.cumsum(steps[order]).max())


def compare_with_theory(facts: RunFacts, workers: int, rtf: float) -> TheoryComparison:
    """Compare the run with the queue simulated from its own start times."""
    streams = facts.streams
    everyone = len(streams) + facts.refused
    ok = streams[streams["outcome"] == "ok"]
    lags = ok["final_latency_ms"].to_numpy(dtype=np.float64) / 1000.0
    measured = _figures(len(ok) / everyone, ok["rtf"].to_numpy(dtype=np.float64), lags)
    starts, lengths = (streams[name].to_numpy(dtype=np.float64) / 1000.0 for name in ("start_ms", "audio_ms"))
    spoken = starts + (lengths / facts.speed if facts.speed else 0.0)
    ends = np.maximum(_ends(starts, lengths, facts, workers, rtf), spoken)
    in_time = ends - starts <= facts.time_out_s
    theory = _figures(float(in_time.sum()) / everyone, ((ends - starts) / lengths)[in_time], (ends - spoken)[in_time])
    return TheoryComparison(workers, rtf, len(streams), facts.refused, measured, theory)


def _ends(starts: np.ndarray, lengths: np.ndarray, facts: RunFacts, workers: int, rtf: float) -> np.ndarray:
    """When each stream's last chunk is done; infinite if its client left first."""
    chunks = []
    for stream, (start, length) in enumerate(zip(starts.tolist(), lengths.tolist(), strict=True)):
        count = max(1, int(np.ceil(length / facts.chunk_s - 1e-9)))
        for number in range(count):
            audio = min(facts.chunk_s, length - number * facts.chunk_s)
            spoken = number * facts.chunk_s / facts.speed if facts.speed else 0.0
            chunks.append((start + spoken, stream, audio * rtf))
    chunks.sort()
    free = [0.0] * workers
    ends = np.zeros(len(starts))
    for arrival, stream, work in chunks:
        begin = max(arrival, free[0])
        if begin > starts[stream] + facts.time_out_s:
            ends[stream] = np.inf
            continue
        heapq.heapreplace(free, begin + work)
        ends[stream] = max(ends[stream], begin + work)
    return ends


def _figures(success: float, rtf: np.ndarray, lag_s: np.ndarray) -> QueueFigures:
    if not len(rtf):
        return QueueFigures(success, *[float("nan")] * 4)
    return QueueFigures(success, float(rtf.mean()), quantile(rtf, 0.95), quantile(lag_s, 0.5), quantile(lag_s, 0.95))

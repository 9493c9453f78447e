"""Compare a speech run with what queueing theory predicts for it.

The model is a gateway that hands audio to its workers chunk by chunk through one queue: first come, first served; each
chunk keeps one worker busy for its length × RTF; chunks of clients that have left are dropped. The simulation uses the
run's own start times, so any difference is due to the target. Knows no files and no reports.
"""

import heapq
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from katydid.analysis.derived import failed_later, quantile
from katydid.model.documents.manifest import Manifest
from katydid.model.errors import ConfigError
from katydid.model.sample import ErrorClass

REFUSED = (ErrorClass.OVERLOADED.value, ErrorClass.RATE_LIMITED.value)
"""Errors by which a service rejects a stream for overload."""
PLAUSIBLE_RTF = (0.001, 1000.0)
"""Range of a recogniser's RTF; a value outside is in the wrong unit, such as seconds for milliseconds."""


def is_plausible(rtf: float) -> bool:
    """Return True if a recogniser can have this real-time factor."""
    low, high = PLAUSIBLE_RTF
    return low <= rtf <= high


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

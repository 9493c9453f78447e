"""The generator's own measurement error: reported times against the embedded target's log.

Joins samples and ground truth by request. Pure: starts nothing, and knows no machine.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import takewhile

import numpy as np
import pandas as pd

from katydid.analysis.derived import quantile, values_of
from katydid.analysis.offered import Window, spread_evenly
from katydid.model.documents.summary import Summary
from katydid.model.formatting import fraction, plural
from katydid.model.metrics import STATISTICS
from katydid.runs.rows import WATCHED

MS = 1e6
"""Nanoseconds per millisecond."""
P50, P99 = (next(s for s in STATISTICS if s.name == name) for name in ("p50", "p99"))


@dataclass(frozen=True, slots=True)
class Errors:
    """The errors of one quantity, in its unit.

    Attributes:
        p50: of the signed errors: the systematic error; None if there are too few.
        p99: of the absolute errors; None if there are too few.
        max: of the absolute errors.
        count: number of requests compared.
    """

    p50: float | None
    p99: float | None
    max: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Trial:
    """The measurement at one load; CPU 1 = one core.

    Attributes:
        users: each requests one stream after another.
        ttft: error in ms, over the requests whose TTFT is not an upper bound.
        arrival: the generator's part of that error: from the target's writing of the first chunk to its recorded
            arrival.
        way: the other part: from sending the request until the target reads it, which waits for the target's core.
        gap: error of the mean inter-chunk latency, as a fraction of the true one.
        bound_share: share of TTFTs that are upper bounds.
        cpu: median CPU of the generator's busiest process.
        us_per_chunk: the generator's CPU time per chunk in microseconds, including requests and recording.
        chunks_per_s: chunks received per second.
        read_lag_p99: milliseconds from the arrival in the kernel until the generator read it.
        others_cpu: CPU of everything else on the machine.
        unmatched: samples missing in the ground truth; one of the two logs is broken.
        reasons: why the run is invalid, if it is.
    """

    users: int
    processes: int
    requests: int
    ttft: Errors
    arrival: Errors
    way: Errors
    duration: Errors
    gap: Errors
    bound_share: float | None
    cpu: float | None
    us_per_chunk: float | None
    chunks_per_s: float | None
    read_lag_p99: float | None
    target_cpu: float | None
    others_cpu: float | None
    unmatched: int
    valid: bool
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Series:
    """Trials at rising loads with a number of processes."""

    processes: int
    trials: list[Trial]

    def as_json(self) -> dict[str, object]:
        """The series for `calibrate --json`."""
        return {
            "processes": self.processes,
            "highest_faithful": highest_faithful(self.trials),
            "loads": [
                asdict(t) | {"faithful": not unfaithful(t), "unfaithful": unfaithful(t), "excuses": excuses(t)}
                for t in self.trials
            ],
        }


@dataclass(frozen=True, slots=True)
class ErrorLimit:
    """A limit that a faithful measurement keeps, and the reason; `unit` is `ms` or `%`."""

    name: str
    most: float
    unit: str
    why: str


TTFT_LIMIT = ErrorLimit("TTFT error, p99", 1.0, "ms", "a tenth of a 5 % change of a TTFT of 200 ms (10 ms)")
OTHERS_LIMIT = ErrorLimit("CPU used by others", 0.2, "%", "others may use the core when a chunk is due")
LIMITS = (
    TTFT_LIMIT,
    ErrorLimit("duration error, p99", 1.0, "ms", "as for the TTFT"),
    ErrorLimit("mean gap error, p99", 0.01, "%", "the generator's error must stay well below a 5 % change"),
    ErrorLimit("upper bounds among the TTFTs", 0.05, "%", "their error is unknown; a run has the same limit"),
    ErrorLimit("CPU of the target", 0.9, "%", "a busier target sends chunks late, and several at once"),
)


def compared(samples: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """One row per successful request that is in both logs, with its errors in milliseconds; gap errors are fractions.

    Args:
        samples: that count.
        truth: the target's log, one row per request.
    """
    ok = samples[samples["outcome"] == "ok"].set_index("request_id")
    both = ok.join(truth.set_index("request_id").add_suffix("_truth"), how="inner")
    received, first, last, ended = (
        both[f"{moment}_mono_ns_truth"] / MS for moment in ("received", "first_chunk", "last_chunk", "ended")
    )
    frame = pd.DataFrame(index=both.index)
    frame["bound"] = both["ttft_bound"].eq(True)
    frame["ttft"] = both["ttft_ms"] - (first - received)
    # Both use the same clock, but different origins: the fastest request gives the offset.
    origin = (received - both["start_ms"]).min()
    frame["way"] = received - both["start_ms"] - origin
    frame["arrival"] = frame["ttft"] - frame["way"]
    frame["duration"] = both["duration_ms"] - (ended - received)
    between = (both["chunks_truth"] - 1).where(both["chunks_truth"] > 1)
    gap = (last - first) / between
    frame["gap"] = both["gap_mean_ms"] / gap.where(gap > 0) - 1.0
    return frame


def errors(values: pd.Series) -> Errors:
    """Statistics of errors; nulls are left out."""
    there = values.dropna().to_numpy(dtype=np.float64)
    if not len(there):
        return Errors(None, None, None, 0)
    size = np.abs(there)
    return Errors(
        p50=quantile(there, 0.5) if len(there) >= P50.fewest else None,
        p99=quantile(size, 0.99) if len(there) >= P99.fewest else None,
        max=float(size.max()),
        count=len(there),
    )


def trial(
    samples: pd.DataFrame,
    monitor: pd.DataFrame,
    truth: pd.DataFrame,
    summary: Summary,
    *,
    users: int,
    processes: int,
    window: Window,
    target_cpu: float | None,
    others_cpu: float | None,
) -> Trial:
    """Evaluate the measurement at one load, over the requests that started in the window; CPU 1 = one core."""
    begin, end = window
    counted = samples[(samples["start_ms"] >= begin) & (samples["start_ms"] < end)]
    told = compared(counted, truth)
    chunks = chunks_between(samples, begin, end)
    seconds, cpu = _cpu(monitor, begin, end)
    lag = values_of(counted, "read_lag_ms")
    return Trial(
        users=users,
        processes=processes,
        requests=len(counted),
        ttft=errors(told.loc[~told["bound"], "ttft"]),
        arrival=errors(told.loc[~told["bound"], "arrival"]),
        way=errors(told["way"]),
        duration=errors(told["duration"]),
        gap=errors(told["gap"]),
        bound_share=float(told["bound"].mean()) if len(told) else None,
        cpu=cpu,
        us_per_chunk=seconds / chunks * 1e6 if chunks and seconds else None,
        chunks_per_s=chunks / (end - begin) * 1000.0 if end > begin else None,
        read_lag_p99=quantile(lag, 0.99) if len(lag) else None,
        target_cpu=target_cpu,
        others_cpu=others_cpu,
        unmatched=int((counted["outcome"] == "ok").sum()) - len(told),
        valid=summary.valid,
        reasons=summary.invalid_reasons,
    )


def chunks_between(samples: pd.DataFrame, begin: float, end: float) -> float:
    """Chunks that arrived in the window, if each request's chunks are spread evenly from its first to its last."""
    some = samples[samples["ttft_ms"].notna() & samples["duration_ms"].notna()]
    return spread_evenly(some, "chunks", (begin, end))


def _cpu(monitor: pd.DataFrame, begin: float, end: float) -> tuple[float, float | None]:
    """CPU seconds of all the generator's processes in the window, and the busiest one's median share of a core."""
    total, busiest = 0.0, None
    ours = monitor[~monitor["process"].isin(WATCHED)]
    for _, rows in ours.groupby("process", observed=True):
        inside = rows[(rows["at_ms"] > begin) & (rows["at_ms"] <= end)]
        if inside.empty:
            continue
        total += float(inside["cpu_percent"].mean()) / 100.0 * (end - begin) / 1000.0
        busiest = max(busiest or 0.0, float(inside["cpu_percent"].median()) / 100.0)
    return total, busiest


def unfaithful(done: Trial) -> list[str]:
    """Why this load is not measured faithfully; empty if it is.

    If there are too few samples for a p99, the maximum counts.
    """
    measured = (_worst(done.ttft), _worst(done.duration), _worst(done.gap), done.bound_share, done.target_cpu)
    broken = [
        _broken(limit, value)
        for limit, value in zip(LIMITS, measured, strict=True)
        if value is not None and value > limit.most
    ]
    if done.unmatched:
        broken.append(f"{plural(done.unmatched, 'request')} not in the target's log")
    if not done.ttft.count:
        broken.append("no TTFT could be compared")
    return broken + done.reasons


def excuses(done: Trial) -> list[str]:
    """Other causes that may explain the errors, to rule out before the generator is blamed."""
    found = []
    if done.others_cpu is not None and done.others_cpu > OTHERS_LIMIT.most:
        found.append(
            f"other work on this machine used {fraction(done.others_cpu)} of a core: end it and calibrate again"
        )
    total, ours = _worst(done.ttft), _worst(done.arrival)
    if total is not None and ours is not None and ours <= TTFT_LIMIT.most < total:
        found.append("the error comes from the target's late reading of requests, not from the generator's reading")
    return found


def _worst(found: Errors) -> float | None:
    return found.max if found.p99 is None else found.p99


def _broken(limit: ErrorLimit, value: float) -> str:
    if limit.unit == "%":
        return f"{limit.name} {fraction(value)}, more than {fraction(limit.most)}"
    return f"{limit.name} {value:.2f}\u00a0{limit.unit}, more than {limit.most:g}\u00a0{limit.unit}"


def highest_faithful(trials: Sequence[Trial]) -> int | None:
    """The highest load below the first one that was not measured faithfully; None if that is the lowest load."""
    faithful = takewhile(lambda done: not unfaithful(done), sorted(trials, key=lambda done: done.users))
    return max((done.users for done in faithful), default=None)

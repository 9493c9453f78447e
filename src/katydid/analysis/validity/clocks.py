"""Whether times are exact: taken by the kernel, on a steady clock, and from answers that really were streamed.

Also lists the metrics that are upper bounds.
"""

import numpy as np
import pandas as pd

from katydid.analysis.derived import quantile, values_of
from katydid.analysis.speech_theory import is_plausible
from katydid.analysis.validity.generator import LESS_ELSEWHERE, named
from katydid.analysis.validity.rule import Run, rule
from katydid.model.documents.summary import Finding
from katydid.model.formatting import fraction, plural
from katydid.model.metrics import STATISTICS

BOUND_SHARE = 0.05
_LATE_LOOP_MS = 5.0
_TIMES = ("connect_ms", "ttft_ms", "duration_ms", "read_lag_ms", "gap_mean_ms", "gap_p99_ms", "gap_max_ms")
_STEP_MS = 50.0
TOLERANCE = 0.05
"""A quantile is called a bound if it may be too high by more than this: the change that a comparison must detect."""


@rule(
    "≤ 5 % of the TTFTs are upper bounds; more are only a warning if the event loop is on time (worst lag per "
    "second ≤ 5 ms in the median)",
    "the other TTFTs are exact; a late event loop causes bounds itself, by reading several chunks at once",
)
def ttft_bound(run: Run) -> Finding | None:
    counts = run.counts
    if counts.bounded <= BOUND_SHARE * counts.timed:
        return None
    told = (
        f"TTFT is an upper bound in {fraction(counts.bounded / counts.timed)} of the requests (their first read "
        "brought several chunks"
    )
    late = _late_loop(run)
    if late is None:
        return Finding(
            "warning", f"{told})", "the target sends chunks together, or the generator is too busy: see its CPU"
        )
    process, lag = late
    return Finding(
        "invalid",
        f"{told}, and the event loop of {named(process)} was {lag:.0f} ms late: median of the worst lag per second)",
        LESS_ELSEWHERE,
    )


def _late_loop(run: Run) -> tuple[str, float] | None:
    """The process with the latest event loop, and its lag in ms; None if no loop is late enough to merge chunks."""
    sending = run.steady[run.steady["process"] != "master"]
    lags = sending.groupby("process", observed=True)["loop_lag_ms"].median().dropna()
    if lags.empty or lags.max() <= _LATE_LOOP_MS:
        return None
    return str(lags.idxmax()), float(lags.max())


@rule(
    "the recogniser's own RTF from 0.001 to 1,000",
    "any other value is in the wrong unit, and a plan of workers would be off by as much",
    column="server_rtf",
)
def server_rtf(run: Run) -> Finding | None:
    named = values_of(run.counted, "server_rtf")
    if not len(named) or is_plausible(mean := float(named.mean())):
        return None
    return Finding(
        "warning",
        f"the RTF that the recogniser reports is implausible (mean {mean:.2g})",
        "give the unit of its field, such as --speech-fields processing=decode_s:s, or the field of its RTF, rtf=FIELD",
    )


@rule(
    "taken by the kernel",
    "otherwise they include the generator's own delays",
    possible=lambda run: run.manifest.timestamp_source is not None,
)
def timestamps(run: Run) -> Finding | None:
    if run.manifest.timestamp_source != "user" or not run.counts.ok:
        return None
    return Finding("warning", "times were taken in user space: they include the delays of a busy generator")


@rule("no negative times", "if the clock is that wrong, the other times are wrong too")
def times(run: Run) -> Finding | None:
    frame = run.counted
    wrong = [name for name in _TIMES if name in frame and (frame[name].astype(np.float64) < 0).any()]
    if not wrong:
        return None
    rows = int((frame[wrong].astype(np.float64) < 0).any(axis=1).sum())
    return Finding(
        "invalid",
        f"negative times in {plural(rows, 'request')} ({', '.join(wrong)}); this machine's wall clock was set, or "
        "the process sees a different clock than the kernel",
        "let the clock settle (NTP), run without libfaketime or a time namespace, and measure again",
    )


@rule(
    "wall clock within 50 ms of the monotonic one",
    "logs of several machines are matched by it",
    possible=lambda run: len(run.monitor) > 0,
)
def clock(run: Run) -> Finding | None:
    step = run.monitor["clock_step_ms"].abs().max()
    if not step > _STEP_MS:  # NaN without a monitor
        return None
    return Finding("warning", f"the wall clock jumped by {step:.0f} ms; durations are not affected")


def upper_bounds(ok: pd.DataFrame) -> list[str]:
    """Names of the TTFT metrics that are upper bounds, such as `ttft.p95`; none if at most 5 % of the TTFTs are bounds.

    A quantile counts as a bound if it would fall by more than `TOLERANCE` with every bound as low as possible.

    Args:
        ok: the successful requests that count.
    """
    timed = ok.loc[ok["ttft_ms"].notna(), ["ttft_ms", "ttft_bound"]]
    bound = timed["ttft_bound"].eq(True).to_numpy()
    if not len(timed) or bound.mean() <= BOUND_SHARE:
        return []
    highest = timed["ttft_ms"].to_numpy(dtype=np.float64)
    lowest = np.where(bound, -np.inf, highest)
    looked = [(s.name, s.quantile) for s in STATISTICS if s.quantile] + [("max", 1.0)]
    return [f"ttft.{name}" for name, q in looked if quantile(lowest, q) < (1.0 - TOLERANCE) * quantile(highest, q)]


# Answers that a buffer held back: their TTFT is the time of the whole answer

_AT_THE_END = 0.9
"""An answer whose TTFT is at least this share of the request's time came at its end."""
_MOST = 0.5
_FEWEST_CHUNKS, _FEWEST_ANSWERS = 5, 3
_LONG_MS = 100.0
"""A shorter answer may come in one piece without a buffer."""
_TOGETHER_MS = 2.0
"""Time between chunks: no service generates the tokens of one answer this fast, but a flushed buffer sends them so."""


@rule(
    "most streamed answers begin before the last tenth of their time",
    "otherwise a buffer held the stream back, and the TTFT is the time of the whole answer",
)
def stream(run: Run) -> Finding | None:
    rows = run.counted
    times = rows.reindex(columns=["chunks", "ttft_ms", "duration_ms"]).astype(np.float64)
    times = times[(rows["outcome"] == "ok") & (times["chunks"] >= _FEWEST_CHUNKS) & (times["duration_ms"] >= _LONG_MS)]
    if len(times) < _FEWEST_ANSWERS:
        return None
    gaps = (times["duration_ms"] - times["ttft_ms"]) / (times["chunks"] - 1)
    kept = (times["ttft_ms"] >= _AT_THE_END * times["duration_ms"]) & (gaps < _TOGETHER_MS)
    if kept.mean() <= _MOST:
        return None
    return Finding(
        "warning",
        f"something buffers the stream: in {fraction(kept.mean())} of the answers all chunks came within the last "
        f"tenth of the time (median TTFT {times['ttft_ms'].median():.0f} of "
        f"{times['duration_ms'].median():.0f} ms)",
        "check whether a proxy, a gateway or compression between here and the target holds answers back",
    )

"""The one table of metrics: name, label, unit, which way is better, definition.

A new metric is a row here: of `DISTRIBUTIONS` where every request has a value (a column of the samples,
or one derived from them in `analysis/derived.py`; a workload without the column lacks the metric), of
`POOLED` where a request has many, of `RATES` (`model/metrics/rates.py`) where it is a figure of the whole run. It then
shows in the summary, the report and its definitions, the gate and the comparison. Knows nothing about data
frames: the columns are names here, and `analysis/summary.py` reads them.
"""

import math
from dataclasses import dataclass

from katydid.model.metrics.rates import RATES
from katydid.model.units import Better, Unit

CONFIDENCE = 0.99
"""That a quantile which we print lies inside the sample."""


def fewest_for(quantile: float) -> int:
    """Requests that a quantile in (0, 1) needs before it is printed: 7 for p50, 44, 90 and 459 for p90, p95, p99.

    With n requests the slowest lies beyond the quantile q with probability 1 - q^n, which must reach
    CONFIDENCE: MLPerf LoadGen's binomial rule, for none over the limit.
    """
    return math.ceil(math.log(1.0 - CONFIDENCE) / math.log(quantile))


@dataclass(frozen=True, slots=True)
class Statistic:
    """One number out of a distribution; `quantile` is None for the mean, the minimum and the maximum."""

    name: str
    quantile: float | None = None

    @property
    def fewest(self) -> int:
        """Values that it needs."""
        return 1 if self.quantile is None else fewest_for(self.quantile)


STATISTICS = (
    Statistic("p50", 0.50),
    Statistic("p90", 0.90),
    Statistic("p95", 0.95),
    Statistic("p99", 0.99),
    Statistic("mean"),
    Statistic("min"),
    Statistic("max"),
)


@dataclass(frozen=True, slots=True)
class Distribution:
    """A figure that every successful request may have; only successful requests enter it.

    Attributes:
        name: what stands before the dot, as in `ttft.p95`.
        column: of the samples, or derived from them; in `unit`.
        primary: shown in the terminal and first in reports.
    """

    name: str
    label: str
    column: str
    definition: str
    better: Better = Better.LOWER
    primary: bool = False
    unit: Unit = Unit.MS


CORRECTED = Distribution(
    "response_corrected",
    "Response time, corrected",
    "response_corrected_ms",
    "Response times with those of the requests that were due and never sent, as their user was still waiting: each "
    "from when it was due to the end of the user's next request, as wrk2 counts what it sends late (coordinated "
    "omission). Where none came, to the end of the run.",
)
"""Of no sample: the requests that were never sent have none."""

AT_LENGTH = {
    raw: Distribution(
        f"{raw}_at_length",
        f"{label} at equal length",
        f"{raw}_at_length_ms",
        f"Of comparisons whose sides' answers differ in length: the {label.lower()} that each request would have had "
        "with as many tokens as the base's mean answer. What a token costs, each run's own requests tell.",
    )
    for raw, label in (("duration", "Service time"), ("response", "Response time"))
}
"""Times of whole answers, by the distribution that they stand in for; of no sample."""

DISTRIBUTIONS = (
    Distribution(
        "ttft",
        "Time to first token",
        "ttft_ms",
        "From the first byte of the request handed to the kernel to the arrival of the first chunk with visible "
        "text, reasoning or a tool call. A role-only or empty chunk is not one. Connecting is not in it.",
        primary=True,
    ),
    Distribution(
        "ttfo",
        "Time to first visible output",
        "ttfo_ms",
        "From the first byte of the request handed to the kernel to the arrival of the first chunk with visible text "
        "or a tool call. Of runs in which a model reasoned first; in others it is the time to first token.",
        primary=True,
    ),
    Distribution(
        "duration",
        "Service time",
        "duration_ms",
        "From the first byte of the request handed to the kernel to the arrival of the answer's last byte.",
        primary=True,
    ),
    Distribution(
        "response",
        "Response time",
        "response_ms",
        "From when the request was due to the arrival of the answer's last byte: what a user would have felt. It "
        "is longer than the service time where requests started late.",
        primary=True,
    ),
    CORRECTED,
    AT_LENGTH["duration"],
    AT_LENGTH["response"],
    Distribution(
        "tpot",
        "Time per output token",
        "tpot_ms",
        "(service time − TTFT) / (completion tokens − 1), with the tokens that the server counted: as vLLM's benchmark "
        "and genai-bench have it (GuideLLM's TPOT includes the TTFT). None where the server counted none.",
        primary=True,
    ),
    Distribution(
        "user_tokens",
        "Tokens/s per user",
        "user_tokens_per_s",
        "Completion tokens / service time of each request: how fast one user gets text.",
        better=Better.HIGHER,
        unit=Unit.TOKENS_PER_SECOND,
    ),
    Distribution(
        "conversation",
        "Whole conversation",
        "conversation_ms",
        "From the start of a conversation's first request to the end of its last, local tools and think times "
        "included; only of conversations that were right.",
        primary=True,
    ),
    Distribution(
        "gap",
        "Inter-chunk latency, mean",
        "gap_mean_ms",
        "Each request's mean time between its content chunks. A chunk is not a token: this is ITL only where the "
        "server sends a chunk a token.",
        primary=True,
    ),
    Distribution("gap_p99", "Inter-chunk latency, p99", "gap_p99_ms", "Each request's 99th percentile of its gaps."),
    Distribution("gap_max", "Inter-chunk latency, max", "gap_max_ms", "Each request's longest gap."),
    Distribution(
        "first_partial",
        "Time to first text",
        "first_partial_ms",
        "Speech: from the first chunk of audio handed to the kernel to the arrival of the first recognised text.",
        primary=True,
    ),
    Distribution(
        "final_latency",
        "Lag of the final result",
        "final_latency_ms",
        "Speech: from the end of the audio, that is the stop message handed to the kernel, to the arrival of the final "
        "result.",
        primary=True,
    ),
    Distribution(
        "rtf",
        "Real-time factor",
        "rtf",
        "Speech: (arrival of the final result − first chunk of audio sent) / duration of the audio. Audio that is sent "
        "as it is spoken has a factor of at least 1.",
        primary=True,
        unit=Unit.RATIO,
    ),
    Distribution(
        "server_rtf",
        "Real-time factor of the recogniser",
        "server_rtf",
        "Speech: processing time that the service itself names / duration of the audio; None where it names none.",
        unit=Unit.RATIO,
    ),
    Distribution(
        "queue_pending",
        "Longest queue named",
        "queue_pending_max",
        "Speech: the largest number of waiting chunks that the service named to a stream.",
        unit=Unit.COUNT,
    ),
    Distribution(
        "send_late",
        "Lateness of audio, worst",
        "send_late_ms",
        "Speech: a stream's chunk of audio that was handed to the kernel the longest after its time; not chunks that "
        "the target held up by not reading.",
        Better.NEITHER,
    ),
    Distribution(
        "connect",
        "Connect + TLS time",
        "connect_ms",
        "TCP and TLS set-up, of requests that opened a connection.",
    ),
    Distribution(
        "late",
        "Lateness",
        "late_ms",
        "From when the request was due to its first byte handed to the kernel.",
        Better.NEITHER,
    ),
    Distribution(
        "read_lag",
        "Client read delay",
        "read_lag_ms",
        "The longest delay in a request between a chunk's arrival in the kernel and our reading it. With kernel "
        "timestamps it does not enter the times.",
        Better.NEITHER,
    ),
)


@dataclass(frozen=True, slots=True)
class Pooled:
    """A figure that a successful request has many of; the run keeps them in a histogram (`stats/histogram.py`).

    Attributes: as a `Distribution` has them.
    """

    name: str
    label: str
    definition: str
    better: Better = Better.LOWER
    primary: bool = False
    unit: Unit = Unit.MS


ITL = Pooled(
    "itl",
    "Inter-token latency (ITL)",
    "Every gap between two content chunks of all successful requests together, to within 0.4 %: an answer counts as "
    "often as it has gaps. A chunk is not a token: this is ITL only where the server sends a chunk a token; "
    "above 1.2 tokens a chunk it is marked as bundled.",
)
POOLED = (ITL,)


@dataclass(frozen=True, slots=True)
class FlatMetric:
    """A flat name of `summary.json`, with what is known about it."""

    name: str
    label: str
    unit: Unit
    better: Better
    definition: str


def _all_metrics() -> dict[str, FlatMetric]:
    metrics = {r.name: FlatMetric(r.name, r.label, r.unit, r.better, r.definition) for r in RATES}
    for d in (*DISTRIBUTIONS, *POOLED):
        for s in STATISTICS:
            name = f"{d.name}.{s.name}"
            metrics[name] = FlatMetric(name, f"{d.label}, {s.name}", d.unit, d.better, d.definition)
    return metrics


METRICS = _all_metrics()
"""Every metric by its flat name."""


_STATISTIC_NAMES = frozenset(statistic.name for statistic in STATISTICS)


def split_name(metric: str) -> tuple[str, str]:
    """A flat name's distribution, with its part of the run, and its statistic; else the whole name, and nothing."""
    head, _, statistic = metric.rpartition(".")
    return (head, statistic) if head and statistic in _STATISTIC_NAMES else (metric, "")


def whole_name(metric: str) -> str:
    """The same metric of the whole run, of one that may be of a part (`model.parts`)."""
    return metric.rpartition("/")[2]

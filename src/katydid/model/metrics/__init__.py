"""The table of all metrics: name, label, unit, better direction, definition.

To add a metric, add a row: to `DISTRIBUTIONS` if every request has one value (a column of the samples, or one derived
in `analysis/derived.py`; a workload without the column lacks the metric), to `POOLED` if a request has many values, to
`RATES` (`model/metrics/rates.py`) if the whole run has one value. Summary, report, gate and comparison then include it.
This module knows no data frames: columns are only names here, and `analysis/summary.py` reads them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from katydid.model.documents.base import Document
from katydid.model.metrics.rates import RATES, FlatMetric
from katydid.model.oneline import one_line
from katydid.model.units import Better, Unit

CONFIDENCE = 0.99
"""Probability that a printed quantile lies inside the sample."""


def fewest_for(quantile: float) -> int:
    """Return the requests that a quantile in (0, 1) needs to be printed: 7 for p50, 44, 90 and 459 for p90, p95, p99.

    With n requests, the slowest one exceeds the quantile q with probability 1 - q^n, which must reach CONFIDENCE. This
    is MLPerf LoadGen's binomial rule with no request over the limit.
    """
    return math.ceil(math.log(1.0 - CONFIDENCE) / math.log(quantile))


@dataclass(frozen=True, slots=True)
class Statistic:
    """A statistic of a distribution; `quantile` is None for the mean, minimum and maximum."""

    name: str
    quantile: float | None = None

    @property
    def fewest(self) -> int:
        """Number of values that the statistic needs."""
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
    """A metric with one value per request; only successful requests count.

    Attributes:
        name: the part of the flat name before the dot, as in `ttft.p95`.
        label: name for readers.
        column: column of the samples, or derived from them, in `unit`; empty if requests have many values.
        definition: definition for reports and reference.
        better: which direction is better.
        primary: True if it is shown in the terminal and first in reports.
        unit: unit of the values.
    """

    name: str
    label: str
    column: str
    definition: str
    better: Better = Better.LOWER
    primary: bool = False
    unit: Unit = Unit.MS

    def flat(self) -> list[FlatMetric]:
        """Return its metrics under their names in `summary.json`, such as `ttft.p95`."""
        return [
            FlatMetric(f"{self.name}.{s.name}", f"{self.label}, {s.name}", self.unit, self.better, self.definition)
            for s in STATISTICS
        ]


CORRECTED = Distribution(
    "response_corrected",
    "Response time, corrected",
    "response_corrected_ms",
    "Response times, including requests that were due but never sent because their user was still waiting. Such a "
    "request counts from its due time to the end of the user's next request, or to the end of the run if there is "
    "none. This corrects for coordinated omission as wrk2 does.",
)
"""Not a column of the samples: requests that were never sent have no sample."""

AT_LENGTH = {
    raw: Distribution(
        f"{raw}_at_length",
        f"{label} at equal length",
        f"{raw}_at_length_ms",
        f"Only in comparisons of sides whose answers differ in length: the {label.lower()} that each request would "
        "have had with the number of tokens of the base's mean answer. The time per token is estimated from each run's "
        "own requests.",
    )
    for raw, label in (("duration", "Service time"), ("response", "Response time"))
}
"""Length-adjusted times, by the distribution that they replace; not columns of the samples."""

DISTRIBUTIONS = (
    Distribution(
        "ttft",
        "Time to first token",
        "ttft_ms",
        "From handing the first byte of the request to the kernel to the arrival of the first chunk with visible text, "
        "reasoning or a tool call. Role-only and empty chunks do not count. Connect and TLS time is not included.",
        primary=True,
    ),
    Distribution(
        "ttfo",
        "Time to first visible output",
        "ttfo_ms",
        "From handing the first byte of the request to the kernel to the arrival of the first chunk with visible text "
        "or a tool call. Only in runs in which a model reasons first; otherwise it would equal the time to first "
        "token.",
        primary=True,
    ),
    Distribution(
        "duration",
        "Service time",
        "duration_ms",
        "From handing the first byte of the request to the kernel to the arrival of the answer's last byte.",
        primary=True,
    ),
    Distribution(
        "response",
        "Response time",
        "response_ms",
        "From the due time of the request to the arrival of the answer's last byte: the wait as a user experiences it. "
        "It is longer than the service time if the request started late.",
        primary=True,
    ),
    CORRECTED,
    AT_LENGTH["duration"],
    AT_LENGTH["response"],
    Distribution(
        "tpot",
        "Time per output token",
        "tpot_ms",
        "(service time − TTFT) / (completion tokens − 1), with tokens as counted by the server. vLLM's benchmark and "
        "genai-bench define it the same way; GuideLLM's TPOT includes the TTFT. None if the server counted no tokens.",
        primary=True,
    ),
    Distribution(
        "user_tokens",
        "Tokens/s per user",
        "user_tokens_per_s",
        "Completion tokens / service time of each request: how fast one user receives text.",
        better=Better.HIGHER,
        unit=Unit.TOKENS_PER_SECOND,
    ),
    Distribution(
        "conversation",
        "Conversation duration",
        "conversation_ms",
        "From the start of a conversation's first request to the end of its last one, including local tools and think "
        "times. Only correct conversations count.",
        primary=True,
    ),
    Distribution(
        "gap",
        "Inter-chunk latency, mean",
        "gap_mean_ms",
        "Mean time between the content chunks of each request. A chunk is not a token: this equals ITL only if the "
        "server sends one token per chunk.",
        primary=True,
    ),
    Distribution(
        "gap_p99",
        "Inter-chunk latency, p99",
        "gap_p99_ms",
        "99th percentile of the time between the content chunks of each request.",
    ),
    Distribution(
        "gap_max",
        "Inter-chunk latency, max",
        "gap_max_ms",
        "Longest time between two content chunks of each request.",
    ),
    Distribution(
        "first_partial",
        "Time to first text",
        "first_partial_ms",
        "Speech: from handing the first chunk of audio to the kernel to the arrival of the first recognised text.",
        primary=True,
    ),
    Distribution(
        "final_latency",
        "Lag of the final result",
        "final_latency_ms",
        "Speech: from the end of the audio, when the stop message is handed to the kernel, to the arrival of the final "
        "result.",
        primary=True,
    ),
    Distribution(
        "rtf",
        "Real-time factor",
        "rtf",
        "Speech: (arrival of the final result − sending of the first audio chunk) / duration of the audio. It is at "
        "least 1 for audio sent in real time.",
        primary=True,
        unit=Unit.RATIO,
    ),
    Distribution(
        "server_rtf",
        "Recogniser real-time factor",
        "server_rtf",
        "Speech: processing time reported by the target / duration of the audio. None if the target reports none.",
        unit=Unit.RATIO,
    ),
    Distribution(
        "queue_pending",
        "Reported queue length, max",
        "queue_pending_max",
        "Speech: the largest number of waiting chunks that the target reported to a stream.",
        unit=Unit.COUNT,
    ),
    Distribution(
        "send_late",
        "Audio send lateness, max",
        "send_late_ms",
        "Speech: the longest delay between the due time of an audio chunk of a stream and handing it to the kernel. "
        "Chunks delayed because the target did not read do not count.",
        Better.NEITHER,
    ),
    Distribution(
        "connect",
        "Connect + TLS time",
        "connect_ms",
        "TCP and TLS setup time of requests that opened a connection.",
    ),
    Distribution(
        "late",
        "Lateness",
        "late_ms",
        "From the due time of the request to handing its first byte to the kernel.",
        Better.NEITHER,
    ),
    Distribution(
        "read_lag",
        "Client read delay",
        "read_lag_ms",
        "The longest delay in a request between a chunk's arrival in the kernel and Katydid's read. With kernel "
        "timestamps, it does not affect the other times.",
        Better.NEITHER,
    ),
)


ITL = Distribution(
    "itl",
    "Inter-token latency (ITL)",
    "",
    "All gaps between two content chunks of all successful requests, to within 0.4 %; an answer counts once per gap. A "
    "chunk is not a token: this is ITL only if the server sends one token per chunk. Above 1.2 tokens per chunk, it is "
    "marked as bundled.",
)
POOLED = (ITL,)
"""Metrics with many values per successful request, which are no column: the run keeps a histogram of them."""


METRICS: dict[str, FlatMetric] = {
    metric.name: metric for metric in (*RATES, *(flat for d in (*DISTRIBUTIONS, *POOLED) for flat in d.flat()))
}
"""All metrics by flat name."""

_STATISTIC_NAMES = frozenset(statistic.name for statistic in STATISTICS)


def split_name(metric: str) -> tuple[str, str]:
    """Split a flat name into distribution, including the part of the run, and statistic; the latter may be empty."""
    head, _, statistic = metric.rpartition(".")
    return (head, statistic) if head and statistic in _STATISTIC_NAMES else (metric, "")


def whole_name(metric: str) -> str:
    """Return the whole run's metric for the metric of a part (`RunPart`)."""
    return metric.rpartition("/")[2]


# Parts of a run

MOST_PARTS = 32
"""Maximum parts of one run; a report shows each in its own row."""
_LONGEST = 200
_COLUMNS = {"models": "model", "hosts": "host"}
"""Sample columns by the manifest key that lists their values."""


@dataclass(frozen=True, slots=True)
class RunPart:
    """The requests to one model or one target, in a run that uses several.

    Its metrics are named `model=a/ttft.p95` or `host=http://10.0.0.7:8000/failure_rate`.

    Attributes:
        column: column of the samples.
        value: value in that column.
    """

    column: str
    value: str

    @property
    def prefix(self) -> str:
        """The prefix of its metrics' names."""
        return f"{self.column}={self.value}/"

    def metric(self, whole: FlatMetric) -> FlatMetric:
        """Return the part's metric for a metric of the whole run."""
        return FlatMetric(
            self.prefix + whole.name,
            f"{whole.label} ({self.column} {self.value})",
            whole.unit,
            whole.better,
            whole.definition,
        )


def parts_of(manifest: Document | Mapping[str, object]) -> tuple[RunPart, ...]:
    """Return the parts of a run; empty if it uses one model and one target.

    Manifests are untrusted, so invalid names in them are ignored.
    """
    found = []
    for key, column in _COLUMNS.items():
        named = manifest.get(key)
        texts = [name for name in named if isinstance(name, str)] if isinstance(named, list | dict) else []
        names = [name for name in texts if 0 < len(name) <= _LONGEST and name == one_line(name)]
        if len(names) > 1:
            found += [RunPart(column, name) for name in names]
    return tuple(dict.fromkeys(found))[:MOST_PARTS]

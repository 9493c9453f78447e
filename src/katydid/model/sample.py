"""The sample: one row per request.

All later numbers are computed from these rows. Times are milliseconds from the start of the run, on the monotonic
clock. Something that did not happen is None, never 0.
"""

import math
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise


class Outcome(StrEnum):
    """How a request ended."""

    OK = "ok"
    FAILED = "failed"
    ABORTED = "aborted"
    """The run ended first; neither a success nor a failure."""
    ABANDONED = "abandoned"
    """The client hung up on purpose (`--abandon`); neither a success nor a failure, and not in any latency."""


class Blame(StrEnum):
    """Whose fault a failure is."""

    TARGET = "target"
    GENERATOR = "generator"
    CONFIG = "config"


class LateCause(StrEnum):
    """Why a request started late."""

    POOL = "pool"
    """No user was free when the request arrived, in a run with a rate or a trace."""
    GENERATOR = "generator"
    """The user was free but woke up late."""
    TARGET = "target"
    """The user was still waiting for its last answer, or the connection took that long to set up."""


class ErrorClass(StrEnum):
    """The fixed list of failure classes: few enough to group by, each with one party to blame.

    Attributes:
        TIMEOUT: the whole request took longer than `--request-timeout`.
        IDLE_TIMEOUT: nothing arrived for `--idle-timeout`, during the answer or before it.
        CONNECT: the connection failed: refused, unreachable, or timed out.
        RESET: the connection was reset.
        TRUNCATED: the answer ended without its end marker.
        EMPTY: the answer succeeded but had no content.
        TOO_FEW_CHUNKS: a streamed answer had fewer content chunks than `--min-chunks`, or than the requested tokens.
        MALFORMED: the answer violates the protocol, or exceeds the size of a bounded buffer.
        RATE_LIMITED: status 429, or an error in the answer that reports a rate limit.
        DAILY_LIMIT: status 429 for a daily limit: retrying later the same day does not help.
        OVERLOADED: status 503.
        AUTH_EXPIRED: status 401 for a key that had been accepted before, or that had just been renewed.
        HTTP_4XX: any other status from 400 to 499.
        HTTP_5XX: any other status from 500 to 599.
        SERVER_ERROR_EVENT: an error inside an answer with a success status.
        WRONG_TOOL_CALLS: a tool call does not match its declaration or the request.
        ISOLATION: the answer contains data of another user.
        WRONG_ANSWER: the conversation's scenario does not allow the answer, or the answer does not have exactly one
            vector or result per text of the request.
        OUT_OF_DESCRIPTORS: the generator's machine has no file descriptors left: raise `ulimit -n`.
        OUT_OF_PORTS: the generator's machine has no local ports left for this address.
        DNS: the host name could not be resolved.
        TLS: the certificate is not trusted, or the TLS handshake failed.
        OTHER: anything else, which counts as an error of Katydid; also a redirect, which the configuration is to blame
            for.
    """

    TIMEOUT = "timeout"
    IDLE_TIMEOUT = "idle_timeout"
    CONNECT = "connect"
    RESET = "reset"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    TOO_FEW_CHUNKS = "too_few_chunks"
    MALFORMED = "malformed"
    RATE_LIMITED = "rate_limited"
    DAILY_LIMIT = "daily_limit"
    OVERLOADED = "overloaded"
    AUTH_EXPIRED = "auth_expired"
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"
    SERVER_ERROR_EVENT = "server_error_event"
    WRONG_TOOL_CALLS = "wrong_tool_calls"
    ISOLATION = "isolation"
    WRONG_ANSWER = "wrong_answer"
    OUT_OF_DESCRIPTORS = "out_of_descriptors"
    OUT_OF_PORTS = "out_of_ports"
    DNS = "dns"
    TLS = "tls"
    OTHER = "other"

    @property
    def blame(self) -> Blame:
        """The party to blame."""
        return _BLAME.get(self, Blame.TARGET)


_BLAME = {
    ErrorClass.OUT_OF_DESCRIPTORS: Blame.GENERATOR,
    ErrorClass.OUT_OF_PORTS: Blame.GENERATOR,
    ErrorClass.OTHER: Blame.GENERATOR,  # a bug of Katydid, until it has its own class
    ErrorClass.AUTH_EXPIRED: Blame.CONFIG,
    ErrorClass.DNS: Blame.CONFIG,
    ErrorClass.TLS: Blame.CONFIG,
}

DETAIL_LIMIT = 200
"""Maximum characters of a failure's text: enough to recognise it, too few to fill a disk."""

REFUSED_FOR_RATE = (ErrorClass.RATE_LIMITED, ErrorClass.DAILY_LIMIT)
"""Failures caused by a rate limiter."""


@dataclass(slots=True)
class Gaps:
    """The gaps between the content chunks of one answer: inter-token latencies as observed.

    Chunks from the same read have the same time and a gap of 0, so they are only counted. In a burst, nearly all chunks
    are like this, and storing their gaps would cost as much as storing informative ones.

    Attributes:
        apart: seconds between consecutive chunks of different reads.
        together: number of chunks from the same read as the chunk before, that is, gaps of 0.
    """

    apart: list[float] = field(default_factory=list)
    together: int = 0

    def __len__(self) -> int:
        return len(self.apart) + self.together

    def add(self, reads: list[float], chunks: int, last_at: float | None) -> None:
        """Add chunks.

        Args:
            reads: arrival times of the reads with chunks, in order; at least one.
            chunks: number of chunks in all of these reads.
            last_at: arrival time of the chunk before; None if there is none.
        """
        if last_at is not None:
            self.apart.append(reads[0] - last_at)
        if len(reads) > 1:
            self.apart += [later - earlier for earlier, later in pairwise(reads)]
        self.together += chunks - len(reads)

    def statistics(self) -> tuple[float, float, float]:
        """Return mean, 99th percentile (nearest rank) and maximum, in seconds.

        Raises:
            ValueError: there are no gaps.
        """
        number = len(self)
        if not number:
            raise ValueError("no gaps, no statistics of them")
        apart = sorted(self.apart)
        rank = math.ceil(0.99 * number) - 1 - self.together  # gaps of 0 sort before all others
        return sum(apart) / number, apart[rank] if rank >= 0 else 0.0, apart[-1] if apart else 0.0


NO_COLUMNS = frozenset({"extra", "gaps"})
"""Attributes of a sample that are not columns."""


@dataclass(slots=True)
class Sample:
    """One request, however it ended. The attributes are the columns of samples.parquet, in order.

    Attributes:
        request_id: id sent to the target as X-Request-Id, to match its logs.
        user: index of the simulated user in the whole run, from 0.
        iteration: the user's request number, from 0.
        worker: process that sent the request; `local` in a run with one process.
        name: the request's name in reports; a workload has one or a few.
        stage: number of the load stage; 0 if there are none.
        scheduled_ms: when the request was due.
        start_ms: when the first byte was handed to the kernel; None if the connection failed.
        late_ms: start − scheduled; None in a closed loop, in which requests have no due times.
        connect_ms: TCP and TLS setup; None on a reused connection.
        send_ms: start → last byte of the request handed to the kernel; None if that did not happen or was not measured.
        ttft_ms: start → arrival of the first chunk with content.
        ttft_bound: True if the first read contained several chunks, so that TTFT is an upper bound.
        ttfo_ms: start → arrival of the first chunk that a user sees; later than TTFT if the model reasons first.
        duration_ms: start → arrival of the last byte.
        ended_ms: when a request without a duration ended: it failed, timed out, was aborted, or its client hung up.
        abandoned_ms: start (or the attempt to connect, if that failed) → the client hung up.
        read_lag_ms: longest delay between a chunk's arrival in the kernel and Katydid's read.
        chunks: number of chunks with content.
        gap_mean_ms: mean time between content chunks.
        gap_p99_ms: 99th percentile of the time between content chunks.
        gap_max_ms: longest time between content chunks.
        bytes: size of the response body as received.
        target_input_tokens, target_output_tokens: requested lengths.
        prompt_tokens, completion_tokens: token counts reported by the server; never estimated.
        cached_tokens: prompt tokens that the server took from a cache, as it reports.
        reasoning_tokens: completion tokens that are not visible output, as the server reports.
        prediction_tokens: completion tokens that the request had predicted, as the server reports.
        status: HTTP status.
        outcome: how the request ended.
        blame: whose fault a failure is.
        error: class of a failure.
        detail: text of the failure, redacted, at most 200 characters.
        after_stop: ended after the failure threshold stopped the run; a success counts, a failure does not.
        warm_up: started in the warm-up; not in any statistic, unless the failure threshold stopped the run.
        resent: sent again, once: on a new connection, because the kept-alive one was closed just as the request was
            sent, or with a renewed key.
        retry_after_ms: how long to wait before retrying, as a rate limiter's answer asked.
        late_cause: why the request started late: more than 50 ms, or 1 % of the interval, after it was due.
        prompt_id: number of the prompt in its file, from 1; pairs the requests of two versions.
        model: model that the request asked for.
        host: URL of the target.
        extra: columns that a workload adds, by name.
        gaps: times between content chunks, until they are added to the run's histogram; None if there are none.
    """

    request_id: str
    user: int
    iteration: int
    worker: str
    name: str
    scheduled_ms: float
    stage: int = 0
    start_ms: float | None = None
    late_ms: float | None = None
    connect_ms: float | None = None
    send_ms: float | None = None
    ttft_ms: float | None = None
    ttft_bound: bool | None = None
    duration_ms: float | None = None
    ended_ms: float | None = None
    abandoned_ms: float | None = None
    read_lag_ms: float | None = None
    chunks: int | None = None
    gap_mean_ms: float | None = None
    gap_p99_ms: float | None = None
    gap_max_ms: float | None = None
    bytes: int | None = None
    target_input_tokens: int | None = None
    target_output_tokens: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    prediction_tokens: int | None = None
    ttfo_ms: float | None = None
    status: int | None = None
    outcome: Outcome = Outcome.OK
    blame: Blame | None = None
    error: ErrorClass | None = None
    detail: str | None = None
    after_stop: bool = False
    warm_up: bool = False
    resent: bool = False
    retry_after_ms: float | None = None
    late_cause: LateCause | None = None
    prompt_id: str | None = None
    model: str | None = None
    host: str | None = None
    extra: dict[str, object] = field(default_factory=dict)
    gaps: Gaps | None = None

    def fail(self, error: ErrorClass, detail: str = "") -> None:
        """Mark the sample as failed; the error class decides the blame."""
        self.outcome = Outcome.FAILED
        self.error = error
        self.blame = error.blame
        self.detail = detail[:DETAIL_LIMIT] or None

    def abort(self) -> None:
        """Mark the sample as aborted by the end of the run, which is nobody's fault."""
        self.outcome = Outcome.ABORTED
        self.error = self.blame = self.detail = None

    def abandon(self, after_ms: float) -> None:
        """Mark the sample as abandoned by its client `after_ms` after its start, which is nobody's fault."""
        self.outcome = Outcome.ABANDONED
        self.abandoned_ms = after_ms
        self.duration_ms = None

"""The sample: one row a request, the only thing that a run leaves behind.

Every later number is computed from these rows. Times are milliseconds on the monotonic clock, from
the start of the run; None where a thing did not happen, never 0.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from katydid.model.gaps import Gaps


class Outcome(StrEnum):
    """How a request ended."""

    OK = "ok"
    FAILED = "failed"
    ABORTED = "aborted"
    """The run ended first; neither a success nor a failure."""
    ABANDONED = "abandoned"
    """Its client left on purpose (`--abandon`); neither a success nor a failure, and no latency."""


class Blame(StrEnum):
    """Whose fault a failure is."""

    TARGET = "target"
    GENERATOR = "generator"
    CONFIG = "config"


class LateCause(StrEnum):
    """Why a request started late."""

    POOL = "pool"
    """No user was free when it arrived, in a run with a rate."""
    GENERATOR = "generator"
    """Its user was free, and woke up late."""
    TARGET = "target"
    """Its user still waited for the last answer, or its connection took that long to set up."""


class ErrorClass(StrEnum):
    """The fixed list of failures: few enough to group by, each with one party to blame.

    Attributes:
        TIMEOUT: the whole request took longer than `--request-timeout`.
        IDLE_TIMEOUT: nothing arrived for `--idle-timeout`, in an answer or before it.
        CONNECT: no connection came about: refused, unreachable, or not in time.
        RESET: the connection was reset.
        TRUNCATED: the answer ended before it said that it was complete.
        EMPTY: a success in form, without any content.
        TOO_FEW_CHUNKS: a streamed answer of fewer content chunks than `--min-chunks`, or than the tokens asked for.
        MALFORMED: bytes that break the protocol, or more of them than a bounded buffer holds.
        RATE_LIMITED: 429, or an error in the answer that says so.
        DAILY_LIMIT: 429 for the day: trying again later does not help.
        OVERLOADED: 503.
        AUTH_EXPIRED: 401 for a key that had been accepted, or that could be renewed, and was refused all the same.
        HTTP_4XX: any other status from 400 to 499.
        HTTP_5XX: any other status from 500 to 599.
        SERVER_ERROR_EVENT: an error inside an answer whose status was a success.
        WRONG_TOOL_CALLS: a tool call that is not what was declared or asked for.
        ISOLATION: an answer has something of another user in it.
        WRONG_ANSWER: an answer that the conversation's scenario does not allow.
        OUT_OF_DESCRIPTORS: this machine has no open files left: `ulimit -n`.
        OUT_OF_PORTS: this machine has no local ports left for this address.
        DNS: the host's name is not known.
        TLS: the certificate is not to be trusted, or TLS could not be agreed on.
        OTHER: none of these, so that it counts as our own error; also a redirect, which is the configuration's.
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
        """The party that has to act."""
        return _BLAME.get(self, Blame.TARGET)


_BLAME = {
    ErrorClass.OUT_OF_DESCRIPTORS: Blame.GENERATOR,
    ErrorClass.OUT_OF_PORTS: Blame.GENERATOR,
    ErrorClass.OTHER: Blame.GENERATOR,  # our own bug, until it has a class of its own
    ErrorClass.AUTH_EXPIRED: Blame.CONFIG,
    ErrorClass.DNS: Blame.CONFIG,
    ErrorClass.TLS: Blame.CONFIG,
}

DETAIL_LIMIT = 200
"""Characters of a failure's text that are kept: enough to recognise it, too few to fill a disk."""

REFUSED_FOR_RATE = (ErrorClass.RATE_LIMITED, ErrorClass.DAILY_LIMIT)
"""Failures that are a rate limiter's."""

NO_COLUMNS = frozenset({"extra", "gaps"})
"""Attributes of a sample that are not columns of the rows."""


@dataclass(slots=True)
class Sample:
    """One request, however it ended. The columns of samples.parquet, in their order.

    Attributes:
        request_id: sent to the target as X-Request-Id, so that its logs can be matched.
        user: index of the simulated user in the whole run, from 0.
        iteration: the user's request number, from 0.
        worker: the process that sent it; `local` in a run of one process.
        name: what is shown as the request's name; a workload has one or few.
        stage: number of the load stage, 0 where there are none.
        scheduled_ms: when pacing wanted it to start.
        start_ms: first byte handed to the kernel; None where no connection came about.
        late_ms: start − scheduled; None in a closed loop, where nothing is due at a time.
        connect_ms: TCP and TLS set-up; None on a reused connection.
        send_ms: start → the kernel had the last byte of the request; None where it did not take all, or nobody looked.
        ttft_ms: start → arrival of the first chunk with content.
        ttft_bound: True where the first read brought several chunks, so that TTFT is an upper bound.
        ttfo_ms: start → arrival of the first chunk that a user sees: later than TTFT where the model reasons first.
        duration_ms: start → arrival of the last byte.
        ended_ms: when a request ended that has no duration: it failed, timed out, was cut off, or its client left.
        abandoned_ms: start (where no connection came about, the attempt to connect) → its client hung up.
        read_lag_ms: largest delay between a chunk's arrival in the kernel and our reading it.
        chunks: chunks with content.
        gap_mean_ms, gap_p99_ms, gap_max_ms: between content chunks.
        bytes: of the response's body, as received.
        target_input_tokens, target_output_tokens: that were asked for.
        prompt_tokens, completion_tokens: only what the server said.
        cached_tokens: of the prompt, that the server took from a cache, as it says.
        reasoning_tokens: of the completion, that are no visible output, as the server says.
        prediction_tokens: of the completion, that the request had predicted, as the server says.
        status: HTTP status.
        detail: the failure's text, redacted, at most 200 characters.
        after_stop: ended after the failure threshold stopped the run; a success counts, a failure does not.
        warm_up: started in the warm-up; counts in no statistic, unless the failure threshold stopped the run.
        resent: sent again, once: on a new connection, since a kept one was closed in the moment of sending, or with a
            renewed key.
        retry_after_ms: how long a refusal for its rate asked to wait.
        late_cause: why it started late: more than 50 ms, or 1 % of the interval, after it was due.
        prompt_id: which prompt of its file it sent, from 1; pairs the requests of two versions.
        extra: columns that a workload adds, by name.
        gaps: between content chunks, until they have entered the run's histogram; None: there are none.
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
    extra: dict[str, object] = field(default_factory=dict)
    gaps: Gaps | None = None

    def fail(self, error: ErrorClass, detail: str = "") -> None:
        """Mark the sample as failed; whose fault it is follows from the class."""
        self.outcome = Outcome.FAILED
        self.error = error
        self.blame = error.blame
        self.detail = detail[:DETAIL_LIMIT] or None

    def abort(self) -> None:
        """Mark the sample as cut off by the end of the run: nobody's fault."""
        self.outcome = Outcome.ABORTED
        self.error = self.blame = self.detail = None

    def abandon(self, after_ms: float) -> None:
        """Mark the sample as given up by its client, so long after its start: nobody's fault."""
        self.outcome = Outcome.ABANDONED
        self.abandoned_ms = after_ms
        self.duration_ms = None

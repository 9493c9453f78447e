"""Fill in a sample's columns from the transport's exchange and the dialect's parser. Arithmetic only."""

from typing import Protocol, cast

from katydid.dialects.base import Answer
from katydid.dialects.status import classify_status
from katydid.dialects.usage import TokenDetails
from katydid.engine.run_info import RunInfo
from katydid.model.sample import Blame, ErrorClass, Gaps, Sample
from katydid.transport.exchange import Exchange, Sink
from katydid.transport.failure import is_the_proxys

_KINDS = frozenset({"application/json", "application/x-ndjson", "text/event-stream"})
"""Content types of answers; any other is named in the error of an answer that cannot be parsed."""
_STAYED_OPEN = frozenset({ErrorClass.IDLE_TIMEOUT, ErrorClass.TIMEOUT})
LEFT_OPEN = "the target did not close the response after the end of the answer"
"""The detail of such an answer, which counts as successful."""


class Facts(Protocol):
    """The result of a dialect's parser."""

    error_text: str | None
    malformed: str | None

    def verdict(self) -> tuple[ErrorClass, str] | None:
        """The error class and detail of a faulty answer; None for a valid one."""


class Parser(Facts, Sink, Protocol):
    """A parser that is fed the answer itself."""


class StreamFacts(Facts, Protocol):
    """The result of a dialect's parser of a streamed answer (see `dialects.stream_parser`)."""

    chunks: int
    first_at: float | None
    first_bound: bool
    visible_at: float | None
    gaps: Gaps
    prompt_tokens: int | None
    completion_tokens: int | None
    details: TokenDetails


def measure_exchange(sample: Sample, exchange: Exchange, info: RunInfo) -> None:
    """Record the times and sizes that every HTTP request has."""
    sample.status = exchange.status
    sample.resent = exchange.resent
    if exchange.connect_seconds is not None:
        sample.connect_ms = exchange.connect_seconds * 1000.0
    if exchange.started is None:
        return
    sample.start_ms = info.ms(exchange.started)
    sample.late_ms = sample.start_ms - sample.scheduled_ms
    if exchange.send_seconds is not None:
        sample.send_ms = exchange.send_seconds * 1000.0
    if exchange.ended is not None:
        sample.duration_ms = (exchange.ended - exchange.started) * 1000.0
    if exchange.read_lag is not None:
        sample.read_lag_ms = exchange.read_lag * 1000.0
    if exchange.status is not None:
        sample.bytes = exchange.received


def measure_stream(sample: Sample, exchange: Exchange, parser: StreamFacts) -> None:
    """Record the times and counts of a streamed answer's content chunks."""
    if exchange.status is None or not 200 <= exchange.status < 300:
        return
    sample.chunks = parser.chunks
    _measure_tokens(sample, parser)
    if parser.first_at is not None and exchange.started is not None:
        sample.ttft_ms = (parser.first_at - exchange.started) * 1000.0
        sample.ttft_bound = parser.first_bound
        if parser.visible_at is not None:
            sample.ttfo_ms = (parser.visible_at - exchange.started) * 1000.0
    gaps = parser.gaps
    if gaps:
        sample.gaps = gaps
        mean, p99, most = gaps.statistics()
        sample.gap_mean_ms, sample.gap_p99_ms, sample.gap_max_ms = mean * 1000.0, p99 * 1000.0, most * 1000.0


def measure_answer(sample: Sample, exchange: Exchange, parser: Facts) -> None:
    """Record what the parser found: a streamed answer's chunks, or a non-streamed answer's tokens and columns."""
    answer: Answer | None = getattr(parser, "answer", None)
    if answer is not None:
        _measure_tokens(sample, answer)
        sample.extra |= answer.extra
    elif hasattr(parser, "gaps"):
        measure_stream(sample, exchange, cast("StreamFacts", parser))


def _measure_tokens(sample: Sample, told: StreamFacts | Answer) -> None:
    sample.prompt_tokens = told.prompt_tokens
    sample.completion_tokens = told.completion_tokens
    sample.cached_tokens = told.details.cached_tokens
    sample.reasoning_tokens = told.details.reasoning_tokens
    sample.prediction_tokens = told.details.prediction_tokens


def measure_whole(whole: Sample, last: Sample, began_ms: float | None, now_ms: float) -> None:
    """Fill in a sample that stands for several requests; its outcome is the last request's.

    Args:
        whole: that sample.
        last: the last request's sample.
        began_ms: start of the first request in milliseconds of the run; None if none started.
        now_ms: end of the last request in milliseconds of the run.
    """
    whole.outcome, whole.error, whole.blame, whole.detail = last.outcome, last.error, last.blame, last.detail
    whole.status = last.status
    if began_ms is not None:
        whole.start_ms = began_ms
        whole.late_ms = began_ms - whole.scheduled_ms
        whole.duration_ms = now_ms - began_ms


def fail_on_the_line(sample: Sample, error: ErrorClass, detail: str) -> None:
    """Record a failure of the transport; a proxy's failure is blamed on the configuration."""
    sample.fail(error, detail)
    if is_the_proxys(detail):
        sample.blame = Blame.CONFIG


def refusal(exchange: Exchange) -> tuple[ErrorClass, str]:
    """The error class and detail of a response with an error status."""
    kind, detail = classify_status(exchange.status or 0, exchange.headers, exchange.body)
    return (ErrorClass.AUTH_EXPIRED, f"{exchange.key_expired}: {detail}") if exchange.key_expired else (kind, detail)


def tells_failure(exchange: Exchange, parser: Facts) -> bool:
    """Return True if the target itself reported a failure, regardless of who ended the request."""
    refused = exchange.status is not None and not 200 <= exchange.status < 300
    return refused or bool(parser.error_text or parser.malformed)


def judge(sample: Sample, exchange: Exchange, parser: Facts) -> None:
    """Set the sample's outcome. An error that the target reported takes precedence over one of the connection.

    An answer that reached its end is complete even if the target then keeps the response open; its duration ends there.
    """
    done_at: float | None = getattr(parser, "done_at", None)
    if exchange.error in _STAYED_OPEN and done_at is not None and exchange.started and parser.verdict() is None:
        sample.duration_ms = (done_at - exchange.started) * 1000.0
        sample.detail = f"{LEFT_OPEN} ({exchange.error})"
    elif exchange.error is not None and not (parser.error_text or parser.malformed):
        fail_on_the_line(sample, exchange.error, exchange.detail)
    elif exchange.status is not None and 300 <= exchange.status < 400:
        where = exchange.headers.get("location", "elsewhere")
        sample.fail(ErrorClass.OTHER, f"redirected ({exchange.status}) to {where}: point --host there")
        sample.blame = Blame.CONFIG
    elif exchange.status is not None and not 200 <= exchange.status < 300:
        sample.fail(*refusal(exchange))
    elif (problem := parser.verdict()) is not None:
        error, text = problem
        kind = exchange.headers.get("content-type", "").partition(";")[0].strip()
        foreign = error in {ErrorClass.MALFORMED, ErrorClass.EMPTY} and kind and kind.lower() not in _KINDS
        sample.fail(error, f"{kind}: {text}" if foreign else text)

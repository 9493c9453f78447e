"""Metrics of a whole run: the counts, and the metrics in `RATES` computed from them."""

from collections.abc import Callable
from dataclasses import dataclass

from katydid.model.units import Better, Unit


@dataclass(frozen=True, slots=True)
class Stop:
    """The state of a run when the failure threshold stopped it.

    Attributes:
        users: users whose first request had started; None if users are only the pool that serves a rate.
        in_flight: requests in flight.
        requests: requests that had been started, whatever their outcome.
        ok: how many of them succeeded.
        seconds: seconds since the start of the run.
    """

    users: int | None
    in_flight: int
    requests: int
    ok: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts behind the rates; only requests in the statistics (`analysis.derived.in_statistics`).

    The period is from the end of the warm-up to the stop of the run.

    Attributes:
        requests, ok, failed, aborted, abandoned: requests by outcome.
        late: requests that started late; None if requests have no due times.
        due: requests that users would have started in the period without any overrun, or that arrived at a rate.
        chunks, tokens: content chunks and completion tokens that arrived in the period; if its end is unknown, of all
            counted requests.
        timed: requests with a TTFT.
        bounded: requests whose TTFT is an upper bound.
        seconds: length of the period.
        conversations: iterations of several requests that ended, well or badly; 0 if an iteration is one request.
        conversations_ok: correct conversations.
        good: requests answered before their user's next one was due; None if requests have no due times.
        missed: requests that were due in the period but never sent because their users were still waiting.
        unserved: requests that arrived at a rate but were never sent; None if there is no rate.
        resent: requests sent again after an idle close or with a renewed key; None in runs from before this was
            recorded.
        input_tokens: prompt tokens of successful requests; None if the target counted none.
        tokens_per_chunk: tokens per chunk of answers whose tokens the server counted, without reasoning that it did not
            send.
        stop: state at the stop; None if the failure threshold did not stop the run.
    """

    requests: int
    ok: int
    failed: int
    aborted: int
    late: int | None
    due: float | None
    chunks: float | None
    tokens: float | None
    timed: int
    bounded: int
    seconds: float
    conversations: int = 0
    conversations_ok: int = 0
    good: int | None = None
    missed: int = 0
    unserved: int | None = None
    resent: int | None = None
    input_tokens: float | None = None
    tokens_per_chunk: float | None = None
    abandoned: int = 0
    stop: Stop | None = None


@dataclass(frozen=True, slots=True)
class FlatMetric:
    """A metric under its flat name in `summary.json`."""

    name: str
    label: str
    unit: Unit
    better: Better
    definition: str


@dataclass(frozen=True, slots=True)
class Rate(FlatMetric):
    """A metric of the whole run; `of` computes it from the counts."""

    of: Callable[[Counts], float | None]


USERS_AT_STOP = "users_at_stop"


def _ratio(part: float | None, whole: float) -> float | None:
    return part / whole if whole and part is not None else None


RATES = (
    Rate(
        "failure_rate",
        "Failure rate",
        Unit.FRACTION,
        Better.LOWER,
        "Share of the finished requests that failed: failed / (ok + failed).",
        lambda c: _ratio(c.failed, c.ok + c.failed),
    ),
    Rate(
        "goodput",
        "Goodput",
        Unit.FRACTION,
        Better.HIGHER,
        "Share of the due requests that were answered, correctly if the workload checks it, before the user's next one "
        "was due (response time within the interval). Due requests are those that ended, and those that were never "
        "sent because their user was still waiting. A failed request counts as infinitely late.",
        lambda c: _ratio(c.good, c.ok + c.failed + c.missed),
    ),
    Rate(
        "goodput_per_s",
        "Goodput (req/s)",
        Unit.PER_SECOND,
        Better.HIGHER,
        "Requests per second that count towards goodput.",
        lambda c: _ratio(c.good, c.seconds),
    ),
    Rate(
        "conversations_ok",
        "Correct conversations",
        Unit.FRACTION,
        Better.HIGHER,
        "Share of the finished conversations in which every request was answered correctly.",
        lambda c: _ratio(c.conversations_ok, c.conversations),
    ),
    Rate(
        "late_share",
        "Late starts",
        Unit.FRACTION,
        Better.LOWER,
        "Share of the requests that started more than 50 ms (or 1 % of the interval, if that is more) after they were "
        "due, mostly because the user's last request outlasted the interval or, with a rate, because no user was free. "
        "None in a closed loop, in which requests have no due times.",
        lambda c: _ratio(c.late, c.requests),
    ),
    Rate(
        "unserved_share",
        "Never sent",
        Unit.FRACTION,
        Better.LOWER,
        "With a rate: share of the due requests that were never sent because no user was free before the run stopped, "
        "or within --drop-late.",
        lambda c: _ratio(c.unserved, c.due or 0.0),
    ),
    Rate(
        "aborted_share",
        "Aborted",
        Unit.FRACTION,
        Better.LOWER,
        "Share of the requests that the end of the run aborted.",
        lambda c: _ratio(c.aborted, c.requests),
    ),
    Rate(
        "abandoned_share",
        "Abandoned",
        Unit.FRACTION,
        Better.NEITHER,
        "Share of the requests whose clients hung up on purpose (--abandon). They are neither successes nor failures "
        "and not in any latency. None if no client left.",
        lambda c: _ratio(c.abandoned or None, c.requests),
    ),
    Rate(
        "resent_share",
        "Sent again",
        Unit.FRACTION,
        Better.LOWER,
        "Share of the requests that were sent again, once: on a new connection, because the kept-alive one was closed "
        "just as they were sent (before any byte of an answer, and at most 5 ms, or twice the connection's setup "
        "time, after the request; a connection that dies later is a failure), or with a renewed key after a 401.",
        lambda c: _ratio(c.resent, c.requests),
    ),
    Rate(
        "offered_per_s",
        "Offered load",
        Unit.PER_SECOND,
        Better.NEITHER,
        "Requests per second that users start if no request outlasts the interval: users / interval. With a rate, the "
        "requests per second that were due.",
        lambda c: _ratio(c.due, c.seconds),
    ),
    Rate(
        "requests_per_s",
        "Achieved load",
        Unit.PER_SECOND,
        Better.HIGHER,
        "Requests started per second, whatever their outcome.",
        lambda c: _ratio(c.requests, c.seconds),
    ),
    Rate(
        "chunks_per_s",
        "Content chunks",
        Unit.PER_SECOND,
        Better.HIGHER,
        "Content chunks per second in successful answers, over all users, that arrived before the run stopped.",
        lambda c: _ratio(c.chunks, c.seconds),
    ),
    Rate(
        "tokens_per_s",
        "Output token throughput",
        Unit.TOKENS_PER_SECOND,
        Better.HIGHER,
        "Completion tokens per second in successful answers, over all users, as counted by the server. Only tokens "
        "that arrived before the run stopped count; an answer's tokens are assumed to arrive at a constant rate.",
        lambda c: _ratio(c.tokens, c.seconds),
    ),
    Rate(
        "tokens_per_chunk",
        "Tokens per chunk",
        Unit.COUNT,
        Better.NEITHER,
        "Completion tokens / content chunks of successful streamed answers. Reasoning tokens count if the reasoning is "
        "streamed. Above 1.2, gaps between chunks are not gaps between tokens.",
        lambda c: c.tokens_per_chunk,
    ),
    Rate(
        "input_tokens_per_s",
        "Input token throughput",
        Unit.TOKENS_PER_SECOND,
        Better.HIGHER,
        "Prompt tokens per second of successful requests, over all users, as counted by the server, including cached "
        "tokens.",
        lambda c: _ratio(c.input_tokens, c.seconds),
    ),
    Rate(
        "ttft_bound_share",
        "TTFT upper-bound share",
        Unit.FRACTION,
        Better.LOWER,
        "Share of the requests whose first read contained several chunks, so that their TTFT is an upper bound.",
        lambda c: _ratio(c.bounded, c.timed),
    ),
    Rate(
        USERS_AT_STOP,
        "Users at stop",
        Unit.COUNT,
        Better.HIGHER,
        "Users whose first request had started when the failure threshold stopped the run. In a ramp, this indicates "
        "the capacity; if all users start at once, it means nothing.",
        lambda c: float(c.stop.users) if c.stop and c.stop.users is not None else None,
    ),
    Rate(
        "in_flight_at_stop",
        "In flight at stop",
        Unit.COUNT,
        Better.HIGHER,
        "Requests in flight when the failure threshold stopped the run.",
        lambda c: float(c.stop.in_flight) if c.stop else None,
    ),
    Rate(
        "requests_at_stop",
        "Requests until stop",
        Unit.COUNT,
        Better.HIGHER,
        "Requests that had been started, whatever their outcome, when the failure threshold stopped the run.",
        lambda c: float(c.stop.requests) if c.stop else None,
    ),
    Rate(
        "ok_at_stop",
        "Successful requests until stop",
        Unit.COUNT,
        Better.HIGHER,
        "Requests that had been started when the failure threshold stopped the run and that succeeded, before the stop "
        "or in the drain.",
        lambda c: float(c.stop.ok) if c.stop else None,
    ),
    Rate(
        "time_to_stop",
        "Time to stop",
        Unit.MS,
        Better.HIGHER,
        "Time from the start of the run until the failure threshold stopped it.",
        lambda c: c.stop.seconds * 1000.0 if c.stop else None,
    ),
)
"""All metrics of a whole run, in report order."""

AT_STOP = (USERS_AT_STOP, "in_flight_at_stop", "requests_at_stop", "ok_at_stop", "time_to_stop")
"""Metrics that only a stopped run has."""

OF_AN_INTERVAL = frozenset({"goodput", "goodput_per_s"})
"""Metrics that only runs with an interval have."""
OF_DUE_TIMES = OF_AN_INTERVAL | {
    "late_share", "late", "response", "response_corrected", "response_at_length", "offered_per_s",
}  # fmt: skip
"""Metrics and distributions that need due times; a closed loop has none of them."""

"""Figures of a whole run, each a row of `RATES`: what is counted, and what is made of the counts."""

from collections.abc import Callable
from dataclasses import dataclass

from katydid.model.units import Better, Unit


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the failure threshold stopped a run.

    Attributes:
        users: whose first request had started; None where they are but the pool that serves a rate.
        in_flight: requests under way.
        requests: that had been started, whatever became of them.
        ok: those of them that succeeded.
        seconds: of the run.
    """

    users: int | None
    in_flight: int
    requests: int
    ok: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Counts:
    """What the rates are made of: counted requests only (`analysis.derived.in_statistics`).

    Attributes:
        seconds: from the end of the warm-up to the moment at which the run stopped.
        late: None where nothing is due at a time.
        due: requests that users would have started in that time without any overrun, or that arrived at a rate.
        conversations: iterations of several requests that ended, well or badly; 0 where iterations are requests.
        timed: requests with a TTFT; `bounded` those whose TTFT is an upper bound.
        stop: None where the failure threshold did not stop the run.
        tokens, chunks: that arrived in that time, where it is known when it ended; else of all that count.
        input_tokens: of the prompts of successful requests; None where the target counted none.
        missed: starts that were due in it and never came, as their users were still waiting.
        unserved: of those that arrived at a rate, those that were never sent; None where there is no rate.
        good: that were answered before their users' next ones were due; None where nothing is due at a time.
        tokens_per_chunk: of answers whose tokens the server counted, without reasoning that it did not send.
        resent: sent again after an idle close, or with a renewed key; None in runs of before that was recorded.
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
class Rate:
    """A figure of the whole run."""

    name: str
    label: str
    unit: Unit
    better: Better
    definition: str
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
        "Failed requests of those that ended, well or badly: failed / (ok + failed).",
        lambda c: _ratio(c.failed, c.ok + c.failed),
    ),
    Rate(
        "goodput",
        "Goodput",
        Unit.FRACTION,
        Better.HIGHER,
        "Requests that were answered, and answered right where the workload checks it, before the user's next one was "
        "due (response time within the interval), of those that were due: that ended, or were never sent as their user "
        "was still waiting. A failed request is infinitely late.",
        lambda c: _ratio(c.good, c.ok + c.failed + c.missed),
    ),
    Rate(
        "goodput_per_s",
        "Goodput (req/s)",
        Unit.PER_SECOND,
        Better.HIGHER,
        "Such requests a second.",
        lambda c: _ratio(c.good, c.seconds),
    ),
    Rate(
        "conversations_ok",
        "Conversations right",
        Unit.FRACTION,
        Better.HIGHER,
        "Conversations in which every request was answered, and answered right, of those that ended.",
        lambda c: _ratio(c.conversations_ok, c.conversations),
    ),
    Rate(
        "late_share",
        "Late starts",
        Unit.FRACTION,
        Better.LOWER,
        "Requests that started more than 50 ms (or 1 % of the interval, if that is more) after they were due, "
        "mostly because the user's last one had outlasted the interval or, with a rate, no user was free. None in a "
        "closed loop, where nothing is due at a time.",
        lambda c: _ratio(c.late, c.requests),
    ),
    Rate(
        "unserved_share",
        "Never sent",
        Unit.FRACTION,
        Better.LOWER,
        "Of a rate: requests that were due and never sent, as no user was free until the run stopped, or until "
        "--drop-late, of those that were due.",
        lambda c: _ratio(c.unserved, c.due or 0.0),
    ),
    Rate(
        "aborted_share",
        "Aborted",
        Unit.FRACTION,
        Better.LOWER,
        "Requests that the end of the run cut off.",
        lambda c: _ratio(c.aborted, c.requests),
    ),
    Rate(
        "abandoned_share",
        "Abandoned",
        Unit.FRACTION,
        Better.NEITHER,
        "Requests whose clients hung up on purpose (--abandon): neither successes nor failures, in no latency. None "
        "where no client left.",
        lambda c: _ratio(c.abandoned or None, c.requests),
    ),
    Rate(
        "resent_share",
        "Sent again",
        Unit.FRACTION,
        Better.LOWER,
        "Requests that were sent again, once: on a new connection, since their kept one was closed in the moment of "
        "sending (before any byte of an answer, and at most 5 ms, or twice the time that the connection took to set "
        "up, after the request; a connection that dies later is a failure), or with a renewed key after a 401.",
        lambda c: _ratio(c.resent, c.requests),
    ),
    Rate(
        "offered_per_s",
        "Offered load",
        Unit.PER_SECOND,
        Better.NEITHER,
        "Requests a second that users start as long as no request outlasts the interval: users / interval; of a rate, "
        "those that were due.",
        lambda c: _ratio(c.due, c.seconds),
    ),
    Rate(
        "requests_per_s",
        "Achieved load",
        Unit.PER_SECOND,
        Better.HIGHER,
        "Requests a second that were started, whatever became of them.",
        lambda c: _ratio(c.requests, c.seconds),
    ),
    Rate(
        "chunks_per_s",
        "Content chunks",
        Unit.PER_SECOND,
        Better.HIGHER,
        "Content chunks a second of all users together, in successful answers, that arrived before the run stopped.",
        lambda c: _ratio(c.chunks, c.seconds),
    ),
    Rate(
        "tokens_per_s",
        "Output token throughput",
        Unit.TOKENS_PER_SECOND,
        Better.HIGHER,
        "Completion tokens a second of all users together, in successful answers, as the server counted them. "
        "Those that arrived before the run stopped: an answer's are spread evenly over the time in which it came.",
        lambda c: _ratio(c.tokens, c.seconds),
    ),
    Rate(
        "tokens_per_chunk",
        "Tokens per chunk",
        Unit.COUNT,
        Better.NEITHER,
        "Completion tokens / content chunks of successful streamed answers; reasoning tokens count where the reasoning "
        "is streamed. Where it is more than 1.2, gaps between chunks are not those between tokens.",
        lambda c: c.tokens_per_chunk,
    ),
    Rate(
        "input_tokens_per_s",
        "Input token throughput",
        Unit.TOKENS_PER_SECOND,
        Better.HIGHER,
        "Prompt tokens a second of all users together, of requests that were answered, as the server counted them; "
        "those from a cache included.",
        lambda c: _ratio(c.input_tokens, c.seconds),
    ),
    Rate(
        "ttft_bound_share",
        "TTFT upper-bound share",
        Unit.FRACTION,
        Better.LOWER,
        "Requests whose first read brought several chunks, so that their TTFT is an upper bound.",
        lambda c: _ratio(c.bounded, c.timed),
    ),
    Rate(
        USERS_AT_STOP,
        "Users at the stop",
        Unit.COUNT,
        Better.HIGHER,
        "Where the failure threshold stopped the run: users whose first request had started. An index of capacity "
        "where users come in a ramp; it says nothing where all come at once.",
        lambda c: float(c.stop.users) if c.stop and c.stop.users is not None else None,
    ),
    Rate(
        "in_flight_at_stop",
        "In flight at the stop",
        Unit.COUNT,
        Better.HIGHER,
        "Where the failure threshold stopped the run: requests that were under way.",
        lambda c: float(c.stop.in_flight) if c.stop else None,
    ),
    Rate(
        "requests_at_stop",
        "Requests until the stop",
        Unit.COUNT,
        Better.HIGHER,
        "Where the failure threshold stopped the run: requests that had been started, whatever became of them.",
        lambda c: float(c.stop.requests) if c.stop else None,
    ),
    Rate(
        "ok_at_stop",
        "Of them succeeded",
        Unit.COUNT,
        Better.HIGHER,
        "Of the requests that had been started when the failure threshold stopped the run, those that succeeded, "
        "before the stop or in the drain.",
        lambda c: float(c.stop.ok) if c.stop else None,
    ),
    Rate(
        "time_to_stop",
        "Time to the stop",
        Unit.MS,
        Better.HIGHER,
        "From the start of the run to the moment in which the failure threshold stopped it.",
        lambda c: c.stop.seconds * 1000.0 if c.stop else None,
    ),
)
"""All of them, in the order in which a report has them."""

AT_STOP = (USERS_AT_STOP, "in_flight_at_stop", "requests_at_stop", "ok_at_stop", "time_to_stop")
"""Those that only a stopped run has."""

OF_AN_INTERVAL = frozenset({"goodput", "goodput_per_s"})
"""Figures of users that keep an interval, alone."""
OF_DUE_TIMES = OF_AN_INTERVAL | {
    "late_share", "late", "response", "response_corrected", "response_at_length", "offered_per_s",
}  # fmt: skip
"""Figures, and distributions, that there are where requests are due at a time; a closed loop has none of them."""

"""The schedule interface: when one user's requests are due, and why a request starts late. Pure.

There are four modes (`Mode`) behind one interface (`Schedule`). A paced user sends a request every interval. A
closed-loop user sends its next request when the last one has ended. Both are a `pacing.Pacer`. If requests arrive at a
rate or follow a trace, a pool of users serves them, and each user's schedule is an `arrivals.PoolTurn`.
"""

from enum import StrEnum
from typing import Protocol

from katydid.model.sample import LateCause


class Mode(StrEnum):
    """What decides when a request is due."""

    PACED = "paced"
    """Each user's interval."""
    CLOSED = "closed"
    """The end of the user's last request. Requests have no due time, so none can be late."""
    RATE = "rate"
    """The arrival rate of the whole run, independent of responses (open loop)."""
    TRACE = "trace"
    """The times in a trace, independent of responses, except that a conversation's next turn waits for the last one."""

    @property
    def is_open(self) -> bool:
        """Return True if a pool of users serves arrivals (open loop)."""
        return self in {Mode.RATE, Mode.TRACE}


class Schedule(Protocol):
    """One user's schedule. Times are seconds on the caller's monotonic clock.

    Attributes:
        scheduled: when the current request, for which `wait` was last called, is due.
        held_up: why the current request cannot start on time, if that is already known.
    """

    scheduled: float
    held_up: LateCause | None

    @property
    def arrival(self) -> int | None:
        """The current request's index among the run's arrivals, from 0; None if the user schedules its own requests."""

    @property
    def spent(self) -> bool:
        """Return True if this process has no requests left to start."""

    def wait(self, now: float) -> float | None:
        """Return the seconds until the user's next request, never negative.

        Call it once per request, when the user is ready. Returns None if the next request is not known yet.
        """

    def begun(self) -> None:
        """Record that the current request is being sent."""


def late_cause(
    late_ms: float | None, connect_ms: float | None, held_up: LateCause | None, limit_ms: float
) -> LateCause | None:
    """Return why a request started late, or None if it did not.

    Args:
        late_ms: time from due to start; None if the request never started or had no due time.
        connect_ms: the part of `late_ms` that connecting took; None on a reused connection.
        held_up: the cause that the schedule already knew.
        limit_ms: a start later than this counts as late.
    """
    if late_ms is None or late_ms <= limit_ms:
        return None
    if held_up is not None:
        return held_up
    return LateCause.TARGET if late_ms - (connect_ms or 0.0) <= limit_ms else LateCause.GENERATOR

"""What a schedule is: when one user's requests are due, and who is to blame where one starts late. Pure.

There are four kinds (`Mode`) behind one interface (`Schedule`). A paced user keeps an interval, and a user of a closed
loop sends its next request when the last has ended: both are a `pacing.Pacer`. Where requests arrive at a rate, or as
in a trace, users are the pool that serves them: `arrivals.PoolTurn`.
"""

from enum import StrEnum
from typing import Protocol

from katydid.model.sample import LateCause


class Mode(StrEnum):
    """What decides when a request is due."""

    PACED = "paced"
    """Each user's interval."""
    CLOSED = "closed"
    """The end of the user's last request: nothing is due at a time, so nothing can be late."""
    RATE = "rate"
    """A rate of the whole run, whatever becomes of the requests (open loop)."""
    TRACE = "trace"
    """The times of a trace, whatever becomes of the requests but those that another follows in its conversation."""

    @property
    def is_open(self) -> bool:
        """Whether users are the pool that serves arrivals."""
        return self in {Mode.RATE, Mode.TRACE}


class Schedule(Protocol):
    """One user's. Times are seconds on whatever monotonic clock the caller reads.

    Attributes:
        scheduled: when the request that `wait` was last asked for should start.
        held_up: why that request cannot start in time, where that was known beforehand.
    """

    scheduled: float
    held_up: LateCause | None

    @property
    def arrival(self) -> int | None:
        """That request's number among all arrivals of the run, from 0; None where it is its user's own."""

    @property
    def spent(self) -> bool:
        """Whether no request is left to begin, in this process."""

    def wait(self, now: float) -> float | None:
        """Seconds until the next request, asked once, when the user is ready for it; never negative.

        None where nobody knows yet which that is.
        """

    def begun(self) -> None:
        """The request is sent now."""


def late_cause(
    late_ms: float | None, connect_ms: float | None, held_up: LateCause | None, limit_ms: float
) -> LateCause | None:
    """Why a request started late; None where it did not.

    Args:
        late_ms: from when it was due to its start; None where it never started, or nothing was due.
        connect_ms: of that, the time in which its connection was set up; None where it had one.
        held_up: what its schedule knew beforehand.
        limit_ms: from when on a start is late.
    """
    if late_ms is None or late_ms <= limit_ms:
        return None
    if held_up is not None:
        return held_up
    return LateCause.TARGET if late_ms - (connect_ms or 0.0) <= limit_ms else LateCause.GENERATOR

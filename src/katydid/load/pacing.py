"""When one user's requests are due, and why a request starts late. Pure: times are seconds on a monotonic clock.

There are four modes (`Mode`) behind one interface (`Schedule`). A paced user sends a request every interval. A
closed-loop user sends its next request when the last one has ended. Both are a `Pacer`. If requests arrive at a rate or
follow a trace, a pool of users serves them, and each user's schedule is an `arrivals.PoolTurn`.
"""

import math
from enum import StrEnum
from typing import Protocol

from katydid.model.sample import LateCause

GOLDEN_RATIO_FRACTION = (math.sqrt(5) - 1) / 2


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


_TARGET = LateCause.TARGET  # Python 3.11 takes 70 ns to look up a member of an enumeration


class Pacer:
    """The schedule of a paced or closed-loop user: wait = interval − time taken, never negative.

    Each user keeps to a grid of absolute deadlines, so late wake-ups do not add up. A user does not catch up after a
    request that outlasted its interval: its next request starts at once, and its grid restarts there.

    Users that an outage held up together therefore stay synchronised. To get back to its old place in the interval, a
    user would have to start two requests within one interval, or wait longer and send less than configured. Real
    clients of a service that recovers also return together.

    Args:
        interval: seconds from one start to the next; 0 for a closed loop, where a request is due as its user is ready.
        first: when the first request is due.
    """

    __slots__ = ("_asked", "_due", "held_up", "interval", "scheduled")
    arrival = None
    spent = False

    def __init__(self, interval: float, first: float) -> None:
        self.interval = interval
        self.scheduled = first
        self._due = first
        self._asked = False
        self.held_up: LateCause | None = None

    def wait(self, now: float) -> float:
        """See `Schedule.wait`.

        If the user is ready only after the request was due, the last request overran. The next one starts now,
        `scheduled` keeps the missed due time, and the request after it is due one interval from now.
        """
        self.scheduled = self._due if self.interval else max(self._due, now)
        self.held_up = _TARGET if self._asked and now > self.scheduled else None
        self._asked = True
        self._due = max(self._due, now) + self.interval
        return max(0.0, self.scheduled - now)

    def begun(self) -> None:
        """Do nothing: a user's own schedule never ends."""


class Phase(StrEnum):
    """Where in the interval a user's first request falls."""

    AUTO = "auto"
    """`spawn` if users are spawned in a ramp, else `spread`."""
    SPREAD = "spread"
    """Evenly over the interval, so that the target sees a steady rate."""
    SPAWN = "spawn"
    """As soon as the user is spawned; in a ramp, evenly spaced."""
    BURST = "burst"
    """All users at once, after the last one has been spawned."""


def spread_fraction(index: int, users: int | None) -> float:
    """Return a user's place in the interval, in [0, 1).

    If the number of users is known, the places are exactly even. If it changes during the run (load shapes), multiples
    of the golden ratio are nearly even at every moment (three-distance theorem).
    """
    if users:
        return (index % users) / users
    return index * GOLDEN_RATIO_FRACTION % 1.0


def first_start(phase: Phase, *, index: int, users: int | None, interval: float, origin: float, ready: float) -> float:
    """Return when a user sends its first request.

    Args:
        phase: which rule applies; `BURST` users start at `ready`, when the barrier releases them.
        index: the user's index in the run.
        users: number of users; None if it changes during the run.
        interval: seconds between the user's requests.
        origin: when the run began.
        ready: when the user is ready to send.
    """
    if phase is not Phase.SPREAD or not interval:
        return ready
    place = origin + spread_fraction(index, users) * interval
    missed = max(0, math.ceil((ready - place) / interval))
    return place + missed * interval


def effective_phase(asked: Phase, *, ramp: bool) -> Phase:
    """Resolve `AUTO` to a phase; any other phase is returned unchanged."""
    if asked is not Phase.AUTO:
        return asked
    return Phase.SPAWN if ramp else Phase.SPREAD


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

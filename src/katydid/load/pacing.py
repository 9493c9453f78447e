"""Pacing: when a user's next request is due. wait = interval − time taken, never negative.

Pure: times are seconds on the caller's monotonic clock. Each user keeps to a grid of absolute deadlines, so late
wake-ups do not add up. A user does not catch up after a request that outlasted its interval: its next request starts
at once, and its grid restarts there.

Users that an outage held up together therefore stay synchronised. To get back to its old place in the interval, a user
would have to start two requests within one interval, or wait longer and send less than configured. Real clients of a
service that recovers also return together.
"""

import math
from enum import StrEnum

from katydid.model.sample import LateCause

GOLDEN_RATIO_FRACTION = (math.sqrt(5) - 1) / 2


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


_TARGET = LateCause.TARGET  # Python 3.11 takes 70 ns to look up a member of an enumeration


class Pacer:
    """The schedule (`schedule.Schedule`) of a paced or closed-loop user.

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

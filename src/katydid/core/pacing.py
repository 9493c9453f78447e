"""When a user's next request is due: wait = interval − time taken, never negative.

Pure: times are seconds on whatever monotonic clock the caller reads. The rule keeps a user on a grid
of absolute deadlines, so that late wake-ups do not add up. A request that outlasts its interval is
not caught up with: the next one starts at once, and the grid starts again there.

So users whom an outage held up together go on together, an interval apart. To return to its old place a user
would have to start twice within an interval, or to wait longer than the rule says and send less than was asked
for; and callers that hang on a service that comes back do return together.
"""

import math
from enum import StrEnum

GOLDEN_RATIO_FRACTION = (math.sqrt(5) - 1) / 2


class Phase(StrEnum):
    """Where in the interval a user's first request falls."""

    SPREAD = "spread"
    """Evenly over the interval, so that the target sees a steady rate."""
    SPAWN = "spawn"
    """At once when the user is spawned."""
    BURST = "burst"
    """All together, once all users are there."""


class Pacer:
    """One user's schedule.

    Args:
        interval: seconds from one start to the next; 0 where a request is due as soon as its user is ready.
        first: when the first request is due.
    """

    __slots__ = ("_due", "interval", "scheduled")

    def __init__(self, interval: float, first: float) -> None:
        self.interval = interval
        self.scheduled = first
        """When the request that `wait` was last asked for should start."""
        self._due = first

    def wait(self, now: float) -> float:
        """Seconds until the next request, asked once, when the user is ready for it.

        A user that is ready only after the request was due has overrun: it starts now, `scheduled`
        keeps the time that was missed, and the request after it is due an interval from now.
        """
        self.scheduled = self._due if self.interval else max(self._due, now)
        self._due = max(self._due, now) + self.interval
        return max(0.0, self.scheduled - now)


def spread_fraction(index: int, users: int | None) -> float:
    """A user's place in the interval, in [0, 1).

    With a known number of users the places are exactly even. Where the number changes during the run
    (load shapes), multiples of the golden ratio are nearly even at every moment (three-distance theorem).
    """
    if users:
        return (index % users) / users
    return index * GOLDEN_RATIO_FRACTION % 1.0


def first_start(  # the six facts that the first start depends on
    phase: Phase, *, index: int, users: int | None, interval: float, origin: float, ready: float
) -> float:
    """When a user that is ready at `ready` sends its first request, in a run that began at `origin`.

    `BURST` has no time of its own here: the barrier that releases the users is `ready`.
    """
    if phase is not Phase.SPREAD or not interval:
        return ready
    place = origin + spread_fraction(index, users) * interval
    missed = max(0, math.ceil((ready - place) / interval))
    return place + missed * interval

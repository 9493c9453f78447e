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

from katydid.model.sample import LateCause

GOLDEN_RATIO_FRACTION = (math.sqrt(5) - 1) / 2


class Phase(StrEnum):
    """Where in the interval a user's first request falls."""

    AUTO = "auto"
    """At the spawning where that is a ramp, else spread."""
    SPREAD = "spread"
    """Evenly over the interval, so that the target sees a steady rate."""
    SPAWN = "spawn"
    """When the user is spawned: at once, in a ramp evenly spaced."""
    BURST = "burst"
    """All together, once all users are there."""


class Pacer:
    """One user's schedule (`schedule.Schedule`), of its own interval or of a closed loop.

    Args:
        interval: seconds from one start to the next; 0 where a request is due as soon as its user is ready.
        first: when the first request is due.
    """

    __slots__ = ("_asked", "_due", "held_up", "interval", "scheduled")
    arrival = None
    spent = False

    def __init__(self, interval: float, first: float) -> None:
        self.interval = interval
        self.scheduled = first
        """When the request that `wait` was last asked for should start."""
        self._due = first
        self._asked = False
        self.held_up: LateCause | None = None
        """An overrun: why the request that `wait` was last asked for starts late."""

    def wait(self, now: float) -> float:
        """Seconds until the next request, asked once, when the user is ready for it.

        A user that is ready only after the request was due has overrun: it starts now, `scheduled`
        keeps the time that was missed, and the request after it is due an interval from now.
        """
        self.scheduled = self._due if self.interval else max(self._due, now)
        self.held_up = LateCause.TARGET if self._asked and now > self.scheduled else None
        self._asked = True
        self._due = max(self._due, now) + self.interval
        return max(0.0, self.scheduled - now)

    def begun(self) -> None:
        """A user's own requests have no end."""


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


def effective_phase(asked: Phase, *, ramp: bool) -> Phase:
    """What `AUTO` comes to; every other phase is what was asked for."""
    if asked is not Phase.AUTO:
        return asked
    return Phase.SPAWN if ramp else Phase.SPREAD

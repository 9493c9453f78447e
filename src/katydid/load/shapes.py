"""Whether a load shape's users come as a ramp. Pure.

Locust asks a shape once a second how many users there should be. A few more each time are a ramp as much as one answer
that takes a minute to carry out, but no single answer says so: what the shape will answer next is asked beforehand,
for the interval that lies ahead.
"""

from collections.abc import Callable
from dataclasses import dataclass

from katydid.load.pacing import spawning_time

TICK = 1.0
"""Seconds from one answer of a shape to the next, at least."""
PAUSE = 2.0
"""Seconds in which a ramp may stand still; a longer pause makes steps of it."""
FURTHEST = 3600.0
"""Seconds to look ahead, at most: a question a second."""

Answer = tuple[int, float]
"""How many users there should be, and how many may come a second."""
Foresight = Callable[[float, int], Answer | None]
"""What the shape answers at a second of the run, with so many users; None where it ends or nobody can tell."""


def growth_ends(foresee: Foresight, at: float, users: int, interval: float) -> float:
    """Until when users come without a pause, in seconds of the run; looked for an interval ahead, or an hour.

    Args:
        foresee: the shape.
        at: seconds of the run.
        users: that there are then.
        interval: seconds.
    """
    end = now = at
    while end - at <= min(interval, FURTHEST) and now - end <= PAUSE and (answer := foresee(now, users)) is not None:
        asked, rate = answer
        if asked < users:
            break
        took = spawning_time(asked - users, rate)
        if asked > users:
            users, end = asked, now + took
        now += max(TICK, took)
    return end


def spacing_rate(users: int, spawn_rate: float) -> float:
    """Users a second, where a shape lets so many come: fewer than the rate allows are spread until its next answer."""
    return min(spawn_rate, users / TICK)


@dataclass(slots=True)
class Growth:
    """Remembers since when a shape's users come without a pause, in seconds of the run."""

    _since: float = 0.0
    _until: float = float("-inf")

    def is_ramp(self, foresee: Foresight, at: float, users: int, interval: float) -> bool:
        """Whether users that come now are part of a ramp: one that takes longer than an interval.

        Args:
            foresee: the shape.
            at: seconds of the run.
            users: that there are already.
            interval: seconds; 0 where requests are due as soon as their users are ready, which no ramp can change.
        """
        if at - self._until > PAUSE:
            self._since = at
        if at >= self._until:
            self._until = growth_ends(foresee, at, users, interval)
        return interval > 0 and self._until - self._since > interval

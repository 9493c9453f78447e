"""When a user's next request is due: wait = interval − time taken, never negative.

Pure: times are seconds on whatever monotonic clock the caller reads. The rule keeps a user on a grid
of absolute deadlines, so that late wake-ups do not add up. A request that outlasts its interval is
not caught up with: the next one starts at once, and the grid starts again there.

So users whom an outage held up together go on together, an interval apart. To return to its old place a user
would have to start twice within an interval, or to wait longer than the rule says and send less than was asked
for; and callers that hang on a service that comes back do return together.

Where spawning takes longer than an interval, it is a ramp: each user's first request is due at its spawning, so
that the offered rate is the spawn rate times the intervals begun. Locust spawns the users of about a second in one
batch; a `Batch` says how their requests are spaced over that second, in all processes together.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

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


def is_ramp(users: int, spawn_rate: float, interval: float) -> bool:
    """Whether spawning takes longer than an interval.

    Args:
        users: to be spawned.
        spawn_rate: users a second.
        interval: seconds; 0 where requests are due as soon as their users are ready, which no ramp can change.
    """
    return interval > 0 and spawning_time(users, spawn_rate) > interval


def spawning_time(users: int, spawn_rate: float) -> float:
    """Seconds in which so many users come, at so many a second; none for those of one batch."""
    return 0.0 if users <= batch_size(spawn_rate) else users / spawn_rate


def batch_size(spawn_rate: float) -> int:
    """Users that Locust spawns in one go: those of a second, at least one."""
    return max(1, math.floor(spawn_rate))


def effective_phase(asked: Phase, *, ramp: bool) -> Phase:
    """What `AUTO` comes to; every other phase is what was asked for."""
    if asked is not Phase.AUTO:
        return asked
    return Phase.SPAWN if ramp else Phase.SPREAD


@dataclass(frozen=True, slots=True)
class Batch:
    """Users that are spawned in one go, as every process of the run must know them.

    Attributes:
        number: from 1, in the run.
        at: when the first of them is due, in seconds of the run.
        spacing: seconds from one of them to the next; 0 where there is no ramp.
        ranks: the processes that spawn some of them, by name; the k-th user of the process of rank r is number
            k × processes + r of the batch.
    """

    number: int
    at: float
    spacing: float
    ranks: Mapping[str, int]

    def due(self, process: str, user: int) -> float | None:
        """When a process's user of the batch (from 0) is due, in seconds of the run; None where that is no ramp."""
        if not self.spacing:
            return None
        return self.at + (user * max(1, len(self.ranks)) + self.ranks.get(process, 0)) * self.spacing

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> "Batch":
        """What `to_wire` made."""
        return cls(**wire)

    def to_wire(self) -> dict[str, object]:
        """Plain values for a message."""
        return asdict(self)


@dataclass(slots=True)
class Batches:
    """Spaces the batches of a run, so that no second gets more than its part.

    Attributes:
        lead: seconds from a batch's spawning to its first request, at least: all processes must have heard of it.
    """

    lead: float
    _number: int = 0
    _free_from: float = 0.0
    _spawned: dict[str, int] = field(default_factory=dict)

    def next(self, now: float, users: Mapping[str, int], spawn_rate: float | None) -> Batch:
        """The batch that is spawned now.

        Batches follow on each other without a gap; only one that is spawned too late for that begins anew.

        Args:
            now: seconds of the run.
            users: how many each process shall have from now on.
            spawn_rate: users a second, of a ramp; None where this is none.
        """
        new = {process: count - self._spawned.get(process, 0) for process, count in users.items()}
        self._spawned = dict(users)
        self._number += 1
        ranked = sorted((process for process, count in new.items() if count > 0), key=lambda p: -new[p])
        ranks = {process: rank for rank, process in enumerate(ranked)}
        if spawn_rate is None:
            return Batch(self._number, now, 0.0, ranks)
        at = max(self._free_from, now + self.lead)
        self._free_from = at + sum(new[process] for process in ranked) / spawn_rate
        return Batch(self._number, at, 1.0 / spawn_rate, ranks)

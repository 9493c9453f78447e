"""Ramps: whether users come as one, and how their first requests are spaced. Pure.

Where spawning takes longer than an interval, it is a ramp: each user's first request is due at its spawning, so
that the offered rate is the spawn rate times the intervals begun. Locust spawns the users of about a second in one
batch; a `Batch` says how their requests are spaced over that second, in all processes together.

A load shape is asked once a second how many users there should be. A few more each time are a ramp as much as one
answer that takes a minute to carry out, but no single answer says so: what the shape will answer next is asked
beforehand, for the interval that lies ahead (`Growth`).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

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

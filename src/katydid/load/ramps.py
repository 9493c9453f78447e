"""Ramps: whether spawning is a ramp, and how users' first requests are spaced in it. Pure.

Spawning that takes longer than one interval is a ramp. In a ramp, each user's first request is due when the user is
spawned, so the offered rate is the spawn rate times the number of intervals begun. Locust spawns about one second's
users in one batch; a `Batch` spaces their first requests over that second, across all processes.

Locust asks a load shape once per second for the number of users. A shape that adds a few users per second is as much a
ramp as a single answer that takes a minute to carry out, but no single answer shows it. `Growth` therefore asks the
shape for its next answers in advance, one interval ahead.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

TICK = 1.0
"""Minimum seconds between two answers of a load shape."""
PAUSE = 2.0
"""Seconds for which growth may pause within one ramp; after a longer pause, the load grows in steps."""
FURTHEST = 3600.0
"""Maximum seconds to look ahead; each second costs one call of the shape."""

Answer = tuple[int, float]
"""A load shape's answer: target number of users, and spawn rate in users per second."""
Foresight = Callable[[float, int], Answer | None]
"""Returns a shape's answer for a second of the run and a number of users; None if it ends or cannot be predicted."""


def is_ramp(users: int, spawn_rate: float, interval: float) -> bool:
    """Return True if spawning `users` takes longer than one interval in seconds; a closed loop (0) has no ramp."""
    return interval > 0 and spawning_time(users, spawn_rate) > interval


def spawning_time(users: int, spawn_rate: float) -> float:
    """Return the seconds it takes to spawn `users`; 0 if they fit in one batch."""
    batch = max(1, math.floor(spawn_rate))  # Locust spawns one second's users at once, at least 1
    return 0.0 if users <= batch else users / spawn_rate


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of users spawned together; sent to every process of the run.

    Attributes:
        number: batch number in the run, from 1.
        at: when the batch's first request is due, in seconds of the run.
        spacing: seconds between users' first requests; 0 if there is no ramp.
        ranks: ranks, by name, of the processes that spawn users of the batch; user k of the process with rank r is
            user k × processes + r of the batch.
    """

    number: int
    at: float
    spacing: float
    ranks: Mapping[str, int]

    def due(self, process: str, user: int) -> float | None:
        """Return when the first request of a process's n-th user (from 0) is due, in seconds; None without a ramp."""
        if not self.spacing:
            return None
        return self.at + (user * max(1, len(self.ranks)) + self.ranks.get(process, 0)) * self.spacing


@dataclass(slots=True)
class Batches:
    """Spaces the batches of a run so that the offered rate never exceeds the ramp.

    Attributes:
        lead: minimum seconds from spawning a batch to its first request, so that the message reaches all processes.
    """

    lead: float
    _number: int = 0
    _free_from: float = 0.0
    _spawned: dict[str, int] = field(default_factory=dict)

    def next(self, now: float, users: Mapping[str, int], spawn_rate: float | None) -> Batch:
        """Return the batch that is being spawned `now`; batches have no gap between them unless one comes too late.

        Args:
            now: seconds of the run.
            users: number of users per process after this batch.
            spawn_rate: users per second of the ramp; None if there is no ramp.
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
    """Return when growth without a pause from `users` users at `at` ends, in seconds of the run.

    Looks at most one interval or one hour ahead.
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
    """Return the spawn rate at which to space `users` that a shape adds: slow enough to last until its next answer."""
    return min(spawn_rate, users / TICK)


@dataclass(slots=True)
class Growth:
    """Tracks how long a load shape has been adding users without a pause."""

    _since: float = 0.0
    _until: float = float("-inf")

    def is_ramp(self, foresee: Foresight, at: float, users: int, interval: float) -> bool:
        """Return True if users spawned at `at` seconds of the run are part of a ramp; see `is_ramp`."""
        if at - self._until > PAUSE:
            self._since = at
        if at >= self._until:
            self._until = growth_ends(foresee, at, users, interval)
        return interval > 0 and self._until - self._since > interval

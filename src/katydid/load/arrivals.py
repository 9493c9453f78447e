"""Requests that arrive at a rate, whatever becomes of them (open loop), and the pool of users that serves them. Pure.

The instants of a whole run follow from its rate, its process and its seed, so that both versions of a comparison get
the same ones. Process k of n takes every n-th, so that one process, eight of them or two machines send the same.

A ramp rescales time: gaps of mean 1 are laid out along the number of requests that are due until a moment, and read off
at its inverse.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Protocol

from katydid.model.errors import ConfigError
from katydid.model.sample import LateCause

MOST_RATE = 100_000.0
"""Requests a second; more than any machine sends."""
_MOST_CV = 10.0
_GAMMA = re.compile(r"gamma\(\s*(\d+(?:\.\d*)?|\.\d+)\s*\)")


@dataclass(frozen=True, slots=True)
class ArrivalProcess:
    """How gaps between arrivals vary.

    Attributes:
        cv: standard deviation over mean of the gaps: 0 = even, 1 = Poisson, more = in bursts.
    """

    cv: float

    def gaps(self, random: Random) -> Iterator[float]:
        """Gaps of mean 1, the first one before the first arrival; of even ones, that is at 0."""
        if not self.cv:
            yield 0.0
            while True:
                yield 1.0
        shape = 1.0 / self.cv**2
        while True:
            yield -math.log(1.0 - random.random()) if self.cv == 1.0 else random.gammavariate(shape, 1.0 / shape)


def read_process(text: str | None) -> ArrivalProcess:
    """The process of `--arrivals`: `even` (where nothing is given), `poisson` or `gamma(CV)`.

    Raises:
        ConfigError: it is none of them.
    """
    said = (text or "even").strip().lower()
    if said in _NAMED:
        return ArrivalProcess(_NAMED[said])
    found = _GAMMA.fullmatch(said)
    if found is None:
        raise ConfigError(f"--arrivals {text!r} is not one of even, poisson, gamma(CV) as in gamma(2)")
    cv = float(found[1])
    if not 0 < cv <= _MOST_CV:
        raise ConfigError(f"--arrivals {text!r}: the CV of gaps must be more than 0, and at most {_MOST_CV:g}")
    return ArrivalProcess(cv)


_NAMED = {"even": 0.0, "poisson": 1.0}


@dataclass(frozen=True, slots=True)
class Rate:
    """An open loop.

    Attributes:
        per_second: requests, once the ramp is over.
        process: of their gaps.
        seed: of the process.
        ramp: requests/s that are added each second, from none; 0 = the whole rate from the beginning.
        stage: its number, so that stages of one run get other gaps.
    """

    per_second: float
    process: ArrivalProcess
    seed: int = 0
    ramp: float = 0.0
    stage: int = 0

    def due(self) -> Iterator[float]:
        """When requests are due, in seconds from the beginning, in their order, without an end."""
        random = Random(f"arrivals {self.seed} {self.stage}")  # noqa: S311 - gaps between requests
        number = 0.0
        for gap in self.process.gaps(random):
            number += gap
            yield self._when(number)

    def due_until(self, seconds: float) -> Iterator[float]:
        """Those of them before a moment."""
        for at in self.due():
            if at >= seconds:
                return
            yield at

    def _when(self, number: float) -> float:
        """The moment until which so many requests are due in the mean."""
        if not self.ramp:
            return number / self.per_second
        of_the_ramp = self.per_second**2 / (2.0 * self.ramp)
        if number < of_the_ramp:
            return math.sqrt(2.0 * number / self.ramp)
        return self.per_second / self.ramp + (number - of_the_ramp) / self.per_second


class Queue(Protocol):
    """One process's arrivals, which its users take in their order: an idle one takes the next and waits for it."""

    @property
    def spent(self) -> bool:
        """Whether all have begun; False where they have no end."""

    def take(self, now: float) -> tuple[int, float] | None:
        """The next arrival that is still to be sent: its number in the whole run, and when it is due, or was.

        None where there is none as yet.
        """

    def begun(self) -> None:
        """An arrival that was taken is sent."""

    def ended(self, number: int, now: float) -> None:
        """One that was sent has ended."""


class ArrivalQueue:
    """Those of a rate (`Queue`).

    Args:
        rate: of the whole run.
        begin: when its first second begins, on the caller's clock.
        rank: of this process, from 0.
        processes: that share the arrivals.
        drop_late: seconds after which an arrival that found no free user is never sent; None: it waits.
    """

    def __init__(
        self, rate: Rate, begin: float, *, rank: int = 0, processes: int = 1, drop_late: float | None = None
    ) -> None:
        self._due = islice(enumerate(rate.due()), rank, None, processes)
        self._begin = begin
        self._patience = math.inf if drop_late is None else drop_late

    spent = False

    def take(self, now: float) -> tuple[int, float]:
        """See `Queue.take`."""
        return next((number, at) for number, due in self._due if now - (at := self._begin + due) <= self._patience)

    def begun(self) -> None:
        """It has no end that could come nearer."""

    def ended(self, number: int, now: float) -> None:
        """None waits for another."""


class PoolTurn:
    """A user's part in a pool, as its schedule (`schedule.Schedule`): whichever arrival is next when it is free."""

    __slots__ = ("_queue", "arrival", "held_up", "scheduled")

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self.arrival: int | None = None
        self.scheduled = 0.0
        self.held_up: LateCause | None = None

    def wait(self, now: float) -> float | None:
        """See `Schedule.wait`. An arrival that was due already found no free user."""
        if self.arrival is not None:
            self._queue.ended(self.arrival, now)
        taken = self._queue.take(now)
        if taken is None:
            self.arrival = None
            return None
        self.arrival, self.scheduled = taken
        self.held_up = LateCause.POOL if self.scheduled < now else None
        return max(0.0, self.scheduled - now)

    def begun(self) -> None:
        """See `Schedule.begun`."""
        self._queue.begun()

    @property
    def spent(self) -> bool:
        """See `Schedule.spent`."""
        return self._queue.spent

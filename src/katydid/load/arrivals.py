"""Open-loop arrivals at a rate, and the pool of users that serves them. Pure.

The rate, the arrival process and the seed determine all arrival times of a run, so both versions of a comparison get
the same ones. Process k of n takes every n-th arrival, so one process, eight processes or two machines send the same
load.

A ramp rescales time: arrivals are drawn with gaps of mean 1 on the axis of the expected number of arrivals, and the
inverse of that expectation converts them to seconds.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, islice, repeat, takewhile
from random import Random
from typing import Protocol

from katydid.model.errors import ConfigError
from katydid.model.sample import LateCause

MOST_RATE = 100_000.0
"""Requests per second; more than any machine can send."""
_MOST_CV = 10.0
_NAMED = {"even": 0.0, "poisson": 1.0}
_GAMMA = re.compile(r"gamma\(\s*(\d+(?:\.\d*)?|\.\d+)\s*\)")


def read_process(text: str | None) -> float:
    """Parse `--arrivals`: `even` (the default), `poisson` or `gamma(CV)`.

    Returns:
        The coefficient of variation of the gaps between arrivals, standard deviation / mean: 0 = even, 1 = Poisson.

    Raises:
        ConfigError: the text is none of these.
    """
    said = (text or "even").strip().lower()
    if said in _NAMED:
        return _NAMED[said]
    found = _GAMMA.fullmatch(said)
    if found is None:
        raise ConfigError(f"--arrivals {text!r} is not one of even, poisson, gamma(CV), such as gamma(2)")
    cv = float(found[1])
    if not 0 < cv <= _MOST_CV:
        raise ConfigError(f"--arrivals {text!r}: the CV of gaps must be more than 0 and at most {_MOST_CV:g}")
    return cv


@dataclass(frozen=True, slots=True)
class Rate:
    """The arrival rate of an open loop.

    Attributes:
        per_second: requests per second after the ramp.
        cv: coefficient of variation of the gaps, see `read_process`.
        ramp: requests/s added each second, starting from 0; 0 = full rate from the start.
        stage: stage number, so that each stage of a run gets different gaps.
    """

    per_second: float
    cv: float
    seed: int = 0
    ramp: float = 0.0
    stage: int = 0

    def due(self) -> Iterator[float]:
        """Return the due times of all requests, in seconds from the start, in order, without end."""
        return map(self._when, accumulate(self._gaps()))

    def due_until(self, seconds: float) -> Iterator[float]:
        """Return the due times before `seconds`."""
        return takewhile(lambda at: at < seconds, self.due())

    def _gaps(self) -> Iterator[float]:
        """Yield gaps of mean 1, starting with the gap before the first arrival; even arrivals start at 0."""
        if not self.cv:
            yield 0.0
            yield from repeat(1.0)
        random = Random(f"arrivals {self.seed} {self.stage}")  # noqa: S311 - gaps between requests
        shape = 1.0 / self.cv**2
        while True:
            yield -math.log(1.0 - random.random()) if self.cv == 1.0 else random.gammavariate(shape, 1.0 / shape)

    def _when(self, number: float) -> float:
        """Return the time by which `number` requests are expected, in seconds."""
        if not self.ramp:
            return number / self.per_second
        of_the_ramp = self.per_second**2 / (2.0 * self.ramp)
        if number < of_the_ramp:
            return math.sqrt(2.0 * number / self.ramp)
        return self.per_second / self.ramp + (number - of_the_ramp) / self.per_second


class Queue(Protocol):
    """The arrivals of one process. An idle user takes the next arrival and waits until it is due."""

    @property
    def spent(self) -> bool:
        """Return True if all arrivals have been started; always False for an endless queue."""

    def take(self, now: float) -> tuple[int, float] | None:
        """Take the next arrival: its index in the run and its due time, which may be past; None: there is none yet."""

    def begun(self) -> None:
        """Record that an arrival is being sent."""

    def ended(self, number: int, now: float) -> None:
        """Record that the request of arrival `number` has ended."""


class ArrivalQueue:
    """The queue (`Queue`) of arrivals at a rate.

    Args:
        rate: of the whole run.
        begin: when arrivals start, on the caller's clock.
        rank, processes: this process takes every `processes`-th arrival, from number `rank` on.
        drop_late: an arrival that has waited this many seconds for a free user is never sent; None = it always waits.
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
        """Do nothing: the queue is endless."""

    def ended(self, number: int, now: float) -> None:
        """Do nothing: no arrival waits for another."""


class PoolTurn:
    """The schedule (`pacing.Schedule`) of a user in a pool: it serves the next arrival whenever it is free."""

    __slots__ = ("_queue", "arrival", "held_up", "scheduled")

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self.arrival: int | None = None
        self.scheduled = 0.0
        self.held_up: LateCause | None = None

    def wait(self, now: float) -> float | None:
        """See `Schedule.wait`. An arrival whose due time has passed found no free user."""
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

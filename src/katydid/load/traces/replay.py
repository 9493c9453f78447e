"""One process's part of a replay: which request comes next when a user is free. Pure.

A whole conversation belongs to one process: process k of n takes every n-th of the requests without a parent, and all
requests that follow it. A request with a parent is due at its time in the trace, but not before its parent has ended.
"""

import math
from array import array
from collections.abc import Callable, Iterator
from heapq import heappop, heappush

from katydid.load.traces.trace import Trace


class ReplayQueue:
    """See `arrivals.Queue`. An arrival's number is the number of its request in the trace.

    Args:
        trace: the trace of the whole run.
        begin: when the trace starts, on the caller's clock.
        rank: index of this process, from 0.
        processes: number of processes that share the trace.
        drop_late: a request that has waited this many seconds for a free user is never sent; None = it always waits.
        goes_on: returns True if a request that has ended was answered, so that others may follow it.
    """

    def __init__(
        self,
        trace: Trace,
        begin: float,
        *,
        rank: int = 0,
        processes: int = 1,
        drop_late: float | None = None,
        goes_on: Callable[[int], bool] = lambda _: True,
    ) -> None:
        self._trace = trace
        self._begin = begin
        self._patience = math.inf if drop_late is None else drop_late
        self._goes_on = goes_on
        self._followers: dict[int, list[int]] = {}
        self._first_turns = array("q", self._shared_out(rank, processes))
        self._place = 0
        self._ready: list[tuple[float, int]] = []
        self._left = len(self._first_turns) + sum(map(len, self._followers.values()))

    def _shared_out(self, rank: int, processes: int) -> Iterator[int]:
        """Yield this process's requests without a parent; record the others in `_followers`."""
        trace = self._trace
        if trace.parents is None:
            yield from range(rank, len(trace), processes)
            return
        owners, conversations = array("q"), 0
        for number in range(len(trace)):
            parent = trace.parent(number)
            owners.append(conversations % processes if parent is None else owners[parent])
            conversations += parent is None
            if owners[number] != rank:
                continue
            if parent is None:
                yield number
            else:
                self._followers.setdefault(parent, []).append(number)

    @property
    def spent(self) -> bool:
        """Return True if every request has been started or dropped."""
        return self._left == 0

    def take(self, now: float) -> tuple[int, float] | None:
        """Return the number and due time of the next request to send; None if none is available yet."""
        while (found := self._next()) is not None:
            number, due = found
            if now - due <= self._patience:
                return number, due
            self._drop(number)
        return None

    def begun(self) -> None:
        """Record that a request is being sent."""
        self._left -= 1

    def ended(self, number: int, now: float) -> None:
        """Record that a request has ended; its followers become available, or are dropped if it failed."""
        for each in self._followers.pop(number, ()):
            if self._goes_on(number):
                heappush(self._ready, (max(now, self._begin + self._trace.due[each]), each))
            else:
                self._drop(each)

    def _next(self) -> tuple[int, float] | None:
        if self._place < len(self._first_turns):
            number = self._first_turns[self._place]
            due = self._begin + self._trace.due[number]
            if not self._ready or due <= self._ready[0][0]:
                self._place += 1
                return number, due
        if not self._ready:
            return None
        due, number = heappop(self._ready)
        return number, due

    def _drop(self, number: int) -> None:
        """Drop a request and everything that follows it."""
        self._left -= 1
        for each in self._followers.pop(number, ()):
            self._drop(each)

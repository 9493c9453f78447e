"""Stop rules: a run ends exactly at its Nth failed request, or after its Nth request. Pure.

One process counts the failures of the whole run and accepts or rejects each; `engine/stopping.py` connects the other
processes to it. The number of requests is divided among the processes before the run, so no request waits for a permit.
"""

import math
from collections.abc import Hashable


class FailureThreshold:
    """Admits the first `limit` failures of a run, at which it stops; 0 = it never stops.

    Attributes:
        failures: number of admitted failures.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.failures = 0
        self._admitted: set[Hashable] = set()
        self._refused: set[Hashable] = set()

    @property
    def reached(self) -> bool:
        """Return True if the run must stop."""
        return 0 < self.limit <= self.failures

    @property
    def later(self) -> int:
        """Return the number of failures after the stop."""
        return len(self._refused)

    @property
    def hopeless(self) -> bool:
        """Return True if as many requests failed after the stop as before it: draining the rest is pointless."""
        return 0 < self.limit <= self.later

    def admit(self, ticket: Hashable) -> bool:
        """Count one failure. Returns False if the run had already stopped.

        A ticket that is submitted again, by a worker that lost the answer, gets the same answer and is counted once.
        """
        if ticket in self._admitted:
            return True
        if self.reached:
            self._refused.add(ticket)
            return False
        if self.limit:
            self._admitted.add(ticket)
        self.failures += 1
        return True


class RequestShare:
    """The share that process `rank` of `processes` has of a run's fixed number of requests; None = no limit.

    Attributes:
        spent: True if the share is used up.
    """

    def __init__(self, requests: int | None, rank: int = 0, processes: int = 1) -> None:
        self._left = math.inf if requests is None else requests // processes + (rank < requests % processes)
        self.spent = not self._left

    def take(self) -> bool:
        """Take one request from the share; returns False if none is left."""
        if self.spent:
            return False
        self._left -= 1
        self.spent = not self._left
        return True

"""When a run must stop: at its Nth failed request, or after its Nth request, exactly.

Pure bookkeeping. Whoever counts failures for the whole run admits each or refuses it; `engine/stopping.py` carries the
question across processes. Requests are shared out before the run, so that none waits for leave to start.
"""

import math
from collections.abc import Hashable


class FailureThreshold:
    """Admits the first `limit` failures of a run.

    Args:
        limit: stop at this many failed requests; 0 = never.

    Attributes:
        failures: that belong to the run.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.failures = 0
        self._admitted: set[Hashable] = set()
        self._refused: set[Hashable] = set()

    @property
    def reached(self) -> bool:
        """Whether the run has to stop."""
        return 0 < self.limit <= self.failures

    @property
    def later(self) -> int:
        """Failures that came after the stop."""
        return len(self._refused)

    @property
    def hopeless(self) -> bool:
        """As many requests failed after the stop as it took to stop: the others need not be waited for."""
        return 0 < self.limit <= self.later

    def admit(self, ticket: Hashable) -> bool:
        """Count one failure; False means that the run was already over when it came.

        A ticket that is asked about again (a worker that lost the answer) gets the same answer and
        is counted once.
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
    """A process's part of the requests after which a run ends.

    Args:
        requests: of the whole run; None where it does not end by them.
        rank: of this process, from 0.
        processes: that share them.

    Attributes:
        spent: none is left.
    """

    def __init__(self, requests: int | None, rank: int = 0, processes: int = 1) -> None:
        self._left = math.inf if requests is None else requests // processes + (rank < requests % processes)
        self.spent = not self._left

    def take(self) -> bool:
        """Start one more; False where none is left."""
        if self.spent:
            return False
        self._left -= 1
        self.spent = not self._left
        return True

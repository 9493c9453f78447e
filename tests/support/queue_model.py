"""A target as a queue, simulated event by event: searches can be tried on it without load and without waiting.

Users are paced as Katydid paces them; the target has slots with a queue before them, first come first served.
"""

import heapq
import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from documents import manifest_with
from katydid.analysis.capacity.holds import HoldResult, measure_hold
from katydid.analysis.derived import with_derived
from katydid.load.stages import Hold, StageRecord


@dataclass(frozen=True)
class Queue:
    """`slots` requests are served at a time, each for `service` seconds, varied by ± `jitter` of that.

    A request that finds `queue_limit` others waiting is refused; one that finds `connections` others in the
    target is too (0 = no limit).
    """

    slots: int
    service: float
    jitter: float = 0.0
    queue_limit: int = 0
    connections: int = 0
    noise: float = 0.003

    def hold(self, users: int, seconds: float, interval: float, seed: int = 0) -> pd.DataFrame:
        """The samples of a stage of this load; all of the load's requests are served to their end."""
        random = np.random.default_rng(seed)
        arrivals = [(u / users * interval, u) for u in range(users)]
        heapq.heapify(arrivals)
        free = [0.0] * self.slots
        leaving: list[float] = []
        starting: list[float] = []
        rows = []
        while arrivals:
            at, user = heapq.heappop(arrivals)
            if at >= seconds:
                continue
            now = at + random.exponential(self.noise)
            for times in (leaving, starting):
                while times and times[0] <= now:
                    heapq.heappop(times)
            refused = (self.connections and len(leaving) >= self.connections) or (
                self.queue_limit and len(starting) >= self.queue_limit
            )
            if refused:
                end = now + 0.001
            else:
                begin = max(now, heapq.heappop(free))
                end = begin + self.service * (1 + self.jitter * random.uniform(-1, 1))
                heapq.heappush(free, end)
                heapq.heappush(leaving, end)
                if begin > now:
                    heapq.heappush(starting, begin)
            rows.append((user, at, now, end, refused))
            heapq.heappush(arrivals, (max(at + interval, end), user))
        return _frame(rows, interval)

    def measured(self, hold: Hold, interval: float, criteria, seed: int = 0) -> HoldResult:
        """What a stage shows."""
        record = StageRecord(0, hold.users, 0.0, hold.settle * 1e3, hold.seconds * 1e3, hold.purpose)
        return measure_hold(self.hold(hold.users, hold.seconds, interval, seed), record, interval, criteria)

    def capacity(self, interval: float, criteria, most: int = 2000) -> int:
        """The truth: the most users that hold the objective in stages so long that chance is out of them."""
        low, high = 0, most
        while high - low > 1:
            middle = (low + high) // 2
            hold = Hold(users=middle, seconds=120 * interval, settle=20 * interval)
            low, high = (middle, high) if self.measured(hold, interval, criteria).held else (low, middle)
        return low


def _frame(rows, interval: float) -> pd.DataFrame:
    user, due, start, end, refused = (np.array(column) for column in zip(*rows, strict=True))
    frame = pd.DataFrame(
        {
            "user": user, "iteration": np.arange(len(user)), "stage": 0,
            "scheduled_ms": due * 1e3, "start_ms": start * 1e3,
            "late_ms": (start - due) * 1e3,
            "duration_ms": (end - start) * 1e3, "ttft_ms": np.nan, "completion_tokens": np.nan,
            "outcome": np.where(refused, "failed", "ok"), "after_stop": False, "warm_up": False,
        }
    )  # fmt: skip
    return with_derived(frame, manifest_with(interval_s=interval))


def search(queue, settings, criteria, seed: int = 0):
    """A whole search on a queue, or a target of `capacity_targets`: the holds' results, and the seconds of load."""
    from katydid.analysis.capacity.search import CapacitySearch

    seeds = itertools.count(seed * 1000)
    pending: list[Hold] = []
    plan = CapacitySearch(
        settings, criteria, lambda _: queue.measured(pending[-1], settings.interval, criteria, next(seeds))
    )
    seconds = 0.0
    while (hold := plan.next_hold()) is not None:
        pending.append(hold)
        seconds += hold.seconds
        plan.finished(StageRecord(len(pending) - 1, hold.users, 0, 0, 0))
    return plan.results, seconds

"""Targets whose capacity is known, simulated event by event, beside those of `queue_model`: what shares a processor,
what batches, what fails now and then, and what limits the rate.

A target serves a stage's requests as they come and says when each ends; what a rate limiter counts lasts from one
stage to the next, with the pause between them.
"""

import heapq
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd

from documents import manifest_with
from katydid.analysis.capacity.holds import HoldResult, measure_hold
from katydid.analysis.derived import with_derived
from katydid.load.stages import Hold, StageRecord

BETWEEN = 2.0
"""Seconds between two stages."""
NOISE = 0.003
"""Seconds that a request needs to the target, in the mean."""


class Server(Protocol):
    """Works on requests; seconds of a stage."""

    def begin(self, random: np.random.Generator) -> None:
        """A stage begins, with nothing left over from the one before."""

    def take(self, at: float, request: int) -> None:
        """A request comes."""

    def next_end(self) -> float:
        """When the next request is answered, if no other comes before that; infinite where there is none."""

    def finish(self) -> int:
        """The request that is answered then."""


@dataclass
class Slots:
    """`slots` at a time, first come first served, for as long as `service` draws."""

    slots: int
    service: Callable[[np.random.Generator], float]
    _free: list[float] = field(default_factory=list)
    _ends: list[tuple[float, int]] = field(default_factory=list)

    def begin(self, random: np.random.Generator) -> None:
        self._random, self._free, self._ends = random, [0.0] * self.slots, []

    def take(self, at: float, request: int) -> None:
        end = max(at, heapq.heappop(self._free)) + self.service(self._random)
        heapq.heappush(self._free, end)
        heapq.heappush(self._ends, (end, request))

    def next_end(self) -> float:
        return self._ends[0][0] if self._ends else math.inf

    def finish(self) -> int:
        return heapq.heappop(self._ends)[1]


@dataclass
class Sharing:
    """Processor sharing: `cores` work on all requests at once; `luck` makes a whole stage faster or slower."""

    cores: int
    work: Callable[[np.random.Generator], float]
    luck: float = 0.0

    def begin(self, random: np.random.Generator) -> None:
        self._random, self._at, self._done = random, 0.0, 0.0
        self._pace = math.exp(self.luck * random.normal())
        self._ends: list[tuple[float, int]] = []

    @property
    def _speed(self) -> float:
        return self._pace * min(1.0, self.cores / len(self._ends)) if self._ends else 0.0

    def _advance(self, at: float) -> None:
        self._done += (at - self._at) * self._speed
        self._at = at

    def take(self, at: float, request: int) -> None:
        self._advance(at)
        heapq.heappush(self._ends, (self._done + self.work(self._random), request))

    def next_end(self) -> float:
        return self._at + max(0.0, self._ends[0][0] - self._done) / self._speed if self._ends else math.inf

    def finish(self) -> int:
        self._advance(self.next_end())
        return heapq.heappop(self._ends)[1]


@dataclass
class Batching:
    """Continuous batching: each step gives every request of a batch a token, and takes longer the more there are."""

    step: float
    each: float
    tokens: Callable[[np.random.Generator], float]
    most: int

    def begin(self, random: np.random.Generator) -> None:
        self._random = random
        self._left: dict[int, int] = {}
        self._waiting: deque[int] = deque()
        self._ended: deque[int] = deque()
        self._step_ends = math.inf

    def take(self, at: float, request: int) -> None:
        self._waiting.append(request)
        if math.isinf(self._step_ends):
            self._start(at)

    def _start(self, at: float) -> None:
        while self._waiting and len(self._left) < self.most:
            self._left[self._waiting.popleft()] = round(self.tokens(self._random))
        self._step_ends = at + self.step + self.each * len(self._left) if self._left else math.inf

    def next_end(self) -> float:
        return self._at if self._ended else self._step_ends

    def finish(self) -> int:
        """Of a step in which none ends, -1."""
        if not self._ended:
            self._at = self._step_ends
            self._left = {request: left - 1 for request, left in self._left.items()}
            self._ended.extend(request for request, left in self._left.items() if not left)
            self._left = {request: left for request, left in self._left.items() if left}
            self._start(self._at)
        return self._ended.popleft() if self._ended else -1


class Limit(Protocol):
    """Refuses requests; seconds of the run."""

    def refuses(self, at: float) -> float | None:
        """Seconds until it would pass; None where it passes."""


@dataclass
class Windows:
    """`most` requests in each fixed window."""

    most: int
    window: float
    _number: int = -1
    _passed: int = 0

    def refuses(self, at: float) -> float | None:
        if (number := int(at // self.window)) != self._number:
            self._number, self._passed = number, 0
        if self._passed >= self.most:
            return (number + 1) * self.window - at
        self._passed += 1
        return None


@dataclass
class Sliding:
    """`most` requests in each window, wherever it begins."""

    most: int
    window: float
    _recent: deque[float] = field(default_factory=deque)

    def refuses(self, at: float) -> float | None:
        while self._recent and self._recent[0] <= at - self.window:
            self._recent.popleft()
        if len(self._recent) >= self.most:
            return self._recent[0] + self.window - at
        self._recent.append(at)
        return None


@dataclass
class Bucket:
    """A token bucket: `per_s` tokens a second, `depth` of them at most."""

    per_s: float
    depth: float
    _tokens: float = math.inf
    _at: float = 0.0

    def refuses(self, at: float) -> float | None:
        self._tokens = min(self.depth, self._tokens + (at - self._at) * self.per_s)
        self._at = at
        if self._tokens < 1.0:
            return (1.0 - self._tokens) / self.per_s
        self._tokens -= 1.0
        return None


@dataclass
class Target:
    """A server that fails now and then, behind a limiter or none.

    Attributes:
        failing: share of the requests that fail, at any load.
        limit: makes the limiter of a search.
        says: its refusals say when to come again (`Retry-After`).
    """

    server: Server
    failing: float = 0.0
    limit: Callable[[], Limit] | None = None
    says: bool = True

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A search begins, long after the one before."""
        self._limiter = self.limit() if self.limit else None
        self._run_s = 0.0

    def hold(self, users: int, seconds: float, interval: float, seed: int = 0) -> pd.DataFrame:
        """The samples of a stage of this load; all of its requests are served to their end."""
        random, server = np.random.default_rng(seed), self.server
        server.begin(random)
        arrivals = [(user / users * interval, user) for user in range(users)]
        due: list[tuple[int, float, float]] = []
        end, error, asked = {}, {}, {}
        while arrivals or not math.isinf(server.next_end()):
            if not arrivals or server.next_end() <= arrivals[0][0]:
                at = server.next_end()
                if (done := server.finish()) >= 0:
                    end[done] = at
                    self._again(arrivals, due[done], at, interval)
                continue
            at, user = heapq.heappop(arrivals)
            if at >= seconds:
                continue
            number, start = len(due), at + random.exponential(NOISE)
            due.append((user, at, start))
            asked[number] = self._limiter.refuses(self._run_s + start) if self._limiter else None
            if asked[number] is not None or random.random() < self.failing:
                error[number] = "http_5xx" if asked[number] is None else "rate_limited"
                end[number] = start + 0.01
                self._again(arrivals, due[number], start + 0.01, interval)
            else:
                server.take(start, number)
        self._run_s += seconds + BETWEEN
        return self._frame(due, end, error, asked, interval)

    def _again(self, arrivals: list, due: tuple[int, float, float], end: float, interval: float) -> None:
        heapq.heappush(arrivals, (max(due[1] + interval, end), due[0]))

    def _frame(self, due: list, end: dict, error: dict, asked: dict, interval: float) -> pd.DataFrame:
        numbers = range(len(due))
        user, at, start = (np.array(column) for column in zip(*due, strict=True))
        frame = pd.DataFrame(
            {
                "user": user, "iteration": np.arange(len(user)), "stage": 0,
                "scheduled_ms": at * 1e3, "start_ms": start * 1e3, "late_ms": (start - at) * 1e3,
                "duration_ms": (np.array([end[n] for n in numbers]) - start) * 1e3,
                "ttft_ms": np.nan, "completion_tokens": np.nan, "after_stop": False, "warm_up": False,
                "outcome": ["failed" if n in error else "ok" for n in numbers],
                "error": [error.get(n) for n in numbers],
                "retry_after_ms": [math.ceil(s) * 1e3 if (s := asked[n]) and self.says else np.nan for n in numbers],
            }
        )  # fmt: skip
        return with_derived(frame, manifest_with(interval_s=interval))

    def measured(self, hold: Hold, interval: float, criteria, seed: int = 0) -> HoldResult:
        """What a stage shows."""
        record = StageRecord(0, hold.users, 0.0, hold.settle * 1e3, hold.seconds * 1e3, hold.purpose)
        return measure_hold(self.hold(hold.users, hold.seconds, interval, seed), record, interval, criteria)

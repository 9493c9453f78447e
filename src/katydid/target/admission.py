"""Whom the embedded target serves, and when: keys, rate limits, worker slots and their queue."""

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is turned away."""

    status: int
    message: str
    kind: str
    headers: str = ""


class RateLimits:
    """Requests a minute (in a sliding window) and in all, by key."""

    def __init__(self, per_minute: int, in_all: int) -> None:
        self._per_minute = per_minute
        self._in_all = in_all
        self._recent: defaultdict[str, deque[float]] = defaultdict(deque)
        self._total: defaultdict[str, int] = defaultdict(int)

    def refuse(self, key: str, now: float) -> Refusal | None:
        """Count a request, or say why it is too many."""
        if self._in_all and self._total[key] >= self._in_all:
            text = f"Rate limit reached for requests per day (RPD): limit {self._in_all}"
            return Refusal(429, text, "rate_limit_exceeded", "Retry-After: 86400\r\n")
        recent = self._recent[key]
        while recent and recent[0] <= now - MINUTE:
            recent.popleft()
        if self._per_minute and len(recent) >= self._per_minute:
            wait = recent[0] + MINUTE - now
            text = f"Rate limit reached: {self._per_minute} requests per minute. Try again in {wait:.3f}s"
            return Refusal(429, text, "rate_limit_exceeded", f"Retry-After: {max(1, round(wait))}\r\n")
        if self._per_minute:
            recent.append(now)
        self._total[key] += 1
        return None


class Slots:
    """Worker slots with a queue, first come first served."""

    def __init__(self, slots: int, queue_limit: int) -> None:
        self._free = slots
        self._limited = slots > 0
        self._queue_limit = queue_limit
        self._waiting: deque[Callable[[], None]] = deque()

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether a request that comes now cannot even wait."""
        return self._limited and not self._free and 0 < self._queue_limit <= len(self._waiting)

    def acquire(self, start: Callable[[], None]) -> None:
        """Call `start` as soon as there is a slot: at once, or when its turn comes."""
        if not self._limited:
            start()
        elif self._free:
            self._free -= 1
            start()
        else:
            self._waiting.append(start)

    def withdraw(self, start: Callable[[], None]) -> bool:
        """Leave the queue; False for one that was not in it."""
        try:
            self._waiting.remove(start)
        except ValueError:
            return False
        return True

    def release(self) -> None:
        """A request that had a slot is over."""
        if not self._limited:
            return
        if self._waiting:
            self._waiting.popleft()()
        else:
            self._free += 1

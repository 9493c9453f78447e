"""Admission control of the embedded target: rate limits, slots and their queue."""

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

from katydid.model.formatting import plural

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is rejected. `headers` are additional header lines of the answer, each ending with CRLF."""

    status: int
    message: str
    kind: str
    headers: str = ""


QUEUE_FULL = Refusal(503, "the queue is full", "overloaded", "Retry-After: 1\r\n")


class RateLimits:
    """Limits per key: requests per minute (in a sliding window), and requests in total. 0 is unlimited."""

    def __init__(self, per_minute: int, in_all: int) -> None:
        self._per_minute = per_minute
        self._in_all = in_all
        self._recent: defaultdict[str, deque[float]] = defaultdict(deque)
        self._total: defaultdict[str, int] = defaultdict(int)

    def refuse(self, key: str, now: float) -> Refusal | None:
        """Count a request at `now` (seconds), or return why it is rejected; rejected requests do not count."""
        if self._in_all and self._total[key] >= self._in_all:
            text = f"Rate limit reached for requests per day (RPD): limit {self._in_all}"
            return Refusal(429, text, "rate_limit_exceeded", "Retry-After: 86400\r\n")
        if self._per_minute:
            recent = self._recent[key]
            while recent and recent[0] <= now - MINUTE:
                recent.popleft()
            if len(recent) >= self._per_minute:
                wait = recent[0] + MINUTE - now
                text = f"Rate limit reached: {plural(self._per_minute, 'request')} per minute. Try again in {wait:.3f}s"
                return Refusal(429, text, "rate_limit_exceeded", f"Retry-After: {math.ceil(wait)}\r\n")
            recent.append(now)
        self._total[key] += 1
        return None


class Slots:
    """Slots with a first-come, first-served queue; 0 slots is unlimited."""

    def __init__(self, slots: int, queue_limit: int) -> None:
        self._free = slots
        self._limited = slots > 0
        self.busy = 0
        """Slots in use."""
        self._queue_limit = queue_limit
        self._waiting: deque[Callable[[], None]] = deque()
        self._handing_out = False

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Return True if the queue has no place for another request."""
        return self._limited and not self._free and 0 < self._queue_limit <= len(self._waiting)

    def acquire(self, start: Callable[[], None]) -> None:
        """Call `start` as soon as a slot is free."""
        if not self._limited:
            self.busy += 1
            start()
            return
        self._waiting.append(start)
        self._hand_out()

    def withdraw(self, start: Callable[[], None]) -> None:
        """Remove `start` from the queue, if it is still waiting."""
        if start in self._waiting:
            self._waiting.remove(start)

    def release(self) -> None:
        """Free the slot of a request that has ended."""
        self.busy -= 1
        if self._limited:
            self._free += 1
            self._hand_out()

    def close(self) -> None:
        """Clear the queue."""
        self._waiting.clear()

    def _hand_out(self) -> None:
        """Start waiting requests. It must not recurse: a request that fails at once releases its slot in `start`."""
        if self._handing_out:
            return
        self._handing_out = True
        try:
            while self._free and self._waiting:
                self._free -= 1
                self.busy += 1
                self._waiting.popleft()()
        finally:
            self._handing_out = False

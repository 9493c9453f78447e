"""Which load to hold next, in a search for the capacity. Pure: results in, holds out.

First the load is doubled until the objective breaks, and the range between kept and broken is narrowed, by
short holds. Then several loads across that range are held for longer, in shuffled order, and all of that is
repeated with the loads moved by a part of a step. Where a repeat shows that the range was wrong, it is moved.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from katydid.analysis.capacity import MEASURE
from katydid.analysis.holds import Criterion, HoldResult
from katydid.core.stages import Hold, StageRecord

BRACKET = "bracket"
NARROW = 1.12
"""The range is narrow enough to be measured: its ends differ by this factor."""
SPAN = 1.2
"""Factor from the lowest to the highest load of a repeat, at least."""
MOST_MOVES = 1
"""How often the range may turn out to be wrong."""
BRACKET_REQUESTS = 20
"""Requests that a short hold should count."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How a search is done.

    Attributes:
        interval: seconds between a user's requests.
        hold: seconds of a measured hold, its settling included.
        steps: loads of a repeat.
        failure_limit: failed requests that end a hold early, where the objective allows no more; 0 = never.
        allowed_failures: share of the objective.
    """

    interval: float
    hold: float
    max_users: int
    start: int = 10
    steps: int = 5
    repeats: int = 3
    seed: int = 0
    failure_limit: int = 5
    allowed_failures: float = 0.05


class CapacitySearch:
    """A plan (`core.stages.Plan`) that looks for the capacity.

    Args:
        measure: what a stage that is over showed.
    """

    def __init__(self, settings: SearchSettings, measure: Callable[[StageRecord], HoldResult]) -> None:
        self._settings = settings
        self._measure = measure
        self._random = random.Random(settings.seed)  # noqa: S311 - shuffles loads
        self._next = min(settings.start, settings.max_users)
        self._low = 0
        self._high: int | None = None
        self._queue: list[Hold] = []
        self._repeat = 0
        self._moves = 0
        self.results: list[HoldResult] = []

    def next_hold(self) -> Hold | None:
        """See `Plan.next_hold`."""
        if self._queue:
            return self._queue.pop(0)
        if self._repeat:
            self._check_range()
        if self._searching:
            return self._bracket_hold(self._next)
        if not self._low or self._repeat >= self._settings.repeats:
            return None
        self._queue = self._measured_holds()
        self._repeat += 1
        return self._queue.pop(0)

    def finished(self, record: StageRecord) -> None:
        """See `Plan.finished`."""
        result = self._measure(record)
        self.results.append(result)
        if result.purpose == BRACKET:
            self._narrow(result)

    # The range

    @property
    def _searching(self) -> bool:
        if self._high is None:
            return self._low < self._settings.max_users
        if self._high - self._low <= 1:
            return False
        return self._low == 0 or self._high / self._low > NARROW

    def _narrow(self, result: HoldResult) -> None:
        if result.held:
            self._low = max(self._low, result.users)
        else:
            self._high = result.users if self._high is None else min(self._high, result.users)
        if self._high is None:
            self._next = min(2 * self._low, self._settings.max_users)
        elif self._searching:
            self._next = self._between(result)

    def _between(self, result: HoldResult) -> int:
        """A load inside the range: where the last hold points to, if it does, else the middle."""
        assert self._high is not None  # noqa: S101 - the caller looked
        low, high = max(self._low, 1), self._high
        guess = math.sqrt(low * high)
        if not result.held and not result.keeps_up:
            guess = result.sustained
        elif not result.held and result.missed.get("failure_rate") and result.ended == "time":
            guess = result.users * (1.0 - result.failed / result.requests) / (1.0 - self._settings.allowed_failures)
        margin = (high / low) ** 0.15
        inside: int = round(min(max(guess, low * margin), high / margin))
        return min(max(inside, self._low + 1), high - 1)

    def _check_range(self) -> None:
        """Where all loads of the last repeat were kept, or all broken, the range lies elsewhere."""
        if self._moves >= MOST_MOVES or self._high is None:
            return
        name = f"{MEASURE} {self._repeat}"
        last = [r for r in self.results if r.purpose == name]
        if len({r.held for r in last}) != 1:
            return
        self._moves += 1
        self._repeat -= 1
        self.results = [_as_bracket(r) if r.purpose == name else r for r in self.results]
        if last[0].held:
            self._low, self._high = max(r.users for r in last), None
            self._next = min(math.ceil(self._low * SPAN), self._settings.max_users)
        else:
            self._low, self._high = 0, min(r.users for r in last)
            self._next = max(1, min(math.floor(self._high / SPAN), self._high - 1))
            if self._high == 1:
                self._next = 1

    # Holds

    def _bracket_hold(self, users: int) -> Hold:
        interval = self._settings.interval
        cycles = min(max(2, math.ceil(BRACKET_REQUESTS / users)), max(2.0, self._settings.hold / interval - 1))
        return self._hold(users, interval * (1 + cycles), BRACKET)

    def _measured_holds(self) -> list[Hold]:
        loads = self._loads()
        self._random.shuffle(loads)
        name = f"{MEASURE} {self._repeat + 1}"
        return [self._hold(users, self._settings.hold, name) for users in loads]

    def _loads(self) -> list[int]:
        """Loads across the range and a little beyond it; moved by a part of a step from repeat to repeat."""
        if self._high is None:
            return [self._low]
        settings, middle = self._settings, math.sqrt(self._low * self._high)
        span = max(SPAN, (self._high / self._low) ** 1.5)
        step = span ** (1.0 / (settings.steps - 1))
        moved = step ** ((self._repeat + 0.5) / settings.repeats - 0.5)
        exact = [middle * moved * step ** (i - (settings.steps - 1) / 2) for i in range(settings.steps)]
        loads = {min(max(1, round(users)), settings.max_users) for users in exact}
        return sorted(loads | {self._low, self._high} if len(loads) < settings.steps else loads)

    def _hold(self, users: int, seconds: float, purpose: str) -> Hold:
        settings = self._settings
        planned = users * seconds / settings.interval
        limit = max(settings.failure_limit, math.ceil(4 * settings.allowed_failures * planned))
        return Hold(
            users=users,
            seconds=seconds,
            settle=min(settings.interval, seconds / 2),
            purpose=purpose,
            most_failures=limit if settings.failure_limit else 0,
        )


def _as_bracket(result: HoldResult) -> HoldResult:
    """A measured stage that only served to find the range, as it turned out."""
    return replace(result, purpose=BRACKET)


def allowed_failures(criteria: Sequence[Criterion]) -> float:
    """Share of requests that may fail by an objective: a failed request misses every criterion."""
    return min((c.allowed for c in criteria), default=1.0)

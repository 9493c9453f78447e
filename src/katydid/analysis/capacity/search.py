"""Choose the next load in a capacity search. Pure: stage results in, holds out.

Short holds find the range first: the load is doubled until the objective is violated, then the range between the
highest load that met it and the lowest that violated it is narrowed. Then several loads across the range are held
longer, in shuffled order. This is repeated around the estimate of the repeats so far, with the loads shifted by a
fraction of a step. If a repeat shows that the range was wrong, loads are added one by one, at growing distance, on the
side where the limit must be.

If a rate limiter violates the objective, holds must last two of its windows: the same load is held again, longer each
time, until one does. The limiter's long-run rate then gives the range.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from katydid.analysis.capacity.estimate import estimate_capacity, let_pass
from katydid.analysis.capacity.holds import BRACKET, MEASURE, Criterion, HoldResult
from katydid.load.stages import Hold, Outlook
from katydid.model.documents.manifest import StageRecord

NARROW = 1.15
"""The range is narrow enough to measure if its ends differ by at most this factor."""
NEAR = 1.06
"""The range extends by this factor to either side of the users that a rate limiter allows."""
SPAN = 1.2
"""The least factor between the lowest and the highest load of a repeat."""
MOST_MOVES = 4
"""The most loads that a search adds if the range turns out to be wrong."""
LIKELY_DOUBLINGS, LIKELY_HALVINGS = 2, 2
"""Assumed number of further holds to find the range, while no load has violated the objective; only for the outlook."""
BRACKET_REQUESTS = 20
"""Requests that a short hold should count."""
MEASURED_REQUESTS, MEASURED_INTERVALS = 200, 5
"""A measured hold lasts for this many requests or intervals, whichever is shorter; a queue must have time to grow."""
WINDOWS = 2.0
"""The length of a hold in windows of the rate limiter."""
LONGEST = 300.0
"""Longest hold, in seconds, to see a limiter's window; windows of an hour or a day are not measured."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """The settings of a search.

    Attributes:
        interval: seconds between a user's requests.
        hold: seconds of a measured hold, including its settling time.
        steps: number of loads per repeat.
        failure_limit: the fewest failed requests that end a hold early, more if the objective allows more; 0 = never.
    """

    interval: float
    hold: float
    max_users: int
    start: int = 10
    steps: int = 5
    repeats: int = 3
    seed: int = 0
    failure_limit: int = 5


class CapacitySearch:
    """A plan (`load.stages.StagePlan`) that searches for the capacity.

    Args:
        settings: of the search.
        criteria: the objective.
        measure: measures a finished stage.
    """

    def __init__(
        self, settings: SearchSettings, criteria: Sequence[Criterion], measure: Callable[[StageRecord], HoldResult]
    ) -> None:
        self._settings = settings
        self._criteria = criteria
        self._allowed = min((c.allowed for c in criteria), default=1.0)  # a failed request misses every criterion
        self._measure = measure
        self._random = random.Random(settings.seed)  # noqa: S311 - shuffles loads
        self._next = min(settings.start, settings.max_users)
        self._low = 0
        self._high: int | None = None
        self._queue: list[Hold] = []
        self._repeat = 0
        self._planned = 0
        self._moves = 0
        self._windows = 0.0  # least seconds of a hold after its settling time
        self._seen = False  # the limiter's long-run rate is known
        self._blind = False  # the limiter's window is longer than any hold
        self.results: list[HoldResult] = []

    def next_hold(self) -> Hold | None:
        """See `StagePlan.next_hold`."""
        hold = None if self._blind else self._next_hold()
        return hold and self._lasting(hold)

    def _next_hold(self) -> Hold | None:
        if self._queue:
            return self._queue.pop(0)
        if not self._repeat and self._searching:
            return self._bracket_hold(self._next)
        if not self._low:
            return None
        beyond = self._beyond() if self._repeat else None
        if beyond is not None:
            return self._measured([beyond])[0]
        if self._repeat == self._settings.repeats:
            return None
        loads = self._loads()
        self._repeat += 1
        self._planned = len(loads)
        self._queue = self._measured(loads)
        return self._queue.pop(0)

    def finished(self, record: StageRecord) -> None:
        """See `StagePlan.finished`."""
        result = self._measure(record)
        self.results.append(result)
        if result.rate_limited and not result.held:
            self._limited(result)
        elif result.purpose == BRACKET:
            self._narrow(result)
        elif self._high is None and not result.held:
            self._high = result.users

    def outlook(self) -> Outlook:
        """See `StagePlan.outlook`. The holds to find the range are a guess; loads that repeats may add are left out."""
        settings = self._settings
        measured = len(self._queue) + (settings.repeats - self._repeat) * settings.steps
        bracket = 0 if self._repeat else self._brackets_left()
        users = max(self._low, self._next)
        long, short = self._hold(users, self._seconds(users), MEASURE), self._bracket_hold(self._next)
        seconds = measured * self._lasting(long).seconds + bracket * self._lasting(short).seconds
        return Outlook(measured + bracket, seconds, certain=False)

    # The range

    def _limited(self, result: HoldResult) -> None:
        """A limiter violated the objective: find its window and its long-run rate first."""
        users = let_pass([result], self._allowed)
        if users is None and not self._seen:
            needed = max(WINDOWS * result.limiter_at_least_s, 1.5 * result.seconds)
            self._blind = needed > max(LONGEST, self._settings.hold)
            self._windows = max(self._windows, needed)
            self._next = result.users
        elif users is not None:
            known = self._windows if self._seen else 0.0
            self._seen, self._windows = True, max(known, WINDOWS * (result.limiter_window_s or 0.0))
            parts = (1.0 / NEAR, NEAR)
            self._low, self._high = (min(max(1, round(users * part)), self._settings.max_users) for part in parts)

    def _brackets_left(self) -> int:
        """The holds still needed to find the range: doublings up to the most users, then halvings to `NARROW`."""
        if self._high is not None:
            ratio = self._high / max(self._low, 1)
            return math.ceil(math.log2(math.log(ratio) / math.log(NARROW))) if ratio > NARROW else 0
        doublings = math.ceil(math.log2(max(self._settings.max_users / self._next, 1)))
        return min(doublings, LIKELY_DOUBLINGS) + LIKELY_HALVINGS

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
        """A load inside the range: the one that the last hold suggests, if any, else the geometric middle."""
        assert self._high is not None  # noqa: S101 - the caller looked
        low, high = max(self._low, 1), self._high
        guess = math.sqrt(low * high)
        if not result.held and not result.keeps_up:
            guess = result.sustained
        elif not result.held and result.missed.get("failure_rate") and result.ended == "time":
            guess = result.users * (1.0 - result.failed / result.requests) / (1.0 - self._allowed)
        margin = (high / low) ** 0.15
        inside: int = round(min(max(guess, low * margin), high / margin))
        return min(max(inside, self._low + 1), high - 1)

    def _beyond(self) -> int | None:
        """A further load for the last repeat, if all of its loads met the objective, or all violated it."""
        last = [r for r in self.results if r.purpose == self._name]
        if self._high is None or self._moves >= MOST_MOVES or len({r.held for r in last}) != 1:
            return None
        self._moves += 1
        added = len(last) - self._planned
        factor = SPAN ** (0.5 * 2**added)
        if last[0].held:
            edge = max(r.users for r in last)
            load = min(max(edge + 1, round(edge * factor)), self._settings.max_users)
        else:
            edge = min(r.users for r in last)
            load = max(min(edge - 1, round(edge / factor)), 1)
        return None if load == edge else load

    # Holds

    def _bracket_hold(self, users: int) -> Hold:
        interval = self._settings.interval
        cycles = min(max(2, math.ceil(BRACKET_REQUESTS / users)), max(2.0, self._settings.hold / interval - 1))
        return self._hold(users, interval * (1 + cycles), BRACKET)

    def _lasting(self, hold: Hold) -> Hold:
        """Make a hold long enough for the limiter's windows; failures then do not end it: rejections are measured."""
        if not self._windows:
            return hold
        return replace(hold, seconds=max(hold.seconds, hold.settle + self._windows), most_failures=0)

    @property
    def _name(self) -> str:
        return f"{MEASURE} {self._repeat}"

    def _measured(self, loads: list[int]) -> list[Hold]:
        self._random.shuffle(loads)
        return [self._hold(users, self._seconds(users), self._name) for users in loads]

    def _seconds(self, users: int) -> float:
        """The length of a measured hold: as asked for, or longer if that is too short for its load."""
        cycles = min(math.ceil(MEASURED_REQUESTS / users), MEASURED_INTERVALS)
        return max(self._settings.hold, self._settings.interval * (1 + cycles))

    def _loads(self) -> list[int]:
        """The loads of the next repeat: across the range and a little beyond, shifted by a fraction of a step."""
        if self._high is None:
            return [self._low]
        settings, span = self._settings, SPAN
        found = estimate_capacity(self.results, self._criteria).capacity if self._repeat else None
        if found is None:
            found = math.sqrt(self._low * self._high)
            span = max(SPAN, (self._high / self._low) ** 1.5)
        else:  # a higher load that met the objective may be right, and violations below it hiccups
            kept = max((r.users for r in self.results if r.held and r.is_measured), default=0)
            if kept > found * math.sqrt(SPAN):
                span = kept / found * SPAN
                found = math.sqrt(found * kept)
        step = span ** (1.0 / (settings.steps - 1))
        moved = step ** ((self._repeat + 0.5) / settings.repeats - 0.5)
        exact = [found * moved * step ** (i - (settings.steps - 1) / 2) for i in range(settings.steps)]
        loads = {min(max(1, round(users)), settings.max_users) for users in exact}
        if len(loads) < settings.steps:  # so few users that steps coincide
            loads |= {max(1, math.floor(found)), min(math.floor(found) + 1, settings.max_users)}
        return sorted(loads)

    def _hold(self, users: int, seconds: float, purpose: str) -> Hold:
        settings = self._settings
        planned = users * seconds / settings.interval
        limit = max(settings.failure_limit, math.ceil(4 * self._allowed * planned))
        return Hold(
            users=users,
            seconds=seconds,
            settle=min(settings.interval, seconds / 2),
            purpose=purpose,
            most_failures=limit if settings.failure_limit else 0,
        )

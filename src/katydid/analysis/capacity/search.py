"""Which load to hold next, in a search for the capacity. Pure: results in, holds out.

First the load is doubled until the objective breaks, and the range between kept and broken is narrowed, by
short holds. Then several loads across that range are held for longer, in shuffled order, and all of that is
repeated around what the repeats before found, with the loads moved by a part of a step. Where a repeat shows that
the range was wrong, it gets one load after the other on the side where the limit must be, ever farther away.

Where a rate limiter is what breaks the objective, holds last two of its windows: as long as they are shorter, the load
that met it is held again, for longer. What it then lets pass is where the range is.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from katydid.analysis.capacity.estimate import MEASURE, estimate_capacity, let_pass
from katydid.analysis.capacity.holds import BRACKET, Criterion, HoldResult
from katydid.load.stages import Hold, Outlook
from katydid.model.documents.manifest import StageRecord

NARROW = 1.15
"""The range is narrow enough to be measured: its ends differ by this factor."""
NEAR = 1.06
"""Factor by which the range reaches beyond a rate limiter's users to either side."""
SPAN = 1.2
"""Factor from the lowest to the highest load of a repeat, at least."""
MOST_MOVES = 4
"""Loads that a search may add where the range turns out to be wrong."""
LIKELY_DOUBLINGS, LIKELY_HALVINGS = 2, 2
"""Holds that finding the range may still take, while nothing has broken; for the outlook alone."""
BRACKET_REQUESTS = 20
"""Requests that a short hold should count."""
MEASURED_REQUESTS, MEASURED_INTERVALS = 200, 5
"""A measured hold counts so many requests, or intervals where these are fewer: a shorter one sees no queue grow."""
WINDOWS = 2.0
"""Windows of a rate limiter that a hold lasts."""
LONGEST = 300.0
"""Seconds of a hold beyond which a search does not look for a limiter's window: an hour's or a day's is not seen."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How a search is done.

    Attributes:
        interval: seconds between a user's requests.
        hold: seconds of a measured hold, its settling included.
        steps: loads of a repeat.
        failure_limit: failed requests that end a hold early, where the objective allows no more; 0 = never.
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
    """A plan (`load.stages.StagePlan`) that looks for the capacity.

    Args:
        criteria: the objective.
        measure: what a stage that is over showed.
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
        self._windows = 0.0  # seconds that holds last at least, beside their settling
        self._seen = False  # what a limiter lets pass
        self._blind = False  # its window is longer than any hold
        self.results: list[HoldResult] = []

    def next_hold(self) -> Hold | None:
        """See `Plan.next_hold`."""
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
        """See `Plan.finished`."""
        result = self._measure(record)
        self.results.append(result)
        if result.rate_limited and not result.held:
            self._limited(result)
        elif result.purpose == BRACKET:
            self._narrow(result)
        elif self._high is None and not result.held:
            self._high = result.users

    def outlook(self) -> Outlook:
        """See `Plan.outlook`; what the range costs is a guess, and that no repeat needs more loads a hope."""
        settings = self._settings
        measured = len(self._queue) + (settings.repeats - self._repeat) * settings.steps
        bracket = 0 if self._repeat else self._brackets_left()
        users = max(self._low, self._next)
        long, short = self._hold(users, self._seconds(users), MEASURE), self._bracket_hold(self._next)
        seconds = measured * self._lasting(long).seconds + bracket * self._lasting(short).seconds
        return Outlook(measured + bracket, seconds, certain=False)

    # The range

    def _limited(self, result: HoldResult) -> None:
        """A limiter broke the objective: see its window first, and what it lets pass."""
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
        """Holds that find the range: doublings, as many as the users allow, then what narrows it to `NARROW`."""
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
        """A load inside the range: where the last hold points to, if it does, else the middle."""
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
        """Another load for the last repeat, where all of its loads were kept, or all broken: the limit lies there."""
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
        """For as long as a limiter's windows ask for; its refusals are what it is to show, and do not end it."""
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
        """Of a measured hold: as asked for, or longer where that were too short for its load."""
        cycles = min(math.ceil(MEASURED_REQUESTS / users), MEASURED_INTERVALS)
        return max(self._settings.hold, self._settings.interval * (1 + cycles))

    def _loads(self) -> list[int]:
        """Loads across the range and a little beyond it; moved by a part of a step from repeat to repeat."""
        if self._high is None:
            return [self._low]
        settings, span = self._settings, SPAN
        found = estimate_capacity(self.results, self._criteria).capacity if self._repeat else None
        if found is None:
            found = math.sqrt(self._low * self._high)
            span = max(SPAN, (self._high / self._low) ** 1.5)
        else:  # a load that was kept may be right, and those that broke below it be hiccups
            kept = max((r.users for r in self.results if r.held and r.purpose.startswith(MEASURE)), default=0)
            if kept > found * math.sqrt(SPAN):
                span = kept / found * SPAN
                found = math.sqrt(found * kept)
        step = span ** (1.0 / (settings.steps - 1))
        moved = step ** ((self._repeat + 0.5) / settings.repeats - 0.5)
        exact = [found * moved * step ** (i - (settings.steps - 1) / 2) for i in range(settings.steps)]
        loads = {min(max(1, round(users)), settings.max_users) for users in exact}
        if len(loads) < settings.steps:  # so few users that steps fall together
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

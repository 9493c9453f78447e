"""Stages: stretches of steady load in one run, each with its own number of users.

Between two stages there are no users at all, so that no stage inherits the backlog of the one before.
Pure: what comes next follows from what was asked for and from the results so far; who makes it happen,
and when, is the business of `engine.stages`.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, Protocol, TypeVar

from katydid.load.arrivals import MOST_RATE
from katydid.model.documents.manifest import StageRecord
from katydid.model.errors import ConfigError

Load = TypeVar("Load", int, float)

MOST_USERS = 1_000_000
"""More than any machine runs: a slip of the keyboard."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A stage as it is asked for.

    Attributes:
        users: at least 1.
        seconds: from its first request to the moment in which no new one starts.
        settle: seconds of its beginning that count in no statistic.
        pause: seconds without load before it.
        purpose: a word for tables, such as `bracket` or `measure`.
        most_failures: the hold ends early with so many failed requests; 0 = never.
        rate: requests a second that arrive in it; None where the run's options say when requests are due.
    """

    users: int
    seconds: float
    settle: float
    pause: float = 0.0
    purpose: str = ""
    most_failures: int = 0
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage that goes on, as every process of the run must know it.

    Attributes:
        number: from 0; what `Sample.stage` says.
        users: how many there are; None where nobody can say.
        begin: seconds from the run's origin; its users' schedules count from here.
        settle: seconds from there that count in no statistic.
        end: seconds from the run's origin from which no request is due; None where the run's end is the stage's.
        rate: requests a second; None where the run's options say when requests are due.
    """

    number: int
    users: int | None
    begin: float
    settle: float
    end: float | None = None
    rate: float | None = None

    def is_over(self, at: float) -> bool:
        """Whether a request that is due at this second of the run belongs to the stage no more."""
        return self.end is not None and at >= self.end

    def is_settling(self, at_ms: float) -> bool:
        """Whether a request that was due at this moment of the run, in milliseconds, counts in no statistic."""
        return self.settle > 0 and at_ms < (self.begin + self.settle) * 1000.0

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> "Stage":
        """What `to_wire` made."""
        return cls(**wire)

    def to_wire(self) -> dict[str, object]:
        """Plain values for a message."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a plan still has to do, beside the hold that it gave last.

    Attributes:
        holds: stages that come.
        seconds: that they take, the pauses before them included.
        certain: they are known already; else about so many, as far as one can tell.
    """

    holds: int
    seconds: float
    certain: bool


class StagePlan(Protocol):
    """Decides which stage comes next."""

    def next_hold(self) -> Hold | None:
        """The next stage; None where the run is over."""

    def finished(self, record: StageRecord) -> None:
        """A stage is over, and all its rows are in."""

    def outlook(self) -> Outlook:
        """How much is yet to come."""


class FixedPlan:
    """Stages that were all known before the run."""

    def __init__(self, holds: Sequence[Hold]) -> None:
        self._left = list(holds)

    def next_hold(self) -> Hold | None:
        """See `StagePlan.next_hold`."""
        return self._left.pop(0) if self._left else None

    def finished(self, record: StageRecord) -> None:
        """Nothing depends on how it went."""

    def outlook(self) -> Outlook:
        """See `StagePlan.outlook`."""
        return Outlook(len(self._left), sum(hold.pause + hold.seconds for hold in self._left), certain=True)


class AtRates:
    """A plan whose loads are users of an interval, carried out as the rates that those would offer.

    Args:
        plan: of users.
        interval: seconds between a user's requests.
        pool: how many users serve a rate.
    """

    def __init__(self, plan: StagePlan, interval: float, pool: Callable[[float], int]) -> None:
        self._plan = plan
        self._interval = interval
        self._pool = pool
        self.finished = plan.finished
        self.outlook = plan.outlook

    def next_hold(self) -> Hold | None:
        """See `StagePlan.next_hold`."""
        hold = self._plan.next_hold()
        if hold is None:
            return None
        rate = hold.users / self._interval
        return replace(hold, users=self._pool(rate), rate=rate)


def read_stages(text: str) -> tuple[int, ...]:
    """Numbers of users such as `100,200,1000`.

    Raises:
        ConfigError: they are none, or they do not increase.
    """
    option = f"--stages {text!r}"
    users = _growing(option, text, int, "users", "numbers of users with commas, as in 100,200,1000")
    if users[0] < 1 or users[-1] > MOST_USERS:
        raise ConfigError(f"{option}: a stage has from 1 to {MOST_USERS} users")
    return users


def read_stage_rates(text: str) -> tuple[float, ...]:
    """Requests a second such as `1,2.5,10`.

    Raises:
        ConfigError: they are none, or they do not increase.
    """
    option = f"--stage-rates {text!r}"
    rates = _growing(option, text, float, "requests/s", "requests/s with commas, as in 1,2.5,10")
    if not all(0 < rate <= MOST_RATE for rate in rates):
        raise ConfigError(f"{option}: a rate is more than 0, and at most {MOST_RATE:g}")
    return rates


def _growing(option: str, text: str, kind: Callable[[str], Load], unit: str, what: str) -> tuple[Load, ...]:
    try:
        loads = tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"{option}: give {what}") from None
    for low, high in pairwise(loads):
        if high <= low:
            raise ConfigError(f"{option}: {high:g} after {low:g}; each stage must have more {unit} than the last")
    return loads

"""Stages: periods of steady load within one run, each with its own number of users.

Between two stages there are no users at all, so no stage inherits the backlog of the one before. Pure: a plan chooses
the next stage from the options and the results so far; `engine.stages` carries it out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol, TypeVar

from katydid.load.arrivals import MOST_RATE
from katydid.model.documents.manifest import StageRecord
from katydid.model.errors import ConfigError

Load = TypeVar("Load", int, float)

MOST_USERS = 1_000_000
"""More than any machine can run; a larger number is a typing error."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A planned stage.

    Attributes:
        seconds: from the first request until no new request starts.
        settle: seconds at the start that count in no statistic.
        pause: seconds without load before the stage.
        purpose: a word for tables, such as `bracket` or `measure`.
        most_failures: number of failed requests that ends the stage early; 0 = never.
        rate: arrival rate in requests per second; None if the run's options decide when requests are due.
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
    """The current stage; sent to every process of the run.

    Attributes:
        number: from 0, as in `Sample.stage`.
        users: None if unknown.
        begin: seconds from the run's origin; the users' schedules start here.
        settle: seconds from `begin` that count in no statistic.
        end: seconds from the run's origin after which no request is due; None if the stage ends with the run.
        rate: as in `Hold`.
    """

    number: int
    users: int | None
    begin: float
    settle: float
    end: float | None = None
    rate: float | None = None

    def is_over(self, at: float) -> bool:
        """Return True if a request due at `at`, in seconds of the run, is no longer part of the stage."""
        return self.end is not None and at >= self.end

    def is_settling(self, at_ms: float) -> bool:
        """Return True if a request due at `at_ms`, in milliseconds of the run, counts in no statistic."""
        return self.settle > 0 and at_ms < (self.begin + self.settle) * 1000.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """The stages left in a plan, the seconds that they take, pauses included, and whether both numbers are exact."""

    holds: int
    seconds: float
    certain: bool


class StagePlan(Protocol):
    """Chooses each next stage."""

    def next_hold(self) -> Hold | None:
        """Return the next stage, or None if the run is over."""

    def finished(self, record: StageRecord) -> None:
        """Take the record of a finished stage; all its rows have arrived."""

    def outlook(self) -> Outlook:
        """Return what remains to be done."""


class FixedPlan:
    """A plan whose stages are all known before the run."""

    def __init__(self, holds: Sequence[Hold]) -> None:
        self._left = list(holds)

    def next_hold(self) -> Hold | None:
        """See `StagePlan.next_hold`."""
        return self._left.pop(0) if self._left else None

    def finished(self, record: StageRecord) -> None:
        """Do nothing: results do not change the plan."""

    def outlook(self) -> Outlook:
        """See `StagePlan.outlook`."""
        return Outlook(len(self._left), sum(hold.pause + hold.seconds for hold in self._left), certain=True)


class AtRates:
    """Converts a plan in users to arrival rates: each stage gets the rate that its paced users would offer.

    Args:
        plan: the plan in users.
        interval: seconds between a user's requests.
        pool: returns the number of users that serve a rate.
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
    """Parse numbers of users, such as `100,200,1000`.

    Raises:
        ConfigError: the text is not a list of numbers, or they do not increase.
    """
    option = f"--stages {text!r}"
    users = _growing(option, text, int, "users", "numbers of users separated by commas, such as 100,200,1000")
    if users[0] < 1 or users[-1] > MOST_USERS:
        raise ConfigError(f"{option}: a stage must have from 1 to {MOST_USERS} users")
    return users


def read_stage_rates(text: str) -> tuple[float, ...]:
    """Parse arrival rates in requests per second, such as `1,2.5,10`.

    Raises:
        ConfigError: the text is not a list of numbers, or they do not increase.
    """
    option = f"--stage-rates {text!r}"
    rates = _growing(option, text, float, "requests/s", "rates in requests/s separated by commas, such as 1,2.5,10")
    if not all(0 < rate <= MOST_RATE for rate in rates):
        raise ConfigError(f"{option}: a rate must be more than 0 and at most {MOST_RATE:g}")
    return rates


def _growing(option: str, text: str, kind: Callable[[str], Load], unit: str, what: str) -> tuple[Load, ...]:
    try:
        loads = tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"{option}: give {what}") from None
    for low, high in pairwise(loads):
        if high <= low:
            raise ConfigError(f"{option}: {high:g} follows {low:g}: each stage must have more {unit} than the last")
    return loads

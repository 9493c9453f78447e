"""The load shape of all runs in stages: it carries out a plan, hold by hold, with no load in between.

It runs in the process that keeps the run folder. Workers learn the stage of their users with the message that spawns
them (`Runtime.enter_stage`). The shape computes no statistics and no estimate: its plan decides what comes next.
"""

import time
from abc import abstractmethod
from typing import TypedDict

import gevent
import pyarrow as pa
import pyarrow.compute as pc
from locust import LoadTestShape
from locust.env import Environment
from locust.runners import STATE_INIT

from katydid.engine.run_info import LEAD
from katydid.engine.run_state import FLUSH_PERIOD, Runtime
from katydid.load.schedule import Mode
from katydid.load.stages import Hold, Outlook, Stage, StagePlan
from katydid.model.documents.manifest import StageRecord
from katydid.model.formatting import format_eta, number, plural

POLL = 0.05
"""Seconds between checks of a hold's users and failures."""
ROWS_ARE_IN = 2 * FLUSH_PERIOD
"""Seconds after the last user's stop until a master has received all rows."""
REMOTE_LEAD = 1.0
"""Seconds from a stage's announcement to its beginning if workers must hear of it first."""
BETWEEN = 2.0
"""Approximate seconds between two stages: Locust asks for the next one once a second, and rows must come in."""
FASTEST_SPAWN = 1000.0
"""Users per second and process: spawning more at once would delay users that are already due."""

Tick = tuple[int, float]


class StagedFacts(TypedDict, total=False):
    """Manifest keys that only a run in stages has, or whose values differ there: failures end a stage, not the run."""

    workload: str
    plan: str
    objective: list[dict[str, object]]
    search: dict[str, object]
    failure_threshold: int
    schedule: str
    arrivals: str
    phase: None
    phase_asked: None


def facts_of_rates(arrivals: str | None) -> StagedFacts:
    """The manifest's entries for stages at a rate of requests."""
    return {"schedule": str(Mode.RATE), "arrivals": arrivals or "even", "phase": None, "phase_asked": None}


class HoldsShape(LoadTestShape):
    """Carries out a plan; a subclass provides the plan.

    Locust calls `tick` about once a second to ask for the number of users; `tick` may block.
    """

    abstract = True

    def at_rates(self, parsed: object) -> bool:
        """Return True if the options ask for stages at a rate, not for users with an interval."""
        del parsed
        return False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Locust's
        self._plan: StagePlan | None = None
        self._hold: Hold | None = None
        self._stage: Stage | None = None
        self._records: list[StageRecord] = []
        self._failures = 0

    # For subclasses to define

    @abstractmethod
    def check(self, parsed: object) -> None:
        """Check the shape's options.

        Raises:
            ConfigError: they do not make sense.
        """

    @abstractmethod
    def facts(self, workload: str) -> StagedFacts:
        """The shape's entries in the manifest; may rename the workload."""

    @abstractmethod
    def make_plan(self) -> StagePlan:
        """Make the plan of the run that starts now."""

    def took(self, rows: pa.Table) -> None:
        """Take rows that came in, for a plan that depends on them."""

    # Called by a run

    def take(self, rows: pa.Table) -> None:
        """Take samples that have just come in from any process."""
        if self._stage is not None:
            here = pc.and_(pc.equal(rows["stage"], self._stage.number), pc.equal(rows["outcome"], "failed"))
            self._failures += pc.sum(here).as_py() or 0
        self.took(rows)

    def tick(self) -> Tick | None:
        """The number of users that there should be, and the spawn rate; None to end the run."""
        assert self.runner is not None  # noqa: S101 - Locust sets it before it asks
        if self.runner.state == STATE_INIT:
            # Locust begins a run after the first answer; the plan is made once it has begun.
            self._plan, self._hold, self._stage = None, None, None
            return 0, 1.0
        if self._plan is None:
            self._plan, self._records = self.make_plan(), []
        if self._hold is not None:
            users = self._hold.users
            self._wait_for_end_of_hold(self._hold)
            return 0, float(users)
        return self._next(self._plan)

    @property
    def runtime(self) -> Runtime:
        """This process's part in the run."""
        assert self.runner is not None  # noqa: S101 - see tick
        return Runtime.of(self.runner.environment)

    # One hold

    def _next(self, plan: StagePlan) -> Tick | None:
        while self.runtime.runner.user_count:
            gevent.sleep(POLL)
        if self._stage is not None:
            self._collect()
            plan.finished(self._records[-1])
            self._stage = None
        hold = plan.next_hold()
        if hold is None:
            return None
        gevent.sleep(hold.pause)
        return self._begin(hold, plan.outlook())

    def _collect(self) -> None:
        """Collect all rows of the stage that is over."""
        self.runtime.hand_in()
        if self.runtime.is_master:
            gevent.sleep(ROWS_ARE_IN)

    def _begin(self, hold: Hold, outlook: Outlook) -> Tick:
        now = time.monotonic() - self.runtime.info.origin
        begin = now + (REMOTE_LEAD if self.runtime.is_master else LEAD)
        self._stage = Stage(len(self._records), hold.users, begin, hold.settle, begin + hold.seconds, hold.rate)
        self._hold = hold
        self._failures = 0
        self.runtime.enter_stage(self._stage)
        left = hold.seconds + outlook.seconds + outlook.holds * BETWEEN
        self.runtime.expected_end = time.monotonic() + left
        number = self._stage.number + 1
        of = f"{'' if outlook.certain else 'about '}{number + outlook.holds}"
        told = f"Stage {number} of {of}: {_load(hold)} for {hold.seconds:g} s; {format_eta(left)} left"
        self.runtime.announce(told)
        return hold.users, min(float(hold.users), FASTEST_SPAWN * self.runtime.info.workers)

    def _wait_for_end_of_hold(self, hold: Hold) -> None:
        """Wait until the hold is over; Locust stops the users when this returns."""
        assert self._stage is not None  # noqa: S101 - set with the hold
        self._hold = None
        origin, end, ended = self.runtime.info.origin, self._stage.end or 0.0, "interrupted"
        try:
            while (left := end - (time.monotonic() - origin)) > 0:
                if 0 < hold.most_failures <= self._failures:
                    ended = "failures"
                    return
                gevent.sleep(min(POLL, left))
            ended = "time"
        finally:
            self._record(self._stage, hold, ended)

    def _record(self, stage: Stage, hold: Hold, ended: str) -> None:
        end_ms = self.runtime.info.ms(time.monotonic())
        begin_ms, settled_ms = stage.begin * 1000.0, (stage.begin + stage.settle) * 1000.0
        settled_ms = min(settled_ms, end_ms)
        record = (stage.number, hold.users, begin_ms, settled_ms, end_ms, hold.purpose, ended, hold.rate)
        self._records.append(StageRecord(*record))
        self.runtime.note(stages=self._records)


def _load(hold: Hold) -> str:
    purpose = f" ({hold.purpose})" if hold.purpose else ""
    if hold.rate is not None:
        return f"{plural(hold.rate, 'request')}/s, at most {number(hold.users)} in flight{purpose}"
    return f"{plural(hold.users, 'user')}{purpose}"


def staged_shape(environment: Environment) -> HoldsShape | None:
    """The run's load shape, if it is one of Katydid's."""
    shape = environment.shape_class
    return shape if isinstance(shape, HoldsShape) else None

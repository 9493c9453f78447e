"""The load shape of all runs in stages: it carries out a plan, hold by hold, with no load in between.

It lives in the process that keeps the run folder. Which stage its users belong to, workers learn with
the message that has them spawned (`Runtime.enter_stage`). Knows no statistics and no estimate: what
comes next is its plan's business.
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
from katydid.load.stages import Hold, Outlook, Stage, StagePlan
from katydid.model.documents.manifest import StageRecord
from katydid.model.formatting import format_eta, plural

POLL = 0.05
"""Seconds between looks at the users and the failures of a hold."""
ROWS_ARE_IN = 2 * FLUSH_PERIOD
"""Seconds after the last user has stopped until a master has all of its rows."""
REMOTE_LEAD = 1.0
"""Seconds from a stage's announcement to its beginning, where workers must hear of it first."""
BETWEEN = 2.0
"""Seconds between two stages, about: Locust asks for the next once a second, and rows come in."""
FASTEST_SPAWN = 1000.0
"""Users a second and process: more at once would hold up those that are already due."""

Tick = tuple[int, float]


class StagedFacts(TypedDict, total=False):
    """Keys of the manifest that only a run in stages has, or other than asked for: its stages end at failures."""

    workload: str
    plan: str
    objective: list[dict[str, object]]
    search: dict[str, object]
    failure_threshold: int


class HoldsShape(LoadTestShape):
    """Carries out a plan; a subclass says which.

    Locust asks `tick` about once a second how many users there should be; it may take its time to answer.
    """

    abstract = True

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Locust's
        self._plan: StagePlan | None = None
        self._hold: Hold | None = None
        self._stage: Stage | None = None
        self._records: list[StageRecord] = []
        self._failures = 0

    # What a subclass says

    @abstractmethod
    def check(self, parsed: object) -> None:
        """See whether its options make sense.

        Raises:
            ConfigError: they do not.
        """

    @abstractmethod
    def facts(self, workload: str) -> StagedFacts:
        """What the manifest says about it; may call the workload by another name."""

    @abstractmethod
    def make_plan(self) -> StagePlan:
        """The plan of the run that starts now."""

    def took(self, rows: pa.Table) -> None:
        """Rows that came in; for a plan that depends on them."""

    # What a run asks

    def take(self, rows: pa.Table) -> None:
        """Samples that have just come in, of any process."""
        if self._stage is not None:
            here = pc.and_(pc.equal(rows["stage"], self._stage.number), pc.equal(rows["outcome"], "failed"))
            self._failures += pc.sum(here).as_py() or 0
        self.took(rows)

    def tick(self) -> Tick | None:
        """How many users there should be, and how fast they come."""
        assert self.runner is not None  # noqa: S101 - Locust sets it before it asks
        if self.runner.state == STATE_INIT:
            # A run begins with the first answer; its plan is made once it has begun.
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
        """See that all rows of the stage that is over are here."""
        self.runtime.hand_in()
        if self.runtime.is_master:
            gevent.sleep(ROWS_ARE_IN)

    def _begin(self, hold: Hold, outlook: Outlook) -> Tick:
        now = time.monotonic() - self.runtime.info.origin
        begin = now + (REMOTE_LEAD if self.runtime.is_master else LEAD)
        self._stage = Stage(len(self._records), hold.users, begin, hold.settle, begin + hold.seconds)
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
        """Wait until the hold is over; users are told to stop when this returns."""
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
        self._records.append(
            StageRecord(stage.number, hold.users, begin_ms, min(settled_ms, end_ms), end_ms, hold.purpose, ended)
        )
        self.runtime.note(stages=self._records)


def _load(hold: Hold) -> str:
    purpose = f" ({hold.purpose})" if hold.purpose else ""
    return f"{plural(hold.users, 'user')}{purpose}"


def staged_shape(environment: Environment) -> HoldsShape | None:
    """The run's shape, where it is one of ours."""
    shape = environment.shape_class
    return shape if isinstance(shape, HoldsShape) else None

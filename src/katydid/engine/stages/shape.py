"""The load shape of all runs in stages: it carries out a plan, hold by hold, with no load in between.

It runs in the process that keeps the run folder. Workers learn the stage of their users with the message that spawns
them (`Runtime.enter_stage`). The shape computes no statistics and no estimate: its plan decides what comes next.
`read_criteria` reads the objective that stages are judged by.
"""

import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypedDict

import gevent
import pyarrow as pa
import pyarrow.compute as pc
from locust import LoadTestShape
from locust.env import Environment
from locust.runners import STATE_INIT

from katydid.analysis.capacity.holds import CONVERSATIONS_OK, Criterion, criterion
from katydid.engine.run_info import LEAD
from katydid.engine.run_state import FLUSH_PERIOD, Runtime
from katydid.gate.thresholds import read_thresholds
from katydid.load.pacing import Mode
from katydid.load.stages import Hold, Outlook, Stage, StagePlan
from katydid.model.documents.manifest import StageRecord
from katydid.model.errors import ConfigError
from katydid.model.formatting import format_eta, number, plural
from katydid.model.metrics.declared import catalogue_of, declare
from katydid.model.sample import Sample

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

_REQUEST_COLUMNS = {field.name for field in fields(Sample)} | {"response_ms", "tpot_ms"}
MOST_FAILURES = 0.05
"""Share of requests that may fail, and that may take too long, without a thresholds file."""

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
        if (hold := self._hold) is not None:
            self._wait_for_end_of_hold(hold)
            return 0, float(hold.users)
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
            self.runtime.hand_in()
            if self.runtime.is_master:
                gevent.sleep(ROWS_ARE_IN)
            plan.finished(self._records[-1])
            self._stage = None
        hold = plan.next_hold()
        if hold is None:
            return None
        gevent.sleep(hold.pause)
        return self._begin(hold, plan.outlook())

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
        self.runtime.announce(f"Stage {number} of {of}: {_load(hold)} for {hold.seconds:g} s; {format_eta(left)} left")
        return hold.users, min(float(hold.users), FASTEST_SPAWN * self.runtime.info.workers)

    def _wait_for_end_of_hold(self, hold: Hold) -> None:
        """Wait until the hold is over; Locust stops the users when this returns."""
        stage, info, ended = self._stage, self.runtime.info, "interrupted"
        assert stage is not None  # noqa: S101 - set with the hold
        assert stage.end is not None  # noqa: S101 - so is its end
        self._hold = None
        try:
            while (left := stage.end - (time.monotonic() - info.origin)) > 0:
                if 0 < hold.most_failures <= self._failures:
                    ended = "failures"
                    return
                gevent.sleep(min(POLL, left))
            ended = "time"
        finally:
            end_ms = info.ms(time.monotonic())
            begin_ms, settled_ms = stage.begin * 1000.0, min((stage.begin + stage.settle) * 1000.0, end_ms)
            record = (stage.number, hold.users, begin_ms, settled_ms, end_ms, hold.purpose, ended, hold.rate)
            self._records.append(StageRecord(*record))
            self.runtime.note(stages=self._records)


def _load(hold: Hold) -> str:
    purpose = f" ({hold.purpose})" if hold.purpose else ""
    if hold.rate is not None:
        return f"{plural(hold.rate, 'request')}/s, at most {number(hold.users)} in flight{purpose}"
    return f"{plural(hold.users, 'user')}{purpose}"


def read_criteria(
    thresholds: str | None, limit: float | None, interval: float, users: Sequence[Any] = ()
) -> list[Criterion]:
    """Read the objective.

    Args:
        thresholds: path of a thresholds file; None for the default objective.
        limit: seconds within which 95 % of the answers must end; by default the interval.
        interval: seconds between a user's requests; 0 in a closed loop, which has no default limit.
        users: the run's user classes, which may declare metrics and columns of their own.

    Raises:
        ConfigError: the file has no objective, or none that requests or conversations can meet; or there is also a
            limit.
    """
    if thresholds is None:
        longest = (limit or interval) * 1000.0
        failures = Criterion("failure_rate", MOST_FAILURES)
        return [failures, *([Criterion("duration.p95", MOST_FAILURES, longest)] if longest else [])]
    if limit is not None:
        raise ConfigError("--limit and --thresholds both set the objective: give one of them")
    columns = {name: kind for user in users for name, kind in user.extra_columns.items()}
    catalogue = catalogue_of(declare(columns, dict.fromkeys(metric for user in users for metric in user.metrics)))
    objectives = read_thresholds(Path(thresholds), catalogue).objectives
    every = _REQUEST_COLUMNS | columns.keys()
    right_way = [o for o in objectives if o.limit.is_upper != (o.metric == CONVERSATIONS_OK)]
    found = [c for o in right_way if (c := criterion(o.metric, o.limit.value, every)) is not None]
    if not found:
        raise ConfigError(
            f"{thresholds} has no objective that a stage can meet: give its [objective] a limit of failure_rate, "
            "late_share or a percentile, as duration.p95"
        )
    return found


def staged_shape(environment: Environment) -> HoldsShape | None:
    """The run's load shape, if it is one of Katydid's."""
    shape = environment.shape_class
    return shape if isinstance(shape, HoldsShape) else None

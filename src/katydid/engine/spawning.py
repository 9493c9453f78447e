"""How users come: tells all processes of a run when the users of Locust's next batch are due.

Locust lets an environment name the class that decides who is spawned where and when
(`Environment.dispatcher_class`). Ours is its own with one thing more: what each batch is. That travels in the
very message that has a worker spawn it, so that all processes together keep one schedule (`load.ramps`).

What a load shape will ask for next, a copy of it is asked beforehand (`load.ramps`).
"""

import copy
import io
import logging
import time
from contextlib import redirect_stdout
from types import SimpleNamespace
from typing import TYPE_CHECKING

import gevent
from gevent import GreenletExit
from locust import LoadTestShape, User
from locust.dispatch import UsersDispatcher
from locust.env import Environment

from katydid.engine.options import RunOptions
from katydid.engine.run_info import BATCH_WIRE_NAME, STAGE_WIRE_NAME
from katydid.load.pacing import Phase, effective_phase
from katydid.load.ramps import Answer, Batch, Batches, Foresight, Growth, is_ramp, spacing_rate

if TYPE_CHECKING:
    from katydid.engine.run_state import Runtime

LOCAL_LEAD = 0.05
"""Seconds from a batch to its first request, where this process spawns it itself."""
REMOTE_LEAD = 0.15
"""The same where workers must hear of it first."""
FORESIGHT_TIME = 0.05
"""Seconds that a shape may wait in an answer and still be foreseen."""


def quieten_locust() -> None:
    """Locust warns of more than 100 users a second; ours wait for their place in the interval, whenever they come."""
    logging.getLogger("locust.runners").addFilter(_is_not_of_the_rate)


def _is_not_of_the_rate(record: logging.LogRecord) -> bool:
    return "spawn rate is very high" not in record.getMessage()


def first_requests(options: RunOptions, users: int, spawn_rate: float | None) -> tuple[Phase, float | None]:
    """The phase that users have, and the users a second of the ramp, where it is one.

    Args:
        options: of the run.
        users: to be spawned.
        spawn_rate: users a second; None where nobody knows.
    """
    rate = options.user_ramp or spawn_rate
    ramp = bool(rate) and _comes_as_ramp(options, users, rate or 0.0)
    phase = effective_phase(Phase(options.phase), ramp=ramp)
    return phase, rate if ramp and phase is Phase.SPAWN else None


def foresight(shape: LoadTestShape) -> Foresight:
    """What a load shape will answer, as far as that depends on nothing but its own clock and users.

    A copy is asked, so that a shape that keeps count of its answers goes on counting. What fails without Locust behind
    it cannot be foreseen; nor can what has a clock of its own.
    """
    kept = {name: value for name, value in vars(shape).items() if name != "runner"}
    try:
        seer = copy.copy(shape)
        vars(seer).update(copy.deepcopy(kept))
    except Exception:  # noqa: BLE001 - it holds something that has no copy
        return lambda *_: None

    def foresee(at: float, users: int) -> Answer | None:
        seer.start_time = time.perf_counter() - at
        vars(seer)["runner"] = SimpleNamespace(user_count=users)
        try:
            with redirect_stdout(io.StringIO()), gevent.Timeout(FORESIGHT_TIME):
                answer = seer.tick()
        except (Exception, gevent.Timeout):  # noqa: BLE001 - it is somebody's code
            return None
        return None if answer is None else (int(answer[0]), float(answer[1]))

    return foresee


def shape_at_first(options: RunOptions, shape: LoadTestShape) -> tuple[Phase, float | None]:
    """The phase and the ramp with which a load shape begins, as `first_requests` tells them of other runs."""
    rate = _ramp_at_first(options, shape)
    phase = effective_phase(Phase(options.phase), ramp=rate is not None)
    return phase, rate if phase is Phase.SPAWN else None


def _ramp_at_first(options: RunOptions, shape: LoadTestShape) -> float | None:
    foresee = foresight(shape)
    users, spawn_rate = foresee(0.0, 0) or (0, 0.0)
    ramp = users > 0 and Growth().is_ramp(foresee, 0.0, 0, options.user_interval)
    return spacing_rate(users, spawn_rate) if ramp else None


def pulses(options: RunOptions, users: int, spawn_rate: float | None, shape: LoadTestShape | None = None) -> bool:
    """Whether users come one by one and must then wait for a place on the grid that has gone by."""
    if shape is not None:
        return Phase(options.phase) is Phase.SPREAD and _ramp_at_first(options, shape) is not None
    rate = options.user_ramp or spawn_rate
    return Phase(options.phase) is Phase.SPREAD and bool(rate) and _comes_as_ramp(options, users, rate or 0.0)


def _comes_as_ramp(options: RunOptions, users: int, rate: float) -> bool:
    return options.user_ramp > 0 or is_ramp(users, rate, options.user_interval)


class Spawning:
    """The process that has users spawned: the only one, or the master."""

    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime
        self._remote = runtime.is_master
        self.begin()

    def install(self, environment: Environment) -> None:
        """Let Locust's dispatcher tell us of each batch."""
        spawning = self

        class Dispatcher(environment.dispatcher_class):  # type: ignore[name-defined,misc]  # a class that Locust names
            """Locust's own; says what it does."""

            def new_dispatch(
                self, target_user_count: int, spawn_rate: float, user_classes: list[type[User]] | None = None
            ) -> None:
                """More users, or fewer."""
                there = self.get_current_user_count()
                rate = spawning.dispatch(target_user_count - there, spawn_rate, there)
                super().new_dispatch(target_user_count, rate, user_classes)

            def __next__(self) -> dict[str, dict[str, int]]:
                batch: dict[str, dict[str, int]] = super().__next__()
                spawning.batch({process: sum(users.values()) for process, users in batch.items()})
                return batch

        assert issubclass(Dispatcher, UsersDispatcher)  # noqa: S101 - what Locust asks for
        environment.dispatcher_class = Dispatcher

    def begin(self) -> None:
        """A run starts."""
        self._batches = Batches(REMOTE_LEAD if self._remote else LOCAL_LEAD)
        self._fresh = True
        self._rate: float | None = None
        self._growth = Growth()
        self._noted = False
        self._asked: list[dict[str, float]] = []

    def dispatch(self, users: int, spawn_rate: float, there: int = 0) -> float:
        """So many users more at this rate; the rate that they really come at.

        Args:
            users: fewer than 0 where some leave.
            spawn_rate: users a second.
            there: users that are there already.
        """
        runtime = self._runtime
        options = runtime.options
        staged = bool(getattr(runtime.environment.parsed_options, STAGE_WIRE_NAME, None))
        shape = None if staged else runtime.environment.shape_class
        if shape is not None and users > 0:
            self._follow(shape, users, spawn_rate, there)
            return spawn_rate
        if not staged:
            self._tell_change(there + users)
        rate = options.user_ramp if self._fresh and options.user_ramp else spawn_rate
        begins, self._fresh = self._fresh, False
        asked_for = begins and options.user_ramp > 0
        ramp = not staged and users > 0 and (asked_for or is_ramp(users, rate, options.user_interval))
        phase = effective_phase(Phase(options.phase), ramp=ramp)
        self._rate = rate if ramp and phase is Phase.SPAWN else None
        if self._rate is not None:
            runtime.note(phase=str(phase), ramp_per_s=self._rate)
        return rate

    def _tell_change(self, users: int) -> None:
        """Note another number of users than the run began with; a worker that comes back brings the same again."""
        if self._fresh or users == (self._asked[-1]["users"] if self._asked else self._runtime.info.users):
            return
        self._asked.append({"at_ms": round(self._runtime.now() * 1000.0, 3), "users": users})
        self._runtime.note(users_changed=self._asked)
        self._runtime.warn(f"the users were changed to {users}: the run is invalid, since it is two loads")

    def _follow(self, shape: LoadTestShape, users: int, spawn_rate: float, there: int) -> None:
        """The same, of a load shape: whether its users come in a ramp is seen from what it asks for next."""
        options = self._runtime.options
        ramp = self._growth.is_ramp(foresight(shape), shape.get_run_time(), there, options.user_interval)
        phase = effective_phase(Phase(options.phase), ramp=ramp)
        self._rate = spacing_rate(users, spawn_rate) if ramp and phase is Phase.SPAWN else None
        if self._rate is not None and not self._noted:
            self._noted = True  # how a ramp begins is what it is called; its last users may be fewer
            self._runtime.note(phase=str(phase), ramp_per_s=self._rate)

    def batch(self, users: dict[str, int]) -> None:
        """These are how many each process has from now on.

        Raises:
            GreenletExit: the run ends; Locust's master would go on and have users spawned meanwhile.
        """
        runtime = self._runtime
        if self._remote and runtime.stopper.ending:
            raise GreenletExit
        batch = self._batches.next(runtime.now(), users, self._rate)
        setattr(runtime.environment.parsed_options, BATCH_WIRE_NAME, batch.to_wire())


class Spawned:
    """A process's part in the batches: when its users are due.

    Args:
        process: its name for Locust's dispatcher.
    """

    def __init__(self, process: str) -> None:
        self._process = process
        self._batch: Batch | None = None
        self._users = 0

    def next(self, wire: dict[str, object] | None) -> float | None:
        """When a new user is due, in seconds of the run; None where it does not come in a ramp."""
        if wire is None:
            return None
        if self._batch is None or self._batch.number != wire["number"]:
            self._batch, self._users = Batch.from_wire(wire), 0
        self._users += 1
        return self._batch.due(self._process, self._users - 1)

"""Spawn users on one schedule: tell all processes when the users of Locust's next batch are due.

Locust lets an environment choose the class that decides where and when users are spawned
(`Environment.dispatcher_class`). Ours extends Locust's own by the schedule of each batch, which travels in the message
that makes a worker spawn it. So all processes keep one schedule (`load.ramps`).

To know what a load shape will ask for next, a copy of it is called ahead of time (`load.ramps`).
"""

import copy
import io
import logging
import time
from contextlib import redirect_stdout
from dataclasses import asdict
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

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
"""Seconds from a batch to its first request, if this process spawns it itself."""
REMOTE_LEAD = 0.15
"""The same if workers spawn it: they must get the message first."""
FORESIGHT_TIME = 0.05
"""Maximum seconds that a call of a shape's copy may take."""


def quieten_locust() -> None:
    """Suppress Locust's warning of more than 100 users per second: our users wait for their due times anyway."""
    logging.getLogger("locust.runners").addFilter(lambda record: "spawn rate is very high" not in record.getMessage())


def foresight(shape: LoadTestShape) -> Foresight:
    """A function that predicts a load shape's answers from run time and user count.

    It calls a copy of the shape, so that a shape that counts its calls is not disturbed. It returns None if the shape
    cannot be copied, fails without Locust, or waits. A shape with its own clock cannot be predicted either.
    """
    kept = {name: value for name, value in vars(shape).items() if name != "runner"}
    try:
        seer = copy.copy(shape)
        vars(seer).update(copy.deepcopy(kept))
    except Exception:  # noqa: BLE001 - an attribute cannot be copied
        return lambda *_: None

    def foresee(at: float, users: int) -> Answer | None:
        seer.start_time = time.perf_counter() - at
        vars(seer)["runner"] = SimpleNamespace(user_count=users)
        try:
            with redirect_stdout(io.StringIO()), gevent.Timeout(FORESIGHT_TIME):
                answer = seer.tick()
        except (Exception, gevent.Timeout):  # noqa: BLE001 - the user's own code
            return None
        return None if answer is None else (int(answer[0]), float(answer[1]))

    return foresee


class FirstRequests(NamedTuple):
    """When users send their first requests.

    Attributes:
        phase: where in the interval these fall.
        ramp: users per second that send theirs as they are spawned; None for none.
        pulses: `--phase spread` delays the users of a ramp until their next place in the interval.
    """

    phase: Phase
    ramp: float | None
    pulses: bool


def first_requests(
    options: RunOptions, users: int, spawn_rate: float | None, shape: LoadTestShape | None = None
) -> FirstRequests:
    """The beginning of a run with so many users, spawned at a rate per second (None if unknown).

    A load shape decides about both instead, unless it is one of stages.
    """
    interval = options.user_interval
    if shape is not None:
        foresee = foresight(shape)
        users, rate = foresee(0.0, 0) or (0, 0.0)
        ramp = users > 0 and Growth().is_ramp(foresee, 0.0, 0, interval)
        rate = spacing_rate(users, rate)
    else:
        rate = options.user_ramp or spawn_rate or 0.0
        ramp = rate > 0 and (options.user_ramp > 0 or is_ramp(users, rate, interval))
    asked = Phase(options.phase)
    phase = effective_phase(asked, ramp=ramp)
    return FirstRequests(phase, rate if ramp and phase is Phase.SPAWN else None, ramp and phase is Phase.SPREAD)


class Spawning:
    """Schedules batches of users; runs in the only process, or on the master."""

    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime
        self._remote = runtime.is_master
        self.begin()

    def install(self, environment: Environment) -> None:
        """Have Locust's dispatcher report each batch."""
        spawning = self

        class Dispatcher(environment.dispatcher_class):  # type: ignore[name-defined,misc]  # a class that Locust names
            """Locust's dispatcher; reports each batch to `Spawning`."""

            def new_dispatch(
                self, target_user_count: int, spawn_rate: float, user_classes: list[type[User]] | None = None
            ) -> None:
                """The target number of users changes."""
                there = self.get_current_user_count()
                rate = spawning.dispatch(target_user_count - there, spawn_rate, there)
                super().new_dispatch(target_user_count, rate, user_classes)

            def __next__(self) -> dict[str, dict[str, int]]:
                batch: dict[str, dict[str, int]] = super().__next__()
                spawning.batch({process: sum(users.values()) for process, users in batch.items()})
                return batch

        assert issubclass(Dispatcher, UsersDispatcher)  # noqa: S101 - Locust's contract
        environment.dispatcher_class = Dispatcher

    def begin(self) -> None:
        """Begin a run."""
        self._batches = Batches(REMOTE_LEAD if self._remote else LOCAL_LEAD)
        self._fresh = True
        self._rate: float | None = None
        self._growth = Growth()
        self._noted = False
        self._asked: list[dict[str, float]] = []

    def dispatch(self, users: int, spawn_rate: float, there: int = 0) -> float:
        """Locust is about to add users at a rate per second; return the rate to use.

        `users` is negative to remove some of those that are there.
        """
        runtime = self._runtime
        options, any_shape = runtime.options, runtime.environment.shape_class
        staged = bool(getattr(runtime.environment.parsed_options, STAGE_WIRE_NAME, None))
        shape = None if staged else any_shape
        if shape is not None and users > 0:  # its next answers tell whether the users are part of a ramp
            ramp = self._growth.is_ramp(foresight(shape), shape.get_run_time(), there, options.user_interval)
            spacing = spacing_rate(users, spawn_rate)
        else:
            if any_shape is None:
                self._note_change(there + users)
            asked, self._fresh = options.user_ramp if self._fresh else 0.0, False
            spacing = spawn_rate = asked or spawn_rate
            ramp = not staged and users > 0 and (asked > 0 or is_ramp(users, spawn_rate, options.user_interval))
        phase = effective_phase(Phase(options.phase), ramp=ramp)
        self._rate = spacing if ramp and phase is Phase.SPAWN else None
        if self._rate is not None and not (shape is not None and self._noted):
            self._noted = True  # a shape's rate is noted at its ramp's start: the last batch may be smaller
            runtime.note(phase=str(phase), ramp_per_s=self._rate)
        return spawn_rate

    def _note_change(self, users: int) -> None:
        """Note a change of the number of users in the manifest. A returning worker causes a dispatch without one."""
        if self._fresh or users == (self._asked[-1]["users"] if self._asked else self._runtime.info.users):
            return
        self._asked.append({"at_ms": round(self._runtime.now() * 1000.0, 3), "users": users})
        self._runtime.note(users_changed=self._asked)
        self._runtime.warn(f"the number of users was changed to {users}: the run mixes two loads and is invalid")

    def batch(self, users: dict[str, int]) -> None:
        """Schedule Locust's next batch; `users` is the new number of users per process.

        Raises:
            GreenletExit: the run is ending, and Locust's master would go on spawning users.
        """
        runtime = self._runtime
        if self._remote and runtime.stopper.ending:
            raise GreenletExit
        batch = self._batches.next(runtime.now(), users, self._rate)
        setattr(runtime.environment.parsed_options, BATCH_WIRE_NAME, asdict(batch))


class Spawned:
    """Due times of one process's users; `process` is its name in Locust's dispatcher."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._batch: Batch | None = None
        self._users = 0

    def next(self, wire: dict[str, Any] | None) -> float | None:
        """The due time of a new user in seconds of the run; None if it is not part of a ramp."""
        if wire is None:
            return None
        if self._batch is None or self._batch.number != wire["number"]:
            self._batch, self._users = Batch(**wire), 0
        self._users += 1
        return self._batch.due(self._process, self._users - 1)

"""How users come: tells all processes of a run when the users of Locust's next batch are due.

Locust lets an environment name the class that decides who is spawned where and when
(`Environment.dispatcher_class`). Ours is its own with one thing more: what each batch is. That travels in the
very message that has a worker spawn it, so that all processes together keep one schedule (`load.pacing`).
"""

import logging
from typing import Any

from gevent import GreenletExit
from locust.dispatch import UsersDispatcher
from locust.env import Environment

from katydid.engine.options import RunOptions
from katydid.engine.run_info import BATCH_WIRE_NAME, STAGE_WIRE_NAME
from katydid.load.pacing import Batch, Batches, Phase, effective_phase, is_ramp

LOCAL_LEAD = 0.05
"""Seconds from a batch to its first request, where this process spawns it itself."""
REMOTE_LEAD = 0.15
"""The same where workers must hear of it first."""


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
    rate = options.ramp or spawn_rate
    ramp = bool(rate) and _comes_as_ramp(options, users, rate or 0.0)
    phase = effective_phase(Phase(options.phase), ramp=ramp)
    return phase, rate if ramp and phase is Phase.SPAWN else None


def pulses(options: RunOptions, users: int, spawn_rate: float | None) -> bool:
    """Whether users come one by one and must then wait for a place on the grid that has gone by."""
    rate = options.ramp or spawn_rate
    return Phase(options.phase) is Phase.SPREAD and bool(rate) and _comes_as_ramp(options, users, rate or 0.0)


def _comes_as_ramp(options: RunOptions, users: int, rate: float) -> bool:
    return options.ramp > 0 or is_ramp(users, rate, options.interval)


class Spawning:
    """The process that has users spawned: the only one, or the master.

    Args:
        runtime: of this process.
    """

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime
        self._remote = runtime.is_master
        self._fresh = True
        self._rate: float | None = None
        self.begin()

    def install(self, environment: Environment) -> None:
        """Let Locust's dispatcher tell us of each batch."""
        spawning = self

        class Dispatcher(environment.dispatcher_class):  # type: ignore[name-defined,misc]  # a class that Locust names
            """Locust's own; says what it does."""

            def new_dispatch(self, target_user_count: int, spawn_rate: float, user_classes: Any = None) -> None:
                """More users, or fewer."""
                users = target_user_count - self.get_current_user_count()
                rate = spawning.dispatch(users, spawn_rate)
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

    def dispatch(self, users: int, spawn_rate: float) -> float:
        """So many users more at this rate; the rate that they really come at."""
        runtime = self._runtime
        options: RunOptions = runtime.options
        staged = bool(getattr(runtime.environment.parsed_options, STAGE_WIRE_NAME, None))
        rate = options.ramp if self._fresh and options.ramp else spawn_rate
        begins, self._fresh = self._fresh, False
        asked_for = begins and options.ramp > 0
        ramp = not staged and users > 0 and (asked_for or is_ramp(users, rate, options.interval))
        phase = effective_phase(Phase(options.phase), ramp=ramp)
        self._rate = rate if ramp and phase is Phase.SPAWN else None
        if self._rate is not None:
            runtime.note(phase=str(phase), ramp_per_s=self._rate)
        return rate

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

    def next(self, wire: dict[str, Any] | None) -> float | None:
        """When a new user is due, in seconds of the run; None where it does not come in a ramp."""
        if wire is None:
            return None
        if self._batch is None or self._batch.number != wire["number"]:
            self._batch, self._users = Batch.from_wire(wire), 0
        self._users += 1
        return self._batch.due(self._process, self._users - 1)

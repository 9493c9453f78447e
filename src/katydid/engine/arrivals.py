"""When the users of all processes may start, and this process's part of a rate or a trace.

The barrier is where users wait for each other, or for the beginning of a rate. One process knows when all are there:
the only one, or the master. It sets the moment at which they may go, as a time of the run. Users may come back to the
barrier: once all have, all are released again.
"""

import math
import time
from typing import TYPE_CHECKING, Any

from katydid.engine.workers.messages import Nothing, Ready
from katydid.load.arrivals import ArrivalQueue, PoolTurn, Queue
from katydid.load.stages import Stage
from katydid.load.traces.trace import ReplayQueue

if TYPE_CHECKING:
    from katydid.engine.run_state import Runtime

LEAD = 0.3
"""Minimum seconds from the last user's spawning to the beginning of a rate, so that all users have polled by then."""
_RELEASE = "katydid_release"
_READY = "katydid_ready"
_DONE = "katydid_done"


class Barrier:
    """The barrier in one process.

    Attributes:
        released_at: when waiting users may start, on the monotonic clock; None until that is known.
        roster: what all users of the run said about themselves when they were ready; set with `released_at`.
    """

    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime
        self._runner = runtime.runner
        self.begin()
        if runtime.is_worker:
            self._runner.register_message(_RELEASE, self._on_release)
        elif runtime.is_master:
            runtime.inbox.listen(_READY, Ready, lambda _, ready: self.user_ready(ready.fact))
            runtime.inbox.listen(_DONE, Nothing, lambda *_: self.user_done())

    def begin(self) -> None:
        """Reset for a new run."""
        self.released_at: float | None = None
        self.roster: list[Any] = []
        self._facts: list[object] = []
        self._ready = self._done = 0

    def all_spawned(self) -> None:
        """All users are spawned: release those at the barrier, unless they wait until all are ready."""
        waiting = any(user.waits_for_all for user in self._runtime.paced_users())
        if not (waiting and self._runtime.info.users):
            self._release()

    def user_ready(self, fact: object) -> None:
        """A user is ready for its first request, or is back; the last one of the whole run releases all.

        `fact` is what it tells all others about itself, as plain values; None for nothing.
        """
        if self._runtime.is_worker:
            self._runner.send_message(_READY, {"fact": fact})
            return
        self._ready += 1
        if fact is not None:
            self._facts.append(fact)
        if self._ready == self._runtime.info.users:
            self.roster, self._facts, self._ready = self._facts, [], 0
            self._release()

    def _release(self) -> None:
        """Release the users of all processes at the same moment.

        This repeats whenever Locust has dispatched users anew: those of the next stage have a barrier of their own,
        and users that were there before are past it. A rate begins only once.
        """
        runtime = self._runtime
        if runtime.is_worker:  # the master sets the moment
            return
        if runtime.options.mode.is_open:
            if self.released_at is not None:
                return
            # A whole second of the run, or its origin if that is ahead: so all runs send the same instants.
            origin = runtime.info.origin
            self.released_at = origin + max(0, math.ceil(time.monotonic() + LEAD - origin))
            runtime.note(arrivals_begin_ms=runtime.info.ms(self.released_at))
        else:
            delay = max((user.release_delay for user in runtime.paced_users()), default=0.0)
            self.released_at = time.monotonic() + delay
        if runtime.is_master:
            at_ms = runtime.info.ms(self.released_at)
            self._runner.send_message(_RELEASE, {"at_ms": at_ms, "roster": self.roster})

    def _on_release(self, msg: Any, **_: object) -> None:
        self.roster = msg.data["roster"]
        self.released_at = self._runtime.info.origin + msg.data["at_ms"] / 1000.0

    def user_done(self) -> None:
        """A user has nothing more to do; the last one of the whole run ends the run."""
        if self._runtime.is_worker:
            self._runner.send_message(_DONE)
            return
        self._done += 1
        if self._done == self._runtime.info.users:
            self._runtime.stopper.end("completed", drain=0)


class Pool:
    """The queue of arrivals of one process in one run, which all of its users take from."""

    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime
        self._stage: Stage | None = None
        self._queue: Queue | None = None

    def turn(self) -> PoolTurn | None:
        """The schedule of a new user; None until it is known when the first request arrives."""
        runtime = self._runtime
        stage = runtime.stage
        if self._queue is None or stage != self._stage:
            # All processes know beforehand when a stage of several begins.
            begin = runtime.barrier.released_at if stage.end is None else runtime.info.origin + stage.begin
            if begin is None:
                return None
            self._stage, self._queue = stage, self._queue_of(stage, begin)
        return PoolTurn(self._queue)

    def _queue_of(self, stage: Stage, begin: float) -> Queue:
        runtime = self._runtime
        options, rank, processes = runtime.options, runtime.rank, runtime.info.workers
        if (replay := options.replay) is not None:
            return ReplayQueue(
                replay.trace,
                begin,
                rank=rank,
                processes=processes,
                drop_late=options.drop_late,
                goes_on=getattr(runtime.service, "goes_on", lambda _: True),  # a locustfile's own service may lack it
            )
        rate = options.open_loop(stage.number, stage.rate)
        return ArrivalQueue(rate, begin, rank=rank, processes=processes, drop_late=options.drop_late)

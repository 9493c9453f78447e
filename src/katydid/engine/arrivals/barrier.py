"""The barrier behind which users wait for each other, in all processes of a run, and for the beginning of a rate.

One process knows when all are there: the only one, or the master. It says when they may go, as a moment of the run.
Users may come back to it: once all have, all are released again.
"""

import math
import time
from typing import TYPE_CHECKING, Any

from katydid.engine.workers.messages import Nothing, Ready

if TYPE_CHECKING:
    from katydid.engine.run_state import Runtime

LEAD = 0.3
"""Seconds from the last user's spawning to a rate's beginning, at least: all users must have looked."""
_RELEASE = "katydid_release"
_READY = "katydid_ready"
_DONE = "katydid_done"


class Barrier:
    """One process's part.

    Attributes:
        released_at: when users that wait may start, on the monotonic clock; None until that is known.
        roster: what users said of themselves when they were ready, of the whole run; known with `released_at`, which
            is another one each time.
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
        """A run starts."""
        self.released_at: float | None = None
        self.roster: list[Any] = []
        self._facts: list[object] = []
        self._ready = self._done = 0

    def all_spawned(self) -> None:
        """All users are there: those behind the barrier may go, unless they wait until all are ready."""
        waiting = any(user.waits_for_all for user in self._runtime.paced_users())
        if not (waiting and self._runtime.info.users):
            self._release()

    def user_ready(self, fact: object) -> None:
        """A user is ready for its first request, or is back; with the last one of the whole run, all are released.

        Args:
            fact: what it says of itself to all others, as plain values; None for nothing.
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
        """In all processes at the same moment.

        Again whenever Locust has dispatched users anew: those of the next stage have a barrier of their own, and
        whoever is there already is past it. A rate has one beginning.
        """
        runtime = self._runtime
        if runtime.is_worker:  # its master says when
            return
        if runtime.options.mode.is_open:
            if self.released_at is not None:
                return
            self.released_at = self._whole_second(time.monotonic() + LEAD)
            runtime.note(arrivals_begin_ms=runtime.info.ms(self.released_at))
        else:
            delay = max((user.release_delay for user in runtime.paced_users()), default=0.0)
            self.released_at = time.monotonic() + delay
        if runtime.is_master:
            at_ms = runtime.info.ms(self.released_at)
            self._runner.send_message(_RELEASE, {"at_ms": at_ms, "roster": self.roster})

    def _whole_second(self, at: float) -> float:
        """Of the run, so that runs of one and of several processes begin at the same: at its origin, if that is ahead.

        Args:
            at: on the monotonic clock.
        """
        origin: float = self._runtime.info.origin
        return origin + max(0, math.ceil(at - origin))

    def _on_release(self, msg: Any, **_: object) -> None:
        self.roster = msg.data["roster"]
        self.released_at = self._runtime.info.origin + msg.data["at_ms"] / 1000.0

    def user_done(self) -> None:
        """A user has nothing more to do; with the last one of the whole run, the run ends."""
        if self._runtime.is_worker:
            self._runner.send_message(_DONE)
            return
        self._done += 1
        if self._done == self._runtime.info.users:
            self._runtime.stopper.end("completed", drain=0)

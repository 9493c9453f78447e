"""This process's part of a rate or a trace: the queue of arrivals that all of its users take from."""

from typing import TYPE_CHECKING

from katydid.load.arrivals import ArrivalQueue, PoolTurn, Queue
from katydid.load.stages import Stage
from katydid.load.traces.trace import ReplayQueue

if TYPE_CHECKING:
    from katydid.engine.run_state import Runtime


class Pool:
    """The queue of arrivals of one process in one run."""

    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime
        self._stage: Stage | None = None
        self._queue: Queue | None = None

    def turn(self) -> PoolTurn | None:
        """The schedule of a new user; None until it is known when the first request arrives."""
        runtime = self._runtime
        stage: Stage = runtime.stage
        if self._queue is None or stage != self._stage:
            begin = self._begin(stage)
            if begin is None:
                return None
            self._stage = stage
            self._queue = self._made(stage, begin)
        return PoolTurn(self._queue)

    def _made(self, stage: Stage, begin: float) -> Queue:
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

    def _begin(self, stage: Stage) -> float | None:
        """When the arrivals begin, on the monotonic clock; None if that is not known yet."""
        if stage.end is not None:  # a stage of several, whose beginning all processes know beforehand
            return float(self._runtime.info.origin + stage.begin)
        released: float | None = self._runtime.barrier.released_at
        return released

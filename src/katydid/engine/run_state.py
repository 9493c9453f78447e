"""One process's part in a run: the state that its users share, and the delivery of its rows.

A process is the only one (local), the master, or a worker. Local processes and workers have users; local processes and
masters write the run folder. `plugin` calls these methods on Locust's events.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import gevent
from locust.env import Environment
from locust.exception import RPCError
from locust.runners import MasterRunner, Runner, WorkerRunner

from katydid.analysis.derived import late_limit_ms
from katydid.engine.arrivals import Barrier, Pool
from katydid.engine.event_log import EventLog
from katydid.engine.housekeeping import Housekeeping
from katydid.engine.monitor.gc_tuning import RareCollections
from katydid.engine.monitor.generator import Monitor
from katydid.engine.monitor.resource_monitor import ResourceMonitor
from katydid.engine.options import RunOptions
from katydid.engine.options.parsing import run_options
from katydid.engine.recorder import Recorder
from katydid.engine.run_info import BATCH_WIRE_NAME, STAGE_WIRE_NAME, WIRE_NAME, RunInfo
from katydid.engine.services.base import Service
from katydid.engine.services.spread import open_service, services_of
from katydid.engine.spawning import Spawned, Spawning
from katydid.engine.stopping import Signals, Stopper
from katydid.engine.workers.messages import Broken, Finished, Inbox
from katydid.engine.workers.presence import Alike, Presence, watch_master
from katydid.load.pacing import Mode
from katydid.load.stages import Stage
from katydid.load.threshold import RequestShare
from katydid.model.documents.manifest import Manifest
from katydid.model.redact import Redactor
from katydid.runs.gaps import GapBuffer
from katydid.runs.rows import RowBuffer, sample_schema

logger = logging.getLogger("katydid")

FLUSH_PERIOD = 0.5
"""Seconds between deliveries of rows: the most that a `kill -9` can lose."""
SPAWNED_AT_ONCE = 20
"""Users to spawn before yielding to other greenlets: Locust would spawn a second's users in 50 ms or more."""
ROWS = "katydid_rows"
_BROKEN = "katydid_broken"
_WRITER = "the writer of rows"

_ATTRIBUTE = "katydid"


class Runtime:
    """The state of one process; created once, when Locust has created its runner.

    Attributes:
        options, info, service, recorder: of the current run; set by `begin`.
        expected_end: approximate end of the run on the monotonic clock, if a load shape knows it.
        barrier: where users wait for a simultaneous start.
        inbox: receives the workers' messages on a master.
        alike: compares the options that workers were started with to the run's.
        pool: the users that serve an arrival rate.
        event_log: records the events of streamed answers, if `--record-events` is given.
        housekeeping: the background greenlets of the run.
        prepared: the service that preflight used, for the run about to begin.
    """

    options: RunOptions
    info: RunInfo
    service: Service
    recorder: Recorder

    def __init__(self, environment: Environment) -> None:
        assert environment.runner is not None  # noqa: S101 - Locust creates it before its init event
        self.environment = environment
        self.runner: Runner = environment.runner
        self.is_worker = isinstance(self.runner, WorkerRunner)
        self.is_master = isinstance(self.runner, MasterRunner)
        self.inbox = Inbox(self.runner, lambda count: self.note(refused_messages=count))
        self.stopper = Stopper(environment, self.runner, self.hand_in, self.inbox)
        Signals(self.stopper, self.runner)
        self.event_log: EventLog | None = None
        self.prepared: Service | None = None
        self.deliver: Callable[[str, bytes], None] = self._send
        """Takes (kind, batch): this process's collector, or the sender to the master's."""
        self.note: Callable[..., None] = lambda **_: None
        """Adds entries to the manifest, if this process writes the run folder."""
        self.manifest: Callable[[], Manifest] = lambda: Manifest.read({})
        """Returns the current run's manifest, if this process writes the run folder."""
        self.announce: Callable[[str], None] = lambda _: None
        """Shows a line to the user."""
        self.warn: Callable[[str], None] = partial(logger.warning, "%s")
        """Shows a warning to the user."""
        self._spawning = None if self.is_worker else Spawning(self)
        if self._spawning is not None:
            self._spawning.install(environment)
        self._monitor: Monitor | None = None
        self.housekeeping = Housekeeping(self._broken)
        self.inbox.listen(
            _BROKEN, Broken, lambda worker, told: self._end_broken(self.stopper.name_of(worker), told.name, told.why)
        )
        self.alike = Alike(self)
        self.barrier = Barrier(self)
        self._forget()
        setattr(environment, _ATTRIBUTE, self)

    def _forget(self) -> None:
        """Reset the state of the last run."""
        self.expected_end: float | None = None
        self.pool = Pool(self)
        self._spawned = Spawned(self.runner.client_id if isinstance(self.runner, WorkerRunner) else "local")
        self._next_user = self._first_of_stage = 0
        self._stage: Stage | None = None
        self._outbox: list[tuple[str, bytes]] = []
        self._deaths: list[dict[str, str]] = []
        self._warned_of: set[str] = set()

    @classmethod
    def of(cls, environment: Environment) -> "Runtime":
        """The runtime of this process."""
        runtime: Runtime = getattr(environment, _ATTRIBUTE)
        return runtime

    @property
    def process(self) -> str:
        """This process's name in samples and monitor rows."""
        if isinstance(self.runner, WorkerRunner):
            return f"worker-{self.runner.worker_index}"
        return "master" if self.is_master else "local"

    def paced_users(self) -> list[Any]:
        """This run's user classes that are Katydid's."""
        return [user for user in self.environment.user_classes if hasattr(user, "service_class")]

    @property
    def columns(self) -> dict[str, type]:
        """The columns that this run's workload adds to the samples."""
        return {name: kind for user in self.paced_users() for name, kind in user.extra_columns.items()}

    @property
    def options_class(self) -> type[RunOptions]:
        """The options class of this run's workload."""
        return next((user.options_class for user in self.paced_users()), RunOptions)

    @property
    def stage(self) -> Stage:
        """The current stage; a run without a load shape is a single stage."""
        wire = getattr(self.environment.parsed_options, STAGE_WIRE_NAME, None)
        stage = Stage(**wire) if wire else Stage(0, self.info.users, 0.0, self.info.warm_up)
        if stage != self._stage:
            self._stage = stage
            self._first_of_stage = self._next_user
            if wire:  # its users wait at the barrier anew, whatever was released before
                self.barrier.released_at = None
        return stage

    def enter_stage(self, stage: Stage) -> None:
        """Master or local: users spawned from now on, in all processes, belong to this stage."""
        setattr(self.environment.parsed_options, STAGE_WIRE_NAME, asdict(stage))

    def next_user(self) -> tuple[int, int, float | None]:
        """For a new user: (number unique in the run, place in its stage, due time).

        The due time is in seconds of the run; None if the user is not part of a ramp. Yields to other greenlets now and
        then, so that spawning many users delays no request.
        """
        if self._next_user % SPAWNED_AT_ONCE == 0:
            gevent.sleep(0)
        due = self._spawned.next(getattr(self.environment.parsed_options, BATCH_WIRE_NAME, None))
        number, first, workers = self._next_user, self._first_of_stage, self.info.workers
        self._next_user += 1
        return number * workers + self.rank, (number - first) * workers + self.rank, due

    @property
    def rank(self) -> int:
        """This process's rank among those that send requests, from 0."""
        return self.info.ranks.get(self.runner.client_id, 0) if isinstance(self.runner, WorkerRunner) else 0

    def now(self) -> float:
        """Seconds since the run's origin."""
        return time.monotonic() - self.info.origin

    def begin(self) -> None:
        """Begin a run in this process; after this, users may be created."""
        parsed = self.environment.parsed_options
        self.options = run_options(parsed, self.options_class)
        self.info = RunInfo.from_wire(getattr(parsed, WIRE_NAME))
        self._forget()
        self.barrier.begin()
        if self._spawning is not None:
            self._spawning.begin()
            setattr(parsed, BATCH_WIRE_NAME, None)
        self.inbox.begin()
        self.alike.begin()
        requests = None if self.options.trace else self.options.requests  # a trace itself is cut to that number
        share = RequestShare(requests, self.rank, self.info.workers)
        self.stopper.begin(self.info.failure_limit, self.options.drain_seconds, share)
        redactor = Redactor([])
        if not self.is_master and (users := self.paced_users()):
            self.service = self.prepared or open_service(
                users[0].service_class, self.options, self.environment.host or ""
            )
            if self.info.adaptation:
                self.service.adapt(self.info.adaptation)
            if self.is_worker and hasattr(self.service, "share"):
                self.service.share(self.rank, self.info.workers)
            if self.info.calibration:
                self.service.calibrate(self.info.calibration)
            self.service.begin(self.info.model)
            redactor.add(*self.service.secrets())
            for each in services_of(self.service):
                if key := getattr(each, "key", None):  # a custom service may have no key
                    key.watch(redactor, lambda text: self.announce(text))  # noqa: PLW0108 - `announce` is set later
        self.prepared = None
        self.alike.tell()
        due = self.options.mode is not Mode.CLOSED  # else nothing has a due time, and no start is late
        self.recorder = Recorder(
            self.environment,
            self.stopper,
            self.info,
            schema=sample_schema(self.columns),
            worker=self.process,
            redactor=redactor,
            stage=lambda: self.stage,
            late_limit=late_limit_ms(Manifest.of(interval_s=self.options.user_interval)) if due else None,
        )
        self.event_log = EventLog(self.info, self.options.api) if self.options.record_events else None
        self._monitor = Monitor(
            self.info,
            self.process,
            users=lambda: self.runner.user_count,
            connections=lambda: self.service.open_connections if hasattr(self, "service") else 0,
            in_flight=lambda: self.recorder.in_flight,
            whole_machine=not self.is_worker,
        )
        self._collections = RareCollections()
        self.housekeeping.spawn("the monitor of the generator", self._monitor.run)
        self.housekeeping.spawn(_WRITER, self._flush_forever)
        if isinstance(self.runner, WorkerRunner):
            self.housekeeping.spawn("the watch on the master", watch_master, self.runner, self.stopper)
        else:
            resources = ResourceMonitor(
                self.info, self._monitor.buffer, self.options.target_pid, self.options.target_metrics
            )
            self.housekeeping.spawn("the monitor of the machine and the target", resources.run)

    def watch_workers(self) -> None:
        """On a master: report workers that stop responding, and workers that return."""
        if isinstance(self.runner, MasterRunner):
            self.housekeeping.spawn("the watch on the workers", Presence(self, self.runner).watch)

    def finish(self) -> None:
        """End the run in this process; all its users have stopped."""
        self.housekeeping.end()
        self._collections.end()
        if self.is_worker:
            self.stopper.worker_finished()
        else:
            self.hand_in()
        if hasattr(self, "service"):
            self.service.close()
            del self.service

    def hand_in(self) -> Finished:
        """Deliver all rows; return their numbers."""
        more = True
        while more:  # a batch that fails is dropped, so go on with the rest
            waiting = len(self._outbox)
            self.housekeeping.guard(_WRITER, self._flush)
            more = 0 < len(self._outbox) < waiting
        return self.finished()

    def finished(self) -> Finished:
        """The number of samples that this process recorded in the run, and of values nulled as they did not fit."""
        nulled = sum(buffer.nulled.total() for buffer in self._buffers().values() if isinstance(buffer, RowBuffer))
        return Finished(self.recorder.recorded, nulled)

    def _warn_of_nulled(self) -> None:
        """Warn of values that did not fit, once per column."""
        for column in self.recorder.buffer.nulled.keys() - self._warned_of:
            self._warned_of.add(column)
            logger.warning("values of %s do not fit its column and are stored as null; the run counts them", column)

    def _buffers(self) -> dict[str, RowBuffer | GapBuffer]:
        """The buffers of rows, by kind."""
        events = {"events": self.event_log.buffer} if self.event_log else {}
        monitor = {"monitor": self._monitor.buffer} if self._monitor else {}
        return {**events, "samples": self.recorder.buffer, "gaps": self.recorder.gaps, **monitor}

    def _broken(self, name: str, why: str) -> None:
        """A background greenlet of this process died: end the run in all processes."""
        if self.is_worker:
            try:
                self.runner.send_message(_BROKEN, {"name": name, "why": why})
            except RPCError:  # exit instead: a lost worker makes the run invalid too
                gevent.spawn(self.runner.quit)
        else:
            self._end_broken(self.process, name, why)

    def _end_broken(self, process: str, name: str, why: str) -> None:
        redactor = self.recorder.redactor
        self._deaths.append({"process": process, "name": redactor.text(name), "why": redactor.text(why)})
        self.note(housekeeping_died=self._deaths)
        self.stopper.end("error", drain=0)

    def _flush_forever(self) -> None:
        while True:
            gevent.sleep(FLUSH_PERIOD)
            self._flush()

    def _flush(self) -> None:
        for kind, buffer in self._buffers().items():
            if batch := buffer.drain():
                self._outbox.append((kind, batch))
        self._warn_of_nulled()
        while self._outbox:
            try:
                self.deliver(*self._outbox[0])
            except RPCError as error:
                logger.warning("the master cannot be reached (%s): rows are kept until it can", error)
                return
            except BaseException:
                del self._outbox[0]  # it may be written already, and a duplicate would be worse than a loss
                raise
            del self._outbox[0]

    def _send(self, kind: str, batch: bytes) -> None:
        self.runner.send_message(ROWS, {"kind": kind, "batch": batch})

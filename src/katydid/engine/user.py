"""The Locust user that all workloads build on: it sends requests on schedule and records a sample per request."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, Generic, NoReturn, TypeVar

import gevent
from locust import User, task
from locust.env import Environment
from locust.exception import StopUser

import katydid.engine.plugin  # noqa: F401 - registers with Locust
from katydid.dialects.status import retry_after
from katydid.engine.leaving.departure import Departure
from katydid.engine.measuring import Parser, judge, measure_answer, measure_exchange, tells_failure
from katydid.engine.options import RunOptions, parsing
from katydid.engine.options.arrivals import BUSY_SECONDS
from katydid.engine.recorder import Sampled
from katydid.engine.run_state import Runtime
from katydid.engine.services.spread import Spread
from katydid.load.pacing import Pacer, Phase, Schedule, effective_phase, first_start
from katydid.model.errors import ConfigError
from katydid.model.metrics.declared import Metric, declare
from katydid.model.sample import REFUSED_FOR_RATE, Sample
from katydid.model.workload import Workload, register
from katydid.report.build import Report
from katydid.transport.exchange import Exchange, Request, Sink

WAKE_UP = 0.001
"""Maximum error of an event-loop timer, in seconds."""
BARRIER_POLL = 0.2
"""Seconds between checks of a barrier whose release time is not known yet."""
IDLE_POLL = 1.0
"""Seconds between checks for a new request, if there is none to wait for."""


Options = TypeVar("Options", bound=RunOptions)
Service = TypeVar("Service")


class PacedUser(User, Generic[Options, Service]):
    """Sends one request whenever its schedule (`load.pacing`) says so.

    A workload is a subclass with a `perform` method, or with an `iterate` method if an iteration has several requests.
    Subclass `PacedUser[Options, Service]` to give a type checker both types.

    Attributes:
        workload: the folder of its runs.
        service_class: the class of the service that its users share.
        options_class: its options; a record's options are added.
        request_type: the type of its requests in Locust's tables.
        record: everything else that a custom workload has (metrics, rules, report section); sets name and columns too.
        metrics: metrics of columns, for a workload without a record; they appear in every table, comparison and
            thresholds file.
        extra_columns: columns that it adds to the samples (`Sample.extra`), with their types.
        default_users: the number of users if the options do not set it.
        waits_for_all: the first request waits until every user of the run has returned from `arrive`.
        ends_itself: every user finishes by itself (`done`), so that a run needs no run time.
        release_delay: seconds from the last user's spawning to the release of a burst, so that all are ready.
        may_leave: its clients may abort a request (`--abandon`).
    """

    abstract = True
    workload: ClassVar[str]
    service_class: ClassVar[type[Any]]
    options_class: ClassVar[type[RunOptions]] = RunOptions
    request_type: ClassVar[str] = "REQUEST"
    record: ClassVar[Workload | None] = None
    metrics: ClassVar[tuple[Metric, ...]] = ()
    extra_columns: ClassVar[dict[str, type]] = {}
    default_users: ClassVar[int] = 1
    waits_for_all: ClassVar[bool] = False
    ends_itself: ClassVar[bool] = False
    release_delay: ClassVar[float] = 0.5
    may_leave: ClassVar[bool] = True

    def __init_subclass__(cls, **more: object) -> None:
        super().__init_subclass__(**more)
        record = cls.__dict__.get("record")
        if record is not None:
            register(record)
            cls.workload = record.name
            cls.extra_columns = {**cls.extra_columns, **record.columns}
            cls.metrics = (*cls.metrics, *record.metrics)
            cls.options_class = record.options_beside(cls.options_class)
        for base in (base.options_class for base in cls.__bases__ if hasattr(base, "options_class")):
            if not issubclass(cls.options_class, base):
                raise ConfigError(f"{cls.__name__}.options_class: make it a subclass of {base.__name__}")
        declare(cls.extra_columns, cls.metrics)  # report mistakes before the load
        parsing.register(cls.options_class)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.run_context = Runtime.of(environment)
        self.stage = self.run_context.stage
        self.index, self.place, self.due = self.run_context.next_user()
        self.iteration = -1
        self._schedule: Schedule | None = None
        self._pause: float | None = None

    @property
    def options(self) -> Options:
        """The run's options, an instance of the workload's `options_class`."""
        return self.run_context.options  # type: ignore[return-value]  # the run parsed them into that class

    @property
    def service(self) -> Service:
        """The service that this process's users of one target share, an instance of the workload's `service_class`."""
        service: Any = self.run_context.service  # the run created it from that class
        if isinstance(service, Spread):
            number, arrival = self.draw
            service = service.of(arrival if self._schedule and self._schedule.arrival is not None else number)
        return service  # type: ignore[no-any-return]

    def perform(self, sample: Sample) -> None:
        """Send one request and fill in its sample, even if the greenlet is killed during the request."""
        raise NotImplementedError

    def measured(
        self, sample: Sample, talk: Callable[[Exchange], None], note: Callable[[Exchange], None] = lambda _: None
    ) -> Exchange:
        """Talk to the target and fill in a sample's times and sizes, even if the greenlet is killed meanwhile.

        Args:
            sample: the request's sample.
            talk: sends the request and waits for the end; fills in the exchange.
            note: fills in other columns after that.
        """
        exchange = Exchange()
        try:
            talk(exchange)
        finally:
            measure_exchange(sample, exchange, self.run_context.info)
            note(exchange)
        return exchange

    def exchange(self, sample: Sample, request: Request, parser: Parser, sink: Sink | None = None) -> Exchange:
        """Send a request and fill in its sample: times and sizes, the answer's content, and the outcome.

        Args:
            sample: the request's sample.
            request: the request.
            parser: parses the answer and judges it (`measuring.Facts`).
            sink: takes the answer's bytes; None for the parser itself.
        """
        service: Any = self.service  # it must have an HTTP client, which WebSocket services lack
        run, exchange, fed = self.run_context, Exchange(), parser if sink is None else sink
        leaving, departure = run.options.leaving, None
        if leaving is not None and leaving.leaves(run.options.seed, *self.draw):
            departure = Departure(leaving, lambda: getattr(parser, "chunks", 0))
        try:
            if departure is None:
                service.client.send(request, fed, exchange)
            else:
                departure.during(partial(service.client.send, request, departure.sink(fed)), exchange)
        finally:
            measure_exchange(sample, exchange, run.info)
            measure_answer(sample, exchange, parser)
        left_ms = departure.left_ms if departure else None
        if left_ms is None or tells_failure(exchange, parser):
            judge(sample, exchange, parser)
        else:
            sample.abandon(left_ms)
        if sample.error and sample.error in REFUSED_FOR_RATE:
            asked = retry_after(exchange.headers, exchange.body, datetime.now(UTC))
            sample.retry_after_ms = None if asked is None else asked * 1000.0
        return exchange

    @property
    def interval(self) -> float:
        """Seconds from one start of this user to its next; 0 to continue as soon as possible."""
        return self.options.user_interval

    @classmethod
    def busy_seconds(cls, options: Any) -> float:
        """A generous estimate of an iteration's seconds: it sets the default number of users for an arrival rate.

        Args:
            options: the run's options as parsed by Locust.
        """
        del options
        return BUSY_SECONDS

    @property
    def draw(self) -> tuple[int, int]:
        """The key that its prompt is drawn with: (user, iteration), or (0, arrival) whichever user serves the arrival.

        So both versions of a comparison get the same prompts at the same instants.
        """
        arrival = self._schedule.arrival if self._schedule else None
        return (self.index, self.iteration) if arrival is None else (0, arrival)

    def arrive(self) -> Sequence[str | None] | None:
        """Override to do something before everything else; the result is shared with all users, see `user_ready`."""

    def prepare(self) -> None:
        """Override to do something just before an iteration is due."""

    def on_start(self) -> None:
        """Wait for the first start, with `wait` rather than `sleep`, so that a stopping run can interrupt it."""
        run = self.run_context
        fact = self.arrive()
        if self.options.mode.is_open or self.stage.rate is not None:
            while (turn := run.pool.turn()) is None:
                self.wait()  # type: ignore[no-untyped-call]  # Locust's
            self._schedule = turn
        else:
            self._schedule = self._paced(fact)
        self.wait()  # type: ignore[no-untyped-call]  # Locust's

    def _paced(self, fact: object) -> Pacer:
        """The schedule of a user with its own pace (an interval or a closed loop), once it may begin."""
        run = self.run_context
        ready, origin = time.monotonic(), run.info.origin
        phase = effective_phase(Phase(self.options.phase), ramp=self.due is not None)
        if self.due is not None and phase is Phase.SPAWN:
            ready = max(ready, origin + self.due)
        if self.waits_for_all:
            run.barrier.user_ready(fact)
        if phase is Phase.BURST or self.waits_for_all:
            while (released := run.barrier.released_at) is None:
                self.wait()  # type: ignore[no-untyped-call]  # Locust's
            ready = max(ready, released)  # a user that comes after the release, as after a lost worker, starts at once
            origin = released if self.waits_for_all else origin
        first = first_start(
            phase,
            index=self.place,
            users=self.stage.users,
            interval=self.interval,
            origin=origin + self.stage.begin,
            ready=ready,
        )
        return Pacer(self.interval, first)

    def wait_time(self) -> float:
        """Seconds until the next request is due; Locust calls this after each task and during a pause."""
        if self._pause is not None:
            return self._pause
        if self._schedule is None:
            return BARRIER_POLL
        while (left := self._schedule.wait(time.monotonic())) is None:
            if self._schedule.spent:
                self.run_context.stopper.all_started()
            gevent.sleep(IDLE_POLL)
        return left

    @task
    def cycle(self) -> None:
        """One iteration, from its schedule to its samples."""
        run, schedule = self.run_context, self._schedule
        assert schedule is not None  # noqa: S101 - on_start has run
        self.iteration += 1
        self.prepare()
        while (early := schedule.scheduled - time.monotonic()) > WAKE_UP:
            gevent.sleep(early)  # repeat: a timer counts from the start of the event loop's current iteration
        if run.stopper.ending:  # the run ended while this user was waiting
            raise StopUser
        while self.stage.is_over(schedule.scheduled - run.info.origin):
            self.wait()  # type: ignore[no-untyped-call]  # until Locust stops the users of the stage
        schedule.begun()
        if schedule.spent:
            run.stopper.all_started()
        self.iterate(schedule.scheduled)

    def iterate(self, scheduled: float) -> None:
        """One iteration, due at `scheduled` on the monotonic clock: one request, unless a workload overrides it."""
        with self.sampled(scheduled) as sample:
            self.perform(sample)

    def pause(self, until: float) -> None:
        """Wait inside an iteration until a moment on the monotonic clock, or until the run ends.

        Raises:
            StopUser: the run ends.
        """
        try:
            while not self.run_context.stopper.ending:
                self._pause = max(0.0, until - time.monotonic())
                self.wait()  # type: ignore[no-untyped-call]  # Locust's
                if until - time.monotonic() <= WAKE_UP and not self.run_context.stopper.ending:
                    return
        finally:
            self._pause = None
        raise StopUser

    def now_ms(self) -> float:
        """The current time in milliseconds of the run."""
        return self.run_context.info.ms(time.monotonic())

    @classmethod
    def finished(cls, report: Report | None, options: Any) -> None:
        """Override to use the report of a finished run, in the process that writes its folder."""

    def done(self) -> NoReturn:
        """End this user: it has nothing more to do. The run ends with its last user."""
        self.run_context.barrier.user_done()
        raise StopUser

    def sampled(self, scheduled: float, name: str | None = None, *, counts: bool = True) -> Sampled:
        """A context manager with a request's sample, which is recorded when the block ends in any way.

        Args:
            scheduled: when the request was due, on the monotonic clock.
            name: the request's name in tables; by default the service's name.
            counts: True for a request; False for a row that stands for several requests.

        Raises:
            StopUser: no more requests may start: the failure threshold was reached, or all have started.
        """
        run, service = self.run_context, self.service
        stopper, recorder = run.stopper, run.recorder
        if stopper.halted or (counts and not stopper.start_request()):
            raise StopUser
        name = name or run.service.name
        sample = recorder.new_sample(self.index, self.iteration, name=name, scheduled=scheduled, stage=self.stage)
        sample.host, sample.model = getattr(service, "host", None), getattr(service, "model", None)
        if (schedule := self._schedule) and schedule.scheduled == scheduled:
            sample.late_cause = schedule.held_up
        return Sampled(sample, recorder, self.request_type if counts else None)

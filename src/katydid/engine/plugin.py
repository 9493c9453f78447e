"""Katydid's listeners to Locust's events: the only place where Locust calls Katydid.

Importing this module registers them; any locustfile that uses our users imports it.
"""

import contextlib
import logging
import sys
import time
from collections.abc import Callable
from traceback import walk_stack
from typing import Any

import gevent
import psutil
from locust import LoadTestShape, events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from katydid.engine.collector import Collector
from katydid.engine.leaving.watching import watch_target
from katydid.engine.live.observability import Watch
from katydid.engine.live.page_guard import PageGuard
from katydid.engine.live.progress import Progress
from katydid.engine.live.web import Page
from katydid.engine.monitor.gc_tuning import remember_locusts_options, warm_inspect_cache
from katydid.engine.options.load import (
    check_load,
    default_spawn_rate,
    fill_parsers,
    notices,
    spawn_rate_of,
    users_of,
)
from katydid.engine.run_state import Runtime
from katydid.engine.sender.api_key import fetch_ahead
from katydid.engine.services.readiness import interruptible
from katydid.engine.spawning import quieten_locust
from katydid.engine.stopping import FINISH_GRACE_S
from katydid.engine.workers.presence import RollCall, found_master, tell, tell_of_workers, watch_parent
from katydid.model.documents.manifest import Manifest
from katydid.model.errors import ConfigError, ExitCode, naming_paths
from katydid.model.options import YEAR
from katydid.runs.folder import RunFolder

logger = logging.getLogger("katydid")

REPORT_TIME = 60.0
"""Seconds that writing the reports may take before the process exits without them."""
FORM_USERS = 1000
"""Minimum number of users for the spawn rate in the web form: the form does not adjust it to the users entered."""


class Lifecycle:
    """One process's listeners.

    Attributes:
        shape: makes the load shape of this process's runs, if that is not in a locustfile.
        started: a run was started in this process.
        last_folder: the folder of the last run that ended in this process; None in a worker.
        last_code: the exit code of that run.
    """

    shape: Callable[[], LoadTestShape] | None = None
    started = False
    last_folder: RunFolder | None = None
    last_code: ExitCode | None = None

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.runtime = Runtime(environment)
        self.collector = None if self.runtime.is_worker else Collector(self.runtime)
        self.progress: Progress | None = None
        self.watch: Watch | None = None
        self.headless = bool(environment.parsed_options and environment.parsed_options.headless)
        self.roll_call = RollCall(self.runtime.runner)
        self._stopping_since, self._refused, self._closing = 0.0, False, False
        hooks = environment.events
        hooks.test_start.add_listener(self.on_test_start)
        hooks.test_stopping.add_listener(self.on_test_stopping)
        hooks.test_stop.add_listener(self.on_test_stop)
        hooks.spawning_complete.add_listener(self.on_spawning_complete)
        hooks.request.add_listener(self.on_request)
        hooks.quitting.add_listener(self.on_quitting)

    def on_test_start(self, **_: object) -> None:
        """Begin the run, unless its options are invalid (only the web form can pass invalid ones here)."""
        if self.collector is not None:
            self.roll_call.wait()
            try:
                self.collector.begin()
            except ConfigError as error:
                self._refused = True
                logger.error("%s", error)  # noqa: TRY400 - one line
                gevent.spawn(self.runtime.runner.stop)
                return
        self._refused = False
        Lifecycle.started = True
        try:
            self.runtime.begin()
        except ConfigError as error:  # on a worker only: a file or a variable is missing that the master has
            if not self.runtime.is_worker:
                raise
            self.runtime.stopper.abort_unready(str(error))
        if self.watch is not None:
            self.watch.begin()
        if self.collector is not None:
            figures = lambda: self.watch.figures if self.watch else None  # noqa: E731 - those of each moment
            self.progress = Progress(self.runtime, figures=figures, headless=self.headless)
            self.runtime.announce, self.runtime.warn = self.progress.say, self.progress.warn
            self.progress.start()
            for note in self.collector.notes:
                self.progress.say(note)
            for notice in self._notices(self.collector.manifest):
                self.progress.warn(notice)
            self.runtime.watch_workers()

    def _notices(self, manifest: Manifest) -> list[str]:
        """Warnings about options that the user may not have intended."""
        found = []
        if manifest.pulses:
            found.append("with --phase spread, users of a ramp wait for their places: leave --phase out")
        options, info = self.runtime.options, self.runtime.info
        if info.users and self.headless:
            by_itself = all(user.ends_itself for user in self.runtime.paced_users())
            found += notices(
                users=info.users,
                interval=options.user_interval,
                run_time=info.run_time,
                ends_itself=by_itself or bool(options.requests or options.trace),
            )
        return found

    def on_request(self, **event: Any) -> None:
        """Record a request of a user class that is not Katydid's."""
        if "katydid_sample" not in event and self.runtime.stopper.active and not self.runtime.is_master:
            self.runtime.recorder.on_request(**event)

    def on_spawning_complete(self, **_: object) -> None:
        """All users are spawned: release those that wait at the barrier, together."""
        self.runtime.barrier.all_spawned()

    def on_test_stopping(self, **_: object) -> None:
        """No new request starts from now on."""
        stopper = self.runtime.stopper
        stopper.ending = True
        if not stopper.active or self.collector is None:
            return
        self._stopping_since = stopper.halted_at or time.monotonic()
        if stopper.reason is None:
            stopper.reason = self._why()
        if self.progress is not None:
            self.progress.stopping(stopper.reason, stopper.drain)
        if isinstance(self.runtime.runner, MasterRunner):
            self.runtime.runner._users_dispatcher = None  # noqa: SLF001 - else a returning worker would spawn users
            stopper.finish_workers()

    def _why(self) -> str:
        """The reason if Locust ends a run that Katydid did not end."""
        runner = self.runtime.runner
        if isinstance(runner, MasterRunner) and not runner.worker_count:
            return "error"
        return "run-time" if _at_its_time() else "interrupted"

    def on_test_stop(self, **_: object) -> None:
        """All users have stopped and all rows are on their way: close the run, once.

        Locust fires this event twice if a signal arrives while a run ends by itself.
        """
        stopper = self.runtime.stopper
        if not stopper.active or self._closing:
            return
        self._closing = True
        try:
            self.runtime.finish()
            if self.collector is not None:
                self._close(self.collector, stopper.reason or "error")
        finally:
            stopper.active = self._closing = False
            if self.runtime.is_master and self.headless:  # else Locust waits without workers for its run time
                gevent.spawn(self.runtime.runner.quit)

    def _close(self, collector: Collector, reason: str) -> None:
        if self.progress is not None:
            self.progress.stop()
        ms = self.runtime.info.ms
        ended_ms = ms(time.monotonic())
        watch_target(self.runtime, reason)
        code = collector.finish(reason, ms(self._stopping_since), ended_ms)
        self.environment.process_exit_code = int(code)
        Lifecycle.last_folder, Lifecycle.last_code = collector.folder, code
        if self.progress is not None:
            self.progress.show_result(collector)
        for user in self.runtime.paced_users():
            user.finished(collector.report, self.runtime.options)

    def on_quitting(self, **_: object) -> None:
        """Locust is about to exit: a run still in progress was interrupted, and is ended properly first."""
        stopper, runner = self.runtime.stopper, self.runtime.runner
        if self.runtime.is_worker:
            if stopper.active:
                runner.stop()
            gone = stopper.reason == "error"  # else the master's code is the run's
            self.environment.process_exit_code = int(ExitCode.INVALID if gone else ExitCode.PASSED)
            return
        if stopper.active and stopper.reason is None:
            stopper.reason = "interrupted"
            runner.quit()
        deadline = time.monotonic() + stopper.drain + FINISH_GRACE_S + REPORT_TIME
        while stopper.active and time.monotonic() < deadline:  # another greenlet is ending it
            gevent.sleep(0.05)
        if self.environment.process_exit_code is None and self.headless:
            self.environment.process_exit_code = int(ExitCode.USAGE if self._refused else ExitCode.INVALID)


def on_init(environment: Environment, web_ui: Page | None = None, **_: object) -> None:
    """Locust has created its runner: set up Katydid, and check a headless run before anything is sent.

    Locust starts the timer of `--run-time` next. gevent counts it from its loop's cached time, which dates from before
    the locustfile was imported, so the loop's time is updated.
    """
    _take_part(environment, web_ui)
    gevent.get_hub().loop.update_now()


def _take_part(environment: Environment, web_ui: Page | None) -> None:
    if Lifecycle.shape is not None and not isinstance(environment.runner, WorkerRunner):
        environment.shape_class = Lifecycle.shape()
        environment.shape_class.runner = environment.runner
    found_master()
    warm_inspect_cache()
    remember_locusts_options()
    quieten_locust()
    lifecycle = Lifecycle(environment)
    # Locust exits when the last greenlet of its runner ends. A local runner has only one, the CPU monitor, which dies
    # if no file can be opened. So add another; Locust's `quit` ends it.
    lifecycle.runtime.runner.greenlet.spawn(gevent.sleep, YEAR)
    if lifecycle.collector is None:
        fetch_ahead()
        lifecycle.roll_call.answer()
        gevent.spawn(watch_parent, lifecycle.runtime.runner, environment.parsed_options)
        return
    options = environment.parsed_options
    assert options is not None  # noqa: S101 - it was started from a command line
    try:
        check_load(options)
        in_open_loop = options.rate or options.trace
        if lifecycle.headless or options.concurrency or in_open_loop:  # also the initial value in the web form
            options.num_users = users_of(options, lifecycle.runtime.paced_users())
        lifecycle.watch = Watch(lifecycle.runtime, lifecycle.collector, web_ui)
        if web_ui is not None:
            PageGuard(lifecycle.runtime, lifecycle.collector).install(web_ui)
            if options.spawn_rate is None:
                users, ramp = max(options.num_users or 0, FORM_USERS), 0 if in_open_loop else options.ramp
                options.spawn_rate = ramp or default_spawn_rate(users)
        if not lifecycle.headless:
            return
        options.spawn_rate = spawn_rate_of(options)
        with interruptible(), naming_paths():
            lifecycle.collector.check(options, environment.host or "", waits=True)
        gevent.spawn(tell_of_workers, lifecycle.runtime.runner, options)
    except ConfigError as error:
        tell(error)
        if options.processes:
            for child in psutil.Process().children():  # Locust has forked them, and does not end them this early
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.terminate()
        sys.exit(int(ExitCode.USAGE))


_LOCUSTS_TIMERS = frozenset({"stop_and_optionally_quit", "_stop_runners", "shape_worker"})
"""Functions of Locust that end a run on time: `--run-time`, the run time of the web form, the end of a shape."""


def _at_its_time() -> bool:
    """Return True if Locust ends the run because its time is over, not because of a signal, the page or a user.

    Locust's event does not say why the run stops, but the call stack of this greenlet does.
    """
    return any(
        frame.f_code.co_name in _LOCUSTS_TIMERS and frame.f_globals["__name__"].startswith("locust.")
        for frame, _ in walk_stack(None)
    )


fill_parsers()
events.init.add_listener(on_init)

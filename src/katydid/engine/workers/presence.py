"""The presence of workers: waiting for them before a run, noticing silent ones, and comparing their settings.

Locust notices some of this too, but only logs it, where nobody looks during a run. This module handles no rows.
"""

import logging
import os
import signal
import time
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

import gevent
from locust.argument_parser import get_parser
from locust.runners import STATE_INIT, MasterRunner, Runner, WorkerRunner
from msgspec.structs import replace

from katydid.engine.options.parsing import run_options
from katydid.engine.stopping import Stopper
from katydid.engine.workers import connected, name_of
from katydid.engine.workers.messages import Setting, strip_control_chars
from katydid.model.documents.manifest import Silence
from katydid.model.errors import ConfigError
from katydid.model.formatting import plural
from katydid.model.jsontext import json_text
from katydid.model.version import __version__
from katydid.report.render.terminal import say, terminal

if TYPE_CHECKING:
    from katydid.engine.run_state import Runtime

logger = logging.getLogger("katydid")

PATIENCE = 3.0
"""Seconds that processes may take to find each other before a message is printed."""
PERIOD = 0.5
START_PATIENCE = 10.0
"""Seconds that a run waits for workers that are connected and still starting up."""
POLL = 0.02
_CALL = "katydid_call"
_HERE = "katydid_here"


class Presence:
    """The master's record of which workers are in touch during one run."""

    def __init__(self, runtime: "Runtime", runner: MasterRunner) -> None:
        self._runtime = runtime
        self._runner = runner
        self._heard = dict.fromkeys(runtime.stopper.workers, time.monotonic())
        self._silent: dict[str, int] = {}
        """Workers that are silent now, each with the index of its silence."""
        self._silences: list[Silence] = []

    def watch(self) -> None:
        """Run as the body of a greenlet, until the run ends and workers leave as they should."""
        heartbeats = self._runner.environment.events.heartbeat_sent  # fires when a heartbeat is answered
        heartbeats.add_listener(self._heartbeat)
        try:
            while not self._runtime.stopper.ending:
                self.look()
                gevent.sleep(PERIOD)
        finally:
            heartbeats.remove_listener(self._heartbeat)

    def _heartbeat(self, client_id: str, **_: object) -> None:
        self._heard[client_id] = time.monotonic()

    def look(self) -> None:
        """Check which workers are in touch now."""
        there = connected(self._runner)
        for worker in self._runtime.stopper.workers:
            if (worker in there) == (worker in self._silent):
                if worker in there:
                    self._came_back(worker)
                else:
                    self._fell_silent(worker)
                self._runtime.note(silences=self._silences)

    def _fell_silent(self, worker: str) -> None:
        name, heard = name_of(self._runner, worker), self._heard[worker]
        self._silent[worker] = len(self._silences)
        self._silences.append(Silence(worker=name, begin=self._runtime.info.ms(heard) / 1000))
        self._runtime.warn(
            f"{name} is out of touch, not heard from for {time.monotonic() - heard:.0f} s: check its log and the "
            "network between; the run is invalid, and Ctrl-C ends it"
        )

    def _came_back(self, worker: str) -> None:
        place, end = self._silent.pop(worker), self._runtime.info.ms(time.monotonic()) / 1000
        silence = self._silences[place] = replace(self._silences[place], end=end)
        self._runtime.announce(f"{silence.worker} is back after {end - silence.begin:.0f} s; its rows are on their way")


_SETTING = "katydid_setting"
OF_A_MACHINE = frozenset(
    {"results", "version_label", "ca_file", "client_cert", "client_key", "target_pid", "target_metrics", "wait_ready"}
)
"""Options that may differ between the machines of a run."""
FACTS = frozenset({"katydid_version", "timestamp_source", "api", "endpoint"})
"""Manifest keys that all workers must have alike; so must all hashes of files (`…_sha256`)."""


class Alike:
    """Checks that workers have the run's settings: Locust overwrites their own options without a message."""

    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime
        self._found: list[dict[str, str]] = []
        self._given = self._started_with() if runtime.is_worker else {}
        runtime.inbox.listen(_SETTING, Setting, self._on_setting)

    def begin(self) -> None:
        """Reset for a new run."""
        self._found = []

    def _started_with(self) -> dict[str, object]:
        """The options that are not the defaults; none if they are invalid, since the master's replace them anyway."""
        table = self._runtime.options_class
        try:
            given = run_options(self._runtime.environment.parsed_options, table).shown()
        except ConfigError:
            return {}
        usual = table().shown()
        return {name: value for name, value in given.items() if value != usual.get(name)}

    def tell(self) -> None:
        """On a worker: send its settings to the master."""
        runtime = self._runtime
        if not runtime.is_worker:
            return
        service = getattr(runtime, "service", None)
        facts = {"timestamp_source": service.timestamp_source, **service.facts()} if service else {}
        told = {name: value for name, value in facts.items() if name in FACTS or name.endswith("_sha256")}
        setting = {"options": self._given, "facts": told | {"katydid_version": __version__}}
        runtime.runner.send_message(_SETTING, setting)

    def _on_setting(self, worker: str, setting: Setting) -> None:
        runtime = self._runtime
        options, manifest = runtime.options.shown(), runtime.manifest()
        alike = options.keys() - OF_A_MACHINE
        pairs = [(f"--{n.replace('_', '-')}", v, options[n]) for n, v in setting.options.items() if n in alike]
        pairs += [(n, v, manifest[n]) for n, v in setting.facts.items() if n in manifest]
        process = runtime.stopper.name_of(worker)
        for name, theirs, ours in pairs:
            if json_text(theirs) != json_text(ours):
                values = {"worker": strip_control_chars(theirs), "run": strip_control_chars(ours)}
                self._found.append({"process": process, "name": name, **values})
                runtime.warn(f"{process} has a different {name} than the run: the run is invalid; start workers alike")
        if self._found:
            runtime.note(other_settings=self._found)


class RollCall:
    """Delays the beginning of a run until its workers have started up.

    Locust counts a worker as ready once it has connected, before it has started up. On a busy machine that takes
    seconds, in which the worker neither spawns users nor sends heartbeats. The run would begin without it, and
    Locust would take it for lost.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._here: set[str] = set()
        if isinstance(runner, MasterRunner):
            runner.register_message(_HERE, lambda msg, **_: self._here.add(msg.node_id))
        elif isinstance(runner, WorkerRunner):
            runner.register_message(_CALL, lambda **_: self.answer())

    def answer(self) -> None:
        """On a worker: tell the master that it has started up."""
        if isinstance(self._runner, WorkerRunner):
            self._runner.send_message(_HERE)

    def wait(self) -> None:
        """On the master: wait until all connected workers have answered; other processes do not wait."""
        runner = self._runner
        if not isinstance(runner, MasterRunner):
            return
        called = time.monotonic()
        until = called + START_PATIENCE
        while (silent := connected(runner) - self._here) and (now := time.monotonic()) < until:
            if now - called >= PERIOD:  # an answer may have come before this process listened
                called = now
                for worker in silent:
                    runner.send_message(_CALL, client_id=worker)
            gevent.sleep(POLL)
        for worker in sorted(silent):
            logger.warning("%s does not answer: the run begins without waiting; see its log", name_of(runner, worker))


def tell_of_workers(runner: Runner, options: Namespace) -> None:
    """Run as the body of a master's greenlet before its run: print which workers are missing when that changes."""
    gevent.sleep(PATIENCE)
    told = None
    while isinstance(runner, MasterRunner) and (there := len(runner.clients.ready)) < options.expect_workers:
        if runner.state != STATE_INIT:
            return
        if there != told:
            told = there
            tell(
                f"waiting for {plural(options.expect_workers, 'worker')} on port {options.master_bind_port}, {there} "
                "connected: start each with katydid run WORKLOAD --worker --master-host ADDRESS"
            )
        gevent.sleep(PERIOD)


_waiting: list[gevent.Greenlet] = []


def look_for_master(arguments: Sequence[str]) -> None:
    """With a worker's arguments: print a message if its master does not answer.

    Locust would wait silently for 5 minutes.
    """
    if not (any(a.startswith("--worker") for a in arguments) or "LOCUST_MODE_WORKER" in os.environ):
        return
    options, _ = get_parser().parse_known_args(list(arguments))
    if options.worker:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing has begun, so Ctrl-C just ends the process; see Stopper
        told = (
            f"the master does not answer at {options.master_host}:{options.master_port}: start it there, or correct "
            "--master-host and --master-port; this worker keeps trying"
        )
        _waiting.append(gevent.spawn_later(PATIENCE, tell, told))


def found_master() -> None:
    """The master has answered: cancel the message of `look_for_master`."""
    gevent.killall(_waiting)
    _waiting.clear()


def tell(text: object) -> None:
    """Print a message for the user at the terminal, not for the log, before a run can show it."""
    say(terminal(stderr=True), f"katydid: {text}")


MASTER_PATIENCE = 10.0
"""Seconds without a heartbeat until a master counts as gone; it sends one a second."""


def watch_master(runner: WorkerRunner, stopper: Stopper) -> None:
    """Run as the body of a worker's greenlet during a run: stop loading the target if the master is gone.

    Nobody would keep the worker's samples. Locust's own worker goes on for a minute, by the wall clock, which may jump.
    """
    heard, since = None, time.monotonic()
    while True:
        gevent.sleep(1.0)
        if runner.last_heartbeat_timestamp != heard:
            heard, since = runner.last_heartbeat_timestamp, time.monotonic()
        elif time.monotonic() - since > MASTER_PATIENCE and stopper.reason is None:
            stopper.reason = "error"
            logger.error("the master is gone: this worker stops; the master's run folder has all rows it received")
            gevent.spawn(runner.quit)
            return


def watch_parent(runner: Runner, options: Namespace | None) -> None:
    """Run as the body of a worker's greenlet: end a process that Locust has forked (`--processes`) with its parent.

    This is for runs that drain or are over, which have no `watch_master`, and for parents that are killed, which
    cannot dismiss their workers. A parent that ends by itself can; the wait leaves time for that, and for
    `watch_master` to report first.
    """
    if options is None or not options.processes:
        return
    parent = os.getppid()
    while os.getppid() == parent:
        gevent.sleep(1.0)
    gevent.sleep(MASTER_PATIENCE)
    runner.quit()

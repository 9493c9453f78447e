"""Who is there, in a run of several processes: what is waited for before it, who falls silent, and who is not alike.

Locust notices some of it, but says so in a log that nobody reads while a run goes on. Knows no rows.
"""

import logging
import os
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import gevent
from locust.argument_parser import get_parser
from locust.runners import STATE_INIT, MasterRunner, Runner, WorkerRunner
from msgspec.structs import replace

from katydid.engine.options.parsing import run_options
from katydid.engine.run_info import RunInfo
from katydid.engine.stopping import Stopper
from katydid.engine.workers import connected, name_of
from katydid.engine.workers.messages import Setting, harmless
from katydid.model.documents.manifest import Silence
from katydid.model.errors import ConfigError
from katydid.model.formatting import plural
from katydid.model.jsontext import json_text
from katydid.model.version import __version__

if TYPE_CHECKING:
    from katydid.engine.run_state import Runtime

logger = logging.getLogger("katydid")

PATIENCE = 3.0
"""Seconds that processes may take to find each other before a word is said."""
PERIOD = 0.5
START_PATIENCE = 10.0
"""Seconds that a run waits for workers that have connected and are still starting up."""
POLL = 0.02
_CALL = "katydid_call"
_HERE = "katydid_here"


class Presence:
    """What the master of a run knows of its workers.

    Args:
        runner: Locust's.
        workers: ids of those that take part.
        say: shows a line to whoever waits for the run.
        warn: warns the same person.
        note: adds to the manifest.
    """

    def __init__(
        self,
        runner: MasterRunner,
        workers: set[str],
        info: RunInfo,
        *,
        say: Callable[[str], None],
        warn: Callable[[str], None],
        note: Callable[..., None],
    ) -> None:
        self._runner = runner
        self._workers = workers
        self._info = info
        self._say = say
        self._warn = warn
        self._note = note
        self._heard = dict.fromkeys(workers, time.monotonic())
        self._silent: dict[str, int] = {}
        """Workers that are silent now, each with the place of its silence."""
        self._silences: list[Silence] = []

    def watch(self, ending: Callable[[], bool]) -> None:
        """The body of a greenlet, until the run ends and workers leave as they should."""
        heartbeats = self._runner.environment.events.heartbeat_sent  # fired when one was answered
        heartbeats.add_listener(self._heartbeat)
        try:
            while not ending():
                self.look()
                gevent.sleep(PERIOD)
        finally:
            heartbeats.remove_listener(self._heartbeat)

    def _heartbeat(self, client_id: str, **_: object) -> None:
        self._heard[client_id] = time.monotonic()

    def look(self) -> None:
        """See who is there now."""
        now = time.monotonic()
        there = connected(self._runner)
        for worker in self._workers:
            if worker not in there and worker not in self._silent:
                self._fell_silent(worker, now)
            elif worker in there and worker in self._silent:
                self._came_back(worker, now)

    def _fell_silent(self, worker: str, now: float) -> None:
        name, begin = name_of(self._runner, worker), self._info.ms(self._heard[worker]) / 1000
        self._silent[worker] = len(self._silences)
        self._silences.append(Silence(worker=name, begin=begin))
        self._warn(
            f"{name} is out of touch, not heard for {now - self._heard[worker]:.0f} s: see its log, "
            "and the network between; the run is invalid, and Ctrl-C ends it"
        )
        self._keep()

    def _came_back(self, worker: str, now: float) -> None:
        place, end = self._silent.pop(worker), self._info.ms(now) / 1000
        silence = self._silences[place] = replace(self._silences[place], end=end)
        self._say(f"{silence.worker} is back after {end - silence.begin:.0f} s; its rows are on their way")
        self._keep()

    def _keep(self) -> None:
        self._note(silences=self._silences)


_SETTING = "katydid_setting"
OF_A_MACHINE = frozenset(
    {"results", "version_label", "ca_file", "client_cert", "client_key", "target_pid", "target_metrics", "wait_ready"}
)
"""Options that may differ between the machines of a run."""
FACTS = frozenset({"katydid_version", "timestamp_source", "api", "endpoint"})
"""Keys of the manifest that every worker must have alike; and all hashes of files."""


class Alike:
    """Whether workers are what the run is: Locust has them forget what they were started with, and says nothing."""

    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime
        self._found: list[dict[str, str]] = []
        self._given = self._started_with() if runtime.is_worker else {}
        runtime.inbox.listen(_SETTING, Setting, self._on_setting)

    def begin(self) -> None:
        """A run starts."""
        self._found = []

    def _started_with(self) -> dict[str, object]:
        """The options that are not the defaults; none where they are no good, which the master's make up for."""
        table = self._runtime.options_class
        try:
            given = run_options(self._runtime.environment.parsed_options, table).shown()
        except ConfigError:
            return {}
        usual = table().shown()
        return {name: value for name, value in given.items() if value != usual.get(name)}

    def tell(self) -> None:
        """Worker: say what it was started with, and what it will send."""
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
        pairs = [(f"--{n.replace('_', '-')}", v, options[n]) for n, v in setting.options.items() if n in options]
        pairs = [pair for pair in pairs if pair[0][2:].replace("-", "_") not in OF_A_MACHINE]
        pairs += [(n, v, manifest[n]) for n, v in setting.facts.items() if n in manifest]
        process = runtime.stopper.name_of(worker)
        for name, theirs, ours in pairs:
            if json_text(theirs) != json_text(ours):
                found = {"process": process, "name": name, "worker": harmless(theirs), "run": harmless(ours)}
                self._found.append(found)
                runtime.warn(f"{process} has another {name}: the run is invalid")
        if self._found:
            runtime.note(other_settings=self._found)


class RollCall:
    """Lets a run begin when its workers can hear it.

    Locust counts a worker as ready when it has connected, before it has started up. On a busy machine that takes
    seconds, in which users are neither spawned nor heartbeats sent, so that the run would begin without its workers,
    and Locust would take them for lost.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._here: set[str] = set()
        if isinstance(runner, MasterRunner):
            runner.register_message(_HERE, lambda msg, **_: self._here.add(msg.node_id))
        elif isinstance(runner, WorkerRunner):
            runner.register_message(_CALL, lambda **_: self.answer())

    def answer(self) -> None:
        """Worker: it has started up."""
        if isinstance(self._runner, WorkerRunner):
            self._runner.send_message(_HERE)

    def silent(self, runner: MasterRunner) -> set[str]:
        """Master: ids of the workers that are connected and have not answered."""
        return connected(runner) - self._here

    def wait(self) -> None:
        """Master: until all workers that are there have answered; other processes wait for nobody."""
        runner = self._runner
        if not isinstance(runner, MasterRunner):
            return
        until = called = time.monotonic()
        until += START_PATIENCE
        while (silent := self.silent(runner)) and (now := time.monotonic()) < until:
            if now - called >= PERIOD:  # its answer came before we listened
                called = now
                for worker in silent:
                    runner.send_message(_CALL, client_id=worker)
            gevent.sleep(POLL)
        for worker in sorted(silent):
            logger.warning("%s does not answer: the run begins all the same; see its log", name_of(runner, worker))


def tell_of_workers(runner: Runner, options: Namespace) -> None:
    """The body of a master's greenlet before its run: says what is waited for, whenever that changes."""
    gevent.sleep(PATIENCE)
    told = None
    while isinstance(runner, MasterRunner) and (there := len(runner.clients.ready)) < options.expect_workers:
        if runner.state != STATE_INIT:
            return
        if there != told:
            told = there
            _complain(
                f"waiting for {plural(options.expect_workers, 'worker')} on port {options.master_bind_port}, {there} "
                "there: start each with katydid run WORKLOAD --worker --master-host ADDRESS"
            )
        gevent.sleep(PERIOD)


_waiting: list[gevent.Greenlet] = []


def look_for_master(arguments: Sequence[str]) -> None:
    """A worker starts: say so if its master does not answer, for which Locust waits five minutes without a word.

    Args:
        arguments: of Locust; nothing happens where they are not a worker's.
    """
    if not (any(a.startswith("--worker") for a in arguments) or "LOCUST_MODE_WORKER" in os.environ):
        return
    options, _ = get_parser().parse_known_args(list(arguments))
    if options.worker:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing has begun, so Ctrl-C just ends us; see Stopper
        told = (
            f"the master does not answer at {options.master_host}:{options.master_port}: start it there, or correct "
            "--master-host and --master-port; this worker keeps trying"
        )
        _waiting.append(gevent.spawn_later(PATIENCE, _complain, told))


def found_master() -> None:
    """It has answered."""
    gevent.killall(_waiting)
    _waiting.clear()


def _complain(text: str) -> None:
    print(f"katydid: {text}", file=sys.stderr, flush=True)  # noqa: T201 - there is no run yet that would show it


MASTER_PATIENCE = 10.0
"""Seconds without a heartbeat, of which a master sends one a second."""


def watch_master(runner: WorkerRunner, stopper: Stopper) -> None:
    """The body of a worker's greenlet while a run goes on: one whose master is gone stops loading the target.

    Nobody keeps what it measures. Locust's own worker goes on for a minute, and by the wall clock, which may jump.
    """
    heard, since = None, time.monotonic()
    while True:
        gevent.sleep(1.0)
        if runner.last_heartbeat_timestamp != heard:
            heard, since = runner.last_heartbeat_timestamp, time.monotonic()
        elif time.monotonic() - since > MASTER_PATIENCE and stopper.reason is None:
            stopper.reason = "error"
            logger.error("the master is gone: this worker stops; what the master has kept is in its run folder")
            gevent.spawn(runner.quit)
            return


def watch_parent(runner: Runner, options: Namespace | None) -> None:
    """The body of a greenlet of a worker: one that Locust has forked (`--processes`) ends with whoever forked it.

    A run that drains, or is over, has no `watch_master`, and a process that is killed dismisses nobody. A parent that
    left of itself has; so there is time for that, and for `watch_master` to say so first.
    """
    if options is None or not options.processes:
        return
    parent = os.getppid()
    while os.getppid() == parent:
        gevent.sleep(1.0)
    gevent.sleep(MASTER_PATIENCE)
    runner.quit()

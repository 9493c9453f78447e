"""The resilience workload `chaos`: workers of the service are killed beside a normal load of speech."""

import http.client
import json
import os
import signal
import subprocess
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import gevent

from katydid.model.errors import ConfigError
from katydid.model.options.quantities import QuantityError, duration
from katydid.model.redact import hide_assigned
from katydid.model.sample import ErrorClass
from katydid.workloads.resilience import ChaosOptions
from katydid.workloads.resilience.user import ResilienceService, ResilienceUser

WORKERS_PATH = "/speech/workers"
"""The path at which the embedded target lists its workers' process ids."""
COMMAND_TIME = 30.0
"""Timeout of a command, in seconds."""


class ChaosService(ResilienceService):
    """A speech service whose processes Katydid can kill."""

    def __init__(self, options: ChaosOptions, host: str) -> None:
        super().__init__(options, host)
        self.times = parse_times(options.chaos_at)
        self._chaos = options
        named = (options.chaos_pid or "").strip()
        self._named = "" if named == "0" else named

    def preflight(self) -> str:
        """See `service.Service.preflight`; also checks that there is a process to kill.

        Raises:
            ConfigError: there is none, or it must not be killed.
        """
        model = super().preflight()
        options = self._chaos
        if self._named and options.chaos_command:
            raise ConfigError("--chaos-pid and --chaos-command are mutually exclusive: give one of them")
        if self._named:
            try:
                found = self.named()
            except RuntimeError as error:
                raise ConfigError(f"--chaos-pid {self._named}: {error}") from None
            for pid in found:
                _check_process(pid)
        elif not options.chaos_command and not self.workers():
            raise ConfigError("chaos has no process to kill: give --chaos-pid or --chaos-command")
        return model

    def named(self) -> list[int]:
        """Return the process ids of --chaos-pid: the listed ones, or those that its command prints now.

        Raises:
            RuntimeError: the command failed, or did not print process ids.
        """
        found, problem = _pids(self._named), "give process ids above 0"
        if found is None:
            printed = run_command(self._named)
            found, problem = _pids(printed), f"the command printed {printed.strip()[:60]!r}, not process ids"
        if not found or 0 in found:  # 0 would be this run's whole process group
            raise RuntimeError(problem)
        return found

    def workers(self) -> list[int]:
        """Return the process ids of the embedded target's workers; empty for another target."""
        parts = urlsplit(self.host)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=5)
        try:
            connection.request("GET", WORKERS_PATH)
            listed: Any = json.loads(connection.getresponse().read())
            return [int(pid) for pid in listed["pids"]]
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
            return []
        finally:
            connection.close()

    def kill(self) -> str:
        """Kill once, and return in words what was killed.

        Raises:
            OSError: no process could be killed.
            RuntimeError: the command failed, or no worker is left.
        """
        options = self._chaos
        if options.chaos_command:
            return run_shown(options.chaos_command)
        pids = self.named() if self._named else self.workers()[: options.chaos_workers]
        if not pids:
            raise RuntimeError("the target has no worker left to kill")
        return _kill_all(pids)


def parse_times(text: str) -> list[float]:
    """Parse times of the run, such as `10,30` or `10s,1m30s`, into seconds, sorted.

    Raises:
        ConfigError: one is not a duration, or negative.
    """
    try:
        found = sorted(map(duration, text.split(",")))
    except QuantityError:
        found = [-1.0]
    if any(not 0 <= each < float("inf") for each in found):
        raise ConfigError(f"--chaos-at {text!r}: give times of the run, such as 20 or 10s,1m30s")
    return found


def _pids(text: str) -> list[int] | None:
    """Parse process ids separated by commas or spaces; None if the text is anything else."""
    words = text.replace(",", " ").split()
    return [int(word) for word in words] if all(word.isascii() and word.isdigit() for word in words) else None


def _kill_all(pids: list[int]) -> str:
    """Kill the processes, and return in words which were killed and which were not.

    Raises:
        OSError: none could be killed.
    """
    killed, failed = [], {}
    for pid in pids:
        try:
            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows has no SIGKILL
            killed.append(pid)
        except (OSError, OverflowError) as error:
            failed[pid] = error
    if not killed:
        raise OSError("; ".join(f"{pid}: {error}" for pid, error in failed.items()))
    words = f"killed {', '.join(map(str, killed))}"
    return words + (f"; could not kill {', '.join(map(str, failed))}" if failed else "")


def run_command(command: str) -> str:
    """Run a command from the options in a shell, and return what it prints.

    Raises:
        RuntimeError: it failed, or took too long.
    """
    try:
        done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=COMMAND_TIME, check=False)  # noqa: S602 - the user's own command
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"the command did not end within {COMMAND_TIME:g} s") from None
    if done.returncode:
        raise RuntimeError(f"the command failed ({done.returncode}): {done.stderr.strip()[-100:]}".rstrip(": "))
    return done.stdout


def run_shown(command: str) -> str:
    """Run a command, and return it without secrets; raises what `run_command` does."""
    run_command(command)
    return hide_assigned(command)


def _check_process(pid: int) -> None:
    if pid in {1, os.getpid(), os.getppid()}:
        raise ConfigError(f"--chaos-pid {pid} is this run, its parent or process 1: give the service's process")
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        raise ConfigError(f"--chaos-pid {pid}: there is no such process") from None
    except PermissionError:
        raise ConfigError(f"--chaos-pid {pid} belongs to another user: run Katydid as that user") from None


class ChaosUser(ResilienceUser):
    """Sends speech; the first user also kills processes and runs the restart command."""

    abstract = True
    workload = "chaos"
    service_class = ChaosService
    options_class = ChaosOptions
    options: ChaosOptions
    service: ChaosService

    def inject(self) -> None:
        """Kill at the given times, and restart after each kill."""
        restarts = []
        for number, moment in enumerate(self.service.times):
            self.sleep_until(moment)
            self._do("kill", number, self.service.kill)
            restarts.append(gevent.spawn(self._restart, number))
        gevent.joinall(restarts)

    def _restart(self, number: int) -> None:
        if command := self.options.restart_command:
            gevent.sleep(self.options.restart_after)
            self._do("restart", number, partial(run_shown, command))

    def _do(self, role: str, number: int, inject: Callable[[], str]) -> None:
        with self.aside(role, number) as sample:
            try:
                sample.detail = inject()
            except (OSError, RuntimeError) as error:
                sample.fail(ErrorClass.OTHER, str(error))

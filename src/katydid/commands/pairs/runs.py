"""Makes the runs of pairs: each is a `katydid run` in its own process, around which its version starts and stops."""

import contextlib
import http.client
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO

import psutil

from katydid.analysis.comparison.comparability import SEED
from katydid.commands.pairs.options import Asked, Version
from katydid.dialects.status import NOT_READY
from katydid.model.errors import ConfigError, ExitCode
from katydid.model.oneline import one_line
from katydid.protocol.target_url import read_target_url, shown_url
from katydid.runs.folder import RunFolder

GO_ON = frozenset({ExitCode.PASSED, ExitCode.GATE_FAILED, ExitCode.INVALID})
"""Exit codes of a run after which the comparison goes on; it judges such runs itself."""
STOP_TIME = 10.0
"""Seconds that a server gets to stop after SIGTERM, before SIGKILL."""
LOOK_TIME = 2.0
"""Time limit in seconds for an answer to a readiness check."""
PAUSE = 0.2
"""Seconds between readiness checks."""


class VersionError(ConfigError):
    """A version could not be started, or its run failed.

    Args:
        message: one line.
        side: `base` or `new`.
        code: the command's exit code.
    """

    def __init__(self, message: str, side: str, code: int = ExitCode.USAGE) -> None:
        super().__init__(message)
        self.side = side
        self.exit_code = ExitCode(code) if code in set(ExitCode) else ExitCode.INTERNAL


class Runs:
    """Makes the runs of both versions.

    If the command starts both versions, each is up only for its own runs, since both may need the same port and the
    same machine. If it starts one and the other is always running, it keeps that one up for all runs, so that neither
    is colder than the other. Both runs of a pair have the same seed, and each pair has a new one, because a server's
    cache knows the generated prompts of an earlier pair.

    Args:
        asked: the request read from the command line.
        results: the results folder of the runs.
        patience: time limit in seconds for a started version to answer.
    """

    def __init__(self, asked: Asked, results: Path, patience: float) -> None:
        self._asked, self._results, self._patience = asked, results, patience
        self._alternating = all(version.start for version in asked.versions.values())
        self._made: Counter[str] = Counter()
        self._seed: int | None = None

    def beside(self) -> AbstractContextManager[None]:
        """Keep the version up that stays up for all runs, if there is one."""
        lone = [side for side, version in self._asked.versions.items() if version.start and not self._alternating]
        return self._served(lone[0]) if lone else nullcontext()

    def make(self, side: str) -> RunFolder | None:
        """Make a run of `base` or `new`; None if it left no folder.

        Raises:
            VersionError: the version could not be started, or the run ended with an error.
            KeyboardInterrupt: the run was interrupted.
        """
        before, version, number = self._folders(), self._asked.versions[side], self._made[side]
        words = [self._asked.workload, *self._asked.options, "--host", version.host, "--version-label", version.label]
        words += ["--results", str(self._results)]
        if number and self._seed is not None:
            words += [f"--{SEED}", str(self._seed + number)]
        self._made[side] += 1
        with self._served(side) if self._alternating else nullcontext():
            code = call([sys.executable, "-m", "katydid", "run", *words])
        if code == ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if code not in GO_ON:
            raise VersionError(f"the run of {side} exited with code {code}: see above", side, code)
        found = sorted(self._folders() - before)
        if not found:
            return None
        folder = RunFolder(found[-1])
        if self._seed is None and not number:
            seed = (folder.manifest().options or {}).get(SEED)
            self._seed = seed if isinstance(seed, int) else None
        return folder

    def _served(self, side: str) -> AbstractContextManager[None]:
        return served(side, self._asked.versions[side], self._patience)

    def _folders(self) -> set[Path]:
        return {found.parent for found in self._results.glob("*/*/*/manifest.json")}


def has_history(results: Path, workload: str) -> bool:
    """Return True if the folder has runs of the workload; whether their load was the same is checked after a run."""
    return any(results.glob(f"{Path(workload).stem}/*/*/manifest.json"))


def call(command: Sequence[str]) -> int:
    """Run a command and return its exit code; its output goes to standard error, and Ctrl-C is passed on to it."""
    process = subprocess.Popen(  # noqa: S603 - Katydid itself
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True
    )
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
    except BaseException:
        process.kill()
        process.wait()
        raise


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C: the run ends properly, and started versions are stopped."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def served(side: str, version: Version, patience: float) -> Iterator[None]:
    """Start a version, wait until it answers, and stop it after the block, with everything that it started.

    Args:
        side: `base` or `new`.
        version: the version, with the command that starts it.
        patience: time limit in seconds for it to answer.

    Raises:
        ConfigError: something answers at its URL already.
        VersionError: it could not be started.
    """
    if answers(version.host):
        raise ConfigError(
            f"something answers at {shown_url(version.host)} before {version.option} has started it: stop the program "
            "that listens there"
        )
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: S602 - the user's own command
            version.start or "",
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(process, side, version, patience, output)
            yield
        finally:
            _stop(process)


def _wait(process: subprocess.Popen[bytes], side: str, version: Version, patience: float, output: IO[bytes]) -> None:
    began, shown = time.monotonic(), shown_url(version.host)
    while not answers(version.host):
        code = process.poll()
        if code is not None or time.monotonic() - began > patience:
            output.seek(0)
            lines = output.read().decode(errors="replace").strip().splitlines()
            last = f" ({one_line(lines[-1])[:200]})" if lines else ""
            why = (
                f"exited with code {code} before {shown} answered{last}: correct the command"
                if code is not None
                else f"ran for {patience:g} s and {shown} does not answer{last}: correct the host, or allow more time "
                "with --wait-ready"
            )
            raise VersionError(f"{version.option} {why}", side)
        time.sleep(PAUSE)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a process, its group, and its descendants: a shell with job control gives each job a group of its own."""
    others: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        others = psutil.Process(process.pid).children(recursive=True)
    _signal(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIME)
    _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))  # also kills what outlived the shell
    process.wait()
    for each in others:
        with contextlib.suppress(psutil.Error):
            each.terminate()
    for each in psutil.wait_procs(others, STOP_TIME)[1]:
        with contextlib.suppress(psutil.Error):
            each.kill()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # all have ended already
        if os.name == "posix":
            os.killpg(process.pid, number)
        else:
            process.terminate()


def answers(host: str) -> bool:
    """Return True if a server answers at a URL and does not report that it is still starting."""
    to = read_target_url(host)
    connection: http.client.HTTPConnection
    if to.tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # only a check; the run itself verifies
        connection = http.client.HTTPSConnection(to.host, to.port, timeout=LOOK_TIME, context=context)
    else:
        connection = http.client.HTTPConnection(to.host, to.port, timeout=LOOK_TIME)
    try:
        connection.request("GET", "/v1/models")
        return connection.getresponse().status not in NOT_READY
    except http.client.HTTPException:
        return True  # the answer is not HTTP: the run's own preflight will say more
    except OSError:
        return False
    finally:
        connection.close()

"""A version of the target that is started for its runs and stopped after them (`katydid ab --start-base CMD`).

What was started is ended however the run ends: its process group, and what it started in groups of their own.
"""

import contextlib
import http.client
import os
import signal
import ssl
import subprocess
import tempfile
import time
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Self

import psutil

from katydid.commands.pairs.options import Version
from katydid.dialects.status import NOT_READY
from katydid.model.errors import ConfigError, ExitCode
from katydid.model.oneline import one_line
from katydid.protocol.target_url import read_target_url, shown_url

STOP_TIME = 10.0
"""Seconds that a server gets to end by itself."""
LOOK_TIME = 2.0
"""Seconds that it gets to answer a look."""
PAUSE = 0.2
"""Seconds between two looks."""


class VersionError(ConfigError):
    """A version could not be started, or not be run.

    Args:
        message: one line.
        side: `base` or `new`.
        code: which the command exits with.
    """

    def __init__(self, message: str, side: str, code: int = ExitCode.USAGE) -> None:
        super().__init__(message)
        self.side = side
        self.exit_code = ExitCode(code) if code in set(ExitCode) else ExitCode.INTERNAL


class ServedVersion:
    """A context manager that starts a version, waits until it answers, and stops it.

    Args:
        side: `base` or `new`.
        version: with the command that starts it.
        patience: seconds until it must answer.
    """

    def __init__(self, side: str, version: Version, patience: float) -> None:
        self._side, self._option, self._host = side, version.option, version.host
        self._command, self._patience = version.start or "", patience
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    def __enter__(self) -> Self:
        if answers(self._host):
            raise ConfigError(
                f"something answers at {shown_url(self._host)} before {self._option} has started it: stop what listens "
                "there"
            )
        self._output = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(  # noqa: S602 - the person's own command
                self._command,
                shell=True,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._wait(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        began = time.monotonic()
        while not answers(self._host):
            shown = shown_url(self._host)
            if (code := process.poll()) is not None:
                raise VersionError(
                    f"{self._option} ended with code {code} before {shown} answered{self._last_words()}: correct it",
                    self._side,
                )
            if time.monotonic() - began > self._patience:
                raise VersionError(
                    f"{self._option} ran for {self._patience:g} s and {shown} does not answer{self._last_words()}: "
                    "correct the host, or give it longer with --wait-ready",
                    self._side,
                )
            time.sleep(PAUSE)

    def _last_words(self) -> str:
        """The last line that the server printed."""
        assert self._output is not None  # noqa: S101 - made before the process
        self._output.seek(0)
        lines = self._output.read().decode(errors="replace").strip().splitlines()
        return f" ({one_line(lines[-1])[:200]})" if lines else ""

    def stop(self) -> None:
        """End it with all that it started; safe to call again."""
        process, self._process = self._process, None
        if process is not None:
            others = _below(process)
            _signal(process, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_TIME)
            _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))  # also what outlived the shell
            process.wait()
            _end(others)
        if self._output is not None:
            self._output.close()
            self._output = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # all of them have ended
        if os.name == "posix":
            os.killpg(process.pid, number)
        else:
            process.terminate()


def _below(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """What a process started, and what that did, in whichever group."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def _end(processes: Sequence[psutil.Process]) -> None:
    """End those that still run: a shell with job control gives each of its jobs a group of its own."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(processes, STOP_TIME)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()


def answers(host: str) -> bool:
    """Whether a server answers at a URL, and is ready."""
    to = read_target_url(host)
    connection: http.client.HTTPConnection
    if to.tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # a look; the run itself verifies
        connection = http.client.HTTPSConnection(to.host, to.port, timeout=LOOK_TIME, context=context)
    else:
        connection = http.client.HTTPConnection(to.host, to.port, timeout=LOOK_TIME)
    try:
        connection.request("GET", "/v1/models")
        return connection.getresponse().status not in NOT_READY
    except http.client.HTTPException:
        return True  # something answers that is no HTTP: the run's own preflight says more
    except OSError:
        return False
    finally:
        connection.close()

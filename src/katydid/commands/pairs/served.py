"""Starts a version of the target for its runs and stops it after them (`katydid ab --start-base CMD`).

However the run ends, everything the command started is stopped: its process group and its descendants in other groups.
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


class ServedVersion:
    """A context manager that starts a version, waits until it answers, and stops it.

    Args:
        side: `base` or `new`.
        version: the version, with the command that starts it.
        patience: time limit in seconds for it to answer.
    """

    def __init__(self, side: str, version: Version, patience: float) -> None:
        self._side, self._option, self._host = side, version.option, version.host
        self._command, self._patience = version.start or "", patience
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    def __enter__(self) -> Self:
        if answers(self._host):
            raise ConfigError(
                f"something answers at {shown_url(self._host)} before {self._option} has started it: stop the program "
                "that listens there"
            )
        self._output = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(  # noqa: S602 - the user's own command
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
                    f"{self._option} exited with code {code} before {shown} answered{self._last_line()}: correct the "
                    "command",
                    self._side,
                )
            if time.monotonic() - began > self._patience:
                raise VersionError(
                    f"{self._option} ran for {self._patience:g} s and {shown} does not answer{self._last_line()}: "
                    "correct the host, or allow more time with --wait-ready",
                    self._side,
                )
            time.sleep(PAUSE)

    def _last_line(self) -> str:
        """The last line that the server printed."""
        assert self._output is not None  # noqa: S101 - made before the process
        self._output.seek(0)
        lines = self._output.read().decode(errors="replace").strip().splitlines()
        return f" ({one_line(lines[-1])[:200]})" if lines else ""

    def stop(self) -> None:
        """Stop the version and all processes that it started; safe to call again."""
        process, self._process = self._process, None
        if process is not None:
            others = _descendants(process)
            _signal(process, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_TIME)
            _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))  # also kills what outlived the shell
            process.wait()
            _terminate(others)
        if self._output is not None:
            self._output.close()
            self._output = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # all have ended already
        if os.name == "posix":
            os.killpg(process.pid, number)
        else:
            process.terminate()


def _descendants(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """All descendants of a process, whatever group they are in."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def _terminate(processes: Sequence[psutil.Process]) -> None:
    """Stop processes that still run: a shell with job control gives each job a process group of its own."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(processes, STOP_TIME)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()


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

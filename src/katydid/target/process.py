"""The embedded target as a process of its own, for tests, the demo and `--embedded-target`."""

import contextlib
import http.client
import json
import os
import ssl
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from katydid.model.errors import ConfigError
from katydid.target.settings import TargetSettings, arguments_from_settings

STOP_TIME = 5.0
"""Seconds that a target gets to end by itself."""
STATS_TIME = 5.0
"""Seconds that it gets to say its counters."""


class RunningTarget:
    """A target that listens; a context manager that stops it. It ends with this process too.

    Attributes:
        url: where it listens.
        pid: of its process.
    """

    def __init__(self, settings: TargetSettings) -> None:
        self.settings = settings
        command = [
            sys.executable,
            "-m",
            "katydid.target",
            *arguments_from_settings(settings),
            "--exit-with-parent",
        ]
        # Its standard input stays open as long as we live; that it closes is how it knows that we are gone.
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._owner = os.getpid()
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        ready = self._process.stdout.readline()
        self.url = ready.rpartition(" ")[2].strip()
        self.pid = self._process.pid
        if not self.url.startswith("http"):
            self.stop()
            raise ConfigError("the embedded target did not start; its own message stands above")

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return urlsplit(self.url).port or 0

    def log(self) -> list[dict[str, object]]:
        """The ground truth so far, in the order in which requests ended.

        Has the line of every request whose answer has arrived in whole: the target writes it just after
        the last byte, so it is asked first whether it is done with that.
        """
        if self.settings.log is None:
            return []
        self._settle()
        whole, _, _ = Path(self.settings.log).read_text(encoding="utf-8").rpartition("\n")  # one may be half there
        return [json.loads(line) for line in whole.splitlines()]

    def _settle(self) -> None:
        process = self._process
        if os.getpid() == self._owner and process.poll() is None and process.stdin and process.stdout:
            with contextlib.suppress(OSError):  # it has just ended, and then its log is whole
                process.stdin.write("\n")
                process.stdin.flush()
                process.stdout.readline()

    def stats(self) -> dict[str, object]:
        """Its counters; needs no key, and a connection of its own, also where only one is served at a time."""
        host = urlsplit(self.url).hostname or "127.0.0.1"
        connection: http.client.HTTPConnection
        if self.settings.tls_cert:
            connection = http.client.HTTPSConnection(host, self.port, timeout=STATS_TIME, context=_trusting())
        else:
            connection = http.client.HTTPConnection(host, self.port, timeout=STATS_TIME)
        try:
            connection.request("GET", "/stats")
            stats: dict[str, object] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return stats

    def stop(self) -> int | None:
        """End it, and give its exit code; safe to call again, and without effect in a forked child."""
        if os.getpid() != self._owner:
            return None
        # It is told once: a signal that came while it ends by the end of its input would be a traceback of asyncio's.
        if os.name == "posix":
            self._process.terminate()
        elif self._process.stdin is not None:  # Windows, where `terminate` would kill it
            self._process.stdin.close()
        try:
            self._process.wait(STOP_TIME)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return self._process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _trusting() -> ssl.SSLContext:
    """For asking our own child, whose certificate proves nothing to us."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def start_target(settings: TargetSettings | None = None, **changes: Any) -> RunningTarget:
    """Start a target and wait until it listens; `changes` are fields of its settings.

    Raises:
        ConfigError: it did not start.
    """
    if settings is None:
        settings = TargetSettings(**changes)
    return RunningTarget(settings)

"""The embedded target as a separate process, for tests, the demo and `--embedded-target`."""

import contextlib
import http.client
import json
import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from katydid.model.errors import ConfigError
from katydid.target.settings import TargetSettings, arguments_from_settings

STOP_TIME = 5.0
"""Seconds until a target that does not end is killed."""
STATS_TIME = 5.0
"""Timeout of a request for its counters, in seconds."""


class RunningTarget:
    """A running target. As a context manager, it stops the target at the end; the target also ends with this process.

    Attributes:
        url: the target's URL.
        pid: id of its process.
    """

    def __init__(self, settings: TargetSettings) -> None:
        self.settings = settings
        words = [*arguments_from_settings(settings), "--exit-with-parent"]
        # Its standard input closes when this process ends, and that tells the target to end.
        self._process = subprocess.Popen(  # noqa: S603 - Katydid's own module
            [sys.executable, "-m", "katydid.target", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._owner = os.getpid()
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        ready = self._process.stdout.readline()
        self.url = ready.rpartition(" ")[2].strip()
        self.pid = self._process.pid
        if not self.url.startswith("http"):
            self.stop()
            raise ConfigError("the embedded target did not start; its own error message is above")

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return urlsplit(self.url).port or 0

    def log(self) -> list[dict[str, object]]:
        """Return the ground truth so far, in the order in which requests ended.

        It has a line for every request whose answer has arrived completely. The target writes the line just after the
        last byte, so this method first waits until the target has written it.
        """
        if self.settings.log is None:
            return []
        process = self._process
        if os.getpid() == self._owner and process.poll() is None and process.stdin and process.stdout:
            with contextlib.suppress(OSError):  # it has just ended, so its log is complete
                process.stdin.write("\n")
                process.stdin.flush()
                process.stdout.readline()
        whole, _, _ = Path(self.settings.log).read_text(encoding="utf-8").rpartition("\n")  # drop an incomplete line
        return [json.loads(line) for line in whole.splitlines()]

    def stats(self) -> dict[str, object]:
        """Return its counters. Uses no key, and its own connection."""
        host = urlsplit(self.url).hostname or "127.0.0.1"
        connection = http.client.HTTPConnection(host, self.port, timeout=STATS_TIME)
        if self.settings.tls_cert:
            trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            trusting.check_hostname = False
            trusting.verify_mode = ssl.CERT_NONE  # it is our own child process
            connection = http.client.HTTPSConnection(host, self.port, timeout=STATS_TIME, context=trusting)
        with contextlib.closing(connection):
            connection.request("GET", "/stats")
            stats: dict[str, object] = json.loads(connection.getresponse().read())
        return stats

    def stop(self) -> int | None:
        """Stop the target and return its exit code. Safe to call again; does nothing in a forked child."""
        if os.getpid() != self._owner:
            return None
        # Use one way only: a signal while the target ends because its input closed would cause a traceback in asyncio.
        if os.name == "posix":
            self._process.terminate()
        elif self._process.stdin is not None:  # on Windows `terminate` would kill it
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

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_target(settings: TargetSettings | None = None, **changes: Any) -> RunningTarget:
    """Start a target and wait until it listens. Give `settings`, or fields of the settings as `changes`.

    Raises:
        ConfigError: it did not start.
    """
    return RunningTarget(settings or TargetSettings(**changes))

"""The key that a target is given: where it comes from, and how another takes its place when it is refused in mid-run.

It is never an option, which others could read. `LOAD_TEST_API_KEY` is the key itself; the other two sources may give
another key later: a file, and a command that prints one. The first that is set counts.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from functools import partial

from gevent import subprocess
from gevent.lock import RLock

from katydid.engine.sender.sdk_environment import VENDORS, vendors_key
from katydid.model.errors import ConfigError
from katydid.model.redact import Redactor
from katydid.runs.files import MIB, read_named

KEY = "LOAD_TEST_API_KEY"
KEY_FILE = "LOAD_TEST_API_KEY_FILE"
KEY_COMMAND = "LOAD_TEST_API_KEY_COMMAND"
COMMAND_TIME = 30.0
"""Seconds that the command gets."""
PAUSE = 0.5
"""Seconds from one renewal to the next: a target that refuses every key makes no storm of commands."""
REFUSED_TOO = "the renewed key is refused too"
_AROUND_KEY = " \t\r\n\v\f\u00a0\ufeff"
"""What editors and copying leave around a key; the last is a byte order mark."""


class ApiKey:
    """The key of a process, and whence another may come.

    Args:
        value: the first one; None where there is none.
        where: its source, in words.
        read: gives the key of now; None where the source never has another.

    Attributes:
        value: that requests are to have now.
        known: all that there have been.
    """

    def __init__(self, value: str | None, where: str = KEY, read: Callable[[], str] | None = None) -> None:
        self.value = value
        self.where = where
        self.known = [] if value is None else [value]
        self._watchers: list[Callable[[str], object]] = []
        self._read = read
        self._lock = RLock()  # gevent's: who waits for it lets all others go on
        self._not_before = 0.0
        self._why = ""

    @property
    def renewable(self) -> bool:
        """Whether its source may give another."""
        return self._read is not None

    def watch(self, redactor: Redactor, say: Callable[[str], None]) -> None:
        """Have each new key masked, and tell that there is one."""
        self._watchers = [redactor.add, lambda _: say(f"the target refused the API key: renewed from {self.where}")]

    def renew(self, refused: str | None) -> str:
        """Read the source again, unless another user just has; why there is no other key, empty where there is one.

        Args:
            refused: the key that the target has refused.
        """
        if self._read is None:
            return f"{self.where} is read once: {KEY_COMMAND} or {KEY_FILE} renew a key that expires"
        with self._lock:
            if self.value != refused:
                return ""
            if time.monotonic() < self._not_before:
                return self._why
            try:
                why = self._take(self._read())
            except ConfigError as error:
                why = str(error)
            self._not_before, self._why = time.monotonic() + PAUSE, why or REFUSED_TOO
            return why

    def _take(self, value: str) -> str:
        if value == self.value:
            return f"{self.where} still gives the same key"
        self.value = value
        self.known.append(value)
        for watch in self._watchers:
            watch(value)
        return ""


def find_key(api: str = "", host: str = "") -> tuple[ApiKey, str]:
    """(key, note): the key of the environment, and what a person should know of it; empty for nothing.

    Args:
        api: that `--api` names, where its vendor's own variable counts too.
        host: URL of the target.

    Raises:
        ConfigError: its file or command gives none, or no header takes it.
    """
    if key := os.environ.get(KEY, "").strip(_AROUND_KEY):
        return ApiKey(_sendable(key, KEY)), ""
    if path := os.environ.get(KEY_FILE, "").strip():
        read = partial(_from_file, path)
        return ApiKey(read(), f"{KEY_FILE} {path}", read), ""
    if command := os.environ.get(KEY_COMMAND, "").strip():
        read = partial(_from_command, command)
        return ApiKey(_ahead.pop(command, None) or read(), KEY_COMMAND, read), ""
    vendors, note = vendors_key(api, host)
    return ApiKey(vendors or None, VENDORS[api].key if vendors else KEY), note


_ahead: dict[str, str] = {}
"""By its command, a key for the run that is to come."""


def fetch_ahead() -> None:
    """Let the command print a key for the next `find_key`: a worker has the time at its start, and not in a run."""
    command = os.environ.get(KEY_COMMAND, "").strip()
    if command and not os.environ.get(KEY) and not os.environ.get(KEY_FILE):
        with contextlib.suppress(ConfigError):  # which the run's own try tells
            _ahead[command] = _from_command(command)


def _from_file(path: str) -> str:
    where = f"{KEY_FILE} {path}"
    try:
        key = read_named(path, MIB).decode("utf-8-sig").strip(_AROUND_KEY)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}: give a file with the key alone") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: is not UTF-8: save it as plain text, with the key alone") from None
    except OSError as error:
        raise ConfigError(f"{where}: cannot be read ({type(error).__name__})") from None
    if not key:
        raise ConfigError(f"{where}: is empty")
    return _sendable(key, where)


def _from_command(command: str) -> str:
    """What the shell's command prints; what it says on standard error may have secrets in it, and is never shown."""
    process = subprocess.Popen(  # noqa: S604 - the person's own command
        command,
        shell=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=COMMAND_TIME)
    except subprocess.TimeoutExpired:
        raise ConfigError(
            f"{KEY_COMMAND}: has not ended within {COMMAND_TIME:g} s: run it by hand to see why"
        ) from None
    finally:  # also when the run ends meanwhile
        if process.poll() is None:
            _kill(process)
            with contextlib.suppress(subprocess.TimeoutExpired):  # what it has started may have left its group
                process.communicate(timeout=1.0)
    if process.returncode:
        raise ConfigError(f"{KEY_COMMAND}: ended with code {process.returncode}: run it by hand to see why")
    key = printed.decode("utf-8", "replace").strip(_AROUND_KEY)
    if not key:
        raise ConfigError(f"{KEY_COMMAND}: printed nothing: it must print the key")
    return _sendable(key, KEY_COMMAND)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """With all that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _sendable(key: str, where: str) -> str:
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(f"{where}: has a line end or a character that is not ASCII: the key must stand there alone")
    return key

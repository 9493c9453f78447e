"""The API key: read it from the environment, and renew it if the target rejects it during a run.

The key is never an option: other users of the machine could read it. `LOAD_TEST_API_KEY` is the key itself;
`LOAD_TEST_API_KEY_FILE` names a file and `LOAD_TEST_API_KEY_COMMAND` a command that prints it; these two can be read
again for a new key. The first of the three that is set is used.
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
SOURCES = (KEY, KEY_FILE, KEY_COMMAND)
COMMAND_TIME = 30.0
"""Seconds after which the command is stopped."""
PAUSE = 0.5
"""Minimum seconds between renewals: a target that rejects every key must not start a storm of commands."""
REFUSED_TOO = "the renewed key was rejected too"
_AROUND_KEY = " \t\r\n\v\f\u00a0\ufeff"
"""Characters that editors and copying leave around a key; the last is a byte order mark."""


class ApiKey:
    """The API key of one process.

    Args:
        value: the first key; None for no key.
        where: its source, for messages.
        read: reads the current key from the source; None if the source cannot give a new one.

    Attributes:
        value: the current key.
        known: all keys so far, the current one included.
        renewable: the source can give a new key.
    """

    def __init__(self, value: str | None, where: str = KEY, read: Callable[[], str] | None = None) -> None:
        self.value = value
        self.where = where
        self.known = [] if value is None else [value]
        self.renewable = read is not None
        self._renewed: Callable[[str], None] = lambda _: None
        self._read = read
        self._lock = RLock()  # gevent's: waiting for it does not block other greenlets
        self._not_before = 0.0
        self._why = ""

    def watch(self, redactor: Redactor, say: Callable[[str], None]) -> None:
        """From now on, mask every new key in outputs and report each renewal."""

        def renewed(key: str) -> None:
            redactor.add(key)
            say(f"the target rejected the API key: renewed from {self.where}")

        self._renewed = renewed

    def renew(self, refused: str | None) -> str:
        """Read the source again, unless another user just did since the target rejected the key `refused`.

        Return why there is no new key; empty if there is one.
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
        self._renewed(value)
        return ""


def find_key(api: str = "", host: str = "") -> tuple[ApiKey, str]:
    """(key, note): the key from the environment, and a note for the user; an empty note if there is nothing to say.

    Args:
        api: the `--api` name; its vendor's variable is the last source. Empty for none.
        host: URL of the target.

    Raises:
        ConfigError: the file or command gives no key, or one that cannot be sent in a header.
    """
    variable, value = first_set(*SOURCES)
    if variable == KEY:
        return ApiKey(_sendable(value, KEY)), ""
    if variable == KEY_FILE:
        read = partial(_from_file, value)
        return ApiKey(read(), f"{KEY_FILE} {value}", read), ""
    if variable == KEY_COMMAND:
        read = partial(_from_command, value)
        return ApiKey(_ahead.pop(value, None) or read(), KEY_COMMAND, read), ""
    vendors, note = vendors_key(api, host)
    return ApiKey(vendors or None, VENDORS[api].key if vendors else KEY), note


def first_set(*variables: str) -> tuple[str, str]:
    """The first of these variables that is set, and its value; both empty if there is none."""
    values = ((name, os.environ.get(name, "").strip(_AROUND_KEY)) for name in variables)
    return next((found for found in values if found[1]), ("", ""))


_ahead: dict[str, str] = {}
"""Keys fetched for the coming run, by command."""


def fetch_ahead() -> None:
    """Run the key command for the next `find_key`: a worker has time for it at its start, not during a run."""
    variable, command = first_set(*SOURCES)
    if variable == KEY_COMMAND:
        with contextlib.suppress(ConfigError):  # the run tries again and reports it
            _ahead[command] = _from_command(command)


def _from_file(path: str) -> str:
    where = f"{KEY_FILE} {path}"
    try:
        key = read_named(path, MIB).decode("utf-8-sig").strip(_AROUND_KEY)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}: give a file with nothing but the key") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: is not UTF-8: save it as plain text with nothing but the key") from None
    except OSError as error:
        raise ConfigError(f"{where}: cannot be read ({type(error).__name__})") from None
    if not key:
        raise ConfigError(f"{where}: is empty")
    return _sendable(key, where)


def _from_command(command: str) -> str:
    """Run a shell command that prints the key. Its standard error is never shown: it may contain secrets."""
    process = subprocess.Popen(  # noqa: S604 - the user's own command
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
        why = f"has not exited within {COMMAND_TIME:g} s: run it by hand to see why"
        raise ConfigError(f"{KEY_COMMAND}: {why}") from None
    finally:  # also if the run ends before the command
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.name == "posix":
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):  # its children may have left the process group
                process.communicate(timeout=1.0)
    if process.returncode:
        raise ConfigError(f"{KEY_COMMAND}: exited with code {process.returncode}: run it by hand to see why")
    key = printed.decode("utf-8", "replace").strip(_AROUND_KEY)
    if not key:
        raise ConfigError(f"{KEY_COMMAND}: printed nothing: it must print the key")
    return _sendable(key, KEY_COMMAND)


def _sendable(key: str, where: str) -> str:
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(f"{where}: has a line end or a non-ASCII character: it must be the key and nothing else")
    return key

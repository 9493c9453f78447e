"""Katydid's exceptions, and their exit codes.

KatydidError
├── ConfigError      the user must change something; no load was sent         exit 2
├── NoDataError      a run folder contains no usable data                     exit 4
└── ProtocolError    the target sent bytes that violate its own protocol      (a failed sample)
    └── LimitError   … or more bytes than a bounded buffer can hold

Every message is one line: what happened, whose fault it is, what to do.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from katydid.model.oneline import one_line, without_users


class ExitCode(IntEnum):
    """Exit codes of all commands; if several apply, `worst` decides.

    Attributes:
        PASSED: success. A run also passes if the failure threshold stopped it after at least one success.
        GATE_FAILED: an objective is violated, or the new version is slower. A run: no request succeeded, or a check
            (isolation, safety, resilience) failed.
        USAGE: wrong usage or configuration. Nothing was sent except a check of the target.
        CANNOT_TELL: the comparison is inconclusive, and the thresholds file says that this fails.
        INVALID: the run is invalid, or there is no data.
        INTERNAL: an internal error of Katydid.
        INTERRUPTED: interrupted by Ctrl-C, SIGTERM, or a lost terminal (SIGHUP).
    """

    PASSED = 0
    GATE_FAILED = 1
    USAGE = 2
    CANNOT_TELL = 3
    INVALID = 4
    INTERNAL = 70
    INTERRUPTED = 130


PRECEDENCE = tuple(map(ExitCode, (2, 70, 4, 1, 130, 3, 0)))
"""Exit codes by precedence, highest first."""


def worst(*codes: ExitCode) -> ExitCode:
    """Return the exit code of a command with several results; the precedence is 2, 70, 4, 1, 130, 3, 0."""
    return min(codes, key=PRECEDENCE.index, default=ExitCode.PASSED)


def os_words(error: OSError) -> str:
    """Return the operating system's reason in lower case, to end a sentence: `no such file or directory`."""
    return (error.strerror or str(error)).lower()


_OF_PATHS = frozenset({errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EACCES})
_SHOWN = 200
_SHOWN_HALF = 1000
"""Characters of a long message that are kept at its start, and at its end, which says what to do."""


class KatydidError(Exception):
    """The base class of all exceptions that Katydid raises on purpose."""

    exit_code = ExitCode.INTERNAL

    def __str__(self) -> str:
        """Return the message as one line of limited length, without users and passwords in URLs."""
        text = without_users(one_line(super().__str__()))
        return text if len(text) <= 2 * _SHOWN_HALF else f"{text[:_SHOWN_HALF]}…{text[-_SHOWN_HALF:]}"


class ConfigError(KatydidError):
    """The command cannot run as configured; the message says what to change."""

    exit_code = ExitCode.USAGE


@contextmanager
def naming_paths() -> Iterator[None]:
    """Convert an OSError about an unusable path, such as one that is too long, to a ConfigError: the user chose it.

    Raises:
        ConfigError: instead of the OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _OF_PATHS or not error.filename:
            raise
        raise ConfigError(f"{str(error.filename)[:_SHOWN]}: {os_words(error)}: correct the path") from None


class NoDataError(KatydidError):
    """A run folder is missing, unreadable, or has no samples."""

    exit_code = ExitCode.INVALID


class ProtocolError(KatydidError):
    """The target violated its protocol."""


class LimitError(ProtocolError):
    """The target sent more than a bounded buffer can hold."""

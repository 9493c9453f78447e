"""Katydid's exceptions, and the exit code that each one means.

KatydidError
├── ConfigError      the person must change something; no load was sent      exit 2
├── NoDataError      a run folder holds nothing that can be judged            exit 4
└── ProtocolError    the target sent bytes that break its own protocol        (a failed sample)
    └── LimitError   … or more of them than we are willing to hold

Every message is one line: what happened, whose fault it is, what to do.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from katydid.model.oneline import one_line, without_users


class ExitCode(IntEnum):
    """Exit codes of every command; where several apply, `worst` decides.

    Attributes:
        PASSED: all is well. A run: also where the failure threshold ended it after successes: that is a result.
        GATE_FAILED: an objective is broken, or the new version is slower. A run: no request succeeded, or a check
            (isolation, safety, resilience) failed.
        USAGE: wrong usage or configuration. Nothing was sent but a look at the target.
        CANNOT_TELL: the runs cannot tell, where the thresholds file says that this fails.
        INVALID: the run is invalid, or there is no data.
        INTERNAL: an error of Katydid's own.
        INTERRUPTED: by Ctrl-C, SIGTERM, or a terminal that is gone (SIGHUP).
    """

    PASSED = 0
    GATE_FAILED = 1
    USAGE = 2
    CANNOT_TELL = 3
    INVALID = 4
    INTERNAL = 70
    INTERRUPTED = 130


PRECEDENCE = (
    ExitCode.USAGE,
    ExitCode.INTERNAL,
    ExitCode.INVALID,
    ExitCode.GATE_FAILED,
    ExitCode.INTERRUPTED,
    ExitCode.CANNOT_TELL,
    ExitCode.PASSED,
)
"""Of several codes the one that decides stands first."""


def worst(*codes: ExitCode) -> ExitCode:
    """The code that a command with several results exits with: 2, 70, 4, 1, 130, 3, 0 in that order."""
    return min(codes, key=PRECEDENCE.index, default=ExitCode.PASSED)


def os_words(error: OSError) -> str:
    """Why the operating system refuses something, as the end of a sentence: `no such file or directory`."""
    return (error.strerror or str(error)).lower()


_OF_PATHS = frozenset({errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EACCES})
_SHOWN = 200
_SHOWN_HALF = 1000
"""Characters of a long message that are shown of its beginning, and of its end: there stands what to do."""


class KatydidError(Exception):
    """The root of everything that Katydid raises on purpose."""

    exit_code = ExitCode.INTERNAL

    def __str__(self) -> str:
        """The message: one line with an end, whatever it quotes, and without users and passwords of URLs."""
        text = without_users(one_line(super().__str__()))
        return text if len(text) <= 2 * _SHOWN_HALF else f"{text[:_SHOWN_HALF]}…{text[-_SHOWN_HALF:]}"


class ConfigError(KatydidError):
    """The run cannot start as it was asked for; the message says what to change."""

    exit_code = ExitCode.USAGE


@contextmanager
def naming_paths() -> Iterator[None]:
    """Make a complaint of a path that the system cannot follow, as one that is too long: a person has named it.

    Raises:
        ConfigError: in the place of such an OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _OF_PATHS or not error.filename:
            raise
        raise ConfigError(f"{str(error.filename)[:_SHOWN]}: {os_words(error)}: correct the path") from None


class NoDataError(KatydidError):
    """A run folder is missing, unreadable, or holds no samples."""

    exit_code = ExitCode.INVALID


class ProtocolError(KatydidError):
    """The target broke the protocol that it speaks."""


class LimitError(ProtocolError):
    """The target sent more than a bounded buffer holds."""

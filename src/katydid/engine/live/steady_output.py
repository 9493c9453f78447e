"""Standard output and standard error of a run, which goes on where nobody can read them any more.

The reader of a pipe has left (`| head`), the terminal is gone (a lost connection), the disk is full: what is
printed is lost then, and the run folder has all of it. So a write that fails is the last one that is tried.
"""

import contextlib
import errno
import io
import os
import sys
from typing import TextIO

_UNSAID = frozenset({errno.EPIPE, errno.EIO})
"""The reader has left by itself, or is the terminal that is gone: nobody is there to be told."""


class _SteadyFile(io.RawIOBase):
    """A descriptor whose writes do not fail; with the first that would, it leads to nowhere."""

    def __init__(self, descriptor: int, name: str) -> None:
        self._descriptor, self._name = descriptor, name

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | memoryview") -> int | None:  # type: ignore[override]  # io's own is any buffer
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return None
        except OSError as error:
            self._give_up(error)
            return len(data)

    def _give_up(self, error: OSError) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._descriptor)
        os.close(nowhere)
        if error.errno not in _UNSAID and self._descriptor != sys.__stderr__.fileno():  # type: ignore[union-attr]
            why = (error.strerror or str(error)).lower()
            with contextlib.suppress(OSError):
                print(  # noqa: T201 - the line that is left
                    f"katydid: {self._name} cannot be written ({why}): the run goes on; its report is in its folder",
                    file=sys.stderr,
                )


def steady(stream: TextIO, name: str) -> TextIO:
    """A stream to the same place, which never fails; one that has no descriptor stays as it is."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return stream
    stream.flush()
    raw = io.BufferedWriter(_SteadyFile(descriptor, name))  # type: ignore[type-var]  # io's protocol is all of RawIOBase
    return io.TextIOWrapper(raw, stream.encoding, "replace", line_buffering=True)


def keep_going() -> None:
    """Let the run of this process survive what it is printed to."""
    if sys.stdout is sys.__stdout__:  # else a test or a notebook has taken it
        sys.stdout = steady(sys.stdout, "standard output") if sys.stdout else sys.stdout
    if sys.stderr is sys.__stderr__:
        sys.stderr = steady(sys.stderr, "standard error") if sys.stderr else sys.stderr

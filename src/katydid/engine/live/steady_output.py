"""Keeps a run going if its standard output or standard error can no longer be written.

The reader of a pipe has left (`| head`), the terminal is gone (a lost connection), or the disk is full. What is
printed then is lost, but the run folder has all of it. After the first write that fails, no other is tried.
"""

import contextlib
import errno
import io
import os
import sys
from typing import TextIO

_UNSAID = frozenset({errno.EPIPE, errno.EIO})
"""Errors that are not reported, because nobody would read the report: the pipe's reader or the terminal is gone."""


class _SteadyFile(io.RawIOBase):
    """A descriptor whose writes never fail: at the first error, it is redirected to the null device."""

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
                print(  # noqa: T201 - standard error still works
                    f"katydid: {self._name} cannot be written ({why}): the run goes on; its report is in its folder",
                    file=sys.stderr,
                )


def steady(stream: TextIO, name: str) -> TextIO:
    """A stream to the same place whose writes never fail; a stream without a descriptor is returned unchanged."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return stream
    stream.flush()
    raw = io.BufferedWriter(_SteadyFile(descriptor, name))  # type: ignore[type-var]  # io's protocol is all of RawIOBase
    return io.TextIOWrapper(raw, stream.encoding, "replace", line_buffering=True)


def keep_going() -> None:
    """Let this process's run go on when its output fails."""
    if sys.stdout is sys.__stdout__:  # else a test or a notebook has replaced it
        sys.stdout = steady(sys.stdout, "standard output") if sys.stdout else sys.stdout
    if sys.stderr is sys.__stderr__:
        sys.stderr = steady(sys.stderr, "standard error") if sys.stderr else sys.stderr

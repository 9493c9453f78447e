"""What a run prints: it goes on if its output cannot be written, and Locust's log fits the terminal.

The reader of a pipe has left (`| head`), the terminal is gone (a lost connection), or the disk is full. What is
printed then is lost, but the run folder has all of it. After the first write that fails, no other is tried.
"""

import contextlib
import errno
import io
import logging
import os
import sys
from typing import Any, TextIO

from rich.cells import cell_len

from katydid.report.render.terminal import terminal
from katydid.report.render.wrapping import wrapped

_UNSAID = frozenset({errno.EPIPE, errno.EIO})
"""Errors that are not reported, because nobody would read the report: the pipe's reader or the terminal is gone."""


class _SteadyFile(io.FileIO):
    """A descriptor whose writes never fail: at the first error, it is redirected to the null device."""

    def __init__(self, descriptor: int, words: str) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._words = words

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self._give_up(error)
            return len(data)

    def _give_up(self, error: OSError) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        if error.errno not in _UNSAID and self.fileno() != sys.__stderr__.fileno():  # type: ignore[union-attr]
            why = (error.strerror or str(error)).lower()
            with contextlib.suppress(OSError):
                print(  # noqa: T201 - standard error still works
                    f"katydid: {self._words} cannot be written ({why}): the run goes on; its report is in its folder",
                    file=sys.stderr,
                )


def steady(stream: TextIO, name: str) -> TextIO:
    """A stream to the same place whose writes never fail; a stream without a descriptor is returned unchanged."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return stream
    stream.flush()
    raw = io.BufferedWriter(_SteadyFile(descriptor, name))
    return io.TextIOWrapper(raw, stream.encoding, "replace", line_buffering=True)


def keep_going() -> None:
    """Let this process's run go on when its output fails."""
    for name, words in (("stdout", "standard output"), ("stderr", "standard error")):
        stream = getattr(sys, name)
        if stream and stream is getattr(sys, f"__{name}__"):  # else a test or a notebook has replaced it
            setattr(sys, name, steady(stream, words))


def warning_line(level: int, text: str) -> str:
    """A warning or an error, in the form that all have in `katydid run`."""
    return f"{logging.getLevelName(level).capitalize()}: {text}"


class _Fitting(logging.Formatter):
    """Wraps the lines of another formatter to the width of the terminal; without one, formats Katydid's warnings."""

    def __init__(self, other: logging.Formatter | None) -> None:
        super().__init__()
        self._other = other

    def format(self, record: logging.LogRecord) -> str:
        text = self._other.format(record) if self._other else warning_line(record.levelno, super().format(record))
        console = terminal(stderr=True)
        if console.soft_wrap:
            return text
        width, lines = console.width, text.splitlines()
        # Only what is too long is wrapped, so that a traceback's lines keep their indent.
        return "\n".join("\n".join(wrapped(line, width)) if cell_len(line) > width else line for line in lines)


def take_over_log(main: Any, *, shows_run: bool) -> None:
    """Have Locust's `main` module print no table, and set up a log whose lines fit the terminal.

    If Katydid `shows_run`, the log looks like its warnings, unless the user asked for a log.
    """
    set_up = main.setup_logging

    def fitting(level: str, file: str | None = None) -> None:
        set_up(level, file)
        logging.getLogger("locust.stats_logger").disabled = True
        logging.getLogger("locust.main").addFilter(_is_not_of_shapes)
        plain = shows_run and not file and level.upper() == "WARNING"
        for handler in (*logging.getLogger().handlers, *logging.getLogger("locust").handlers):
            if type(handler) is logging.StreamHandler:  # not one that writes to a file
                handler.setFormatter(_Fitting(None if plain else handler.formatter or logging.Formatter()))

    main.setup_logging = fitting


def _is_not_of_shapes(record: logging.LogRecord) -> bool:
    """Drop Locust's notice about options and load shapes: its next line names those without effect."""
    return "have no impact on LoadShapes" not in record.getMessage()

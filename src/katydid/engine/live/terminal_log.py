"""Locust's log on a terminal: as Katydid's warnings if Katydid shows the run, else as lines that fit the terminal."""

import logging
from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len

from katydid.report.render.terminal import terminal
from katydid.report.render.wrapping import wrapped


def warning_line(level: int, text: str) -> str:
    """A warning or an error, in the form that all have in `katydid run`."""
    return f"{logging.getLevelName(level).capitalize()}: {text}"


class _Plain(logging.Formatter):
    """Formats log records like Katydid's own warnings."""

    def format(self, record: logging.LogRecord) -> str:
        return _fitting(warning_line(record.levelno, super().format(record)))


class _Fitting(logging.Formatter):
    """Wraps the lines of another formatter to the width of the terminal."""

    def __init__(self, other: logging.Formatter | None) -> None:
        super().__init__()
        self._other = other or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        return _fitting(self._other.format(record))


def _fitting(text: str) -> str:
    console = terminal(stderr=True)
    if console.soft_wrap:
        return text
    return "\n".join(each for line in text.splitlines() for each in _lines(line, console.width))


def _lines(line: str, width: int) -> list[str]:
    """Wrap a line only if it is too long: a traceback's lines keep their indent."""
    return wrapped(line, width) if cell_len(line) > width else [line]


def take_over_log(main: Any, *, shows_run: bool) -> None:
    """Have Locust's `main` module print no table, and set up a log whose lines fit the terminal.

    Args:
        main: Locust's `main` module, before it runs.
        shows_run: Katydid shows the run, so the log looks like its warnings, unless the user asked for a log.
    """
    set_up = main.setup_logging

    def fitting(level: str, file: str | None = None) -> None:
        set_up(level, file)
        logging.getLogger("locust.stats_logger").disabled = True
        logging.getLogger("locust.main").addFilter(_is_not_of_shapes)
        plain = shows_run and not file and level.upper() == "WARNING"
        for handler in _terminal_handlers():
            handler.setFormatter(_Plain() if plain else _Fitting(handler.formatter))

    main.setup_logging = fitting


def _is_not_of_shapes(record: logging.LogRecord) -> bool:
    """Drop Locust's notice about options and load shapes: its next line names those without effect."""
    return "have no impact on LoadShapes" not in record.getMessage()


def _terminal_handlers() -> Iterator[logging.Handler]:
    """The handlers of Locust's log and of the root log that write to a stream, not to a file."""
    for name in (None, "locust"):
        yield from (handler for handler in logging.getLogger(name).handlers if type(handler) is logging.StreamHandler)

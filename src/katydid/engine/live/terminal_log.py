"""Locust's log on a terminal: as our own warnings where we show the run, in lines that fit where Locust does."""

import logging
from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len

from katydid.report.render.terminal import terminal
from katydid.report.render.wrapping import wrapped


def warning_line(level: int, text: str) -> str:
    """A warning or an error, as all of them look in `katydid run`."""
    return f"{logging.getLevelName(level).capitalize()}: {text}"


class _Plain(logging.Formatter):
    """Of a log that is part of what a person reads."""

    def format(self, record: logging.LogRecord) -> str:
        return _fitting(warning_line(record.levelno, super().format(record)))


class _Fitting(logging.Formatter):
    """Lines of another formatter that are no longer than the terminal is wide."""

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
    """One line, as it is where it fits: those of a traceback are indented."""
    return wrapped(line, width) if cell_len(line) > width else [line]


def take_over_log(main: Any, *, shows_run: bool) -> None:
    """Have Locust's `main`, a module, print no table, and set up a log whose lines fit the terminal.

    Args:
        main: of Locust, before it has begun.
        shows_run: Katydid does, so what the log says looks like our warnings, unless a log of its own was asked for.
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
    """All but how Locust's load shapes read options: its next line names those that have no effect."""
    return "have no impact on LoadShapes" not in record.getMessage()


def _terminal_handlers() -> Iterator[logging.Handler]:
    """Of Locust's log and all others; a file's are none."""
    for name in (None, "locust"):
        yield from (handler for handler in logging.getLogger(name).handlers if type(handler) is logging.StreamHandler)

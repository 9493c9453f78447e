"""Locust's log on a terminal: as our own warnings where we show the run, in lines that fit where Locust does."""

import logging
from argparse import Namespace
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


def take_over_log(options: Namespace | None) -> None:
    """Have Locust print no table, and its log look like our warnings, unless a log of its own was asked for."""
    logging.getLogger("locust.stats_logger").disabled = True
    if options is None or options.logfile or options.loglevel.upper() != "WARNING":
        return
    for handler in _terminal_handlers():
        handler.setFormatter(_Plain())


def fit_log(main: Any) -> None:
    """Have Locust's `main`, a module, print no table, and set up a log whose lines fit the terminal."""
    set_up = main.setup_logging

    def fitting(*asked: Any) -> None:
        set_up(*asked)
        logging.getLogger("locust.stats_logger").disabled = True
        for handler in _terminal_handlers():
            handler.setFormatter(_Fitting(handler.formatter))

    main.setup_logging = fitting


def _terminal_handlers() -> Iterator[logging.Handler]:
    """Of Locust's log and all others; a file's are none."""
    for name in (None, "locust"):
        yield from (handler for handler in logging.getLogger(name).handlers if type(handler) is logging.StreamHandler)

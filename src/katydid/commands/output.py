"""Where a command's results go: a file, or standard output for `-`."""

import sys
from pathlib import Path

from rich.console import Console

from katydid.core.errors import ConfigError

LOG_WIDTH = 120
"""Columns of a table in a CI's log, which does not say how wide it is."""


def result_console(json_to: str | None) -> Console:
    """Where people read the result: standard output, or standard error where JSON has that to itself."""
    stream = sys.stderr if json_to == "-" else sys.stdout
    return Console(file=stream, highlight=False, soft_wrap=True, width=None if stream.isatty() else LOG_WIDTH)


def write_output(where: str, text: str) -> None:
    """Write a result.

    Raises:
        ConfigError: the file cannot be written.
    """
    if where == "-":
        sys.stdout.write(text)
        return
    try:
        Path(where).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{where} cannot be written: {(error.strerror or str(error)).lower()}") from None

"""Where a command's results go: a file, or standard output for `-`."""

import argparse
import sys
from pathlib import Path

from katydid.model.errors import ConfigError, os_words
from katydid.model.jsontext import json_text

STANDARD_OUTPUT = "-"


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option of a command that takes no words beside its options: one behind it can only be the file."""
    parser.add_argument(
        "--json",
        metavar="F",
        nargs="?",
        const=STANDARD_OUTPUT,
        help="write everything as JSON; - or no F for standard output",
    )


def check_output(*wheres: str | None) -> None:
    """See that results can be written that are asked for, before the work that leads to them.

    Raises:
        ConfigError: a file cannot be written.
    """
    for where in wheres:
        if not where or where == STANDARD_OUTPUT:
            continue
        try:
            path = Path(where)
            path.parent.mkdir(parents=True, exist_ok=True)
            there = path.exists()
            with path.open("ab"):
                pass
            if not there:  # a command that comes to no result leaves no empty one
                path.unlink()
        except OSError as error:
            raise _not_writable(where, error) from None


def write_output(where: str, text: str) -> None:
    """Write a result.

    Raises:
        ConfigError: the file cannot be written.
    """
    if where == STANDARD_OUTPUT:
        sys.stdout.write(text)
        return
    try:
        Path(where).parent.mkdir(parents=True, exist_ok=True)
        Path(where).write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise _not_writable(where, error) from None


def write_json(where: str | None, value: object) -> None:
    """Write a result as JSON; nothing where nobody asked for it.

    Raises:
        ConfigError: see `write_output`.
    """
    if where:
        write_output(where, json_text(value) + "\n")


def _not_writable(where: str, error: OSError) -> ConfigError:
    return ConfigError(f"{where} cannot be written: {os_words(error)}")

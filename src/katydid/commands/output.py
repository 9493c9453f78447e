"""What commands write: messages to standard error, results to a file, or to standard output for `-`.

Every error goes through here, so this module imports next to nothing.
"""

import argparse
import os
import sys
from typing import TextIO

from katydid.model.errors import ConfigError
from katydid.runs.files import STANDARD_OUTPUT, check_output, write_output

__all__ = [
    "STANDARD_OUTPUT", "add_json", "check_output", "check_outputs", "known_width", "tell", "write_json", "write_output",
]  # fmt: skip


def known_width(stream: TextIO) -> int | None:
    """The width in columns of the terminal behind a stream; None if it is unknown, as for a pipe."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    return os.get_terminal_size(stream.fileno()).columns or None if stream.isatty() else None


def tell(text: str) -> None:
    """Print a message on standard error, wrapped to the terminal if its width is known."""
    lines, width = [text], known_width(sys.stderr)
    if width is not None:
        from katydid.report.render.wrapping import wrapped

        lines = wrapped(text, width)
    for line in lines:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - for people


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json [F]`; a positional argument right behind it would be taken for F."""
    parser.add_argument(
        "--json",
        metavar="F",
        nargs="?",
        const=STANDARD_OUTPUT,
        help="write everything as JSON; - or no F for standard output",
    )


def check_outputs(args: argparse.Namespace, *options: str) -> None:
    """Check before the work that the results of these options can be written.

    Raises:
        ConfigError: a file cannot be written, or two results want standard output.
    """
    wheres = {f"--{option}": getattr(args, option) for option in options}
    if len(both := [option for option, where in wheres.items() if where == STANDARD_OUTPUT]) > 1:
        raise ConfigError(f"{' - and '.join(both)} - both want standard output: give one of them a file")
    check_output(*wheres.values())


def write_json(where: str | None, value: object) -> None:
    """Write a result as JSON, if a file or `-` was given.

    Raises:
        ConfigError: see `write_output`.
    """
    if where:
        from katydid.model.jsontext import json_text

        write_output(where, json_text(value) + "\n")

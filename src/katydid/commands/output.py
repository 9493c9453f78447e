"""Where a command's results go: a file, or standard output for `-`."""

import argparse

from katydid.model.jsontext import json_text
from katydid.runs.files import STANDARD_OUTPUT, check_output, write_output

__all__ = ["STANDARD_OUTPUT", "add_json", "check_output", "write_json", "write_output"]


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option of a command that takes no words beside its options: one behind it can only be the file."""
    parser.add_argument(
        "--json",
        metavar="F",
        nargs="?",
        const=STANDARD_OUTPUT,
        help="write everything as JSON; - or no F for standard output",
    )


def write_json(where: str | None, value: object) -> None:
    """Write a result as JSON; nothing where nobody asked for it.

    Raises:
        ConfigError: see `write_output`.
    """
    if where:
        write_output(where, json_text(value) + "\n")

"""Files that people name: read with a limit, and without waiting for what never comes.

A name may be that of a device without an end, or of a pipe that nobody writes into.
"""

import os
from io import BufferedReader
from pathlib import Path

from katydid.model.errors import ConfigError

MIB = 2**20


def open_named(path: Path | str) -> BufferedReader:
    """A file open for reading; a pipe that has no writer by now is an empty one.

    Raises:
        OSError: it cannot be opened.
    """
    return open(path, "rb", opener=_without_waiting)


def read_named(path: Path | str, most: int) -> bytes:
    """The whole of a file.

    Args:
        path: of it.
        most: bytes that it may have.

    Raises:
        OSError: it cannot be read.
        ConfigError: it is larger; the message begins with how large.
    """
    with open_named(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ConfigError(f"is larger than {most // MIB} MiB")
    return data


def _without_waiting(path: str, flags: int) -> int:
    found = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(found, True)
    return found

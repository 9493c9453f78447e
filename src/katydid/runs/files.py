"""Files that are replaced whole or not at all, in folders that others may have put links into."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` when the block ends, or goes if it fails.

    Its name is one that nobody knows ahead, and it is new: a link that somebody has left leads nowhere from here.

    Raises:
        OSError: the file could not be written whole; what was at `path` before still is.
    """
    temporary = path.with_name(f".{token_hex(8)}.tmp")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o666))
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())  # a power loss must not leave the name without the bytes
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def replace_file(path: Path, data: bytes) -> Path:
    """Write a file, or leave the one that is there.

    Raises:
        OSError: see `new_file`.
    """
    with new_file(path) as temporary:
        temporary.write_bytes(data)
    return path


def new_folder(path: Path) -> Path:
    """Make a folder that nobody else has made: this one, or with a suffix -2, -3 … behind its name.

    Raises:
        OSError: none can be made there.
    """
    number, made = 1, path
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            made.mkdir()
        except FileNotFoundError:  # a run that only looks took the empty folder above away again
            continue
        except FileExistsError:
            number += 1
            made = path.with_name(f"{path.name}-{number}")
        else:
            return made

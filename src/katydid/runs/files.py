"""Files that are there whole or not at all, whatever happens while they are written. Knows nothing of runs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` when the block ends, or goes if it fails.

    Raises:
        OSError: the file could not be written whole; what was at `path` before still is.
    """
    temporary = path.with_name(path.name + ".tmp")
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

"""Files that people name: bounded reads and checked writes. Files that are replaced whole or not at all."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from secrets import token_hex

from katydid.model.errors import ConfigError, os_words

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


STANDARD_OUTPUT = "-"


@contextmanager
def leaving_nothing(path: Path) -> Iterator[None]:
    """Take away again what is made inside the block on the way to `path`; what was there stays.

    A command that comes to no result leaves no empty one, and no folders for it.
    """
    new = [each for each in (path, *path.parents) if not os.path.lexists(each)]
    try:
        yield
    finally:
        for each in new:
            with suppress(OSError):  # it was not made, or something else is in it by now
                each.rmdir() if each.is_dir() else each.unlink()


def check_output(*wheres: str | None) -> None:
    """See that results can be written that are asked for.

    A pipe with a name must have a reader by now: without one, writing would wait for it for ever.

    Raises:
        ConfigError: a file cannot be written.
    """
    for where in wheres:
        if not where or where == STANDARD_OUTPUT:
            continue
        path = Path(os.path.realpath(where))
        try:
            with leaving_nothing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                found = os.open(where, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o666)
                if not stat.S_ISFIFO(os.fstat(found).st_mode):  # else its reader would believe that all is said
                    os.close(found)
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


def _not_writable(where: str, error: OSError) -> ConfigError:
    why = "nobody reads this pipe" if error.errno == errno.ENXIO else os_words(error)
    return ConfigError(f"{where} cannot be written: {why}")


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

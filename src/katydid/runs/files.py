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
    """Open a file for reading without waiting: a pipe without a writer reads as empty."""
    return open(path, "rb", opener=_without_waiting)


def read_named(path: Path | str, most: int) -> bytes:
    """Read a whole file of at most `most` bytes; it may be a device without an end.

    Raises:
        ConfigError: the file is larger; the message lacks the file's name, which the caller puts in front.
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
    """Remove `path` after the block if the block created it, and its new parent folders if they are empty.

    A command that fails leaves neither an empty result nor folders for it.
    """
    new = [each for each in (path, *path.parents) if not os.path.lexists(each)]
    try:
        yield
    finally:
        for each in new:
            with suppress(OSError):  # it was never created, or is no longer empty
                each.rmdir() if each.is_dir() else each.unlink()


def check_output(*wheres: str | None) -> None:
    """Check before the work that its results can be written.

    A named pipe must already have a reader: otherwise writing would wait for ever.

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
                if not stat.S_ISFIFO(os.fstat(found).st_mode):  # a pipe's reader would take the close for the end
                    os.close(found)
        except OSError as error:
            raise _not_writable(where, error) from None


def write_output(where: str, text: str) -> None:
    """Write a result to a file, or to standard output for `-`.

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
    """Give a temporary path that replaces `path` when the block ends, and is deleted if the block fails.

    Its name is random and the file is new, so that a symbolic link left in the folder cannot redirect the write.

    Raises:
        OSError: the file could not be written whole; `path` is unchanged.
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
    """Replace a file whole, or leave the old one; see `new_file`."""
    with new_file(path) as temporary:
        temporary.write_bytes(data)
    return path


def new_folder(path: Path) -> Path:
    """Create a new folder; if the name is taken, append -2, -3 and so on."""
    number, made = 1, path
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            made.mkdir()
        except FileNotFoundError:  # another command's `check_results` has just removed the empty parent
            continue
        except FileExistsError:
            number += 1
            made = path.with_name(f"{path.name}-{number}")
        else:
            return made

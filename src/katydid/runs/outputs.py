"""Where results go that people name a file for: seen to before the work that leads to them, written after it."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from katydid.model.errors import ConfigError, os_words

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

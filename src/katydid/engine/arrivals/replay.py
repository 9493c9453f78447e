"""The trace that a run replays: read once a process, and cut to what was asked for of it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from katydid.load.traces.files import collected, records
from katydid.load.traces.trace import Trace, read_window
from katydid.model.errors import ConfigError, os_words
from katydid.model.formatting import plural
from katydid.runs.files import open_named

_PIECE = 2**16


@dataclass(frozen=True, slots=True)
class Replay:
    """A trace as a run replays it.

    Attributes:
        trace: its requests, in seconds of the run.
        sha256: of the file; two runs with equal ones, and the same window and speed, sent the same.
        told: what the person should know of it; empty for nothing.
    """

    trace: Trace
    sha256: str
    told: str


def replay_of(path: str, window: str | None, speed: float, requests: int | None) -> Replay:
    """A file's trace.

    Args:
        path: of the file.
        window: as `read_window` reads it.
        speed: so many times as fast as it was.
        requests: after which the run ends; None for all.

    Raises:
        ConfigError: it cannot be read, is no trace, or has no request in its window; says where.
    """
    try:
        state = Path(path).stat()
        return _replay(path, (state.st_mtime_ns, state.st_size), window, speed, requests)
    except ConfigError as error:
        raise ConfigError(f"--trace {path}: {error}") from None
    except OSError as error:
        raise ConfigError(f"--trace {path}: {os_words(error)}") from None


@lru_cache(maxsize=1)
def _replay(path: str, _state: tuple[int, int], window: str | None, speed: float, requests: int | None) -> Replay:
    """The same of a file in one state, so that all that ask for it in a process have one copy."""
    digest = hashlib.sha256()
    with open_named(path) as file:
        pieces = _hashed(file, digest)
        trace = collected(records(pieces))
        for _ in pieces:  # what stands behind the last request
            pass
    skipped = f"{plural(trace.skipped, 'request')} of the trace without an answer left out" if trace.skipped else ""
    replayed = trace.replayed(*(read_window(window) if window else ()), speed=speed)
    return Replay(replayed.part(0, min(requests or len(replayed), len(replayed))), digest.hexdigest(), skipped)


def _hashed(file: BinaryIO, digest: "hashlib._Hash") -> Iterator[bytes]:
    """A file's pieces, each hashed as it is read: it may be a device without an end, which is no trace."""
    while piece := file.read(_PIECE):
        digest.update(piece)
        yield piece

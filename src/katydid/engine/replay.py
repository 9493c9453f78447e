"""The trace that a run replays: read once per process, and cut to the requested window and number of requests."""

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
        sha256: hash of the file; runs with the same hash, window and speed sent the same requests.
        told: a notice for the user; empty for none.
    """

    trace: Trace
    sha256: str
    told: str


def replay_of(path: str, window: str | None, speed: float, requests: int | None) -> Replay:
    """Read the trace of a file.

    Args:
        path: path of the file.
        window: as `read_window` reads it.
        speed: how many times faster than recorded.
        requests: number of requests after which the run ends; None for all.

    Raises:
        ConfigError: the file cannot be read, is not a trace, or has no request in the window; says where.
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
    """Read the trace of a file in one state; cached, so that a process keeps a single copy."""
    digest = hashlib.sha256()
    with open_named(path) as file:
        pieces = _hashed(file, digest)
        trace = collected(records(pieces))
        for _ in pieces:  # hash the rest of the file
            pass
    skipped = f"{plural(trace.skipped, 'request')} of the trace without an answer left out" if trace.skipped else ""
    replayed = trace.replayed(*(read_window(window) if window else ()), speed=speed)
    return Replay(replayed.part(0, min(requests or len(replayed), len(replayed))), digest.hexdigest(), skipped)


def _hashed(file: BinaryIO, digest: "hashlib._Hash") -> Iterator[bytes]:
    """A file's pieces, each hashed as it is read, not all at once: the path may name a device without an end."""
    while piece := file.read(_PIECE):
        digest.update(piece)
        yield piece

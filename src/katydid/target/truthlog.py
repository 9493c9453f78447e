"""The ground truth: what really happened to each request, as one JSON line per request."""

import os
import time
from dataclasses import dataclass
from typing import BinaryIO

from katydid.model.errors import ConfigError
from katydid.model.jsontext import json_bytes


@dataclass(slots=True)
class Truth:
    """One request. Times are nanoseconds on the monotonic and the real-time clock; None if it did not happen.

    Attributes:
        received_*: when the first byte of the request arrived (`arrivals`).
        first_chunk_*, last_chunk_*: just before the first and the last content chunk was written.
        ended_*: when the last byte was written, or the connection was lost.
        freed_*: when its slot was freed; None if it never had one.
        body_sha256: hash of the request's body as received.
        prompt_tokens, cached_tokens: tokens of the prompt, and how many of them the prefix cache had.
        queue_ms: how long it waited for a slot; None if it never got one.
        fault: the injected fault.
        party: the user whose text the fault leaked to another.
        outcome: `sent`; `client_closed` if the client closed first; `broken_off` if the fault closed the connection;
            `target_stopped`.
    """

    request_id: str
    path: str
    received_mono_ns: int
    received_real_ns: int
    model: str | None = None
    stream: bool | None = None
    status: int | None = None
    chunks: int = 0
    completion_tokens: int = 0
    body_sha256: str | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    fault: str | None = None
    party: str | None = None
    outcome: str | None = None
    queue_ms: float | None = None
    first_chunk_mono_ns: int | None = None
    first_chunk_real_ns: int | None = None
    last_chunk_mono_ns: int | None = None
    last_chunk_real_ns: int | None = None
    ended_mono_ns: int | None = None
    ended_real_ns: int | None = None
    freed_mono_ns: int | None = None
    freed_real_ns: int | None = None

    @property
    def identity(self) -> str:
        """Id of its answer: the end of the request's id, since all ids of a run may begin alike."""
        return self.request_id[-24:]

    def wrote_chunk(self, count: int = 1) -> None:
        """Record that `count` content chunks are about to be written."""
        mono, real = time.monotonic_ns(), time.time_ns()
        self.last_chunk_mono_ns, self.last_chunk_real_ns = mono, real
        if self.chunks == 0:
            self.first_chunk_mono_ns, self.first_chunk_real_ns = mono, real
        self.chunks += count

    def ended(self, outcome: str) -> None:
        """Record the end of the answer."""
        self.outcome = outcome
        self.ended_mono_ns, self.ended_real_ns = time.monotonic_ns(), time.time_ns()

    def freed(self) -> None:
        """Record that its slot was freed."""
        self.freed_mono_ns, self.freed_real_ns = time.monotonic_ns(), time.time_ns()


class TruthLog:
    """Appends one line per request, without buffering.

    Raises:
        ConfigError: the file cannot be written.
    """

    def __init__(self, path: str | None) -> None:
        self._file: BinaryIO | None = None
        if path:
            try:
                self._file = open(path, "ab", buffering=0, opener=_without_waiting)  # noqa: SIM115 - stays open
            except OSError as error:
                raise ConfigError(f"--log {path} cannot be written ({error.strerror}): name another file") from None

    def write(self, truth: Truth) -> None:
        """Log a request that has ended."""
        if self._file is not None:
            self._file.write(json_bytes(truth) + b"\n")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def _without_waiting(path: str, flags: int) -> int:
    """Open without blocking, so that a pipe that nobody reads fails instead of waiting for ever."""
    found = os.open(path, flags | os.O_NONBLOCK, 0o666)
    os.set_blocking(found, True)
    return found

"""A recognition worker: a process that takes jobs from its standard input, a chunk of audio each, one at a time.

This one pretends: it takes as long as it is told, and answers how long that was. It stands on the standard
library alone and is run as a file, so that dozens of them start in a moment. `sphinx.py` is one that
recognises; both end with their input.

The time that a pretended chunk takes counts from when it came, or from when the worker was done with the one
before: hand-overs between processes cost this worker nothing, as a real one would hide them too.
"""

import os
import struct
import time
from collections.abc import Callable
from typing import NamedTuple

_HEAD = struct.Struct("=QQQ?I")
_ANSWER = struct.Struct("=QI")


class Job(NamedTuple):
    """What is to be done.

    Attributes:
        came_at: when the chunk came, on the monotonic clock, nanoseconds.
        work_ns: how long a pretender takes.
        stream: number of the stream that the audio belongs to.
        last: nothing of it follows.
    """

    came_at: int
    work_ns: int
    stream: int
    last: bool
    audio: bytes

    def packed(self) -> bytes:
        """For the worker's input."""
        return _HEAD.pack(self.came_at, self.work_ns, self.stream, self.last, len(self.audio)) + self.audio


class WorkerReply(NamedTuple):
    """How long a job was worked on, nanoseconds, and the stream's text so far."""

    work_ns: int
    text: str

    def packed(self) -> bytes:
        """For the worker's output."""
        text = self.text.encode()
        return _ANSWER.pack(self.work_ns, len(text)) + text


def read_job(file: int) -> Job:
    """The next job.

    Raises:
        EOFError: there is none.
    """
    came_at, work_ns, stream, last, size = _HEAD.unpack(_exactly(file, _HEAD.size))
    return Job(came_at, work_ns, stream, last, _exactly(file, size))


def read_answer(file: int) -> WorkerReply:
    """The next answer.

    Raises:
        EOFError: the worker has died.
    """
    work_ns, size = _ANSWER.unpack(_exactly(file, _ANSWER.size))
    return WorkerReply(work_ns, _exactly(file, size).decode())


def _exactly(file: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = os.read(file, size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def serve(work: Callable[[Job], WorkerReply]) -> None:
    """Do job after job until the input ends."""
    while True:
        try:
            job = read_job(0)
        except EOFError:
            return
        os.write(1, work(job).packed())


class Pretender:
    """Sleeps instead of working."""

    def __init__(self) -> None:
        self._free_at = 0

    def __call__(self, job: Job) -> WorkerReply:
        """See `serve`."""
        self._free_at = max(job.came_at, self._free_at) + job.work_ns
        if (left := self._free_at - time.monotonic_ns()) > 0:
            time.sleep(left / 1e9)
        return WorkerReply(job.work_ns, "")


if __name__ == "__main__":
    serve(Pretender())

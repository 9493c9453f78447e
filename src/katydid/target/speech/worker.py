"""A recognition worker: a process that reads jobs from standard input, one chunk of audio each, and does them in order.

This worker pretends: it takes the time given in the job, and reports it. It uses only the standard library and is run
as a file, so dozens of workers start quickly. `sphinx.py` is a worker that recognises speech. Both end when their
input ends.

The time of a pretended chunk counts from its arrival, or from the end of the chunk before it. So passing chunks between
processes adds no time; a real worker would hide it too.
"""

import os
import struct
import time
from collections.abc import Callable
from typing import NamedTuple

_HEAD = struct.Struct("=QQQ?I")
_ANSWER = struct.Struct("=QI")


class Job(NamedTuple):
    """One chunk of audio to work on.

    Attributes:
        came_at: when the chunk arrived, in nanoseconds on the monotonic clock.
        work_ns: how long a pretending worker takes.
        stream: number of the chunk's stream.
        last: True if it is the stream's last chunk.
    """

    came_at: int
    work_ns: int
    stream: int
    last: bool
    audio: bytes

    def packed(self) -> bytes:
        """Return the bytes for the worker's input."""
        return _HEAD.pack(self.came_at, self.work_ns, self.stream, self.last, len(self.audio)) + self.audio


class WorkerReply(NamedTuple):
    """The result of a job: its working time in nanoseconds, and the stream's text so far."""

    work_ns: int
    text: str

    def packed(self) -> bytes:
        """Return the bytes for the worker's output."""
        text = self.text.encode()
        return _ANSWER.pack(self.work_ns, len(text)) + text


def read_job(file: int) -> Job:
    """Read the next job.

    Raises:
        EOFError: the input has ended.
    """
    came_at, work_ns, stream, last, size = _HEAD.unpack(_exactly(file, _HEAD.size))
    return Job(came_at, work_ns, stream, last, _exactly(file, size))


def read_answer(file: int) -> WorkerReply:
    """Read the next result.

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
    """Do one job after the other until the input ends."""
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

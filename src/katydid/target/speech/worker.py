"""A recognition worker: a process that reads jobs from standard input, one chunk of audio each, and does them in order.

A worker pretends: it takes the time given in the job, and reports it. With the argument `recognise`, it recognises
speech with pocketsphinx and the English model in its package. It is run as a file and needs only the standard library
to pretend, so dozens of workers start quickly. It ends when its input ends.
"""

import os
import struct
import sys
import time
from typing import Any, NamedTuple

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


class Pretender:
    """Sleeps instead of working.

    The time of a chunk counts from its arrival, or from the end of the chunk before it. So passing chunks between
    processes adds no time; a real worker would hide it too.
    """

    def __init__(self) -> None:
        self._free_at = 0

    def work(self, job: Job) -> WorkerReply:
        """Take the time that the job says."""
        self._free_at = max(job.came_at, self._free_at) + job.work_ns
        if (left := self._free_at - time.monotonic_ns()) > 0:
            time.sleep(left / 1e9)
        return WorkerReply(job.work_ns, "")


class Recogniser:
    """The decoders of open streams, and free decoders.

    Each stream needs its own decoder, so all of its audio must go to one worker. Decoders are reused, since one takes a
    third of a second to load and about 100 MB.
    """

    def __init__(self) -> None:
        self._busy: dict[int, Any] = {}
        self._free: list[Any] = [_decoder()]

    def work(self, job: Job) -> WorkerReply:
        """Recognise the chunk."""
        decoder = self._busy.get(job.stream)
        if decoder is None:
            decoder = self._busy[job.stream] = self._free.pop() if self._free else _decoder()
            decoder.start_utt()
        began = time.monotonic_ns()
        if job.audio:
            decoder.process_raw(job.audio, False, False)  # no_search, full_utt
        if job.last:
            decoder.end_utt()
            self._free.append(self._busy.pop(job.stream))
        found = decoder.hyp()
        return WorkerReply(time.monotonic_ns() - began, found.hypstr if found else "")


def _decoder() -> Any:
    from pocketsphinx import Decoder  # noqa: PLC0415 - an optional dependency

    return Decoder(loglevel="FATAL")


if __name__ == "__main__":
    worker = Recogniser() if sys.argv[1:] == ["recognise"] else Pretender()
    while True:
        try:
            job = read_job(0)
        except EOFError:
            break
        os.write(1, worker.work(job).packed())

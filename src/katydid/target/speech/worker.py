"""A recognition worker: a process that reads jobs from standard input, one chunk of audio each, and does them in order.

A worker pretends: it takes the time given in the job, and reports it. With the argument `recognise`, it recognises
speech with pocketsphinx and the English model in its package. It is run as a file and needs only the standard library
to pretend, so dozens of workers start quickly. Jobs and results pass as tuples in Python's marshal format. It ends
when its input ends.
"""

import marshal
import sys
import time
from typing import Any, NamedTuple


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


class WorkerReply(NamedTuple):
    """The result of a job: its working time in nanoseconds, and the stream's text so far."""

    work_ns: int
    text: str


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
            job = Job(*marshal.load(sys.stdin.buffer))  # noqa: S302 - from the target, which started this process
        except EOFError:
            break
        marshal.dump(tuple(worker.work(job)), sys.stdout.buffer)
        sys.stdout.buffer.flush()

"""The queue of audio chunks, and the worker processes that serve it, first come, first served.

Workers that pretend share one queue. Workers that recognise keep the state of a stream, so each worker has its own
queue, and a stream stays with its worker.

If a worker dies, only the streams whose chunks it had fail. The gateway continues, and queued chunks wait for the other
workers, or for a new one. Needs pipes that an event loop can watch: Linux and macOS.
"""

import asyncio
import contextlib
import marshal
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from katydid.model.errors import ConfigError
from katydid.target.settings import TargetSettings
from katydid.target.speech.worker import Job, WorkerReply

if TYPE_CHECKING:
    from katydid.target.speech.gateway import SpeechStream

_PRETENDER = ["-I", "-S", str(Path(__file__).with_name("worker.py"))]
_RECOGNISER = ["-m", "katydid.target.speech.worker", "recognise"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A queued chunk of a stream."""

    stream: "SpeechStream"
    came_at: int
    work_ns: int
    audio: bytes
    last: bool


class Worker:
    """One worker process, with its current chunk.

    Attributes:
        out: its results.
        line: queue of the chunks that only this worker can do.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, command: list[str], answered: Callable[["Worker"], None]
    ) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, bufsize=0)  # noqa: S603 - Katydid's own file
        assert self.process.stdin is not None  # noqa: S101 - both are pipes
        assert self.process.stdout is not None  # noqa: S101
        self._in = self.process.stdin.fileno()
        self.out = os.fdopen(self.process.stdout.fileno(), "rb", closefd=False)
        self.chunk: Chunk | None = None
        self.line: deque[Chunk] = deque()
        self.started_at = time.monotonic_ns()
        self._loop = loop
        loop.add_reader(self.out, answered, self)

    def give(self, chunk: Chunk, *, with_audio: bool) -> None:
        """Send a chunk to the process."""
        self.chunk = chunk
        audio = chunk.audio if with_audio else b""
        job = Job(chunk.came_at, chunk.work_ns, chunk.stream.number, chunk.last, audio)
        with contextlib.suppress(BrokenPipeError):  # it has just died, and the end of its output will show that
            os.write(self._in, marshal.dumps(tuple(job)))

    def end(self) -> None:
        """Kill the process, if it is still alive, and free its resources."""
        self._loop.remove_reader(self.out)
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process.wait()


class Pool:
    """The queue and its workers, which start with the first stream.

    Args:
        log: called when a worker starts or dies: (process id, `started` or `died`, nanoseconds on the monotonic
            clock).
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, settings: TargetSettings, log: Callable[[int, str, int], None]
    ) -> None:
        self._loop, self._log = loop, log
        self._size, self._restart_after = settings.speech_workers, settings.speech_restart
        self._recognises = settings.recognises
        self._queue: deque[Chunk] = deque()
        self._workers: dict[Worker, set[SpeechStream]] = {}
        self._idle: list[Worker] = []
        self._begun = self._stopped = False

    @property
    def pending(self) -> int:
        """Number of queued chunks."""
        return len(self._queue) + sum(len(worker.line) for worker in self._workers)

    @property
    def pids(self) -> list[int]:
        """Process ids of the living workers."""
        return sorted(worker.process.pid for worker in self._workers)

    def begin(self) -> None:
        """Start the workers, if this is the first stream."""
        if not self._begun:
            self._begun = True
            self.fill_up()

    def fill_up(self) -> None:
        """Start missing workers.

        Raises:
            ConfigError: this machine cannot run workers.
        """
        if os.name != "posix":
            raise ConfigError("the speech service needs Linux or macOS: its worker processes use pipes")
        while len(self._workers) < self._size and not self._stopped:
            how = _RECOGNISER if self._recognises else _PRETENDER
            worker = Worker(self._loop, [sys.executable, *how], self._answered)
            self._workers[worker] = set()
            self._log(worker.process.pid, "started", worker.started_at)
            self._next(worker)

    def put(self, stream: "SpeechStream", work_ns: int, audio: bytes, *, last: bool = False) -> None:
        """Queue a chunk."""
        chunk = Chunk(stream, time.monotonic_ns(), work_ns, audio, last)
        if not self._recognises:
            self._queue.append(chunk)
            if self._idle:
                self._next(self._idle.pop())
            return
        worker = self._home(stream)
        if worker is None:
            stream.chunk_lost("there is no worker left to recognise this stream")
        else:
            self._put_in_line(worker, chunk)

    def leave(self, stream: "SpeechStream") -> None:
        """Remove a stream that has ended; the worker that has its state drops it."""
        for worker, streams in self._workers.items():
            if stream in streams:
                streams.discard(stream)
                self._put_in_line(worker, Chunk(stream, time.monotonic_ns(), 0, b"", last=True))

    def stop(self) -> None:
        """End all workers."""
        self._stopped = True
        self._queue.clear()
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def _home(self, stream: "SpeechStream") -> Worker | None:
        """Return the worker that has the stream; for a new stream, the one with the fewest streams."""
        for worker, streams in self._workers.items():
            if stream in streams:
                return worker
        emptiest = min(self._workers, key=lambda each: len(self._workers[each]), default=None)
        if emptiest is not None:
            self._workers[emptiest].add(stream)
        return emptiest

    def _put_in_line(self, worker: Worker, chunk: Chunk) -> None:
        worker.line.append(chunk)
        if worker in self._idle:
            self._idle.remove(worker)
            self._next(worker)

    def _answered(self, worker: Worker) -> None:
        chunk, worker.chunk = worker.chunk, None
        try:
            answer = WorkerReply(*marshal.load(worker.out))  # noqa: S302 - from a process that this one started
        except EOFError:
            self._bury(worker, chunk)
            return
        if chunk is not None and chunk.last:
            self._workers[worker].discard(chunk.stream)
        self._next(worker)
        if chunk is not None and not chunk.stream.gone:
            waited = time.monotonic_ns() - chunk.came_at - answer.work_ns
            chunk.stream.chunk_done(answer, max(0, waited), len(chunk.audio))

    def _next(self, worker: Worker) -> None:
        line = worker.line if self._recognises else self._queue
        while line:
            chunk = line.popleft()
            if chunk.last or not chunk.stream.gone:
                worker.give(chunk, with_audio=self._recognises)
                return
        self._idle.append(worker)

    def _bury(self, worker: Worker, chunk: Chunk | None) -> None:
        self._log(worker.process.pid, "died", time.monotonic_ns())
        lost = self._workers.pop(worker) | ({chunk.stream} if chunk else set())
        if worker in self._idle:
            self._idle.remove(worker)
        worker.end()
        if self._restart_after > 0:
            self._loop.call_later(self._restart_after, self.fill_up)
        for stream in lost:
            if not stream.gone:
                stream.chunk_lost("the worker that recognised this stream has died")

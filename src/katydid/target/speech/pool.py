"""One queue of audio chunks for all streams, and the worker processes that take from it, first come first served.

A worker that dies fails the stream whose chunk it had, and nothing else: the gateway lives on, and what is
queued waits for who is left, or for a worker that is started anew. Needs pipes that an event loop can watch:
Linux and macOS.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from katydid.core.errors import ConfigError
from katydid.target.speech.worker import ANSWER, JOB

_COMMAND = [sys.executable, "-I", "-S", str(Path(__file__).with_name("worker.py"))]


class Stream(Protocol):
    """Who hands in chunks."""

    gone: bool
    """Its client has left: what it has in the queue is not worked on."""

    def chunk_done(self, work_ns: int, waited_ns: int, audio_bytes: int) -> None:
        """A chunk of so many bytes was worked on for so long, after it had waited in the queue for so long."""

    def chunk_lost(self, reason: str) -> None:
        """The worker that had a chunk has died."""


@dataclass(frozen=True, slots=True)
class _Job:
    stream: Stream
    came_at: int
    work_ns: int
    audio_bytes: int


class _Worker:
    """One process, with the job that it works on."""

    def __init__(self, loop: asyncio.AbstractEventLoop, answered: Callable[["_Worker"], None]) -> None:
        self.process = subprocess.Popen(_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)  # noqa: S603 - our own file
        assert self.process.stdin is not None  # noqa: S101 - they are pipes
        assert self.process.stdout is not None  # noqa: S101
        self._in, self._out = self.process.stdin.fileno(), self.process.stdout.fileno()
        self.job: _Job | None = None
        self.started_at = time.monotonic_ns()
        self._loop = loop
        loop.add_reader(self._out, answered, self)

    def give(self, job: _Job) -> None:
        self.job = job
        with contextlib.suppress(BrokenPipeError):  # it has just died: the end of its output says so
            os.write(self._in, JOB.pack(job.came_at, job.work_ns))

    def answer(self) -> int | None:
        """Nanoseconds of work; None where the process has died."""
        data = os.read(self._out, ANSWER.size)
        return int(ANSWER.unpack(data)[0]) if len(data) == ANSWER.size else None

    def end(self) -> None:
        """Stop it and forget it; also one that has died."""
        self._loop.remove_reader(self._out)
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process.wait()


class Pool:
    """The queue and its workers; they start with the first stream.

    Args:
        size: workers wanted.
        restart_after: seconds until one that died is replaced; 0 = only when asked.
        log: told of each worker: (process id, `started` or `died`, when on the monotonic clock, nanoseconds).
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        size: int,
        restart_after: float,
        log: Callable[[int, str, int], None],
    ) -> None:
        self._loop = loop
        self._size = size
        self._restart_after = restart_after
        self._log = log
        self._queue: deque[_Job] = deque()
        self._workers: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._begun = self._stopped = False

    @property
    def pending(self) -> int:
        """Chunks in the queue."""
        return len(self._queue)

    @property
    def pids(self) -> list[int]:
        """Processes of the workers that are alive."""
        return sorted(worker.process.pid for worker in self._workers)

    def begin(self) -> None:
        """The first stream is there: start the workers, once."""
        if not self._begun:
            self._begun = True
            self.fill_up()

    def fill_up(self) -> None:
        """Start the workers that are missing.

        Raises:
            ConfigError: this machine cannot have any.
        """
        if os.name != "posix":
            raise ConfigError("the speech service needs Linux or macOS: its workers are processes behind pipes")
        while len(self._workers) < self._size and not self._stopped:
            worker = _Worker(self._loop, self._answered)
            self._workers.add(worker)
            self._log(worker.process.pid, "started", worker.started_at)
            self._next(worker)

    def put(self, stream: Stream, work_ns: int, audio_bytes: int) -> None:
        """Queue a chunk."""
        job = _Job(stream, time.monotonic_ns(), work_ns, audio_bytes)
        if self._idle:
            self._idle.pop().give(job)
        else:
            self._queue.append(job)

    def stop(self) -> None:
        """End all workers."""
        self._stopped = True
        self._queue.clear()
        while self._workers:
            self._workers.pop().end()

    def _answered(self, worker: _Worker) -> None:
        work_ns = worker.answer()
        job, worker.job = worker.job, None
        if work_ns is None:
            self._bury(worker, job)
            return
        self._next(worker)
        if job is not None and not job.stream.gone:
            waited = time.monotonic_ns() - job.came_at - work_ns
            job.stream.chunk_done(work_ns, max(0, waited), job.audio_bytes)

    def _next(self, worker: _Worker) -> None:
        while self._queue:
            job = self._queue.popleft()
            if not job.stream.gone:
                worker.give(job)
                return
        self._idle.append(worker)

    def _bury(self, worker: _Worker, job: _Job | None) -> None:
        self._log(worker.process.pid, "died", time.monotonic_ns())
        self._workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        worker.end()
        if self._restart_after > 0:
            self._loop.call_later(self._restart_after, self.fill_up)
        if job is not None and not job.stream.gone:
            job.stream.chunk_lost("the worker that recognised this stream has died")

"""A streamed answer of the embedded target: each chunk at its due time, or all as fast as possible."""

import asyncio
from collections.abc import Callable, Sequence

from katydid.target.answering import AnswerJob, ServedAnswer
from katydid.target.ticker import Ticker
from katydid.target.wire.http import LAST_CHUNK, chunk, stream_head

_BURST_BYTES = 128 * 1024
"""Bytes of chunks written at once if there is no interval between chunks."""


class StreamedAnswer(ServedAnswer):
    """An answer in chunks. Faults in the middle of the answer happen after half of the chunks.

    HTTP/1.0 has no chunked encoding: such a client gets a plain body that ends when the connection closes.
    """

    def __init__(
        self, transport: asyncio.Transport, ticker: Ticker, job: AnswerJob, finished: Callable[[bool], None]
    ) -> None:
        super().__init__(transport, ticker, job, finished)
        self._chunked = job.request.modern
        self._keep_alive = self._keep_alive and self._chunked
        self._next = 0
        self._halfway = self._count // 2
        self._full = False
        self._head = b""
        self._pieces: list[bytes] = []

    def resume(self) -> None:
        """See `ServedAnswer.resume`."""
        if self._full:
            self._full = False
            self._burst()

    def _serve(self) -> None:
        api, settings = self._api, self._settings
        self._truth.status = 200
        head = stream_head(api.stream_kind, server=settings.server, keep_alive=self._keep_alive, chunked=self._chunked)
        self._head = head + self._framed([api.opening(self._ask, self._identity)])
        piece = self._framed([api.content(self._ask, self._identity, settings.chunk_text)])
        special = [self._framed([extra]) for extra in self._extras]
        self._pieces = [*special, piece]
        if settings.early_role:
            self._write(b"")
        if not self._count:
            self._later(self._due[0], self._close)
        elif settings.chunk_interval == 0 and self._fault is None:
            self._later(self._due[0], self._burst)
        else:
            self._ticker.at(self._start + self._due[0], self._step)

    def _step(self) -> float | None:
        """Write the chunk that is due, and return when the next one is due."""
        if self._gone or (self._next == self._halfway and self._breaks_here()):
            return None
        self._count_chunks()
        self._write(self._pieces[min(self._next, len(self._pieces) - 1)])
        self._next += 1
        if self._next < self._count:
            return self._start + self._due[self._next]
        self._close()
        return None

    def _burst(self) -> None:
        """Write chunks as fast as the client reads them."""
        if self._gone:
            return
        piece = self._pieces[min(self._next, len(self._pieces) - 1)]
        alike = self._count - self._next if self._next >= len(self._extras) else 1
        size = max(1, min(alike, _BURST_BYTES // len(piece)))
        self._count_chunks(size)
        self._write(piece * size)
        self._next += size
        if self._next == self._count:
            self._close()
        elif self._transport.get_write_buffer_size() > self._transport.get_write_buffer_limits()[1]:
            self._full = True  # until `resume`
        else:
            asyncio.get_running_loop().call_soon(self._burst)  # lets other connections run in between

    def _breaks_here(self) -> bool:
        """Inject a fault in the middle of the answer. Return True if nothing follows it."""
        match self._fault:
            case "malformed":
                self._write(self._framed([self._api.broken()]))
                return False
            case "stall":
                self._write(b"")
            case "reset" | "cut":
                self._write(b"")
                self._break_off()
            case "error_event":
                self._finish(self._api.failure("injected error"))
            case _:
                return False
        return True

    def _close(self) -> None:
        if self._fault == "truncated":
            self._finish([])
        else:
            spent = self._spent(self._truth.completion_tokens)
            self._finish(self._api.closing(self._ask, self._identity, spent))

    def _finish(self, events: Sequence[bytes]) -> None:
        self._write(self._framed(events) + (LAST_CHUNK if self._chunked else b""))
        self._end()

    def _framed(self, events: Sequence[bytes]) -> bytes:
        return b"".join(chunk(event) if self._chunked else event for event in events if event)

    def _write(self, data: bytes) -> None:
        """Write, with the head before the first bytes."""
        if self._head:
            data, self._head = self._head + data, b""
        self._transport.write(data)

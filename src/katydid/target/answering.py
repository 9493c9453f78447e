"""One answer of the embedded target, from its slot to its last byte: streamed, non-streamed, or the chat bridge's.

An answer knows its request and its fault, but no queue: its owner calls `begin` when a slot is free.
"""

import asyncio
import math
import socket
import struct
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from katydid.model.jsontext import json_bytes
from katydid.target.apis.base import Api, Ask, Spent
from katydid.target.bridge import Bridge
from katydid.target.faults import STATUS_FAULTS, delays
from katydid.target.settings import TargetSettings
from katydid.target.ticker import Ticker
from katydid.target.truthlog import Truth
from katydid.target.wire.http import LAST_CHUNK, HttpRequest, answer, chunk, stream_head

_RESET = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""SO_LINGER with time 0, so that close sends RST."""
_BURST_BYTES = 128 * 1024
"""Bytes of chunks written at once if there is no interval between chunks."""


@dataclass(frozen=True, slots=True)
class Job:
    """A request to answer on its connection.

    Attributes:
        finished: called once, with True if the connection may carry another request.
    """

    transport: asyncio.Transport
    ticker: Ticker
    settings: TargetSettings
    request: HttpRequest
    truth: Truth
    finished: Callable[[bool], None]


class ServedAnswer(ABC):
    """Serves one request on its connection.

    Attributes:
        truth: the request's entry in the log.
    """

    def __init__(self, job: Job) -> None:
        self._transport, self._ticker, self._settings = job.transport, job.ticker, job.settings
        self.truth, self._finished = job.truth, job.finished
        self._keep_alive = job.request.keep_alive
        self._over = False
        self._start = 0.0

    @property
    def computed_at(self) -> float:
        """When the answer that has begun is computed, on the ticker's clock, even if its client has left."""
        return self._start + self._takes

    @property
    def _takes(self) -> float:
        """Seconds from the slot until it is computed."""
        return 0.0

    def begin(self) -> None:
        """Serve the request; called when it has a slot."""
        self._start = self._ticker.now()
        if not self._over:
            self._serve()

    def abandon(self) -> None:
        """Stop writing, since the client has left."""
        self._over = True

    def resume(self) -> None:  # noqa: B027 - most answers are written at once
        """Continue writing, since the client has read what was written."""

    @abstractmethod
    def _serve(self) -> None:
        """Write the answer, now or when it is due."""

    @property
    def _gone(self) -> bool:
        return self._over or self._transport.is_closing()

    def _later(self, delay: float, step: Callable[[], None]) -> None:
        def once() -> None:
            if not self._gone:
                step()

        self._ticker.at(self._start + delay, once)

    def _write_whole(self, status: int, body: bytes) -> None:
        """Write a non-streamed answer, which ends this."""
        self.truth.status = status
        self._transport.write(answer(status, body, server=self._settings.server, keep_alive=self._keep_alive))
        self._end()

    def _end(self, *, outcome: str = "sent", reusable: bool = True) -> None:
        self._over = True
        self.truth.ended(outcome)
        self._finished(reusable and self._keep_alive)


class BridgeAnswer(ServedAnswer):
    """An HTTP answer of the chat bridge. With --single-threaded, it ends the connection, as in http.server."""

    def __init__(self, job: Job, bridge: Bridge) -> None:
        super().__init__(job)
        self._keep_alive = self._keep_alive and not job.settings.single_threaded
        self._bridge = bridge
        self._request = job.request

    def _serve(self) -> None:
        reply = self._bridge.reply(self._request)

        def write() -> None:
            self.truth.fault, self.truth.party = reply.fault, reply.party
            self._write_whole(reply.status, json_bytes(reply.body))

        if self._settings.bridge_delay:
            self._later(self._settings.bridge_delay, write)
        else:
            write()


class GeneratedAnswer(ServedAnswer):
    """An answer with generated text.

    Args:
        number: counts requests from 0; with the seed, it determines all random choices.
    """

    def __init__(self, job: Job, api: Api, ask: Ask, number: int) -> None:
        super().__init__(job)
        self._api, self.ask, self._number = api, ask, number
        self._fault = job.truth.fault
        self._extras = api.extras(ask)
        self._count = self._chunk_count() + (0 if ask.calls else len(self._extras))
        self._due: list[float] = []

    @property
    def _takes(self) -> float:
        return self._due[-1] if self._due else 0.0

    def begin(self) -> None:
        """See `ServedAnswer.begin`."""
        self._start = self._ticker.now()
        if self._fault == "hang":
            return
        if self._fault in STATUS_FAULTS and not self._over:
            status = STATUS_FAULTS[self._fault]
            self._write_whole(status, self._api.error_body(f"injected http_{status}", "server_error"))
            return
        settings, ask = self._settings, self.ask
        cached = ask.cached / ask.prompt_tokens if ask.cached else 0.0
        self._due = delays(
            settings.ttft * (1.0 - cached),
            settings.chunk_interval,
            max(1, self._count),
            jitter=settings.jitter,
            seed=settings.seed,
            number=self._number,
        )
        if not self._over:
            self._serve()

    def _chunk_count(self) -> int:
        if self._fault == "empty":
            return 0
        if self.ask.calls:
            return len(self._extras)
        each = self._settings.tokens_per_chunk
        most = math.inf if self.ask.limit is None else max(1, self.ask.limit // each)
        asked = max(self._settings.chunks, math.ceil(self.ask.least / each))
        return 1 if self._fault == "too_few" else int(min(asked, most))

    def _count_chunks(self, count: int = 1) -> None:
        self.truth.wrote_chunk(count)
        self.truth.completion_tokens = self.truth.chunks * self._settings.tokens_per_chunk

    def _spent(self, tokens: int) -> Spent:
        total = round((self._ticker.now() - self._start) * 1e9)
        prompt = min(total, round(self._due[0] * 1e9))
        return Spent(tokens, prompt, total - prompt)

    def _break_off(self) -> None:
        """Close the connection before the end of the answer, as the faults `reset` and `cut` require."""
        sock: socket.socket | None = self._transport.get_extra_info("socket")
        if self._fault == "reset" and sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()
        self._end(outcome="broken_off", reusable=False)


class WholeAnswer(GeneratedAnswer):
    """A non-streamed answer."""

    @property
    def _takes(self) -> float:
        due = self._settings.duration
        if due is None or not self._due:
            return super()._takes
        # use the same random factor as for the first chunk
        return due * self._due[0] / self._settings.ttft if self._settings.ttft else due

    def _serve(self) -> None:
        self._later(self._takes, self._write)

    def _write(self) -> None:
        tokens = self._count * self._settings.tokens_per_chunk
        body = self._api.whole(self.ask, self._settings.chunk_text * self._count, self._spent(tokens))
        if self._fault == "error_event":
            body = self._api.error_body("injected error", "server_error")
        elif self._fault == "malformed":
            body = self._api.broken
        elif self._fault == "truncated":
            body = body[: len(body) // 2]
        if self._fault in {"reset", "cut", "stall"}:
            message = answer(200, body, server=self._settings.server, keep_alive=self._keep_alive)
            self.truth.status = 200
            self._transport.write(message[: -len(body) // 2])
            if self._fault != "stall":
                self._break_off()
            return
        if self._count and self._fault not in {"error_event", "malformed", "truncated"}:
            self._count_chunks(self._count)
        self._write_whole(200, body)


class StreamedAnswer(GeneratedAnswer):
    """An answer in chunks. Faults in the middle of the answer happen after half of the chunks.

    HTTP/1.0 has no chunked encoding: such a client gets a plain body that ends when the connection closes.
    """

    def __init__(self, job: Job, api: Api, ask: Ask, number: int) -> None:
        super().__init__(job, api, ask, number)
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
        self.truth.status = 200
        head = stream_head(api.stream_kind, server=settings.server, keep_alive=self._keep_alive, chunked=self._chunked)
        self._head = head + self._framed([api.opening(self.ask)])
        piece = self._framed([api.content(self.ask, settings.chunk_text)])
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
                self._write(self._framed([self._api.broken]))
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
            spent = self._spent(self.truth.completion_tokens)
            self._finish(self._api.closing(self.ask, spent))

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

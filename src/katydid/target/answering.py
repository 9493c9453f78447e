"""One answer of the embedded target, from its slot to its last byte, with whatever fault it has."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

from katydid.target.apis import Api
from katydid.target.faults import STATUS_FAULTS, delays
from katydid.target.http import LAST_CHUNK, HttpRequest, answer, chunk, stream_head
from katydid.target.settings import TargetSettings
from katydid.target.ticker import Ticker
from katydid.target.truthlog import Truth

_BURST_BYTES = 128 * 1024
"""Of chunks that go out together where there is no interval between them."""
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with time 0: close sends RST


class Answer:
    """Serves one request on its connection.

    Args:
        finished: called once, with whether the connection may carry another request.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        ticker: Ticker,
        settings: TargetSettings,
        *,
        api: Api,
        request: HttpRequest,
        asked: dict[str, Any],
        truth: Truth,
        number: int,
        finished: Callable[[bool], None],
    ) -> None:
        self._transport = transport
        self._ticker = ticker
        self._settings = settings
        self._api = api
        self._keep_alive = request.keep_alive
        self._asked = asked
        self._truth = truth
        self._number = number
        self._finished = finished
        self._over = False
        self._due: list[float] = []
        self._next = 0
        self._start = 0.0
        self._identity = truth.request_id[:24]
        count = min(settings.chunks, api.limit(asked) or settings.chunks)
        self._count = {"empty": 0, "too_few": min(1, count)}.get(truth.fault or "", count)
        self._halfway = self._count // 2

    def begin(self) -> None:
        """A slot is free: serve."""
        fault, settings = self._truth.fault, self._settings
        self._start = self._ticker.now()
        if fault == "hang":
            return
        if fault in STATUS_FAULTS:
            self.refuse(STATUS_FAULTS[fault], f"injected {fault}")
            return
        self._due = delays(
            settings.ttft,
            settings.chunk_interval,
            self._count,
            jitter=settings.jitter,
            seed=settings.seed,
            number=self._number,
        )
        if self._truth.stream:
            self._truth.status = 200
            self._begin_stream()
        else:
            last = self._due[-1] if self._due else settings.ttft
            self._later(last if settings.duration is None else settings.duration, self._whole)

    def abandon(self) -> None:
        """The client is gone."""
        self._over = True

    def refuse(self, status: int, message: str, kind: str = "server_error", headers: str = "") -> None:
        """Answer with a status that is not 200."""
        self._truth.status = status
        body = self._api.error_body(message, kind)
        self._transport.write(answer(status, body, keep_alive=self._keep_alive, headers=headers))
        self._end(reusable=True)

    def _later(self, delay: float, step: Callable[[], None]) -> None:
        def once() -> None:
            if not self._over:
                step()

        self._ticker.at(self._start + delay, once)

    def _whole(self) -> None:
        if self._breaks_here():
            return
        text = self._settings.text * self._count
        if self._truth.fault == "error_event":
            body = self._api.error_body("injected error", "server_error")
        elif self._truth.fault == "malformed":
            body = self._api.broken()
        else:
            body = self._api.whole(self._asked, self._identity, text, self._count)
        self._truth.status = 200
        self._truth.completion_tokens = self._count
        if self._count:
            self._truth.wrote_chunk(self._count)
        self._transport.write(answer(200, body, keep_alive=self._keep_alive))
        self._end(reusable=True)

    # Streams

    def _begin_stream(self) -> None:
        api, asked, identity = self._api, self._asked, self._identity
        opening = api.opening(asked, identity)
        self._head = stream_head(api.stream_kind, keep_alive=self._keep_alive) + (chunk(opening) if opening else b"")
        self._piece = chunk(api.content(asked, identity, self._settings.text))
        if not self._due:
            self._later(self._settings.ttft, self._close_stream)
        elif self._settings.chunk_interval == 0 and self._truth.fault is None:
            self._later(self._due[0], self._burst)
        else:
            self._ticker.at(self._start + self._due[0], self._step)

    def _step(self) -> float | None:
        """Write the chunk that is due; when the next one is."""
        if self._over:
            return None
        if self._next == self._halfway and self._breaks_here():
            return None
        self._truth.wrote_chunk()
        self._transport.write(self._take_head() + self._piece)
        self._next += 1
        if self._next < self._count:
            return self._start + self._due[self._next]
        self._close_stream()
        return None

    def _burst(self) -> None:
        """Write chunks as fast as the client takes them."""
        if self._over:
            return
        size = max(1, min(self._count - self._next, _BURST_BYTES // len(self._piece)))
        self._truth.wrote_chunk(size)
        self._transport.write(self._take_head() + self._piece * size)
        self._next += size
        if self._next == self._count:
            self._close_stream()
        elif self._transport.get_write_buffer_size() == 0:
            asyncio.get_running_loop().call_soon(self._burst)
        else:
            self._ticker.at(self._ticker.now() + 0.001, self._burst)

    def _take_head(self) -> bytes:
        head, self._head = self._head, b""
        return head

    def _close_stream(self) -> None:
        truth, api = self._truth, self._api
        truth.completion_tokens = truth.chunks
        if self._count == 0 and self._breaks_here():
            return
        closing: list[bytes] = []
        if truth.fault == "error_event":
            closing = [api.error("injected error"), api.end_after_error()]
        elif truth.fault != "truncated":
            closing = list(api.closing(self._asked, self._identity, truth.chunks))
        pieces = b"".join(chunk(event) for event in closing if event)
        if truth.fault == "cut":
            self._transport.write(self._take_head() + pieces)
            self._end(reusable=False)
            return
        self._transport.write(self._take_head() + pieces + LAST_CHUNK)
        self._end(reusable=True)

    def _breaks_here(self) -> bool:
        """Have a fault that comes in the middle; True where nothing follows it."""
        fault = self._truth.fault
        if fault == "malformed" and self._truth.stream:
            self._transport.write(self._take_head() + chunk(self._api.broken()))
        elif fault == "stall":
            self._transport.write(self._take_head() if self._truth.stream else b"")
            return True
        elif fault == "reset" or (fault == "cut" and not self._truth.stream):
            self._break_off(reset=fault == "reset")
            return True
        return False

    def _break_off(self, *, reset: bool) -> None:
        sock: socket.socket | None = self._transport.get_extra_info("socket")
        if reset and sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()
        self._end(reusable=False)

    def _end(self, *, reusable: bool) -> None:
        self._over = True
        self._truth.ended("sent")
        self._finished(reusable and self._keep_alive)

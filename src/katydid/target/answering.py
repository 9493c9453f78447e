"""One answer of the embedded target, from its slot to its last byte: the base class, and non-streamed answers.

An answer knows its request and its fault, but no queue: its owner calls `begin` when a slot is free.
"""

import asyncio
import math
import socket
import struct
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from katydid.target.apis.base import Api, Ask, Spent
from katydid.target.faults import STATUS_FAULTS, delays
from katydid.target.settings import TargetSettings
from katydid.target.ticker import Ticker
from katydid.target.truthlog import Truth
from katydid.target.wire.http import HttpRequest, answer

_RESET = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""SO_LINGER with time 0, so that close sends RST."""


@dataclass(frozen=True, slots=True)
class AnswerJob:
    """A request to answer. `number` counts requests from 0; with the seed, it determines all random choices."""

    settings: TargetSettings
    api: Api
    request: HttpRequest
    ask: Ask
    truth: Truth
    number: int


class ServedAnswer(ABC):
    """Serves one request on its connection.

    Args:
        finished: called once, with True if the connection may carry another request.
    """

    def __init__(
        self, transport: asyncio.Transport, ticker: Ticker, job: AnswerJob, finished: Callable[[bool], None]
    ) -> None:
        self._transport = transport
        self._ticker = ticker
        self._settings = job.settings
        self._api = job.api
        self._ask = job.ask
        self._truth = job.truth
        self._fault = job.truth.fault
        self._keep_alive = job.request.keep_alive
        self._identity = job.truth.identity
        self._number = job.number
        self._finished = finished
        self._over = False
        self._start = 0.0
        self._extras = self._api.extras(self._ask, self._identity)
        self._count = self._chunk_count() + (0 if self._ask.calls else len(self._extras))
        self._due: list[float] = []

    @property
    def computed_at(self) -> float:
        """When the answer that has begun is computed, on the ticker's clock, even if its client has left."""
        return self._start + self._takes

    @property
    def _takes(self) -> float:
        """Seconds from the slot to the last content."""
        return self._due[-1] if self._due else 0.0

    def begin(self) -> None:
        """Serve the request; called when it has a slot."""
        self._start = self._ticker.now()
        if self._fault == "hang":
            return
        if self._fault in STATUS_FAULTS and not self._over:
            self._refuse(STATUS_FAULTS[self._fault])
            return
        settings = self._settings
        ask = self._ask
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

    def abandon(self) -> None:
        """Stop writing, since the client has left."""
        self._over = True

    @abstractmethod
    def resume(self) -> None:
        """Continue writing, since the client has read what was written."""

    @abstractmethod
    def _serve(self) -> None:
        """Write the answer, with its fault if that has not happened yet."""

    def _chunk_count(self) -> int:
        if self._fault == "empty":
            return 0
        if self._ask.calls:
            return len(self._extras)
        each = self._settings.tokens_per_chunk
        most = math.inf if self._ask.limit is None else max(1, self._ask.limit // each)
        asked = max(self._settings.chunks, math.ceil(self._ask.least / each))
        return 1 if self._fault == "too_few" else int(min(asked, most))

    @property
    def _gone(self) -> bool:
        return self._over or self._transport.is_closing()

    def _later(self, delay: float, step: Callable[[], None]) -> None:
        def once() -> None:
            if not self._gone:
                step()

        self._ticker.at(self._start + delay, once)

    def _refuse(self, status: int) -> None:
        self._truth.status = status
        body = self._api.error_body(f"injected http_{status}", "server_error")
        self._transport.write(answer(status, body, server=self._settings.server, keep_alive=self._keep_alive))
        self._end()

    def _count_chunks(self, count: int = 1) -> None:
        """Record that `count` content chunks are about to be written."""
        self._truth.wrote_chunk(count)
        self._truth.completion_tokens = self._truth.chunks * self._settings.tokens_per_chunk

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

    def _end(self, *, outcome: str = "sent", reusable: bool = True) -> None:
        self._over = True
        self._truth.ended(outcome)
        self._finished(reusable and self._keep_alive)


class WholeAnswer(ServedAnswer):
    """A non-streamed answer."""

    def resume(self) -> None:
        """See `ServedAnswer.resume`; there is nothing more to write."""

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
        body = self._api.whole(self._ask, self._identity, self._settings.chunk_text * self._count, self._spent(tokens))
        if self._fault == "error_event":
            body = self._api.error_body("injected error", "server_error")
        elif self._fault == "malformed":
            body = self._api.broken()
        elif self._fault == "truncated":
            body = body[: len(body) // 2]
        message = answer(200, body, server=self._settings.server, keep_alive=self._keep_alive)
        self._truth.status = 200
        if self._fault in {"reset", "cut", "stall"}:
            self._transport.write(message[: -len(body) // 2])
            if self._fault != "stall":
                self._break_off()
            return
        if self._count and self._fault not in {"error_event", "malformed", "truncated"}:
            self._count_chunks(self._count)
        self._transport.write(message)
        self._end()

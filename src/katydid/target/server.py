"""The embedded target's connections, and the way of a request from its bytes to its answer."""

import asyncio
import ssl
import time
from collections import deque
from typing import Any, cast
from uuid import uuid4

import orjson

from katydid.core.errors import ConfigError, ProtocolError
from katydid.target.admission import RateLimits, Refusal, Slots
from katydid.target.answering import Answer
from katydid.target.apis import Api, OllamaApi, OpenAiApi
from katydid.target.faults import choose_fault
from katydid.target.http import HttpRequest, RequestReader, answer
from katydid.target.settings import TargetSettings
from katydid.target.ticker import Ticker
from katydid.target.truthlog import Truth, TruthLog

APIS: dict[str, Api] = {
    "/v1/chat/completions": OpenAiApi(),
    "/api/chat": OllamaApi(),
    "/api/generate": OllamaApi(generate=True),
}
"""Every path that answers with generated text; the place to add an API."""


class Target:
    """The service: what all connections share."""

    def __init__(self, settings: TargetSettings, loop: asyncio.AbstractEventLoop) -> None:
        self.settings = settings
        self.ticker = Ticker(loop)
        self.slots = Slots(settings.slots, settings.queue_limit)
        self.limits = RateLimits(settings.rate_limit, settings.daily_limit)
        self.log = TruthLog(settings.log)
        self.rates = settings.failure_rates
        self.connections = 0
        self.waiting_connections: deque[Connection] = deque()
        self.served: Connection | None = None
        self.counts = {"requests": 0, "in_flight": 0, "peak_in_flight": 0, "peak_connections": 0}

    async def serve(self) -> asyncio.Server:
        """Listen.

        Raises:
            ConfigError: the address is taken, or the certificate unreadable.
        """
        settings = self.settings
        context = None
        try:
            if settings.tls_cert:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(settings.tls_cert, settings.tls_key)
            return await asyncio.get_running_loop().create_server(
                lambda: Connection(self), settings.host, settings.port, ssl=context, backlog=8192
            )
        except OSError as error:
            raise ConfigError(f"the target cannot listen on {settings.host}:{settings.port} ({error})") from None

    def stats(self) -> dict[str, Any]:
        """What /stats says."""
        return {**self.counts, "connections": self.connections, "queued": self.slots.waiting}


class Connection(asyncio.Protocol):
    """One client's connection; serves its requests one after the other."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._reader = RequestReader()
        self._requests: deque[tuple[HttpRequest, Truth]] = deque()
        self._answer: Answer | None = None
        self._truth: Truth | None = None
        self._first_byte: tuple[int, int] | None = None
        self._crowded = False
        self._holds_slot = False
        self._queued: Any = None

    # asyncio's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = cast("asyncio.Transport", transport)
        target = self._target
        target.connections += 1
        target.counts["peak_connections"] = max(target.counts["peak_connections"], target.connections)
        limit = target.settings.max_connections
        self._crowded = 0 < limit < target.connections
        if target.settings.single_threaded:
            if target.served is None:
                target.served = self
            else:
                target.waiting_connections.append(self)
                self._transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        if self._first_byte is None:
            self._first_byte = (time.monotonic_ns(), time.time_ns())
        try:
            requests = self._reader.feed(data)
        except ProtocolError as error:
            self._transport.write(answer(400, orjson.dumps({"error": str(error)}), keep_alive=False))
            self._transport.close()
            return
        for request in requests:
            identity = request.headers.get("x-request-id") or uuid4().hex
            self._requests.append((request, Truth(identity, request.path, *self._first_byte)))
        if not self._reader.begun:
            self._first_byte = None
        self._serve_next()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client, or we, have closed."""
        del exc
        target = self._target
        target.connections -= 1
        if self._answer is not None:
            self._answer.abandon()
            self._finish(outcome="client_closed")
        if target.served is self:
            target.served = target.waiting_connections.popleft() if target.waiting_connections else None
            if target.served is not None and not target.served._transport.is_closing():  # noqa: SLF001 - its own kind
                target.served._transport.resume_reading()  # noqa: SLF001 - see above
        elif self in target.waiting_connections:
            target.waiting_connections.remove(self)

    # Requests

    def _serve_next(self) -> None:
        while self._answer is None and self._requests and not self._transport.is_closing():
            request, self._truth = self._requests.popleft()
            api = APIS.get(request.path) if request.method == "POST" else None
            if self._crowded:
                self._send(503, {"error": {"message": "too many connections"}}, keep_alive=False)
                self._transport.close()
            elif (refusal := self._unauthorised(request)) is not None:
                self._refuse(request, refusal)
            elif api is None:
                self._look_up(request)
            else:
                self._generate(request, api, self._truth)

    def _unauthorised(self, request: HttpRequest) -> Refusal | None:
        key = self._target.settings.api_key
        if key is None or request.headers.get("authorization") == f"Bearer {key}":
            return None
        return Refusal(401, "Incorrect API key provided", "invalid_api_key")

    def _look_up(self, request: HttpRequest) -> None:
        """The paths that are answered at once."""
        names = self._target.settings.model_names
        pages: dict[str, Any] = {
            "/health": {"status": "ok", "version": self._target.settings.version},
            "/stats": self._target.stats(),
            "/v1/models": {"object": "list", "data": [{"id": name, "object": "model"} for name in names]},
            "/api/tags": {"models": [{"name": name, "model": name} for name in names]},
        }
        page = pages.get(request.path) if request.method == "GET" else None
        if page is None:
            self._refuse(request, Refusal(404, f"no such path: {request.method} {request.path}", "not_found"))
        else:
            self._send(200, page, keep_alive=request.keep_alive)

    def _generate(self, request: HttpRequest, api: Api, truth: Truth) -> None:
        target = self._target
        number = target.counts["requests"]
        target.counts["requests"] += 1
        try:
            asked = request.json()
        except ProtocolError as error:
            self._refuse(request, Refusal(400, str(error), "invalid_request_error"), api)
            return
        truth.model = str(asked.get("model"))
        truth.stream = bool(asked.get("stream", api.streams_by_default))
        key = request.headers.get("authorization", "")
        refusal = self._unknown(asked) or target.limits.refuse(key, target.ticker.now())
        if refusal is None and target.slots.full:
            refusal = Refusal(503, "the queue is full", "overloaded", "Retry-After: 1\r\n")
        if refusal is not None:
            self._refuse(request, refusal, api)
            return
        truth.fault = choose_fault(target.rates, target.settings.seed, number)
        self._answer = Answer(
            self._transport,
            target.ticker,
            target.settings,
            api=api,
            request=request,
            asked=asked,
            truth=truth,
            number=number,
            finished=self._finished,
        )
        target.counts["in_flight"] += 1
        target.counts["peak_in_flight"] = max(target.counts["peak_in_flight"], target.counts["in_flight"])
        self._queued = self._begin
        target.slots.acquire(self._queued)

    def _unknown(self, asked: dict[str, Any]) -> Refusal | None:
        if asked.get("model") in self._target.settings.model_names:
            return None
        return Refusal(404, f"The model {asked.get('model')!r} does not exist", "model_not_found")

    def _begin(self) -> None:
        """There is a slot."""
        self._holds_slot = True
        truth, current = self._truth, self._answer
        assert truth is not None  # noqa: S101 - _generate has set both
        assert current is not None  # noqa: S101 - see above
        truth.queue_ms = (time.monotonic_ns() - truth.received_mono_ns) / 1e6
        current.begin()

    def _finished(self, reusable: bool) -> None:
        self._finish(outcome=None)
        if not reusable:
            self._transport.close()
        else:
            asyncio.get_running_loop().call_soon(self._serve_next)

    def _finish(self, outcome: str | None) -> None:
        """The answer is over: log it, and give its slot to the next."""
        target, truth = self._target, self._truth
        self._answer = self._truth = None
        target.counts["in_flight"] -= 1
        if truth is not None:
            if outcome is not None:
                truth.ended(outcome)
            target.log.write(truth)
        if self._holds_slot:
            self._holds_slot = False
            target.slots.release()
        else:
            target.slots.withdraw(self._queued)

    def _refuse(self, request: HttpRequest, refusal: Refusal, api: Api | None = None) -> None:
        body = (api or OpenAiApi()).error_body(refusal.message, refusal.kind)
        self._transport.write(answer(refusal.status, body, keep_alive=request.keep_alive, headers=refusal.headers))
        if self._truth is not None and api is not None:
            self._truth.status = refusal.status
            self._truth.ended("sent")
            self._target.log.write(self._truth)
        self._truth = None
        if not request.keep_alive:
            self._transport.close()

    def _send(self, status: int, value: Any, *, keep_alive: bool) -> None:
        self._transport.write(answer(status, orjson.dumps(value), keep_alive=keep_alive))
        if not keep_alive:
            self._transport.close()

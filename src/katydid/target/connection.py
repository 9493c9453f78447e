"""One client's connection to the embedded target: reads requests and serves them one after the other."""

import asyncio
import time
from collections import deque
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from katydid.model.jsontext import json_bytes
from katydid.target.admission import QUEUE_FULL, Refusal
from katydid.target.answering import AnswerJob, ServedAnswer, WholeAnswer
from katydid.target.apis.anthropic import AnthropicApi
from katydid.target.apis.base import Api, Ask, Spent
from katydid.target.apis.ollama import OllamaApi
from katydid.target.apis.openai import CompletionsApi, OpenAiApi
from katydid.target.apis.responses import ResponsesApi, response_id
from katydid.target.apis.retrieval import EmbeddingsApi, OllamaEmbedApi, RerankApi
from katydid.target.apis.tools import with_tools
from katydid.target.bridge.answering import BridgeAnswer, BridgeSocket, messages_path
from katydid.target.bridge.service import PREFIX as BRIDGE
from katydid.target.faults import choose_fault
from katydid.target.speech.apis import SPEECH_APIS
from katydid.target.speech.gateway import SpeechStream
from katydid.target.streaming import StreamedAnswer
from katydid.target.truthlog import Truth
from katydid.target.wire.http import CONTINUE, HttpRequest, RequestError, RequestReader, answer
from katydid.target.wire.websocket import switching_protocols, wants_websocket

if TYPE_CHECKING:
    from katydid.target.server import Target

_OPENAI = OpenAiApi()

APIS: dict[str, Api] = {
    "/v1/chat/completions": _OPENAI,
    "/v1/completions": CompletionsApi(),
    "/v1/responses": ResponsesApi(),
    "/v1/messages": AnthropicApi(),
    "/api/chat": OllamaApi(),
    "/api/generate": OllamaApi(generate=True),
    "/v1/embeddings": EmbeddingsApi(),
    "/v1/rerank": RerankApi(),
    "/api/embed": OllamaEmbedApi(),
}
"""The paths that a model answers. Add an API here."""

RESET = "/reset_prefix_cache"
"""The path that clears the prefix cache, as in vLLM."""
_PREFLIGHT = "x-katydid-preflight"
"""The header of a generator's preflight request."""
_UNGUARDED = frozenset({"/health", "/stats", "/metrics"})
"""Paths that need no key, like the health checks of most servers."""


class Connection(asyncio.Protocol):
    """Serves its requests one after the other, and logs each when it has ended.

    Not logged are requests for models, health and statistics, and a generator's preflight requests.
    """

    def __init__(self, target: "Target") -> None:
        self._target = target
        self._reader = RequestReader()
        self._requests: deque[tuple[HttpRequest, Truth]] = deque()
        self._answer: ServedAnswer | BridgeAnswer | None = None
        self._stream: SpeechStream | BridgeSocket | None = None
        self._truth: Truth | None = None
        self._ask: Ask | None = None
        self._first_byte: tuple[int, int] | None = None
        self._crowded = False
        self._holds_slot = False
        self._waits_since = 0

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`; a client has connected."""
        self._transport = cast("asyncio.Transport", transport)
        self._crowded = self._target.admit(self)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`; bytes of requests, or of a WebSocket."""
        if self._stream is not None:
            self._stream.feed(data)
            return
        if self._first_byte is None:
            self._first_byte = self._target.arrivals.latest()
        try:
            requests = self._reader.feed(data)
        except RequestError as error:
            self._reject(error)
            return
        for request in requests:
            self._requests.append((request, self._truth_of(request)))
        if self._reader.wants_continue:
            self._reader.wants_continue = False
            self._transport.write(CONTINUE)
        if not self._reader.begun:
            self._first_byte = None
        self._serve_next()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`; the client has read what was written."""
        if self._answer is not None:
            self._answer.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`; the client or the target has closed."""
        del exc
        self._end_all("client_closed")
        self._target.dismiss(self)

    # What the target calls

    def set_reading(self, *, on: bool) -> None:
        """Resume or pause reading from the client."""
        if on:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def stop(self) -> None:
        """End the connection, since the target stops."""
        if self in self._target.computing:
            self._computed()
            return
        self._end_all("target_stopped")
        self._transport.abort()

    # Requests

    def _truth_of(self, request: HttpRequest) -> Truth:
        identity = request.headers.get("x-request-id") or uuid4().hex
        return Truth(identity, request.path, *(self._first_byte or (0, 0)))

    def _serve_next(self) -> None:
        while self._answer is None and self._requests and not self._transport.is_closing():
            request, truth = self._requests.popleft()
            self._serve(request, truth)

    def _serve(self, request: HttpRequest, truth: Truth) -> None:
        target, api = self._target, APIS.get(request.path) if request.method == "POST" else None
        page = target.page(request.path) if request.method == "GET" else None
        if self._crowded and request.path != "/stats":
            request.keep_alive = False
            self._refuse(request, truth, Refusal(503, "too many connections", "overloaded"), api)
        elif target.demands_key(request.api_key) and request.path not in _UNGUARDED:
            self._refuse(request, truth, Refusal(401, "Incorrect API key provided", "invalid_api_key"), api)
        elif page is not None:
            kind, body = page
            self._write(request, 200, body, kind=kind)
        elif request.path in SPEECH_APIS:
            self._open_stream(request, truth)
        elif request.method == "POST" and request.path == "/speech/workers":
            self._target.speech.pool.fill_up()
            self._write(request, 200, json_bytes(target.workers()))
        elif request.method == "POST" and request.path == RESET:
            if target.prefixes is not None:
                target.prefixes.clear()
            self._write(request, 200, b"{}")
        elif request.path.startswith(BRIDGE):
            self._talk(request, truth)
        elif api is None:
            text = f"no such path: {request.method} {request.path}"
            self._refuse(request, truth, Refusal(404, text, "not_found"), api)
        else:
            self._generate(request, api, truth)

    def _open_stream(self, request: HttpRequest, truth: Truth) -> None:
        """Open a WebSocket, which carries one stream of speech."""
        target = self._target
        refusal = target.speech.refuse() or target.refuse_key(request.headers.get("authorization", ""))
        if not wants_websocket(request):
            refusal = Refusal(426, "speech needs a WebSocket", "upgrade_required", "Upgrade: websocket\r\n")
        if refusal is not None:
            request.keep_alive = False
            self._refuse(request, truth, refusal, None)
            return
        truth.status = 101
        self._transport.write(switching_protocols(request, target.settings.server))
        api = SPEECH_APIS[request.path]
        self._stream = target.speech.begin(api, truth, self._transport.write, self._transport.close)

    def _generate(self, request: HttpRequest, api: Api, truth: Truth) -> None:
        target = self._target
        preflight = _PREFLIGHT in request.headers
        number = 0 if preflight else target.count_request()
        try:
            ask = target.kept.complete(api.read(request.json()))
        except RequestError as error:
            self._refuse(request, truth, Refusal(400, str(error), "invalid_request_error"), api)
            return
        if preflight:
            self._answer_preflight(request, api, ask)
            return
        truth.model, truth.stream, truth.prompt_tokens = ask.model, ask.stream, ask.prompt_tokens
        if target.settings.log:
            truth.body_sha256 = sha256(request.body).hexdigest()
        refusal = target.refuse(ask.model, request.api_key)
        if refusal is not None:
            self._refuse(request, truth, refusal, api)
            return
        truth.fault = choose_fault(target.rates, target.settings.seed, number)
        if target.prefixes is not None:
            ask = replace(ask, cached=target.prefixes.use(ask.model, ask.words))
            truth.cached_tokens = ask.cached
        ask, tool_fault = with_tools(ask, target.settings, number)
        truth.fault = truth.fault or tool_fault
        self._ask = ask
        job = AnswerJob(target.settings, api, request, ask, truth, number)
        kind = StreamedAnswer if ask.stream else WholeAnswer
        self._wait(truth, kind(self._transport, target.ticker, job, self._finished))

    def _answer_preflight(self, request: HttpRequest, api: Api, ask: Ask) -> None:
        """Answer a generator's preflight request at once: it is not counted, gets no fault, and is not logged."""
        target = self._target
        refusal = target.refuse_model(ask.model)
        if refusal is not None:
            self._write(request, refusal.status, api.error_body(refusal.message, refusal.kind))
        else:
            text = target.settings.chunk_text
            target.kept.keep(ask, response_id("preflight"), text)
            self._write(request, 200, api.whole(ask, "preflight", text, Spent(1, 0, 0)))

    def _talk(self, request: HttpRequest, truth: Truth) -> None:
        """Serve a request to the chat bridge."""
        target = self._target
        target.count_request()
        if wants_websocket(request) and (path := messages_path(request.path)) is not None:
            truth.status = 101
            write, close = self._transport.write, self._transport.close
            write(switching_protocols(request, target.settings.server))
            self._stream = BridgeSocket(target.bridge, path, truth, target.log, write=write, close=close)
            return
        if target.slots.full:
            self._refuse(request, truth, QUEUE_FULL, None)
            return
        answer = BridgeAnswer(
            self._transport,
            target.ticker,
            settings=target.settings,
            bridge=target.bridge,
            request=request,
            truth=truth,
            finished=self._finished,
        )
        self._wait(truth, answer)

    def _wait(self, truth: Truth, answer: ServedAnswer | BridgeAnswer) -> None:
        """Answer a request as soon as it has a slot."""
        self._truth, self._answer = truth, answer
        self._waits_since = time.monotonic_ns()
        self._target.begin_answer()
        self._target.slots.acquire(self._begin)

    def _begin(self) -> None:
        """Begin the answer, which has a slot now."""
        self._holds_slot = True
        if self._truth is not None and self._answer is not None:
            self._truth.queue_ms = (time.monotonic_ns() - self._waits_since) / 1e6
            self._answer.begin()
            if self in self._target.computing:
                self._compute_on()

    # Ends

    def _finished(self, reusable: bool) -> None:
        self._release()
        if not reusable:
            self._transport.close()
        elif self._requests:
            asyncio.get_running_loop().call_soon(self._serve_next)

    def _release(self) -> None:
        """Log the answer, which has ended, and give its slot to the next."""
        truth, self._truth, self._answer = self._truth, None, None
        ask, self._ask = self._ask, None
        if truth is not None:
            if self._holds_slot:
                truth.freed()
            self._target.log.write(truth)
            if ask is not None and truth.outcome == "sent" and truth.fault is None:
                text = self._target.settings.chunk_text * truth.chunks
                self._target.kept.keep(ask, response_id(truth.identity), text)
        self._target.end_answer()
        if self._holds_slot:
            self._holds_slot = False
            self._target.slots.release()
        else:
            self._target.slots.withdraw(self._begin)

    def _end_all(self, outcome: str) -> None:
        """Log all requests, since nothing more can be served."""
        if self._stream is not None:
            self._stream.lost(outcome)
        if self._answer is not None and self._truth is not None:
            self._answer.abandon()
            self._truth.ended(outcome)
            if outcome == "client_closed" and self._target.settings.keep_computing:
                self._target.computing.add(self)
                self._compute_on()
            else:
                self._release()
        unserved = [truth for _, truth in self._requests]
        if self._reader.pending is not None:
            unserved.append(self._truth_of(self._reader.pending))
            self._reader.pending = None
        self._requests.clear()
        for truth in unserved:
            truth.ended(outcome)
            self._target.log.write(truth)

    def _compute_on(self) -> None:
        """Keep the slot until the answer is computed, or the place in the queue, although the client has left."""
        if self._holds_slot and isinstance(self._answer, ServedAnswer):
            self._target.ticker.at(self._answer.computed_at, self._computed)
        elif self._holds_slot:  # the chat bridge computes nothing
            self._computed()

    def _computed(self) -> None:
        if self in self._target.computing:
            self._target.computing.remove(self)
            self._release()

    def _reject(self, error: RequestError) -> None:
        """Answer an invalid request and close, since the bytes after it cannot be parsed either."""
        body = _OPENAI.error_body(str(error), "invalid_request_error")
        message = answer(error.status, body, server=self._target.settings.server, keep_alive=False)
        pending, self._reader.pending = self._reader.pending, None
        if pending is not None:
            truth = self._truth_of(pending)
            truth.status = error.status
            truth.ended("sent")
            self._target.log.write(truth)
        self._transport.write(message)
        self._transport.close()

    def _refuse(self, request: HttpRequest, truth: Truth, refusal: Refusal, api: Api | None) -> None:
        body = (api or _OPENAI).error_body(refusal.message, refusal.kind)
        truth.status = refusal.status
        self._write(request, refusal.status, body, refusal.headers)
        truth.ended("sent")
        self._target.log.write(truth)

    def _write(
        self, request: HttpRequest, status: int, body: bytes, headers: str = "", kind: str = "application/json"
    ) -> None:
        server, keep_alive = self._target.settings.server, request.keep_alive
        self._transport.write(answer(status, body, server=server, keep_alive=keep_alive, kind=kind, headers=headers))
        if not request.keep_alive:
            self._transport.close()

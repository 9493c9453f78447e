"""One client's connection to the embedded target: reads requests and serves them one after the other."""

import asyncio
import time
from collections import deque
from hashlib import sha256
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from katydid.target.admission import QUEUE_FULL, Refusal
from katydid.target.answering import BridgeAnswer, GeneratedAnswer, Job, ServedAnswer, StreamedAnswer, WholeAnswer
from katydid.target.apis.anthropic import AnthropicApi
from katydid.target.apis.base import Api, Spent
from katydid.target.apis.ollama import OllamaApi
from katydid.target.apis.openai import CompletionsApi, OpenAiApi
from katydid.target.apis.responses import ResponsesApi, response_id
from katydid.target.apis.retrieval import EmbeddingsApi, OllamaEmbedApi, RerankApi
from katydid.target.apis.tools import with_tools
from katydid.target.bridge import PREFIX as BRIDGE
from katydid.target.bridge import BridgeSocket, messages_path
from katydid.target.faults import choose_fault
from katydid.target.speech.apis import SPEECH_APIS
from katydid.target.truthlog import Truth
from katydid.target.wire.http import CONTINUE, HttpRequest, RequestError, RequestReader, answer
from katydid.target.wire.websocket import ServerSocket, switching_protocols, wants_websocket

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
        self._answer: ServedAnswer | None = None
        self._stream: ServerSocket | None = None
        self._first_byte: tuple[int, int] | None = None
        self._crowded = False
        self._holds_slot = False
        self._waits_since = 0

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`; a client has connected."""
        self.transport = cast("asyncio.Transport", transport)
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
            self.transport.write(CONTINUE)
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

    def stop(self) -> None:
        """End the connection, since the target stops."""
        if self in self._target.computing:
            self._computed()
            return
        self._end_all("target_stopped")
        self.transport.abort()

    # Requests

    def _truth_of(self, request: HttpRequest) -> Truth:
        identity = request.headers.get("x-request-id") or uuid4().hex
        return Truth(identity, request.path, *(self._first_byte or (0, 0)))

    def _serve_next(self) -> None:
        while self._answer is None and self._requests and not self.transport.is_closing():
            request, truth = self._requests.popleft()
            self._serve(request, truth)

    def _serve(self, request: HttpRequest, truth: Truth) -> None:
        target, api = self._target, APIS.get(request.path) if request.method == "POST" else None
        if self._crowded and request.path != "/stats":
            request.keep_alive = False
            self._refuse(request, truth, Refusal(503, "too many connections", "overloaded"), api)
        elif target.settings.api_key not in {None, request.api_key} and request.path not in _UNGUARDED:
            self._refuse(request, truth, Refusal(401, "Incorrect API key provided", "invalid_api_key"), api)
        elif api is None and (page := target.page(request.method, request.path)) is not None:
            kind, body = page
            self._write(request, 200, body, kind=kind)
        elif request.path in SPEECH_APIS:
            self._open_stream(request, truth)
        elif request.path.startswith(BRIDGE):
            self._talk(request, truth)
        elif api is None:
            text = f"no such path: {request.method} {request.path}"
            self._refuse(request, truth, Refusal(404, text, "not_found"), api)
        else:
            self._generate(request, api, truth)

    def _open_stream(self, request: HttpRequest, truth: Truth) -> None:
        target = self._target
        refusal = target.speech.refuse() or target.refuse_key(request.headers.get("authorization", ""))
        if not wants_websocket(request):
            refusal = Refusal(426, "speech needs a WebSocket", "upgrade_required", "Upgrade: websocket\r\n")
        if refusal is not None:
            request.keep_alive = False
            self._refuse(request, truth, refusal, None)
            return
        truth.status = 101
        self.transport.write(switching_protocols(request, target.settings.server))
        self._stream = target.speech.begin(self.transport, SPEECH_APIS[request.path], truth)

    def _generate(self, request: HttpRequest, api: Api, truth: Truth) -> None:
        target, settings = self._target, self._target.settings
        preflight = _PREFLIGHT in request.headers
        number = target.requests
        target.requests += not preflight
        try:
            ask = target.kept.complete(api.read(request.json()))
        except RequestError as error:
            self._refuse(request, truth, Refusal(400, str(error), "invalid_request_error"), api)
            return
        refusal = target.refuse_model(ask.model)
        if preflight:  # answered at once: it is not counted, gets no fault, and is not logged
            if refusal is not None:
                self._write(request, refusal.status, api.error_body(refusal.message, refusal.kind))
                return
            ask.identity = "preflight"
            target.kept.keep(ask, response_id(ask.identity), settings.chunk_text)
            self._write(request, 200, api.whole(ask, settings.chunk_text, Spent(1, 0, 0)))
            return
        truth.model, truth.stream, truth.prompt_tokens = ask.model, ask.stream, ask.prompt_tokens
        if settings.log:
            truth.body_sha256 = sha256(request.body).hexdigest()
        refusal = refusal or target.refuse_key(request.api_key) or (QUEUE_FULL if target.slots.full else None)
        if refusal is not None:
            self._refuse(request, truth, refusal, api)
            return
        if target.prefixes is not None:
            truth.cached_tokens = target.prefixes.use(ask.model, ask.words)
        ask.identity, ask.cached = truth.identity, truth.cached_tokens
        ask, tool_fault = with_tools(ask, settings, number)
        truth.fault = choose_fault(target.rates, settings.seed, number) or tool_fault
        kind = StreamedAnswer if ask.stream else WholeAnswer
        self._wait(kind(self._job(request, truth), api, ask, number))

    def _talk(self, request: HttpRequest, truth: Truth) -> None:
        target = self._target
        target.requests += 1
        if wants_websocket(request) and (path := messages_path(request.path)) is not None:
            truth.status = 101
            self.transport.write(switching_protocols(request, target.settings.server))
            self._stream = BridgeSocket(self.transport, target.bridge, path, truth, target.log)
        elif target.slots.full:
            self._refuse(request, truth, QUEUE_FULL, None)
        else:
            self._wait(BridgeAnswer(self._job(request, truth), target.bridge))

    def _job(self, request: HttpRequest, truth: Truth) -> Job:
        return Job(self.transport, self._target.ticker, self._target.settings, request, truth, self._finished)

    def _wait(self, answer: ServedAnswer) -> None:
        """Answer a request as soon as it has a slot."""
        self._answer = answer
        self._waits_since = time.monotonic_ns()
        self._target.begin_answer()
        self._target.slots.acquire(self._begin)

    def _begin(self) -> None:
        """Begin the answer, which has a slot now."""
        self._holds_slot = True
        if (answer := self._answer) is not None:
            answer.truth.queue_ms = (time.monotonic_ns() - self._waits_since) / 1e6
            answer.begin()
            if self in self._target.computing:
                self._compute_on()

    # Ends

    def _finished(self, reusable: bool) -> None:
        self._release()
        if not reusable:
            self.transport.close()
        elif self._requests:
            asyncio.get_running_loop().call_soon(self._serve_next)

    def _release(self) -> None:
        """Log the answer, which has ended, and give its slot to the next."""
        target, answer, self._answer = self._target, self._answer, None
        if answer is not None:
            truth = answer.truth
            if self._holds_slot:
                truth.freed()
            target.log.write(truth)
            if isinstance(answer, GeneratedAnswer) and truth.outcome == "sent" and truth.fault is None:
                text = target.settings.chunk_text * truth.chunks
                target.kept.keep(answer.ask, response_id(truth.identity), text)
        target.in_flight -= 1
        if self._holds_slot:
            self._holds_slot = False
            target.slots.release()
        else:
            target.slots.withdraw(self._begin)

    def _end_all(self, outcome: str) -> None:
        """Log all requests, since nothing more can be served."""
        if self._stream is not None:
            self._stream.lost(outcome)
        if self._answer is not None:
            self._answer.abandon()
            self._answer.truth.ended(outcome)
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
        if self._holds_slot and self._answer is not None:
            self._target.ticker.at(self._answer.computed_at, self._computed)

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
        self.transport.write(message)
        self.transport.close()

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
        self.transport.write(answer(status, body, server=server, keep_alive=keep_alive, kind=kind, headers=headers))
        if not request.keep_alive:
            self.transport.close()

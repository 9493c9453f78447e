"""What the embedded target's APIs look like on the wire: one class each, bytes only.

An API says which model and how many tokens a request asks for, and writes the pieces of a streamed
answer and a whole one. The pieces of one answer are made once, and its content chunks are all alike.
"""

import time
from collections.abc import Sequence
from typing import Any, Protocol

import orjson


class Api(Protocol):
    """One API of the target.

    Attributes:
        stream_kind: content type of a streamed answer.
        streams_by_default: whether a request that does not say gets a stream.
    """

    stream_kind: str
    streams_by_default: bool

    def limit(self, request: dict[str, Any]) -> int | None:
        """The most tokens that the request asks for."""

    def opening(self, request: dict[str, Any], identity: str) -> bytes:
        """What a stream begins with before its content; may be empty."""

    def content(self, request: dict[str, Any], identity: str, text: str) -> bytes:
        """One content chunk."""

    def closing(self, request: dict[str, Any], identity: str, tokens: int) -> Sequence[bytes]:
        """The events that a proper answer ends with."""

    def broken(self) -> bytes:
        """An event that cannot be parsed."""

    def error(self, message: str) -> bytes:
        """An error inside a stream."""

    def end_after_error(self) -> bytes:
        """What a stream ends with after such an error."""

    def whole(self, request: dict[str, Any], identity: str, text: str, tokens: int) -> bytes:
        """A non-streamed answer."""

    def error_body(self, message: str, kind: str) -> bytes:
        """The body of an answer with a bad status."""


def prompt_tokens(request: dict[str, Any]) -> int:
    """A stand-in for a tokenizer: the words of the prompt."""
    messages = request.get("messages") or [{"content": request.get("prompt", "")}]
    return sum(len(str(message.get("content", "")).split()) for message in messages if isinstance(message, dict))


class OpenAiApi:
    """Chat completions."""

    stream_kind = "text/event-stream"
    streams_by_default = False

    def limit(self, request: dict[str, Any]) -> int | None:
        """See `Api.limit`."""
        return request.get("max_completion_tokens") or request.get("max_tokens")

    def opening(self, request: dict[str, Any], identity: str) -> bytes:
        """A role, and nothing else."""
        return self._chunk(request, identity, {"role": "assistant", "content": None})

    def content(self, request: dict[str, Any], identity: str, text: str) -> bytes:
        """See `Api.content`."""
        return self._chunk(request, identity, {"content": text})

    def closing(self, request: dict[str, Any], identity: str, tokens: int) -> Sequence[bytes]:
        """The finish reason, the usage where it was asked for, and the end mark."""
        reason = "length" if self.limit(request) == tokens else "stop"
        events = [self._chunk(request, identity, {}, reason)]
        if (request.get("stream_options") or {}).get("include_usage"):
            events.append(_event(self._frame(request, identity, []) | {"usage": _usage(request, tokens)}))
        return [*events, b"data: [DONE]\n\n"]

    def broken(self) -> bytes:
        """See `Api.broken`."""
        return b'data: {"choices": [{"delta": {"cont\n\n'

    def error(self, message: str) -> bytes:
        """See `Api.error`."""
        return b"data: " + self.error_body(message, "server_error") + b"\n\n"

    def end_after_error(self) -> bytes:
        """See `Api.end_after_error`."""
        return b"data: [DONE]\n\n"

    def whole(self, request: dict[str, Any], identity: str, text: str, tokens: int) -> bytes:
        """See `Api.whole`."""
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "length" if self.limit(request) == tokens else "stop",
        }
        body = self._frame(request, identity, [choice]) | {"usage": _usage(request, tokens)}
        return orjson.dumps(body | {"object": "chat.completion"})

    def error_body(self, message: str, kind: str) -> bytes:
        """See `Api.error_body`."""
        return orjson.dumps({"error": {"message": message, "type": kind, "code": kind}})

    def _chunk(self, request: dict[str, Any], identity: str, delta: Any, reason: str | None = None) -> bytes:
        return _event(self._frame(request, identity, [{"index": 0, "delta": delta, "finish_reason": reason}]))

    def _frame(self, request: dict[str, Any], identity: str, choices: list[Any]) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{identity}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": request.get("model"),
            "choices": choices,
        }


class OllamaApi:
    """Ollama's /api/chat, and with `generate` its /api/generate."""

    stream_kind = "application/x-ndjson"
    streams_by_default = True

    def __init__(self, *, generate: bool = False) -> None:
        self._generate = generate

    def limit(self, request: dict[str, Any]) -> int | None:
        """See `Api.limit`; a negative one means none."""
        limit = (request.get("options") or {}).get("num_predict")
        return limit if limit and limit > 0 else None

    def opening(self, request: dict[str, Any], identity: str) -> bytes:
        """Nothing: the first line has content."""
        del request, identity
        return b""

    def content(self, request: dict[str, Any], identity: str, text: str) -> bytes:
        """See `Api.content`."""
        del identity
        return _line(self._frame(request, text) | {"done": False})

    def closing(self, request: dict[str, Any], identity: str, tokens: int) -> Sequence[bytes]:
        """One line with everything."""
        del identity
        return [_line(self._last(request, "", tokens))]

    def broken(self) -> bytes:
        """See `Api.broken`."""
        return b'{"message": {"cont\n'

    def error(self, message: str) -> bytes:
        """See `Api.error`."""
        return _line({"error": message})

    def end_after_error(self) -> bytes:
        """Nothing follows."""
        return b""

    def whole(self, request: dict[str, Any], identity: str, text: str, tokens: int) -> bytes:
        """See `Api.whole`."""
        del identity
        return orjson.dumps(self._last(request, text, tokens))

    def error_body(self, message: str, kind: str) -> bytes:
        """See `Api.error_body`."""
        del kind
        return orjson.dumps({"error": message})

    def _frame(self, request: dict[str, Any], text: str) -> dict[str, Any]:
        said = {"response": text} if self._generate else {"message": {"role": "assistant", "content": text}}
        return {"model": request.get("model"), "created_at": "2026-01-01T00:00:00Z", **said}

    def _last(self, request: dict[str, Any], text: str, tokens: int) -> dict[str, Any]:
        return self._frame(request, text) | {
            "done": True,
            "done_reason": "length" if self.limit(request) == tokens else "stop",
            "prompt_eval_count": prompt_tokens(request),
            "eval_count": tokens,
        }


def _usage(request: dict[str, Any], tokens: int) -> dict[str, int]:
    prompt = prompt_tokens(request)
    return {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}


def _event(value: Any) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def _line(value: Any) -> bytes:
    return orjson.dumps(value) + b"\n"

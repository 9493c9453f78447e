"""OpenAI's chat completions and completions, as the embedded target serves them."""

import time
from collections.abc import Sequence

from katydid.model.jsontext import json_bytes
from katydid.target.apis.base import Api, Ask, Spent, event, member, model_name, words_of
from katydid.target.apis.tools import Call, read_toolset
from katydid.target.wire.http import RequestError

_DONE = b"data: [DONE]\n\n"


class OpenAiApi(Api):
    """See `apis.Api`."""

    stream_kind = "text/event-stream"

    def read(self, body: dict[str, object]) -> Ask:
        """See `Api.read`; also reads vLLM's `min_tokens` and `ignore_eos`."""
        limit = member(body, "max_completion_tokens", int, member(body, "max_tokens", int))
        if limit is not None and limit < 1:
            raise RequestError(f"'max_tokens' must be at least 1, got {limit}")
        messages = member(body, "messages", list, [])
        return Ask(
            model=model_name(body),
            stream=member(body, "stream", bool, default=False),
            limit=limit,
            words=words_of(messages),
            wants_usage=member(member(body, "stream_options", dict, {}), "include_usage", bool, default=False),
            least=(limit or 0)
            if member(body, "ignore_eos", bool, default=False)
            else member(body, "min_tokens", int, 0),
            toolset=read_toolset(body, messages),
        )

    def opening(self, ask: Ask, identity: str) -> bytes:
        """See `Api.opening`: the role alone."""
        return _delta(ask, identity, {"role": "assistant", "content": None})

    def content(self, ask: Ask, identity: str, text: str) -> bytes:
        """See `Api.content`."""
        return _delta(ask, identity, {"content": text})

    def extras(self, ask: Ask, identity: str) -> Sequence[bytes]:
        """See `Api.extras`: each call's name, then its arguments in two pieces; or the start and end of each tool."""
        pieces = [piece for index, call in enumerate(ask.calls) for piece in _cut(index, call)]
        steps = [{"name": name, "status": status} for name in ask.progress for status in ("started", "finished")]
        return [
            *(_delta(ask, identity, {"tool_calls": [piece]}) for piece in pieces),
            *(b"event: tool_progress\n" + event(step) for step in steps),
        ]

    def closing(self, ask: Ask, identity: str, spent: Spent) -> Sequence[bytes]:
        """See `Api.closing`: the finish reason, the usage if requested, and the end mark."""
        events = [_delta(ask, identity, {}, ask.reason(spent.tokens))]
        if ask.wants_usage:
            events.append(event(_frame(ask, identity, []) | {"usage": _usage(ask, spent)}))
        return [*events, _DONE]

    def broken(self) -> bytes:
        """See `Api.broken`."""
        return b'data: {"choices": [{"delta": {"cont\n\n'

    def failure(self, message: str) -> Sequence[bytes]:
        """See `Api.failure`: the error, followed by the end mark, as in vLLM."""
        return [b"data: " + self.error_body(message, "server_error") + b"\n\n", _DONE]

    def whole(self, ask: Ask, identity: str, text: str, spent: Spent) -> bytes:
        """See `Api.whole`."""
        message: dict[str, object] = {"role": "assistant", "content": None if ask.calls else text}
        if ask.calls:
            message["tool_calls"] = [
                {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
                for c in ask.calls
            ]
        choice = {"index": 0, "message": message, "finish_reason": ask.reason(spent.tokens)}
        body = _frame(ask, identity, [choice])
        body["object"] = "chat.completion"
        body["usage"] = _usage(ask, spent)
        return json_bytes(body)

    def error_body(self, message: str, kind: str) -> bytes:
        """See `Api.error_body`."""
        return json_bytes({"error": {"message": message, "type": kind, "code": kind}})


class CompletionsApi(OpenAiApi):
    """Completions of a text."""

    def read(self, body: dict[str, object]) -> Ask:
        """See `Api.read`; the prompt must be one string."""
        return super().read(body | {"messages": [{"content": member(body, "prompt", str, "")}]})

    def opening(self, ask: Ask, identity: str) -> bytes:
        """See `Api.opening`: empty."""
        del ask, identity
        return b""

    def content(self, ask: Ask, identity: str, text: str) -> bytes:
        """See `Api.content`."""
        return event(_text_frame(ask, identity, [{"index": 0, "text": text, "finish_reason": None}]))

    def closing(self, ask: Ask, identity: str, spent: Spent) -> Sequence[bytes]:
        """See `Api.closing`: the finish reason, the usage if requested, and the end mark."""
        last = {"index": 0, "text": "", "finish_reason": ask.reason(spent.tokens)}
        events = [event(_text_frame(ask, identity, [last]))]
        if ask.wants_usage:
            events.append(event(_text_frame(ask, identity, []) | {"usage": _usage(ask, spent)}))
        return [*events, _DONE]

    def whole(self, ask: Ask, identity: str, text: str, spent: Spent) -> bytes:
        """See `Api.whole`."""
        choice = {"index": 0, "text": text, "finish_reason": ask.reason(spent.tokens)}
        return json_bytes(_text_frame(ask, identity, [choice]) | {"usage": _usage(ask, spent)})


def _text_frame(ask: Ask, identity: str, choices: list[object]) -> dict[str, object]:
    return _frame(ask, identity, choices) | {"id": f"cmpl-{identity}", "object": "text_completion"}


def _cut(index: int, call: Call) -> list[dict[str, object]]:
    """Split a call into the pieces of a stream: its name with empty arguments first, then its arguments."""
    half = len(call.arguments) // 2
    first: dict[str, object] = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
    rest: list[dict[str, object]] = [
        {"function": {"arguments": part}} for part in (call.arguments[:half], call.arguments[half:]) if part
    ]
    return [{"index": index, **piece} for piece in (first, *rest)]


def _delta(ask: Ask, identity: str, delta: dict[str, object], reason: str | None = None) -> bytes:
    return event(_frame(ask, identity, [{"index": 0, "delta": delta, "finish_reason": reason}]))


def _frame(ask: Ask, identity: str, choices: Sequence[object]) -> dict[str, object]:
    return {
        "id": f"chatcmpl-{identity}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": ask.model,
        "choices": choices,
    }


def _usage(ask: Ask, spent: Spent) -> dict[str, object]:
    cached = {} if ask.cached is None else {"prompt_tokens_details": {"cached_tokens": ask.cached}}
    return {
        "prompt_tokens": ask.prompt_tokens,
        "completion_tokens": spent.tokens,
        "total_tokens": ask.prompt_tokens + spent.tokens,
        **cached,
    }

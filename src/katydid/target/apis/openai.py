"""OpenAI's chat completions and completions, as the embedded target serves them."""

import time
from collections.abc import Sequence

from katydid.model.jsontext import json_bytes
from katydid.target.apis.base import Api, Ask, Call, Spent, event, limit_of, member, needed, words_of
from katydid.target.apis.tools import read_toolset

_DONE = b"data: [DONE]\n\n"


class OpenAiApi(Api):
    """Chat completions."""

    broken = b'data: {"choices": [{"delta": {"cont\n\n'

    def read(self, body: dict[str, object]) -> Ask:
        """See `Api.read`; also reads vLLM's `min_tokens` and `ignore_eos`."""
        limit = limit_of(body, "max_completion_tokens", "max_tokens")
        messages = member(body, "messages", list, [])
        endless = member(body, "ignore_eos", bool, default=False)
        return Ask(
            model=needed(body, "model"),
            stream=member(body, "stream", bool, default=False),
            limit=limit,
            words=words_of(messages),
            wants_usage=member(member(body, "stream_options", dict, {}), "include_usage", bool, default=False),
            least=(limit or 0) if endless else member(body, "min_tokens", int, 0),
            toolset=read_toolset(body, messages),
        )

    def opening(self, ask: Ask) -> bytes:
        """See `Api.opening`: the role alone."""
        return self._delta(ask, {"role": "assistant", "content": None})

    def content(self, ask: Ask, text: str) -> bytes:
        """See `Api.content`."""
        return self._delta(ask, {"content": text})

    def extras(self, ask: Ask) -> Sequence[bytes]:
        """See `Api.extras`: each call's name, then its arguments in two pieces; or the start and end of each tool."""
        pieces = [piece for index, call in enumerate(ask.calls) for piece in _cut(index, call)]
        steps = [{"name": name, "status": status} for name in ask.progress for status in ("started", "finished")]
        return [
            *(self._delta(ask, {"tool_calls": [piece]}) for piece in pieces),
            *(b"event: tool_progress\n" + event(step) for step in steps),
        ]

    def closing(self, ask: Ask, spent: Spent) -> Sequence[bytes]:
        """See `Api.closing`: the finish reason, the usage if requested, and the end mark."""
        usage = [event(self._frame(ask) | {"usage": _usage(ask, spent)})] if ask.wants_usage else []
        return [self._delta(ask, {}, ask.reason(spent.tokens)), *usage, _DONE]

    def failure(self, message: str) -> Sequence[bytes]:
        """See `Api.failure`: the error, followed by the end mark, as in vLLM."""
        return [b"data: " + self.error_body(message, "server_error") + b"\n\n", _DONE]

    def whole(self, ask: Ask, text: str, spent: Spent) -> bytes:
        """See `Api.whole`."""
        message: dict[str, object] = {"role": "assistant", "content": None if ask.calls else text}
        if ask.calls:
            message["tool_calls"] = [
                {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
                for c in ask.calls
            ]
        choice = {"index": 0, "message": message, "finish_reason": ask.reason(spent.tokens)}
        return json_bytes(self._frame(ask, choice) | {"object": "chat.completion", "usage": _usage(ask, spent)})

    def error_body(self, message: str, kind: str) -> bytes:
        """See `Api.error_body`."""
        return json_bytes({"error": {"message": message, "type": kind, "code": kind}})

    def _delta(self, ask: Ask, delta: dict[str, object], reason: str | None = None) -> bytes:
        return event(self._frame(ask, {"index": 0, "delta": delta, "finish_reason": reason}))

    def _frame(self, ask: Ask, *choices: object) -> dict[str, object]:
        return {
            "id": f"chatcmpl-{ask.identity}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": ask.model,
            "choices": choices,
        }


class CompletionsApi(OpenAiApi):
    """Completions of a text."""

    def read(self, body: dict[str, object]) -> Ask:
        """See `Api.read`; the prompt must be one string, and there are no tools."""
        return super().read(body | {"messages": [{"content": member(body, "prompt", str, "")}], "tools": None})

    def opening(self, ask: Ask) -> bytes:
        """See `Api.opening`: it has none."""
        del ask
        return b""

    def whole(self, ask: Ask, text: str, spent: Spent) -> bytes:
        """See `Api.whole`."""
        choice = {"index": 0, "text": text, "finish_reason": ask.reason(spent.tokens)}
        return json_bytes(self._frame(ask, choice) | {"usage": _usage(ask, spent)})

    def _delta(self, ask: Ask, delta: dict[str, object], reason: str | None = None) -> bytes:
        return event(self._frame(ask, {"index": 0, "text": delta.get("content", ""), "finish_reason": reason}))

    def _frame(self, ask: Ask, *choices: object) -> dict[str, object]:
        return super()._frame(ask, *choices) | {"id": f"cmpl-{ask.identity}", "object": "text_completion"}


def _cut(index: int, call: Call) -> list[dict[str, object]]:
    """Split a call into the pieces of a stream: its name with empty arguments first, then its arguments."""
    half = len(call.arguments) // 2
    first: dict[str, object] = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
    rest: list[dict[str, object]] = [
        {"function": {"arguments": part}} for part in (call.arguments[:half], call.arguments[half:]) if part
    ]
    return [{"index": index, **piece} for piece in (first, *rest)]


def _usage(ask: Ask, spent: Spent) -> dict[str, object]:
    cached = {} if ask.cached is None else {"prompt_tokens_details": {"cached_tokens": ask.cached}}
    return {
        "prompt_tokens": ask.prompt_tokens,
        "completion_tokens": spent.tokens,
        "total_tokens": ask.prompt_tokens + spent.tokens,
        **cached,
    }

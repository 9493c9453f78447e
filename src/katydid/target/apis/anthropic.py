"""Anthropic's Messages API, as the embedded target serves it."""

from collections.abc import Sequence

from katydid.model.jsontext import json_bytes
from katydid.target.apis.base import Api, Ask, Spent, member, model_name, named_event, words_of
from katydid.target.wire.http import RequestError


class AnthropicApi(Api):
    """See `apis.Api`."""

    stream_kind = "text/event-stream"

    def read(self, body: dict[str, object]) -> Ask:
        """See `Api.read`; the API requires `max_tokens`."""
        limit = member(body, "max_tokens", int)
        if limit is None:
            raise RequestError("'max_tokens' is missing")
        if limit < 1:
            raise RequestError(f"'max_tokens' must be at least 1, got {limit}")
        return Ask(
            model=model_name(body),
            stream=member(body, "stream", bool, default=False),
            limit=limit,
            words=words_of(member(body, "messages", list, [])),
        )

    def opening(self, ask: Ask, identity: str) -> bytes:
        """See `Api.opening`: the message and its text block, both empty, and a ping, as Anthropic sends one."""
        message = _message(ask, identity, [], None, _input(ask) | {"output_tokens": 1})
        return (
            named_event("message_start", message=message)
            + named_event("content_block_start", index=0, content_block={"type": "text", "text": ""})
            + named_event("ping")
        )

    def content(self, ask: Ask, identity: str, text: str) -> bytes:
        """See `Api.content`."""
        del ask, identity
        return named_event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    def closing(self, ask: Ask, identity: str, spent: Spent) -> Sequence[bytes]:
        """See `Api.closing`: the end of the block, the usage, and the end of the message."""
        del identity
        delta = {"stop_reason": _reason(ask, spent), "stop_sequence": None}
        return [
            named_event("content_block_stop", index=0),
            named_event("message_delta", delta=delta, usage={"output_tokens": spent.tokens}),
            named_event("message_stop"),
        ]

    def broken(self) -> bytes:
        """See `Api.broken`."""
        return b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"ty\n\n'

    def failure(self, message: str) -> Sequence[bytes]:
        """See `Api.failure`: an error event, after which nothing follows."""
        return [named_event("error", error={"type": "api_error", "message": message})]

    def whole(self, ask: Ask, identity: str, text: str, spent: Spent) -> bytes:
        """See `Api.whole`."""
        usage = _input(ask) | {"output_tokens": spent.tokens}
        content = [{"type": "text", "text": text}]
        return json_bytes(_message(ask, identity, content, _reason(ask, spent), usage))

    def error_body(self, message: str, kind: str) -> bytes:
        """See `Api.error_body`."""
        return json_bytes({"type": "error", "error": {"type": kind, "message": message}})


def _input(ask: Ask) -> dict[str, int]:
    """Return the usage of the input; cached tokens are counted separately."""
    if ask.cached is None:
        return {"input_tokens": ask.prompt_tokens}
    return {"input_tokens": ask.prompt_tokens - ask.cached, "cache_read_input_tokens": ask.cached}


def _reason(ask: Ask, spent: Spent) -> str:
    return "max_tokens" if ask.reason(spent.tokens) == "length" else "end_turn"


def _message(
    ask: Ask, identity: str, content: Sequence[object], reason: str | None, usage: dict[str, int]
) -> dict[str, object]:
    return {
        "id": f"msg_{identity}",
        "type": "message",
        "role": "assistant",
        "model": ask.model,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": usage,
    }

"""Anthropic's Messages API, as the embedded target serves it."""

from collections.abc import Sequence

from katydid.model.jsontext import json_bytes
from katydid.target.apis.base import Api, Ask, Spent, limit_of, member, named_event, needed, words_of


class AnthropicApi(Api):
    """See `base.Api`."""

    broken = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"ty\n\n'

    def read(self, body: dict[str, object]) -> Ask:
        """See `Api.read`; the API requires `max_tokens`."""
        needed(body, "max_tokens", int)
        return Ask(
            model=needed(body, "model"),
            stream=member(body, "stream", bool, default=False),
            limit=limit_of(body, "max_tokens"),
            words=words_of(member(body, "messages", list, [])),
        )

    def opening(self, ask: Ask) -> bytes:
        """See `Api.opening`: the message and its text block, both empty, and a ping, as Anthropic sends one."""
        return (
            named_event("message_start", message=_message(ask, [], None, 1))
            + named_event("content_block_start", index=0, content_block={"type": "text", "text": ""})
            + named_event("ping")
        )

    def content(self, ask: Ask, text: str) -> bytes:
        """See `Api.content`."""
        del ask
        return named_event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    def closing(self, ask: Ask, spent: Spent) -> Sequence[bytes]:
        """See `Api.closing`: the end of the block, the usage, and the end of the message."""
        delta = {"stop_reason": _reason(ask, spent), "stop_sequence": None}
        return [
            named_event("content_block_stop", index=0),
            named_event("message_delta", delta=delta, usage={"output_tokens": spent.tokens}),
            named_event("message_stop"),
        ]

    def failure(self, message: str) -> Sequence[bytes]:
        """See `Api.failure`: an error event, after which nothing follows."""
        return [named_event("error", error={"type": "api_error", "message": message})]

    def whole(self, ask: Ask, text: str, spent: Spent) -> bytes:
        """See `Api.whole`."""
        return json_bytes(_message(ask, [{"type": "text", "text": text}], _reason(ask, spent), spent.tokens))

    def error_body(self, message: str, kind: str) -> bytes:
        """See `Api.error_body`."""
        return json_bytes({"type": "error", "error": {"type": kind, "message": message}})


def _reason(ask: Ask, spent: Spent) -> str:
    return "max_tokens" if ask.reason(spent.tokens) == "length" else "end_turn"


def _message(ask: Ask, content: Sequence[object], reason: str | None, tokens: int) -> dict[str, object]:
    usage = {"input_tokens": ask.prompt_tokens}
    if ask.cached is not None:  # cached tokens are counted separately
        usage = {"input_tokens": ask.prompt_tokens - ask.cached, "cache_read_input_tokens": ask.cached}
    return {
        "id": f"msg_{ask.identity}",
        "type": "message",
        "role": "assistant",
        "model": ask.model,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": usage | {"output_tokens": tokens},
    }

"""The dialect `anthropic`: messages, as Anthropic, Bedrock's and Vertex' gateways and llama.cpp speak them.

Events are named. Content comes in blocks of text, thinking or tool input; `message_stop` is the proper
end, the stop reason and the output tokens come before it in `message_delta`. There is no end mark.
"""

import re
from typing import Any

from katydid.core.counting import Shape
from katydid.core.errors import ProtocolError
from katydid.core.jsontext import json_bytes
from katydid.core.values import whole
from katydid.dialects.base import Answer, Generation, Message, member, parse_model_ids
from katydid.dialects.content import text_of, tokens_in
from katydid.dialects.loading import load_object
from katydid.dialects.reading import SseReading, StreamReading

VERSION = "2023-06-01"
"""Of the API, which it demands in a header; another one can be given with `--header anthropic-version=…`."""

_CONTENT = ("text", "thinking", "partial_json")


class Anthropic:
    """See `base.Dialect`."""

    name = "anthropic"
    endpoint = "/v1/messages"
    models_endpoint = "/v1/models"

    def headers(self, api_key: str | None) -> dict[str, str]:
        """The key in a header of its own."""
        headers = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/json",
            "anthropic-version": VERSION,
        }
        return headers | {"x-api-key": api_key} if api_key else headers

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """A message; system messages stand apart from the turns, and there is no seed."""
        system = [str(message.get("content", "")) for message in messages if message.get("role") == "system"]
        request: dict[str, Any] = {
            "model": generation.model,
            "messages": [message for message in messages if message.get("role") != "system"],
            "max_tokens": generation.max_tokens,
            "temperature": generation.temperature,
            "stream": stream,
        }
        if system:
            request["system"] = "\n\n".join(system)
        return json_bytes(request | generation.extra)

    def parse_models(self, body: bytes) -> list[str]:
        """The ids in `data`."""
        return parse_model_ids(body)

    def reading(self, check: str) -> StreamReading:
        """See `base.Dialect.reading`."""
        return AnthropicReading(check)

    def parse_answer(self, body: bytes) -> Answer:
        """The text blocks of a message."""
        value = load_object(body)
        try:
            text = "".join(text_of(block.get("text")) for block in value["content"])
            other = any(block.get("type") in {"tool_use", "thinking"} for block in value["content"])
        except (AttributeError, KeyError, TypeError):
            raise ProtocolError("not a message") from None
        tokens = tokens_in(value.get("usage"), "input_tokens", "output_tokens")
        return Answer(text, value.get("stop_reason"), *tokens, other)


class AnthropicReading(SseReading):
    """One streamed message."""

    shape = Shape(
        start=b"event: content_block_delta\ndata: ",
        separator=b"\n\n",
        marker=re.compile(rb'"delta":\s?\{"type":\s?"(?:text|thinking)_delta",\s?"(?:text|thinking)":\s?"'),
        quiet=re.compile(rb'\A"\s?\}'),
    )

    def event(self, name: bytes, data: bytes) -> None:
        """See `SseReading.event`; the type stands in the data too, and some gateways leave the name out."""
        value = load_object(data)
        match value.get("type"):
            case "content_block_delta" | "content_block_start":
                self._block(value, data)
            case "message_start":
                self._usage(member(value, "message", data).get("usage"))
            case "message_delta":
                if reason := member(value, "delta", data).get("stop_reason"):
                    self.finish_reason = str(reason)
                self._usage(value.get("usage"))
            case "message_stop":
                self.done = True
            case "error":
                self.refuse(value.get("error") or value)
            case "ping" | "content_block_stop":
                pass
            case other:
                self._unknown(name, data, other)

    def _block(self, value: dict[str, Any], data: bytes) -> None:
        """A piece of a block, or its start, which for a tool's call brings the tool's name."""
        if value["type"] == "content_block_delta":
            delta = member(value, "delta", data)
            has_content = any(delta.get(key) for key in _CONTENT)
        else:
            block = member(value, "content_block", data)
            has_content = bool(block.get("text")) or block.get("type") == "tool_use"
        if has_content:
            self.content(data)

    def _unknown(self, name: bytes, data: bytes, kind: Any) -> None:
        """Types that are new are to be skipped, says Anthropic; what has none is something else."""
        if name == b"error":
            self.refuse(data.decode("utf-8", "replace"))
        elif self.full and not isinstance(kind, str):
            raise ProtocolError(f"an event without a type: {data[:160].decode('utf-8', 'replace')}")

    def _usage(self, usage: Any) -> None:
        """Output tokens are cumulative: the last ones count. Those read from a cache are input too."""
        if not isinstance(usage, dict):
            return
        parts = [usage.get(key) for key in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")]
        known = [part for part in map(whole, parts) if part is not None]
        self.usage(sum(known) if known else None, usage.get("output_tokens"))

"""The dialect `anthropic`: the Messages API of Anthropic, of gateways to Bedrock and Vertex, and of llama.cpp.

Events are named. Content comes in blocks of text, thinking or tool input. The stop reason and the output tokens come
in `message_delta`; the last event is `message_stop`. The API has no end mark, but some gateways send `[DONE]` anyway.
"""

from katydid.dialects.base import Access, Answer, Generation, Message, bearer_headers, content_parts, member
from katydid.dialects.loading import is_content, load_object, shown, text_of
from katydid.dialects.status import failed_reason
from katydid.dialects.stream_parser import DONE, SseStreamParser, StreamParser
from katydid.dialects.usage import TokenDetails, later
from katydid.model.errors import ProtocolError
from katydid.model.jsontext import json_bytes
from katydid.protocol.counting import Shape

VERSION = "2023-06-01"
"""The API version, a required header; `--header anthropic-version=…` overrides it."""

_CONTENT = ("text", "thinking", "partial_json")
_SYSTEM = frozenset({"system", "developer"})
"""Roles of system messages; the second is OpenAI's newer name."""
_INPUT = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


class Anthropic(Access):
    """See `base.Dialect`."""

    name = "anthropic"
    endpoint = "/v1/messages"

    def headers(self, api_key: str | None) -> dict[str, str]:
        """The key in the header `x-api-key`, and the API version."""
        headers = bearer_headers(self.accept, None) | {"anthropic-version": VERSION}
        return headers | {"x-api-key": api_key} if api_key else headers

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """A request with the system messages in a separate member; the API has no seed."""
        system = [message.get("content") for message in messages if message.get("role") in _SYSTEM]
        request: dict[str, object] = {
            "model": generation.model,
            "messages": [message for message in messages if message.get("role") not in _SYSTEM],
            "max_tokens": generation.max_tokens,
            "temperature": generation.temperature,
            "stream": stream,
        }
        if system:
            request["system"] = _system(system)
        return json_bytes(request | generation.extra)

    def with_images(self, message: Message, images: list[str]) -> Message:
        """See `base.Dialect`; images come before the text, as Anthropic advises."""
        sources = ({"type": "base64", "media_type": "image/png", "data": image} for image in images)
        return message | {
            "content": [*({"type": "image", "source": source} for source in sources), *content_parts(message)]
        }

    def stream_parser(self, check: str) -> StreamParser:
        """See `base.Dialect.stream_parser`."""
        return AnthropicStreamParser(check)

    def parse_answer(self, body: bytes) -> Answer:
        """The text blocks of a message."""
        value = load_object(body)
        try:
            text = "".join(text_of(block.get("text")) for block in value["content"])
            other = any(block.get("type") in {"tool_use", "thinking"} for block in value["content"])
        except (AttributeError, KeyError, TypeError):
            raise ProtocolError("not a message") from None
        usage, said = _Usage(), value.get("usage")
        usage.update(said)
        reason = value.get("stop_reason")
        failure = value.get("error") or failed_reason(reason, "stop_reason")
        return Answer(text, reason, usage.prompt, usage.completion, other, failure, details=TokenDetails.of(said))


def _system(contents: list[object]) -> str | list[object]:
    """One text; or blocks if any message has blocks, since these may mark what to cache."""
    if not any(isinstance(content, list) for content in contents):
        return "\n\n".join(map(text_of, contents))
    return [
        block
        for content in contents
        for block in (content if isinstance(content, list) else [{"type": "text", "text": text_of(content)}])
    ]


class AnthropicStreamParser(SseStreamParser):
    """One streamed message."""

    shape = Shape(
        start=b"event: content_block_delta\ndata: ",
        separator=b"\n\n",
        texts=frozenset({b"text", b"thinking", b"partial_json"}),
    )

    def __init__(self, check: str) -> None:
        super().__init__(check)
        self._used = _Usage()

    def event(self, name: bytes, data: bytes) -> None:  # noqa: ARG002 - the type is in the data
        """See `SseStreamParser.event`; some gateways omit the name, so the type is read from the data."""
        if data == DONE:
            return
        value = load_object(data)
        if error := value.get("error"):
            self.on_error(error)
        else:
            self._typed(value, data)

    def _typed(self, value: dict[str, object], data: bytes) -> None:
        match value.get("type"):
            case "content_block_delta" | "content_block_start":
                self._block(value, data)
            case "message_start":
                self._usage(member(value, "message", data).get("usage"))
            case "message_delta":
                self._stop(member(value, "delta", data).get("stop_reason"))
                self._usage(value.get("usage"))
            case "message_stop":
                self.done = True
            case "error":
                self.on_error(value)
            case str():
                pass  # a ping, the end of a block; Anthropic asks clients to skip unknown types
            case _ if self.full:
                raise ProtocolError(f"an event without a type: {shown(data)}")

    def is_end(self, data: bytes) -> bool:
        """See `SseStreamParser.is_end`."""
        return b"message_stop" in data and load_object(data).get("type") == "message_stop"

    def _block(self, value: dict[str, object], data: bytes) -> None:
        """Take a piece of a block, or its start; the start of a tool call has the tool's name."""
        if value["type"] == "content_block_delta":
            piece = member(value, "delta", data)
            found = {key for key in _CONTENT if is_content(piece.get(key))}
        else:
            piece = member(value, "content_block", data)
            found = {"text"} if is_content(piece.get("text")) or piece.get("type") == "tool_use" else set()
        if found:
            self.content(data, visible=found != {"thinking"}, text=piece.get("text"))

    def _stop(self, reason: object) -> None:
        if reason:
            self.finish_reason = str(reason)
        if failure := failed_reason(reason, "stop_reason"):
            self.on_error(failure)

    def _usage(self, usage: object) -> None:
        self._used.update(usage)
        self.usage(self._used.prompt, self._used.completion, usage)


class _Usage:
    """Token counts, collected over the events. Output counts are cumulative; a count not repeated stays valid.

    Anthropic counts input tokens read from or written to a cache separately; the prompt is the sum of all three.
    """

    def __init__(self) -> None:
        self._parts: dict[str, int | None] = dict.fromkeys(_INPUT)
        self.completion: int | None = None

    @property
    def prompt(self) -> int | None:
        """All input tokens; None if the server reported none of the counts."""
        known = [part for part in self._parts.values() if part is not None]
        return sum(known) if known else None

    def update(self, usage: object) -> None:
        """Take the `usage` of one event."""
        if isinstance(usage, dict):
            self._parts = {key: later(part, usage.get(key)) for key, part in self._parts.items()}
            self.completion = later(self.completion, usage.get("output_tokens"))

"""The kinds of events in a streamed answer, for `--record-events`. Pure.

A stream parser only asks whether an event has content. Other tools take their times at other events, so every kind
of event that one of them distinguishes has a name here.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from katydid.dialects import DIALECTS
from katydid.dialects.anthropic import Anthropic
from katydid.dialects.loading import WRONG_SHAPE, load_object, told_error
from katydid.dialects.ollama import Ollama
from katydid.dialects.openai import Completions, OpenAi
from katydid.dialects.responses import CALLS, Responses
from katydid.dialects.status import failed_reason
from katydid.dialects.stream_parser import NdjsonStreamParser
from katydid.model.errors import ProtocolError
from katydid.model.values import whole
from katydid.protocol.ndjson import NdjsonParser
from katydid.protocol.sse import SseEvent, SseParser


class EventKind(StrEnum):
    """The kind of an event."""

    TEXT = "text"
    REASONING = "reasoning"
    TOOL = "tool"
    EMPTY = "empty"
    """A piece of the answer without content: a role, an empty text, the frame of a block."""
    FINISH = "finish"
    """The reason why the answer ended, without content."""
    USAGE = "usage"
    """Token counts, without any piece of the answer."""
    DONE = "done"
    """The end mark."""
    ERROR = "error"
    OTHER = "other"


Meaning = tuple[EventKind, int | None]
"""The kind, and the completion tokens so far; None if the event does not give them."""


def _first(piece: dict[str, Any], kinds: tuple[tuple[str, EventKind], ...]) -> EventKind | None:
    """The kind of the first of these members that has content."""
    for name, kind in kinds:
        if piece.get(name):
            return kind
    return None


_OPENAI = (
    ("content", EventKind.TEXT),
    ("refusal", EventKind.TEXT),
    ("reasoning", EventKind.REASONING),
    ("reasoning_content", EventKind.REASONING),
    ("tool_calls", EventKind.TOOL),
    ("function_call", EventKind.TOOL),
)


def _openai(value: dict[str, Any]) -> Meaning:
    usage, choices = value.get("usage"), value.get("choices")
    tokens = whole(usage.get("completion_tokens")) if isinstance(usage, dict) else None
    if not choices:
        return (EventKind.USAGE if isinstance(usage, dict) else EventKind.OTHER), tokens
    delta, reason = choices[0].get("delta") or {}, choices[0].get("finish_reason")
    if choices[0].get("error") or delta.get("error") or failed_reason(reason):
        return EventKind.ERROR, tokens
    return _first(delta, _OPENAI) or (EventKind.FINISH if reason else EventKind.EMPTY), tokens


def _completions(value: dict[str, Any]) -> Meaning:
    choices = [choice | {"delta": {"content": choice.get("text")}} for choice in value.get("choices") or []]
    return _openai(value | {"choices": choices})


_RESPONSES = {
    "response.output_text.delta": EventKind.TEXT,
    "response.refusal.delta": EventKind.TEXT,
    "response.function_call_arguments.delta": EventKind.TOOL,
    "response.custom_tool_call_input.delta": EventKind.TOOL,
    "response.completed": EventKind.DONE,
    "response.incomplete": EventKind.DONE,
    "response.failed": EventKind.ERROR,
    "response.cancelled": EventKind.ERROR,
}


def _responses(value: dict[str, Any]) -> Meaning:
    name = str(value.get("type"))
    kind = _RESPONSES.get(name, EventKind.EMPTY if name.startswith("response.") else EventKind.OTHER)
    if name.endswith(".delta") and not value.get("delta"):
        kind = EventKind.EMPTY
    elif name.startswith("response.reasoning") and name.endswith(".delta"):
        kind = EventKind.REASONING
    elif name == "response.output_item.added" and (value.get("item") or {}).get("type") in CALLS:
        kind = EventKind.TOOL
    usage = (value.get("response") or {}).get("usage") or {}
    return kind, whole(usage.get("output_tokens"))


_BLOCKS = (("text", EventKind.TEXT), ("thinking", EventKind.REASONING), ("partial_json", EventKind.TOOL))
_ANTHROPIC = {
    "message_start": EventKind.EMPTY,
    "content_block_start": EventKind.EMPTY,
    "content_block_delta": EventKind.EMPTY,
    "content_block_stop": EventKind.EMPTY,
    "message_delta": EventKind.FINISH,
    "message_stop": EventKind.DONE,
}


def _anthropic(value: dict[str, Any]) -> Meaning:
    name, kind, tokens = value.get("type"), None, None
    if name == "content_block_delta":
        kind = _first(value.get("delta") or {}, _BLOCKS)
    elif name == "content_block_start":
        block = value.get("content_block") or {}
        kind = EventKind.TOOL if block.get("type") == "tool_use" else _first(block, _BLOCKS[:1])
    elif name == "message_delta":
        tokens = whole((value.get("usage") or {}).get("output_tokens"))
    return kind or _ANTHROPIC.get(str(name), EventKind.OTHER), tokens


_LINES = (("content", EventKind.TEXT), ("thinking", EventKind.REASONING), ("tool_calls", EventKind.TOOL))


def _ollama(value: dict[str, Any]) -> Meaning:
    message = value.get("message") or {"content": value.get("response"), "thinking": value.get("thinking")}
    kind = _first(message, _LINES) or (EventKind.DONE if value.get("done") else EventKind.EMPTY)
    return kind, whole(value.get("eval_count"))


_MEANINGS: dict[str, Callable[[dict[str, object]], Meaning]] = {
    OpenAi.name: _openai,
    Completions.name: _completions,
    Responses.name: _responses,
    Anthropic.name: _anthropic,
    Ollama.name: _ollama,
}


def meaning(api: str, name: bytes, data: bytes) -> Meaning:
    """The kind and tokens of an event; a registered API's own `meaning` decides, without one it is `other`."""
    find = _MEANINGS.get(api)
    own = None if find else getattr(DIALECTS.get(api), "meaning", None)
    try:
        if own is not None:
            kind, tokens = own(name, data)
            return EventKind(kind), whole(tokens)
        if data.strip() == b"[DONE]":
            return EventKind.DONE, None
        if find is None:
            return EventKind.OTHER, None
        value = load_object(data)
        return (EventKind.ERROR, None) if name == b"error" or told_error(value) else find(value)
    except (ProtocolError, *WRONG_SHAPE):  # the event is kept
        return EventKind.OTHER, None


class EventCutter:
    """Splits the body of one answer into events."""

    def __init__(self, api: str) -> None:
        self._api = api
        known = DIALECTS.get(api)
        in_lines = known is not None and isinstance(known.stream_parser("count"), NdjsonStreamParser)
        self._parser: SseParser | NdjsonParser = NdjsonParser() if in_lines else SseParser()

    def feed(self, data: bytes) -> list[tuple[EventKind, int | None, int]]:
        """Take body bytes; return the kind, tokens and size in bytes of each event that they complete."""
        try:
            events = self._parser.feed(data)
        except ProtocolError:
            return []  # the stream parser reports it
        return [self._known(event) for event in events]

    def finish(self) -> list[tuple[EventKind, int | None, int]]:
        """The body has ended; return the last line if it had no newline."""
        rest = self._parser.close() if isinstance(self._parser, NdjsonParser) else None
        return [] if rest is None else [self._known(rest)]

    def _known(self, event: bytes | SseEvent) -> tuple[EventKind, int | None, int]:
        data, name = (event, b"") if isinstance(event, bytes) else event
        return *meaning(self._api, name, data), len(data)

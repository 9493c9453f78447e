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


def _openai(value: dict[str, Any]) -> Meaning:
    usage = value.get("usage")
    tokens = whole(usage.get("completion_tokens")) if isinstance(usage, dict) else None
    choices = value.get("choices")
    if not choices:
        return (EventKind.USAGE if isinstance(usage, dict) else EventKind.OTHER), tokens
    delta = choices[0].get("delta") or {}
    if choices[0].get("error") or delta.get("error") or failed_reason(choices[0].get("finish_reason")):
        return EventKind.ERROR, tokens
    if delta.get("content") or delta.get("refusal"):
        return EventKind.TEXT, tokens
    if delta.get("reasoning") or delta.get("reasoning_content"):
        return EventKind.REASONING, tokens
    if delta.get("tool_calls") or delta.get("function_call"):
        return EventKind.TOOL, tokens
    return (EventKind.FINISH if choices[0].get("finish_reason") else EventKind.EMPTY), tokens


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
    if name.startswith("response.reasoning") and name.endswith(".delta"):
        kind = EventKind.REASONING
    else:
        kind = _RESPONSES.get(name, EventKind.EMPTY if name.startswith("response.") else EventKind.OTHER)
    if name.endswith(".delta") and not value.get("delta"):
        kind = EventKind.EMPTY
    elif name == "response.output_item.added" and (value.get("item") or {}).get("type") in CALLS:
        kind = EventKind.TOOL
    usage = (value.get("response") or {}).get("usage") or {}
    return kind, whole(usage.get("output_tokens"))


def _anthropic(value: dict[str, Any]) -> Meaning:
    name, delta = value.get("type"), value.get("delta") or {}
    usage = value.get("usage") or {}
    if name == "content_block_delta":
        for key, kind in (
            ("text", EventKind.TEXT),
            ("thinking", EventKind.REASONING),
            ("partial_json", EventKind.TOOL),
        ):
            if delta.get(key):
                return kind, None
        return EventKind.EMPTY, None
    if name == "content_block_start":
        block = value.get("content_block") or {}
        if block.get("type") == "tool_use":
            return EventKind.TOOL, None
        return (EventKind.TEXT if block.get("text") else EventKind.EMPTY), None
    if name == "message_delta":
        return EventKind.FINISH, whole(usage.get("output_tokens"))
    kinds = {"message_start": EventKind.EMPTY, "content_block_stop": EventKind.EMPTY, "message_stop": EventKind.DONE}
    return kinds.get(str(name), EventKind.OTHER), None


def _ollama(value: dict[str, Any]) -> Meaning:
    message = value.get("message") or {}
    tokens = whole(value.get("eval_count"))
    if message.get("content") or value.get("response"):
        return EventKind.TEXT, tokens
    if message.get("thinking") or value.get("thinking"):
        return EventKind.REASONING, tokens
    if message.get("tool_calls"):
        return EventKind.TOOL, tokens
    return (EventKind.DONE if value.get("done") else EventKind.EMPTY), tokens


_MEANINGS: dict[str, Callable[[dict[str, object]], Meaning]] = {
    OpenAi.name: _openai,
    Completions.name: _completions,
    Responses.name: _responses,
    Anthropic.name: _anthropic,
    Ollama.name: _ollama,
}


def meaning(api: str, name: bytes, data: bytes) -> Meaning:
    """The kind and tokens of an event; a registered API's own `meaning` decides, without one it is `other`."""
    own = None if api in _MEANINGS else getattr(DIALECTS.get(api), "meaning", None)
    if own is not None:
        return _meaning_of_registered(own, name, data)
    if data.strip() == b"[DONE]":
        return EventKind.DONE, None
    find = _MEANINGS.get(api)
    if find is None:
        return EventKind.OTHER, None
    try:
        value = load_object(data)
        if name == b"error" or told_error(value):
            return EventKind.ERROR, None
        return find(value)
    except (ProtocolError, *WRONG_SHAPE):
        return EventKind.OTHER, None


def _meaning_of_registered(own: Callable[[bytes, bytes], tuple[str, object]], name: bytes, data: bytes) -> Meaning:
    """The result of a registered dialect's `meaning`; if it fails, the event is kept as `other`."""
    try:
        kind, tokens = own(name, data)
        return EventKind(kind), whole(tokens)
    except (ProtocolError, *WRONG_SHAPE):
        return EventKind.OTHER, None


def _in_lines(api: str) -> bool:
    """Return True if the API streams lines of JSON instead of server-sent events."""
    known = DIALECTS.get(api)
    return known is not None and isinstance(known.stream_parser("count"), NdjsonStreamParser)


class EventCutter:
    """Splits the body of one answer into events."""

    def __init__(self, api: str) -> None:
        self._api = api
        self._parser: SseParser | NdjsonParser = NdjsonParser() if _in_lines(api) else SseParser()

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

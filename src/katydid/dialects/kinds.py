"""What each event of a streamed answer brings, for whoever keeps them all (`--record-events`). Pure.

Finer than a reading, which only wants to know whether there is content: other tools stamp their times at
other events, so each kind that one of them tells apart has a name here.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from katydid.core.errors import ProtocolError
from katydid.core.ndjson import NdjsonParser
from katydid.core.sse import SseEvent, SseParser
from katydid.core.values import whole
from katydid.dialects.anthropic import Anthropic
from katydid.dialects.loading import WRONG_SHAPE, load_object
from katydid.dialects.ollama import Ollama
from katydid.dialects.openai import OpenAi
from katydid.dialects.responses import CALLS, Responses
from katydid.dialects.status import failed_reason


class Kind(StrEnum):
    """What an event brings."""

    TEXT = "text"
    REASONING = "reasoning"
    TOOL = "tool"
    EMPTY = "empty"
    """A piece of the answer without content: a role, an empty text, the frame of a block."""
    FINISH = "finish"
    """The reason why the answer ends, without content."""
    USAGE = "usage"
    """Token counts, and no piece of the answer."""
    DONE = "done"
    """The end mark."""
    ERROR = "error"
    OTHER = "other"


Meaning = tuple[Kind, int | None]
"""The kind, and the completion tokens that the event says the answer has until then."""


def _openai(value: dict[str, Any]) -> Meaning:
    usage = value.get("usage")
    tokens = whole(usage.get("completion_tokens")) if isinstance(usage, dict) else None
    choices = value.get("choices")
    if not choices:
        return (Kind.USAGE if isinstance(usage, dict) else Kind.OTHER), tokens
    delta = choices[0].get("delta") or {}
    if choices[0].get("error") or delta.get("error") or failed_reason(choices[0].get("finish_reason")):
        return Kind.ERROR, tokens
    if delta.get("content") or delta.get("refusal"):
        return Kind.TEXT, tokens
    if delta.get("reasoning") or delta.get("reasoning_content"):
        return Kind.REASONING, tokens
    if delta.get("tool_calls") or delta.get("function_call"):
        return Kind.TOOL, tokens
    return (Kind.FINISH if choices[0].get("finish_reason") else Kind.EMPTY), tokens


_RESPONSES = {
    "response.output_text.delta": Kind.TEXT,
    "response.refusal.delta": Kind.TEXT,
    "response.function_call_arguments.delta": Kind.TOOL,
    "response.custom_tool_call_input.delta": Kind.TOOL,
    "response.completed": Kind.DONE,
    "response.incomplete": Kind.DONE,
    "response.failed": Kind.ERROR,
    "response.cancelled": Kind.ERROR,
}


def _responses(value: dict[str, Any]) -> Meaning:
    name = str(value.get("type"))
    if name.startswith("response.reasoning") and name.endswith(".delta"):
        kind = Kind.REASONING
    else:
        kind = _RESPONSES.get(name, Kind.EMPTY if name.startswith("response.") else Kind.OTHER)
    if name.endswith(".delta") and not value.get("delta"):
        kind = Kind.EMPTY
    elif name == "response.output_item.added" and (value.get("item") or {}).get("type") in CALLS:
        kind = Kind.TOOL
    usage = (value.get("response") or {}).get("usage") or {}
    return kind, whole(usage.get("output_tokens"))


def _anthropic(value: dict[str, Any]) -> Meaning:
    name, delta = value.get("type"), value.get("delta") or {}
    usage = value.get("usage") or {}
    if name == "content_block_delta":
        for key, kind in (("text", Kind.TEXT), ("thinking", Kind.REASONING), ("partial_json", Kind.TOOL)):
            if delta.get(key):
                return kind, None
        return Kind.EMPTY, None
    if name == "content_block_start":
        block = value.get("content_block") or {}
        if block.get("type") == "tool_use":
            return Kind.TOOL, None
        return (Kind.TEXT if block.get("text") else Kind.EMPTY), None
    if name == "message_delta":
        return Kind.FINISH, whole(usage.get("output_tokens"))
    kinds = {"message_start": Kind.EMPTY, "content_block_stop": Kind.EMPTY, "message_stop": Kind.DONE}
    return kinds.get(str(name), Kind.OTHER), None


def _ollama(value: dict[str, Any]) -> Meaning:
    message = value.get("message") or {}
    tokens = whole(value.get("eval_count"))
    if message.get("content") or value.get("response"):
        return Kind.TEXT, tokens
    if message.get("thinking") or value.get("thinking"):
        return Kind.REASONING, tokens
    if message.get("tool_calls"):
        return Kind.TOOL, tokens
    return (Kind.DONE if value.get("done") else Kind.EMPTY), tokens


_MEANINGS: dict[str, Callable[[dict[str, Any]], Meaning]] = {
    OpenAi.name: _openai,
    Responses.name: _responses,
    Anthropic.name: _anthropic,
    Ollama.name: _ollama,
}


def meaning(api: str, name: bytes, data: bytes) -> Meaning:
    """What an event brings; of an API that is not known here, `other`."""
    if data.strip() == b"[DONE]":
        return Kind.DONE, None
    find = _MEANINGS.get(api)
    if find is None:
        return Kind.OTHER, None
    try:
        value = load_object(data)
        if name == b"error" or value.get("error") or value.get("type") == "error":
            return Kind.ERROR, None
        return find(value)
    except (ProtocolError, *WRONG_SHAPE):
        return Kind.OTHER, None


class EventCutter:
    """Cuts the body of one answer into its events."""

    def __init__(self, api: str) -> None:
        self._api = api
        self._parser: SseParser | NdjsonParser = NdjsonParser() if api == Ollama.name else SseParser()

    def feed(self, data: bytes) -> list[tuple[Kind, int | None, int]]:
        """Kind, tokens and bytes of the events that are complete with these bytes."""
        try:
            events = self._parser.feed(data)
        except ProtocolError:
            return []  # the reading says so
        return [self._known(event) for event in events]

    def finish(self) -> list[tuple[Kind, int | None, int]]:
        """The last line needs no newline."""
        rest = self._parser.close() if isinstance(self._parser, NdjsonParser) else None
        return [] if rest is None else [self._known(rest)]

    def _known(self, event: bytes | SseEvent) -> tuple[Kind, int | None, int]:
        data, name = (event, b"") if isinstance(event, bytes) else event
        return *meaning(self._api, name, data), len(data)

"""The interface of the target's APIs: requests as parsed JSON in, bytes of answers out. Does no I/O.

Each API is a file of its own. It reads a request once and strictly, so that later code need not handle a client's
mistakes, and writes the pieces of a streamed answer, or a non-streamed answer. All content chunks of an answer are the
same, so their bytes are made once. Whatever reads a request raises RequestError if the request is invalid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from katydid.model.jsontext import json_bytes
from katydid.target.wire.http import RequestError


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that a request declares."""

    name: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Toolset:
    """The tools of a request.

    Attributes:
        results: number of tool results in the conversation since the last user message.
        parallel: True if one turn may have several calls.
    """

    tools: tuple[Tool, ...]
    results: int
    parallel: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call in an answer."""

    id: str
    name: str
    arguments: str


@dataclass(slots=True)
class Ask:
    """The content of a request.

    Attributes:
        identity: the id of its answer, without the API's prefix.
        limit: maximum number of tokens of the answer; None for no limit.
        least: minimum number of tokens of the answer.
        words: words of the prompt; the target counts each as a token.
        cached: number of prompt tokens in the prefix cache; None without a cache.
        wants_usage: True if a stream should end with its usage.
        toolset: the tools that the request declares.
        calls: tool calls that the answer makes instead of text.
        progress: tools that the target runs itself, and reports in the stream.
        stores: True if the answer is to be kept, so that later requests can continue from it.
        previous: id of the answer that the request continues from.
        new_words: number of words, at the end of `words`, that are new in this request; None for all.
    """

    model: str
    stream: bool
    limit: int | None
    words: Sequence[str]
    identity: str = ""
    cached: int | None = None
    wants_usage: bool = True
    least: int = 0
    toolset: Toolset | None = None
    calls: tuple[Call, ...] = ()
    progress: tuple[str, ...] = ()
    stores: bool = False
    previous: str | None = None
    new_words: int | None = None

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the prompt."""
        return len(self.words)

    def reason(self, tokens: int) -> str:
        """Return the finish reason of an answer of this many tokens."""
        if self.calls:
            return "tool_calls"
        return "length" if self.limit is not None and tokens >= self.limit else "stop"


@dataclass(frozen=True, slots=True)
class Spent:
    """Usage of an answer: its tokens, and nanoseconds of service before and after its first chunk."""

    tokens: int
    prompt_ns: int
    answer_ns: int


class Api(Protocol):
    """One API of the target.

    Attributes:
        stream_kind: content type of a streamed answer.
        broken: an event that cannot be parsed.
    """

    stream_kind: str = "text/event-stream"
    broken: bytes

    def read(self, body: dict[str, object]) -> Ask:
        """Read a request."""

    def opening(self, ask: Ask) -> bytes:
        """Return the beginning of a stream, before its content; by default it has none."""
        del ask
        return b""

    def content(self, ask: Ask, text: str) -> bytes:
        """Return one content chunk."""

    def extras(self, ask: Ask) -> Sequence[bytes]:
        """Return the chunks that a stream has instead of text (tool calls) or before it (tool progress)."""
        del ask
        return ()

    def closing(self, ask: Ask, spent: Spent) -> Sequence[bytes]:
        """Return the events that end a successful stream."""

    def failure(self, message: str) -> Sequence[bytes]:
        """Return the events that end a stream with an error."""

    def whole(self, ask: Ask, text: str, spent: Spent) -> bytes:
        """Return the body of a non-streamed answer."""

    def error_body(self, message: str, kind: str) -> bytes:
        """Return the body of an answer with an error status."""


def member(body: dict[str, object], name: str, kind: type, default: object = None) -> Any:
    """Return a member of a JSON object, or `default` if it is missing or null."""
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise RequestError(f"{name!r} must be of type {kind.__name__}, not {type(value).__name__}")
    return value


def needed(body: dict[str, object], name: str, kind: type = str) -> Any:
    """Return a member of a JSON object that must be there."""
    if (value := member(body, name, kind)) is None:
        raise RequestError(f"{name!r} is missing")
    return value


def limit_of(body: dict[str, object], *names: str) -> int | None:
    """Return the limit in the first of these members that a request has; it must be at least 1."""
    limit: int | None = next((found for name in names if (found := member(body, name, int)) is not None), None)
    if limit is not None and limit < 1:
        raise RequestError(f"{names[-1]!r} must be at least 1, got {limit}")
    return limit


def words_of(messages: list[Any]) -> list[str]:
    """Return the words of all messages."""
    if not all(isinstance(message, dict) for message in messages):
        raise RequestError("'messages' must be objects")
    return [word for message in messages for text in _texts(message.get("content")) for word in text.split()]


def _texts(content: object) -> list[str]:
    """Return the texts of a message's content, which is a string or a list of parts."""
    if isinstance(content, list):
        return [str(part.get("text") or "") for part in content if isinstance(part, dict)]
    return [str(content or "")]


def line(value: Mapping[str, object]) -> bytes:
    """Return a line of NDJSON."""
    return json_bytes(value) + b"\n"


def event(value: Mapping[str, object]) -> bytes:
    """Return a server-sent event."""
    return b"data: " + json_bytes(value) + b"\n\n"


def named_event(kind: str, **more: object) -> bytes:
    """Return a server-sent event with a name, which is also the member `type` of its data."""
    return b"event: " + kind.encode() + b"\n" + event({"type": kind, **more})

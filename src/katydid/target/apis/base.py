"""What an API of the embedded target has to say, whatever its wire looks like. Bytes only.

Each API is a file of its own. It reads what a request asks for, once and strictly, so that nothing
after it can trip over a client's mistake, and writes the pieces of a streamed answer and a whole one.
The content chunks of one answer are all alike, so a piece is made once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from katydid.model.jsontext import json_bytes
from katydid.target.apis.tools import Call, Toolset
from katydid.target.wire.http import RequestError


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request asks for.

    Attributes:
        limit: the most tokens that it wants; None for no limit.
        least: the fewest tokens that it wants.
        words: of its prompt, by a stand-in for a tokenizer: its tokens.
        cached: of them, that the prefix cache knows; None where there is no such cache.
        wants_usage: whether a stream should end with its usage.
        toolset: the tools that it declares.
        calls: that its answer makes instead of text.
        progress: tools that the target runs itself, and tells of in the stream.
        stores: its answer is to be kept, so that others may go on from it.
        previous: id of the answer that it goes on from.
        new_words: of its words, those at the end that it brought itself; None for all.
    """

    model: str
    stream: bool
    limit: int | None
    words: Sequence[str]
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
        """Of its prompt."""
        return len(self.words)

    def reason(self, tokens: int) -> str:
        """Why an answer of so many tokens ended."""
        if self.calls:
            return "tool_calls"
        return "length" if self.limit is not None and tokens >= self.limit else "stop"


@dataclass(frozen=True, slots=True)
class Spent:
    """What an answer took: tokens, and nanoseconds of service until its first chunk and from there on."""

    tokens: int
    prompt_ns: int
    answer_ns: int


class Api(Protocol):
    """One API of the target.

    Attributes:
        stream_kind: content type of a streamed answer.
    """

    stream_kind: str

    def read(self, body: dict[str, object]) -> Ask:
        """What the request asks for.

        Raises:
            RequestError: something in it is of the wrong kind.
        """

    def opening(self, ask: Ask, identity: str) -> bytes:
        """What a stream begins with before its content; may be empty."""

    def content(self, ask: Ask, identity: str, text: str) -> bytes:
        """One content chunk."""

    def extras(self, ask: Ask, identity: str) -> Sequence[bytes]:
        """What a stream brings instead of text (calls of tools) or before it (progress of tools)."""
        del ask, identity
        return ()

    def closing(self, ask: Ask, identity: str, spent: Spent) -> Sequence[bytes]:
        """The events that a proper answer ends with."""

    def broken(self) -> bytes:
        """An event that cannot be parsed."""

    def failure(self, message: str) -> Sequence[bytes]:
        """The events of a stream that ends in an error."""

    def whole(self, ask: Ask, identity: str, text: str, spent: Spent) -> bytes:
        """A non-streamed answer."""

    def error_body(self, message: str, kind: str) -> bytes:
        """The body of an answer with a bad status."""


def member(body: dict[str, object], name: str, kind: type, default: object = None) -> Any:
    """A member of a JSON object; `default` where it is missing or null.

    Raises:
        RequestError: it is of another kind.
    """
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise RequestError(f"{name!r} must be of type {kind.__name__}, not {type(value).__name__}")
    return value


def model_name(body: dict[str, object]) -> str:
    """The model that is asked for.

    Raises:
        RequestError: none is.
    """
    name: str | None = member(body, "model", str)
    if name is None:
        raise RequestError("'model' is missing")
    return name


def words_of(messages: list[Any]) -> list[str]:
    """Words in all messages.

    Raises:
        RequestError: one is not an object.
    """
    if not all(isinstance(message, dict) for message in messages):
        raise RequestError("'messages' must be objects")
    return [word for message in messages for text in _texts(message.get("content")) for word in text.split()]


def _texts(content: object) -> list[str]:
    """Of a text, or of a list of parts with texts."""
    if isinstance(content, list):
        return [str(part.get("text") or "") for part in content if isinstance(part, dict)]
    return [str(content or "")]


def line(value: Mapping[str, object]) -> bytes:
    """A line of NDJSON."""
    return json_bytes(value) + b"\n"


def event(value: Mapping[str, object]) -> bytes:
    """A server-sent event."""
    return b"data: " + json_bytes(value) + b"\n\n"


def named_event(kind: str, **more: object) -> bytes:
    """A server-sent event with a name, which stands in its data as `type` too."""
    return b"event: " + kind.encode() + b"\n" + event({"type": kind, **more})

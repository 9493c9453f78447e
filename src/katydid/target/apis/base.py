"""The interface of the target's APIs: requests as parsed JSON in, bytes of answers out. Does no I/O.

Each API is a file of its own. It reads a request once and strictly, so that later code need not handle a client's
mistakes, and writes the pieces of a streamed answer, or a non-streamed answer. All content chunks of an answer are the
same, so their bytes are made once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from katydid.model.jsontext import json_bytes
from katydid.target.apis.tools import Call, Toolset
from katydid.target.wire.http import RequestError


@dataclass(frozen=True, slots=True)
class Ask:
    """The content of a request.

    Attributes:
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
    """

    stream_kind: str

    def read(self, body: dict[str, object]) -> Ask:
        """Read a request.

        Raises:
            RequestError: it is invalid.
        """

    def opening(self, ask: Ask, identity: str) -> bytes:
        """Return the beginning of a stream, before its content; may be empty."""

    def content(self, ask: Ask, identity: str, text: str) -> bytes:
        """Return one content chunk."""

    def extras(self, ask: Ask, identity: str) -> Sequence[bytes]:
        """Return the chunks that a stream has instead of text (tool calls) or before it (tool progress)."""
        del ask, identity
        return ()

    def closing(self, ask: Ask, identity: str, spent: Spent) -> Sequence[bytes]:
        """Return the events that end a successful stream."""

    def broken(self) -> bytes:
        """Return an event that cannot be parsed."""

    def failure(self, message: str) -> Sequence[bytes]:
        """Return the events that end a stream with an error."""

    def whole(self, ask: Ask, identity: str, text: str, spent: Spent) -> bytes:
        """Return the body of a non-streamed answer."""

    def error_body(self, message: str, kind: str) -> bytes:
        """Return the body of an answer with an error status."""


def member(body: dict[str, object], name: str, kind: type, default: object = None) -> Any:
    """Return a member of a JSON object, or `default` if it is missing or null.

    Raises:
        RequestError: it is of another type.
    """
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise RequestError(f"{name!r} must be of type {kind.__name__}, not {type(value).__name__}")
    return value


def model_name(body: dict[str, object]) -> str:
    """Return the model that a request names.

    Raises:
        RequestError: it names none.
    """
    name: str | None = member(body, "model", str)
    if name is None:
        raise RequestError("'model' is missing")
    return name


def words_of(messages: list[Any]) -> list[str]:
    """Return the words of all messages.

    Raises:
        RequestError: a message is not an object.
    """
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

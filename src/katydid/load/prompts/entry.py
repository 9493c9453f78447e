"""One entry of a prompt file, in any common data set format. Does not read files.

The formats: OpenAI's `messages`, ShareGPT's `conversations`, Alpaca's `instruction`, a bare text or `prompt`, a line of
an OpenAI batch file. A well-formed entry without a question is skipped. An entry of unknown format is an error, because
the file is then not what its owner thinks it is.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from katydid.model.errors import ConfigError
from katydid.model.jsontext import json_bytes
from katydid.model.oneline import one_line
from katydid.model.options import MOST_32_BITS
from katydid.model.options.quantities import quoted

Message = dict[str, Any]

CONVERSATIONS = ("messages", "conversations", "conversation")
TEXTS = ("prompt", "text", "text_input", "instruction", "question", "query", "input", "content")
"""Members that can contain the prompt; the first one present counts."""
CONTEXTS = ("input", "context")
"""Members that contain the context of an `instruction`."""
SYSTEMS = ("system_prompt", "system")
LIMITS = ("output_tokens", "max_tokens", "max_completion_tokens", "max_output_tokens")
KNOWN = frozenset({*CONVERSATIONS, *TEXTS, *CONTEXTS, *SYSTEMS, *LIMITS, "body"})
"""All members that are read; tables may have other columns as well."""

_SPEAKERS = {"human": "user", "user": "user", "system": "system"} | dict.fromkeys(
    ("assistant", "bard", "bing", "bot", "chatbot", "chatgpt", "claude", "gpt", "gpt4", "llm", "model"), "assistant"
)
"""Roles by the speaker names of ShareGPT and its successors."""
_REPLACED = "\ufffd".encode()
"""Marks a text that may have contained half a surrogate pair."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The prompt of one request.

    Attributes:
        id: entry number in the file, from 1; the same for both versions of a comparison.
        messages: messages in OpenAI's format.
        output_tokens: answer length that the file asks for; None if it does not.
        size: bytes of the messages as JSON.
    """

    id: str
    messages: list[Message]
    output_tokens: int | None = None
    size: int = 0


class Skipped(Exception):  # noqa: N818 - nothing is wrong
    """The entry is well formed but has no question; the message is the reason."""


def prompt_of(value: object, number: int) -> Prompt:
    """Convert an entry to a prompt.

    Args:
        value: a JSON value, a table row, or a line of text.
        number: entry number in the file, from 1.

    Raises:
        Skipped: the entry has no question.
        ConfigError: the format is unknown, or the entry cannot be sent; the message does not say where it is.
    """
    limit = None
    if isinstance(value, dict):
        inner = value.get("body")
        value = inner if isinstance(inner, dict) else value
        limit = _output_tokens(value)
    messages, size = _sendable(_messages(value))
    return Prompt(str(number), messages, limit, size)


def is_message(value: Any) -> bool:
    """Return True if the value is a single message of a conversation, not an entry of its own."""
    spoken = isinstance(value, dict) and "role" in value and not value.keys() & {*CONVERSATIONS, *TEXTS[:-1]}
    return spoken and bool(value.keys() & {"content", "tool_calls"})


def _messages(value: object) -> list[Message]:
    if isinstance(value, str):
        return _asked(value)
    if isinstance(value, list):
        return _conversation(value)
    if value is None:
        raise Skipped("null")
    if not isinstance(value, dict):
        raise ConfigError(f"is {_kind(value)}, not a prompt")
    for name in (*CONVERSATIONS, *TEXTS):
        if (found := value.get(name)) is not None:
            return [*_system(value), *_found(value, name, found)]
    if value.keys() & {*CONVERSATIONS, *TEXTS}:
        raise Skipped("no text")
    raise ConfigError(f"has none of {', '.join((*CONVERSATIONS, *TEXTS))}; it has {_names(value)}")


def _found(entry: dict[str, object], name: str, value: object) -> list[Message]:
    if name in CONVERSATIONS and isinstance(value, str):  # table cells contain JSON text
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise ConfigError(f"{name} is text but not JSON") from None
    if isinstance(value, list):
        return _conversation(value, whole=name not in CONVERSATIONS[1:])
    if not isinstance(value, str) or name in CONVERSATIONS:
        raise ConfigError(f"{name} is {_kind(value)}, not {'messages' if name in CONVERSATIONS else 'text'}")
    if name == "instruction" and value.strip():
        about = _text_in(entry, CONTEXTS)
        value = f"{value}\n\n{about}" if about else value
    return _asked(value)


def _system(entry: dict[str, object]) -> list[Message]:
    found = _text_in(entry, SYSTEMS)
    return [{"role": "system", "content": found}] if found else []


def _text_in(entry: dict[str, object], names: tuple[str, ...]) -> str | None:
    return next((text for name in names if isinstance(text := entry.get(name), str) and text.strip()), None)


def _asked(text: str) -> list[Message]:
    if not text.strip():
        raise Skipped("no text")
    return [{"role": "user", "content": text}]


def _conversation(messages: list[Any], *, whole: bool = True) -> list[Message]:
    """Return OpenAI messages unchanged; from ShareGPT conversations, the messages up to the last one by a human."""
    if not messages:
        raise Skipped("no messages")
    first = messages[0]
    if isinstance(first, str):
        return _asked(first)
    for number, message in enumerate(messages, start=1):
        if not isinstance(message, dict):
            raise ConfigError(f"message {number} is {_kind(message)}, not an object")
        if not isinstance(_speaker(message), str):
            raise ConfigError(f"message {number} has no role")
        if not isinstance(_said(message), str | list | None):
            raise ConfigError(f"the content of message {number} is {_kind(_said(message))}, not text")
    if whole and "from" not in first:
        return _as_they_are(messages)
    return _up_to_the_last_question(messages)


def _speaker(message: Message) -> Any:
    return message["role"] if "role" in message else message.get("from")


def _said(message: Message) -> object:
    return message["content"] if "content" in message else message.get("value")


def _as_they_are(messages: list[Message]) -> list[Message]:
    """Return the messages with OpenAI's role names, without members that are null in a table row."""
    if not any(_said(message) or message.get("tool_calls") for message in messages):
        raise Skipped("no text")
    return [
        {name: value for name, value in message.items() if value is not None or name == "content"}
        | {"role": _SPEAKERS.get(_speaker(message), _speaker(message))}
        for message in messages
    ]


def _up_to_the_last_question(messages: list[Message]) -> list[Message]:
    speakers = [_SPEAKERS.get(_speaker(message).lower(), "") for message in messages]
    if "user" not in speakers:
        raise Skipped("no user message")
    last = len(speakers) - speakers[::-1].index("user")
    asked = []
    for message, speaker in zip(messages[:last], speakers[:last], strict=True):
        if not speaker:
            raise Skipped(f"unknown speaker {quoted(one_line(_speaker(message)))}")
        said = _said(message)
        if not (said.strip() if isinstance(said, str) else said):
            raise Skipped("a message without text")
        asked.append({"role": speaker, "content": said})
    return asked


def _output_tokens(entry: dict[str, Any]) -> int | None:
    for name in LIMITS:
        if (said := entry.get(name)) is not None and said != "":
            return whole_number(name, said, MOST_32_BITS, least=1)
    return None


def whole_number(name: str, said: Any, most: int, *, least: int = 0) -> int:
    """Return the value of a member as a number; it may be text, or a float such as 100.0.

    Raises:
        ConfigError: it is not a whole number from `least` to `most`.
    """
    try:
        number = math.nan if isinstance(said, bool) else float(said)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not least <= number <= most or number != int(number):
        raise ConfigError(f"{name} is {quoted(one_line(said))}: give a whole number from {least} to {most:,}")
    return int(number)


def _sendable(messages: list[Message]) -> tuple[list[Message], int]:
    """Return the messages as they are sent, and their size in bytes. Half a surrogate pair becomes U+FFFD."""
    try:
        body = json_bytes(messages)
    except TypeError as error:
        raise ConfigError(f"cannot be sent as JSON ({error})") from None
    return json.loads(body) if _REPLACED in body else messages, len(body)


_KINDS = {
    dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number",
    type(None): "null",
}  # fmt: skip


def _kind(value: object) -> str:
    return _KINDS.get(type(value), f"of type {type(value).__name__}")


def _names(entry: Iterable[object]) -> str:
    return ", ".join(quoted(one_line(name)) for name in list(entry)[:5]) or "no member"

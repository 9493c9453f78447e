"""One entry of a file of prompts, in any of the forms in which data sets have them. Knows no file.

OpenAI's `messages`, ShareGPT's `conversations`, Alpaca's `instruction`, a bare text or `prompt`, a line of OpenAI's
batches. An entry that is well formed and asks nothing is skipped; one whose form is not known is an error, since the
file then is not what its owner thinks it is.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from katydid.model.errors import ConfigError
from katydid.model.jsontext import json_bytes
from katydid.model.oneline import one_line
from katydid.model.options import MOST_32_BITS

Message = dict[str, Any]

CONVERSATIONS = ("messages", "conversations", "conversation")
TEXTS = ("prompt", "text", "text_input", "instruction", "question", "query", "input", "content")
"""The first of these that an entry has is its prompt."""
CONTEXTS = ("input", "context")
"""What an `instruction` is about."""
SYSTEMS = ("system_prompt", "system")
LIMITS = ("output_tokens", "max_tokens", "max_completion_tokens", "max_output_tokens")
KNOWN = frozenset({*CONVERSATIONS, *TEXTS, *CONTEXTS, *SYSTEMS, *LIMITS, "body"})
"""Members that are read; a file with columns has others too."""

_SPEAKERS = {"human": "user", "user": "user", "system": "system"} | dict.fromkeys(
    ("assistant", "bard", "bing", "bot", "chatbot", "chatgpt", "claude", "gpt", "gpt4", "llm", "model"), "assistant"
)
"""ShareGPT's, and those of its successors."""
_REPLACED = "\ufffd".encode()
"""Where a text may have had half a surrogate pair."""
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Prompt:
    """What one request says.

    Attributes:
        id: where it stands in its file, from 1; the same for both versions of a comparison.
        messages: in OpenAI's form.
        output_tokens: of its answer, where the file says how long it is to be.
        size: bytes of its messages as JSON.
    """

    id: str
    messages: list[Message]
    output_tokens: int | None = None
    size: int = 0


class Skipped(Exception):  # noqa: N818 - nothing is wrong
    """The entry is well formed and asks nothing; says why."""


def prompt_of(value: object, number: int) -> Prompt:
    """The prompt that an entry is.

    Args:
        value: as JSON, a table's row, or a line of text has it.
        number: where it stands in its file, from 1.

    Raises:
        Skipped: it asks nothing.
        ConfigError: its form is not known, or it cannot be sent; without saying where.
    """
    limit = None
    if isinstance(value, dict):
        inner = value.get("body")
        value = inner if isinstance(inner, dict) else value
        limit = _output_tokens(value)
    messages, size = _sendable(_messages(value))
    return Prompt(str(number), messages, limit, size)


def is_message(value: Any) -> bool:
    """Whether this is a turn of a conversation, and no entry of its own."""
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
        raise ConfigError(f"is {_kind(value)}, and no prompt")
    for name in (*CONVERSATIONS, *TEXTS):
        if (found := value.get(name)) is not None:
            return [*_system(value), *_found(value, name, found)]
    if value.keys() & {*CONVERSATIONS, *TEXTS}:
        raise Skipped("no text")
    raise ConfigError(f"has none of {', '.join((*CONVERSATIONS, *TEXTS))}; it has {_names(value)}")


def _found(entry: dict[str, object], name: str, value: object) -> list[Message]:
    if name in CONVERSATIONS and isinstance(value, str):  # a table has JSON in its cells
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise ConfigError(f"{name} is a text that is not JSON") from None
    if isinstance(value, list):
        return _conversation(value, whole=name not in CONVERSATIONS[1:])
    if not isinstance(value, str) or name in CONVERSATIONS:
        raise ConfigError(f"{name} is {_kind(value)}")
    if name == "instruction" and value.strip():
        about = next((text for each in CONTEXTS if isinstance(text := entry.get(each), str) and text.strip()), None)
        value = f"{value}\n\n{about}" if about else value
    return _asked(value)


def _system(entry: dict[str, object]) -> list[Message]:
    """What an entry says beside its prompt."""
    found = next((text for each in SYSTEMS if isinstance(text := entry.get(each), str) and text.strip()), None)
    return [{"role": "system", "content": found}] if found else []


def _asked(text: str) -> list[Message]:
    if not text.strip():
        raise Skipped("no text")
    return [{"role": "user", "content": text}]


def _conversation(messages: list[Any], *, whole: bool = True) -> list[Message]:
    """OpenAI's messages as they are, or those up to the last human one, as ShareGPT's are meant."""
    if not messages:
        raise Skipped("no messages")
    first = messages[0]
    if isinstance(first, str):
        return _asked(first)
    for number, message in enumerate(messages, start=1):
        if not isinstance(message, dict):
            raise ConfigError(f"message {number} is {_kind(message)}")
        if not isinstance(_speaker(message), str):
            raise ConfigError(f"message {number} has no role")
        if not isinstance(_said(message), str | list | None):
            raise ConfigError(f"the content of message {number} is {_kind(_said(message))}")
    if whole and "from" not in first:
        return _as_they_are(messages)
    return _up_to_the_last_question(messages)


def _speaker(message: Message) -> Any:
    return message["role"] if "role" in message else message.get("from")


def _said(message: Message) -> object:
    return message["content"] if "content" in message else message.get("value")


def _as_they_are(messages: list[Message]) -> list[Message]:
    """But for others' names of roles, and for members that a table's row has as null."""
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
        raise Skipped("no message of a user")
    last = len(speakers) - speakers[::-1].index("user")
    asked = []
    for message, speaker in zip(messages[:last], speakers[:last], strict=True):
        if not speaker:
            raise Skipped(f"the unknown speaker {_shown(_speaker(message))}")
        said = _said(message)
        if not (said.strip() if isinstance(said, str) else said):
            raise Skipped("a message without text")
        asked.append({"role": speaker, "content": said})
    return asked


def _output_tokens(entry: dict[str, Any]) -> int | None:
    """How long the answer is to be; a table may have the number as text, or as a fraction that is none."""
    for name in LIMITS:
        said = entry.get(name)
        if said is None or said == "":
            continue
        try:
            number = None if isinstance(said, bool) else float(said)
        except (TypeError, ValueError):
            number = None
        if number is None or not 1 <= number <= MOST_32_BITS or number != int(number):
            raise ConfigError(f"{name} is {_shown(said)}: give a whole number from 1")
        return int(number)
    return None


def _sendable(messages: list[Message]) -> tuple[list[Message], int]:
    """As they are sent, and their bytes: half a surrogate pair is U+FFFD; what no request could say is refused now."""
    try:
        body = json_bytes(messages)
    except TypeError as error:
        raise ConfigError(f"cannot be sent as JSON ({error})") from None
    return json.loads(body) if _REPLACED in body else messages, len(body)


_KINDS = {
    dict: "an object", list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number",
    type(None): "null",
}  # fmt: skip


def _kind(value: object) -> str:
    return _KINDS.get(type(value), f"of the type {type(value).__name__}")


def _names(entry: Iterable[object]) -> str:
    return ", ".join(_shown(name) for name in list(entry)[:5]) or "no member"


def _shown(value: object) -> str:
    text = one_line(value)
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")

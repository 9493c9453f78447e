"""JSON as targets write it: objects out of events and bodies, and in them fields and content. Knows no API.

The grammar is RFC 8259's, and a little beyond it.
Servers that cut tokens apart send half of a character: of its UTF-8, or of a surrogate pair in two escapes. Both
are read as U+FFFD. A number may be of any size; one that a double does not hold is infinite. orjson, which is fast,
takes neither, so what it does not take is read again, by Python's own.

Content is mostly a string. Some servers write a list of parts, as Mistral does with its thinking, and some the bare
number that a token of digits looks like. A part whose text is empty is not content, nor is what only frames a part.
"""

import json
import re
from typing import Any, NoReturn

import orjson

from katydid.model.errors import ProtocolError
from katydid.model.sample import DETAIL_LIMIT

WRONG_SHAPE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What reading raises where a value is of another type than the API says: the target's doing, not a bug of ours."""

_LONGEST = 20
"""Digits and a sign of what could be a count; Python is slow to read longer ones, and refuses the longest."""

_ESCAPE = re.compile(
    rb"\\(?:(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.DOTALL
)
_FRAME = frozenset({"expires_at", "format", "id", "index", "role", "signature", "type"})
"""Members of a part that say something about it, and are not its content."""
_REASONING = frozenset({"thinking", "reasoning"})
_LEVELS = 8
"""How deep content lies at most; what a target nests without end is not read to its end."""


def load_object(data: bytes) -> dict[str, Any]:
    """A JSON object out of an event.

    Raises:
        ProtocolError: it is not.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        try:
            value = json.loads(_mended(data), parse_int=_integer, parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise ProtocolError(f"not JSON: {shown(data)}") from None
    if not isinstance(value, dict):
        raise ProtocolError(f"not a JSON object: {shown(data)}")
    return value


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST else float(digits)


def _refuse(constant: str) -> NoReturn:
    """NaN and Infinity are Python's, and not JSON."""
    raise ValueError(constant)


def _mended(data: bytes) -> bytes:
    """With U+FFFD for what is half a character."""
    text = data.decode("utf-8", "replace").encode()
    return _ESCAPE.sub(_mended_escape, text)


def _mended_escape(escape: re.Match[bytes]) -> bytes:
    half = escape[1] is None and len(escape[0]) > 2
    return rb"\ufffd" if half else escape[0]


def shown(data: bytes) -> str:
    """The beginning of it, for a message."""
    return data[:DETAIL_LIMIT].decode("utf-8", "replace")


def error_in_event(data: bytes) -> object:
    """What an event of an error says: its error, itself, or its words where it is not JSON."""
    try:
        value = load_object(data)
    except ProtocolError:
        return data.decode("utf-8", "replace")
    return value.get("error") or value


def told_error(value: dict[str, Any]) -> object:
    """The error that an object tells: a member of it, or the whole, as some engines and their frameworks write it.

    vLLM and what came from it say `"object": "error"`, Anthropic and its followers `"type": "error"`, FastAPI has a
    `detail` and nothing else.
    """
    if error := value.get("error"):
        return error
    alone = len(value) == 1 and "detail" in value
    return value if alone or value.get("object") == "error" or value.get("type") == "error" else None


def tells_error(data: bytes) -> bool:
    """Whether this is an object that tells an error."""
    try:
        return bool(told_error(load_object(data)))
    except ProtocolError:
        return False


class FieldPath:
    """A path, or several with commas between them.

    A path is keys and indices with dots between them, as in `choices.0.delta.content`.
    """

    def __init__(self, text: str) -> None:
        self._ways = [way.strip().split(".") for way in text.split(",") if way.strip()]

    def find(self, value: object) -> Any:
        """What the first way that leads somewhere leads to; None where none does."""
        for way in self._ways:
            if (found := _walk(value, way)) is not None:
                return found
        return None


def _walk(value: object, way: list[str]) -> object:
    for key in way:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def is_content(value: object, levels: int = _LEVELS) -> bool:
    """Whether there is anything in a member that is meant for content."""
    if isinstance(value, str):
        return bool(value)
    if isinstance(value, list):
        return levels > 0 and any(is_content(each, levels - 1) for each in value)
    if isinstance(value, dict):
        return levels > 0 and any(is_content(each, levels - 1) for key, each in value.items() if key not in _FRAME)
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_visible(value: object) -> bool:
    """Whether a user sees any of a member that is meant for content: parts of thinking are none."""
    parts = value if isinstance(value, list) else [value]
    return any(is_content(part) for part in parts if not (isinstance(part, dict) and part.get("type") in _REASONING))


def text_of(value: object) -> str:
    """The visible text of a member that is meant for it: of a list, of its parts of text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(text_of, value))
    if isinstance(value, dict):
        return text_of(value.get("text"))
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""

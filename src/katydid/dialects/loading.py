"""Read JSON as targets write it: parse events and bodies, find fields and content in them. Knows no API.

The grammar is RFC 8259, slightly relaxed. Servers that split tokens inside a character send half of it: part of its
UTF-8, or one escape of a surrogate pair. Both are read as U+FFFD. A number may have any size; one beyond the range of
a double is infinite. The fast parser, orjson, rejects both, so what it rejects is parsed again by Python's `json`.

Content is usually a string. Some servers send a list of parts (Mistral's thinking), and some send a token of digits
as a bare number. A part with an empty text is not content, nor are the fields that only describe a part.
"""

import json
import re
from typing import Any, NoReturn

import orjson

from katydid.model.errors import ProtocolError
from katydid.model.sample import DETAIL_LIMIT

WRONG_SHAPE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""Raised when a value has another type than the API defines. The fault is the target's, not a bug of ours."""

_LONGEST = 20
"""Characters (digits and a sign) of a possible count. Python parses longer ones slowly and rejects the longest."""

_ESCAPE = re.compile(
    rb"\\(?:(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.DOTALL
)
_FRAME = frozenset({"expires_at", "format", "id", "index", "role", "signature", "type"})
"""Members that describe a part and are not content."""
_REASONING = frozenset({"thinking", "reasoning"})
_LEVELS = 8
"""Maximum nesting depth of content: a target may nest without end."""


def load_object(data: bytes) -> dict[str, Any]:
    """Parse an event or a body as a JSON object.

    Raises:
        ProtocolError: it is not a JSON object.
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
    """Reject NaN and Infinity: Python parses them, but they are not JSON."""
    raise ValueError(constant)


def _mended(data: bytes) -> bytes:
    """Replace half characters by U+FFFD."""
    text = data.decode("utf-8", "replace").encode()
    return _ESCAPE.sub(_mended_escape, text)


def _mended_escape(escape: re.Match[bytes]) -> bytes:
    half = escape[1] is None and len(escape[0]) > 2
    return rb"\ufffd" if half else escape[0]


def shown(data: bytes) -> str:
    """The beginning of the data, for a message."""
    return data[:DETAIL_LIMIT].decode("utf-8", "replace")


def error_in_event(data: bytes) -> object:
    """The error in an error event: its member `error`, else the whole object, else its text if it is not JSON."""
    try:
        value = load_object(data)
    except ProtocolError:
        return data.decode("utf-8", "replace")
    return value.get("error") or value


def told_error(value: dict[str, Any]) -> object:
    """The error that an object reports, or None: its member `error`, or the object itself if it is an error.

    vLLM and its descendants write `"object": "error"`, Anthropic-compatible APIs `"type": "error"`, and FastAPI an
    object with `detail` alone.
    """
    if error := value.get("error"):
        return error
    alone = len(value) == 1 and "detail" in value
    return value if alone or value.get("object") == "error" or value.get("type") == "error" else None


def tells_error(data: bytes) -> bool:
    """Return True if the data is an object that reports an error."""
    try:
        return bool(told_error(load_object(data)))
    except ProtocolError:
        return False


class FieldPath:
    """One or more field paths, separated by commas.

    A path is a list of keys and indices separated by dots, as in `choices.0.delta.content`.
    """

    def __init__(self, text: str) -> None:
        self._ways = [way.strip().split(".") for way in text.split(",") if way.strip()]

    def find(self, value: object) -> Any:
        """The value at the first path that exists and is not null; None if there is none."""
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
    """Return True if a content member is not empty."""
    if isinstance(value, str):
        return bool(value)
    if isinstance(value, list):
        return levels > 0 and any(is_content(each, levels - 1) for each in value)
    if isinstance(value, dict):
        return levels > 0 and any(is_content(each, levels - 1) for key, each in value.items() if key not in _FRAME)
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_visible(value: object) -> bool:
    """Return True if a user sees any part of a content member; thinking is not visible."""
    parts = value if isinstance(value, list) else [value]
    return any(is_content(part) for part in parts if not (isinstance(part, dict) and part.get("type") in _REASONING))


def text_of(value: object) -> str:
    """The visible text of a content member; for a list, the text of its parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(text_of, value))
    if isinstance(value, dict):
        return text_of(value.get("text"))
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""

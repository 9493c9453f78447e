"""JSON as targets write it: objects out of events and bodies, by RFC 8259's grammar, and a little beyond it.

Servers that cut tokens apart send half of a character: of its UTF-8, or of a surrogate pair in two escapes. Both
are read as U+FFFD. A number may be of any size; one that a double does not hold is infinite. orjson, which is fast,
takes neither, so what it does not take is read again, by Python's own.
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


def error_in_event(data: bytes) -> Any:
    """What an event of an error says: its error, itself, or its words where it is not JSON."""
    try:
        value = load_object(data)
    except ProtocolError:
        return data.decode("utf-8", "replace")
    return value.get("error") or value


def tells_error(data: bytes) -> bool:
    """Whether this is an object with an error in it."""
    try:
        return bool(load_object(data).get("error"))
    except ProtocolError:
        return False

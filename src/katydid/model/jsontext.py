"""The one place where JSON is written, so that what is not JSON (NaN, Infinity) is in nothing that we write.

Documents (files, `--json`, what a page carries) refuse it: a value that does not exist is null, and who made it NaN
has a bug. Messages on the wire have null in its place: no request is lost for it.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

import orjson

from katydid.model.documents.base import Document
from katydid.model.oneline import HALF

_MISSING = frozenset({"NaT", "<NA>", "nan"})
"""How pandas shows what is not there."""


def json_text(
    value: object,
    *,
    indent: int | None = 2,
    separators: tuple[str, str] | None = None,
    ascii_only: bool = False,
    sort_keys: bool = False,
) -> str:
    """A document: one of `model.documents`, or JSON's own types.

    Raises:
        ValueError: something in it is not JSON; says where.
    """
    value = value.json if isinstance(value, Document) else value
    try:
        return json.dumps(
            value,
            indent=indent,
            separators=separators,
            ensure_ascii=ascii_only,
            sort_keys=sort_keys,
            allow_nan=False,
            default=_plain,
        )
    except ValueError as error:
        raise ValueError(next(_faults(value), str(error))) from None


def json_bytes(value: object) -> bytes:
    """A message for the wire: compact, null for what JSON cannot say, U+FFFD for half a surrogate pair.

    Raises:
        TypeError: it has a type that JSON has not, or is nested deeper than Python can follow.
    """
    try:
        return orjson.dumps(value)
    except TypeError:  # which is fast, and takes neither half a pair nor a number of more than 64 bits
        return _by_python(value)


def _by_python(value: object) -> bytes:
    try:
        text = json.dumps(_finite(value), separators=(",", ":"), ensure_ascii=False)
    except RecursionError:
        raise TypeError("it is nested too deeply") from None
    except ValueError as error:  # Python refuses to write the longest numbers
        raise TypeError(str(error)) from None
    return HALF.sub("\ufffd", text).encode()


def _finite(value: Any) -> Any:
    """With null for NaN and infinity."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: object) -> object:
    """What JSON has no type for: numpy's scalars are numbers, all else is told as text."""
    if hasattr(value, "item"):
        return value.item()
    if _is_missing(value):
        raise ValueError(f"{value!s} is not in JSON")
    return str(value)


def _faults(value: Any, path: str = "") -> Iterator[str]:
    """Each part that is not JSON, with where it is."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, part in parts:
        yield from _faults(part, f"{path}.{key}" if path else str(key))
    if ((isinstance(value, float) or hasattr(value, "item")) and not math.isfinite(value)) or _is_missing(value):
        yield f"{path or 'the value'} is {value!s}, which is not in JSON: what is not there is null"


def _is_missing(value: object) -> bool:
    return not isinstance(value, str | dict | list | tuple) and str(value) in _MISSING

"""All writing of JSON, so that nothing Katydid writes contains NaN or Infinity, which are not JSON.

In documents (files, `--json`, data in pages), they are an error: a missing value must be null, so NaN is a bug. In
requests, they become null, so that no request is lost.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

import orjson

from katydid.model.documents.base import Document
from katydid.model.oneline import HALF

_MISSING = frozenset({"NaT", "<NA>", "nan"})
"""How pandas prints missing values."""


def json_text(value: object, *, indent: int | None = 2, ascii_only: bool = False, sort_keys: bool = False) -> str:
    """Serialise a document: one of `model.documents`, or plain JSON types.

    Raises:
        ValueError: a value is not JSON; the message says which.
    """
    value = value.json if isinstance(value, Document) else value
    try:
        return json.dumps(
            value, indent=indent, ensure_ascii=ascii_only, sort_keys=sort_keys, allow_nan=False, default=_plain
        )
    except ValueError as error:
        raise ValueError(next(_faults(value), str(error))) from None


def json_bytes(value: object) -> bytes:
    """Serialise a message: compact, null for NaN and infinity, U+FFFD for half a surrogate pair.

    Raises:
        TypeError: a value has a type without JSON form, or is nested too deeply for Python.
    """
    try:
        return orjson.dumps(value)
    except TypeError:  # orjson is fast but rejects half a surrogate pair, and integers over 64 bits
        return _by_python(value)


def _by_python(value: object) -> bytes:
    try:
        text = json.dumps(_finite(value), separators=(",", ":"), ensure_ascii=False)
    except RecursionError:
        raise TypeError("it is nested too deeply") from None
    except ValueError as error:  # Python refuses to convert extremely long integers
        raise TypeError(str(error)) from None
    return HALF.sub("\ufffd", text).encode()


def _finite(value: Any) -> Any:
    """Replace NaN and infinity with None."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: object) -> object:
    """Convert a value without JSON type: NumPy scalars to numbers, everything else to text."""
    if hasattr(value, "item"):
        return value.item()
    if _is_missing(value):
        raise ValueError(f"{value!s} is not JSON")
    return str(value)


def _faults(value: Any, path: str = "") -> Iterator[str]:
    """Describe each part that is not JSON, with its path."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, part in parts:
        yield from _faults(part, f"{path}.{key}" if path else str(key))
    if ((isinstance(value, float) or hasattr(value, "item")) and not math.isfinite(value)) or _is_missing(value):
        yield f"{path or 'the value'} is {value!s}, which is not JSON: use null for a missing value"


def _is_missing(value: object) -> bool:
    return not isinstance(value, str | dict | list | tuple) and str(value) in _MISSING

"""What a list of texts and its answer have in common, whatever stands in them: which text an item belongs to."""

import math
from collections.abc import Sequence
from typing import Any

from katydid.dialects.base import Message
from katydid.dialects.content import text_of
from katydid.model.errors import ProtocolError


def texts_of(messages: Sequence[Message]) -> list[str]:
    """The texts of a request: one a message."""
    return [text_of(message.get("content")) for message in messages]


def listed(value: dict[str, Any], name: str, what: str) -> list[dict[str, Any]]:
    """The items of an answer.

    Args:
        value: the answer.
        name: of the member that lists them.
        what: the answer is, for the message.

    Raises:
        ProtocolError: it is not a list of objects.
    """
    items = value.get(name)
    if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
        raise ProtocolError(f"not {what}: no list of {name}")
    return items


def indices_in(items: Sequence[dict[str, Any]]) -> tuple[int, ...]:
    """Which of the request's texts each item belongs to; where none says so, they are in the request's order.

    Raises:
        ProtocolError: an index is not one, or only some have one.
    """
    found = [each.get("index") for each in items]
    if all(index is None for index in found):
        return tuple(range(len(items)))
    if not all(isinstance(index, int) and not isinstance(index, bool) and index >= 0 for index in found):
        raise ProtocolError("an item without its index")
    return tuple(found)  # type: ignore[arg-type]  # as has just been seen


def is_finite(values: Any) -> bool:
    """Whether these are numbers, and each is finite."""
    try:
        return math.isfinite(sum(values))
    except (TypeError, OverflowError):
        return False

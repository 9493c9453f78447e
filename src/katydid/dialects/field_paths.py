"""Finds a field in JSON by a path that a person wrote. Knows no API."""

from typing import Any


class FieldPath:
    """A path, or several with commas between them.

    A path is keys and indices with dots between them, as in `choices.0.delta.content`.
    """

    def __init__(self, text: str) -> None:
        self._ways = [way.strip().split(".") for way in text.split(",") if way.strip()]

    def find(self, value: Any) -> Any:
        """What the first way that leads somewhere leads to; None where none does."""
        for way in self._ways:
            if (found := _walk(value, way)) is not None:
                return found
        return None


def _walk(value: Any, way: list[str]) -> Any:
    for key in way:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value

"""What counts as content, and its text, whatever shape a server gives it. Knows no API.

Most write a string. Some write a list of parts, as Mistral does with its thinking, and some the bare number that a
token of digits looks like. A part whose text is empty is not content, nor is what only frames a part.
"""

from typing import Any

_FRAME = frozenset({"expires_at", "format", "id", "index", "role", "signature", "type"})
"""Members of a part that say something about it, and are not its content."""
_REASONING = frozenset({"thinking", "reasoning"})
_LEVELS = 8
"""How deep content lies at most; what a target nests without end is not read to its end."""


def is_content(value: Any, levels: int = _LEVELS) -> bool:
    """Whether there is anything in a member that is meant for content."""
    if isinstance(value, str):
        return bool(value)
    if isinstance(value, list):
        return levels > 0 and any(is_content(each, levels - 1) for each in value)
    if isinstance(value, dict):
        return levels > 0 and any(is_content(each, levels - 1) for key, each in value.items() if key not in _FRAME)
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_visible(value: Any) -> bool:
    """Whether a user sees any of a member that is meant for content: parts of thinking are none."""
    parts = value if isinstance(value, list) else [value]
    return any(is_content(part) for part in parts if not (isinstance(part, dict) and part.get("type") in _REASONING))


def text_of(value: Any) -> str:
    """The visible text of a member that is meant for it: of a list, of its parts of text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(text_of, value))
    if isinstance(value, dict):
        return text_of(value.get("text"))
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""

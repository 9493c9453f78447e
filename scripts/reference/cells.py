"""Markdown cells and tables, and descriptions read from docstrings. Knows no page."""

from collections.abc import Iterable, Sequence
from typing import Any

from katydid.model.units import Unit


def text(words: object) -> str:
    """Escape words from the code for a Markdown cell."""
    shown = " ".join(str(words).split())
    parts = shown.split("`")
    for index in range(0, len(parts), 2):  # odd parts are code between backticks
        for sign in "\\*_[]":
            parts[index] = parts[index].replace(sign, "\\" + sign)
        parts[index] = parts[index].replace("<", "&lt;")
    return "`".join(parts).replace("|", "\\|")


def code(words: object) -> str:
    """Format a name or a value as code."""
    return f"`{words}`".replace("|", "\\|")


def unit(of: Unit) -> str:
    """Format a metric's unit."""
    return code(of.value) if of.value else "count"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; its cells are Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def described(thing: Any, section: str = "Attributes") -> dict[str, str]:
    """Return the description of each name in one section of a docstring; `a, b: …` describes both names."""
    _, _, rest = (thing.__doc__ or "").partition(f"{section}:\n")
    said: dict[str, str] = {}
    names: list[str] = []
    for line in rest.splitlines():
        indent = len(line) - len(line.lstrip())
        if not line.strip() or indent < 8:
            break
        if indent == 8:
            given, _, words = line.strip().partition(": ")
            names = given.split(", ")
            said |= dict.fromkeys(names, words)
        else:
            said |= {name: f"{said[name]} {line.strip()}" for name in names}
    return {name: words.removesuffix(".") for name, words in said.items()}


def described_by_all(kind: type, section: str = "Attributes") -> dict[str, str]:
    """Return the descriptions from a class and all its base classes."""
    return {name: words for each in reversed(kind.__mro__) for name, words in described(each, section).items()}


def first_sentence(thing: Any) -> str:
    """Return the first paragraph of a docstring in one line."""
    return " ".join((thing.__doc__ or "").split("\n\n")[0].split())

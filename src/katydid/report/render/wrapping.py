"""Wraps sentences to a width, between words but not between a number and its unit.

Imports little, since every error message passes through it.
"""

import re

from rich.cells import cell_len, chop_cells

_BETWEEN_WORDS = re.compile(r" (?!(?<=\d )(?:%|ms|s|min|h|MiB)(?!\w))")
"""A space that does not separate a number from its unit."""


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells; a longer URL or path gets its own line."""
    lines = [""]
    for word in (piece for each in _BETWEEN_WORDS.split(text) for piece in _pieces(each, width)):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _pieces(word: str, width: int) -> list[str]:
    """A word, cut into pieces if it is longer than a line and not a URL or path, which readers copy."""
    return [word] if cell_len(word) <= width or "/" in word else chop_cells(word, width)

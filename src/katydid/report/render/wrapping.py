"""Sentences as lines of a given width. Imports little: every error line comes this way.

Words stay whole, and a number stays with its unit: a line is never broken there, nor at a no-break space.
"""

import re

from rich.cells import cell_len, chop_cells

_BETWEEN_WORDS = re.compile(r" (?!(?<=\d )(?:%|ms|s|min|h|MiB)(?!\w))")
"""A space, but that before the unit of a number."""


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells; an address or a path that is longer has a line of its own."""
    lines = [""]
    for word in (piece for each in _BETWEEN_WORDS.split(text) for piece in _pieces(each, width)):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _pieces(word: str, width: int) -> list[str]:
    """A word, in pieces where it is longer than a line and nobody would want to copy it."""
    return [word] if cell_len(word) <= width or "/" in word else chop_cells(word, width)

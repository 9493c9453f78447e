"""Sentences as lines of a given width. Imports little: every error line comes this way.

Words stay whole: a line is broken at a space, never at a no-break space, so that a number stays with its unit.
"""

from rich.cells import cell_len, chop_cells


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells; an address or a path that is longer has a line of its own."""
    lines = [""]
    for word in (piece for each in text.split(" ") for piece in _pieces(each, width)):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _pieces(word: str, width: int) -> list[str]:
    """A word, in pieces where it is longer than a line and nobody would want to copy it."""
    return [word] if cell_len(word) <= width or "/" in word else chop_cells(word, width)

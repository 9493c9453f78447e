"""Sentences and tables as lines of a given width. Knows no console.

Words stay whole: a line is broken at a space, never at a no-break space, so that a number stays with its unit. A table
that is too wide, even with its words on several lines, is stacked: each row with the names of its columns.
"""

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len, chop_cells
from rich.text import Text

from katydid.model.formatting import strip_control_chars
from katydid.report.model import Table

GAP = 3
"""Spaces between columns."""
NARROWEST = 16
"""Of a column whose words may stand on several lines."""
_INDENT = "  "
_BETWEEN = " · "
_NOTHING = {"", "–"}
BAD = "red"


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


def table_lines(table: Table, width: int) -> Iterator[Text]:
    """The table in lines of at most `width` cells."""
    columns = [strip_control_chars(column) for column in table.columns]
    rows = [
        [Text(strip_control_chars(cell), BAD if (place, i) in table.bad else "") for i, cell in enumerate(row)]
        for place, row in enumerate(table.rows)
    ]
    figures = [i > 0 and i not in table.words for i in range(len(columns))]
    if (widths := _widths(columns, rows, figures, width)) is not None:
        yield from _grid(columns, rows, figures, widths)
    else:
        for row in rows:
            yield from _stacked(columns, row, width)


def _widths(
    columns: Sequence[str], rows: Sequence[Sequence[Text]], figures: Sequence[bool], width: int
) -> list[int] | None:
    """Of each column, the widest ones on several lines where there is no room; None where there is none at all."""
    widths, least = [], []
    for name, figure, cells in zip(columns, figures, zip(*rows, strict=True) if rows else columns, strict=True):
        texts = [cell.plain for cell in cells if isinstance(cell, Text)]
        words = [*_words([name]), *(texts if figure else _words(texts))]
        widths.append(_widest([name, *texts]))
        least.append(_widest(words) if figure else max(_widest(words), min(widths[-1], NARROWEST)))
    room = width - GAP * (len(columns) - 1)
    if sum(least) > room:
        return None
    while sum(widths) > room:
        widest = max((i for i in range(len(widths)) if widths[i] > least[i]), key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def _words(texts: Iterable[str]) -> list[str]:
    return [word for text in texts for word in text.split(" ")]


def _widest(texts: Iterable[str]) -> int:
    return max(map(cell_len, texts), default=0)


def _grid(
    columns: Sequence[str], rows: Sequence[Sequence[Text]], figures: Sequence[bool], widths: Sequence[int]
) -> Iterator[Text]:
    if any(columns):
        yield from _row([Text(name) for name in columns], figures, widths)
        yield Text("─" * (sum(widths) + GAP * (len(widths) - 1)))
    for row in rows:
        yield from _row(row, figures, widths)


def _row(cells: Sequence[Text], figures: Sequence[bool], widths: Sequence[int]) -> Iterator[Text]:
    """A row's lines: as many as its longest cell has."""
    parts = [wrapped(cell.plain, width) for cell, width in zip(cells, widths, strict=True)]
    for number in range(max(map(len, parts))):
        line = Text()
        for cell, part, figure, width in zip(cells, parts, figures, widths, strict=True):
            text = part[number] if number < len(part) else ""
            space = " " * (width - cell_len(text))
            line.append(space if figure else "").append(text, cell.style).append("" if figure else space)
            line.append(" " * GAP)
        line.rstrip()
        yield line


def _stacked(columns: Sequence[str], row: Sequence[Text], width: int) -> Iterator[Text]:
    """A row below its name, as many named cells a line as there is room for."""
    (what, *others), (name, *cells) = columns, row
    counted = name.plain[:1].isdigit() and what
    yield from (Text(line, "bold") for line in wrapped(f"{what} {name.plain}" if counted else name.plain, width))
    line = Text(_INDENT)
    for column, cell in zip(others, cells, strict=True):
        if cell.plain in _NOTHING:
            continue
        told = f"{column}: {cell.plain}" if column else cell.plain
        if cell_len(line.plain) > len(_INDENT) and cell_len(line.plain + _BETWEEN + told) > width:
            yield line
            line = Text(_INDENT)
        between = _BETWEEN if cell_len(line.plain) > len(_INDENT) else ""
        first, *more = wrapped(told, width - len(_INDENT))
        line.append(between + first, cell.style)
        for each in more:
            yield line
            line = Text(_INDENT).append(each, cell.style)
    yield line

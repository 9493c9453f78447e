"""Formats tables as lines of a given width. Knows no console.

If a table is too wide even with wrapped cells, its rows are stacked: each cell follows its column's name.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from katydid.model.oneline import one_line
from katydid.report.model import Cell, Judgement, Table, is_number
from katydid.report.render.wrapping import wrapped

GAP = 3
"""Spaces between columns."""
NARROWEST = 16
"""Least width of a column with wrapped text."""
_INDENT = "  "
_BETWEEN = " · "
_NOTHING = {"", "–"}
_STYLES = {Judgement.GOOD: "green", Judgement.NOTE: "yellow", Judgement.BAD: "red"}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A column for the terminal; figures are aligned right."""

    name: str
    cells: Sequence[Text]
    figures: bool
    leads: bool

    @property
    def widest(self) -> int:
        return _widest([self.name, *(cell.plain for cell in self.cells)])

    @property
    def narrowest(self) -> int:
        """The least width: figures need one line, while headings and text may wrap."""
        texts = [cell.plain for cell in self.cells]
        if self.figures:
            return _widest([*_words([self.name]), *texts])
        return max(_widest(_words([self.name, *texts])), min(self.widest, NARROWEST))

    def line(self, text: str, style: str | Style, width: int) -> Text:
        space = " " * (width - cell_len(text))
        return Text(space if self.figures else "").append(text, style).append("" if self.figures else space)


def table_lines(table: Table, width: int) -> Iterator[Text]:
    """The table in lines of at most `width` cells."""
    columns = [
        _Shown(one_line(column.name), [_text(cell) for cell in cells], column.unit is not None, column.leads)
        for column, cells in table.by_column
    ]
    if (widths := _widths(columns, width)) is not None:
        yield from _grid(columns, widths)
    else:
        for cells in zip(*(column.cells for column in columns), strict=True):
            yield from _stacked(columns, cells, width)


def _text(cell: Cell) -> Text:
    return Text(one_line(cell.text), _STYLES.get(cell.judgement, ""))


def _widths(columns: Sequence[_Shown], width: int) -> list[int] | None:
    """The columns' widths, the widest ones reduced until the table fits; None if it cannot fit."""
    widths, least = [column.widest for column in columns], [column.narrowest for column in columns]
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


def _grid(columns: Sequence[_Shown], widths: Sequence[int]) -> Iterator[Text]:
    if any(column.name for column in columns):
        yield from _row(columns, [Text(column.name) for column in columns], widths)
        yield Text("─" * (sum(widths) + GAP * (len(widths) - 1)))
    for cells in zip(*(column.cells for column in columns), strict=True):
        yield from _row(columns, cells, widths)


def _row(columns: Sequence[_Shown], cells: Sequence[Text], widths: Sequence[int]) -> Iterator[Text]:
    """The lines of a row, as many as its longest cell needs."""
    parts = [wrapped(cell.plain, width) for cell, width in zip(cells, widths, strict=True)]
    for texts in zip_longest(*parts, fillvalue=""):
        lines = [
            column.line(text, cell.style, width)
            for column, cell, text, width in zip(columns, cells, texts, widths, strict=True)
        ]
        line = Text(" " * GAP).join(lines)
        line.rstrip()
        yield line


def _stacked(columns: Sequence[_Shown], cells: Sequence[Text], width: int) -> Iterator[Text]:
    """A stacked row: its name, then its named cells, as many per line as fit, the leading column first."""
    (what, *others), (name, *values) = columns, cells
    counted = is_number(name.plain) and what.name
    yield from (Text(line, "bold") for line in wrapped(f"{what.name} {name}" if counted else name.plain, width))
    line = Text(_INDENT)
    named = [(column, cell) for column, cell in zip(others, values, strict=True) if cell.plain not in _NOTHING]
    leading = [(column, cell) for column, cell in named if column.leads]
    for column, cell in [*leading, *(each for each in named if each not in leading)]:
        told = f"{column.name}: {cell}" if column.name else cell.plain
        between = _BETWEEN if line.plain != _INDENT else ""
        if between and cell_len(line.plain + between + told) > width:
            yield line
            line, between = Text(_INDENT), ""
        first, *more = wrapped(told, width - len(_INDENT))
        line.append(between + first, cell.style)
        for each in more:
            yield line
            line = Text(_INDENT).append(each, cell.style)
    yield line

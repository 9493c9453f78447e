"""Prints sections and tables on a terminal, or as plain text into a pipe. Knows no run.

Texts from outside are printed as `Text` without control characters, so that they cannot contain markup or move the
cursor. If a table is too wide even with wrapped cells, its rows are stacked: each cell follows its column's name.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.text import Text

from katydid.model.oneline import one_line
from katydid.report.model import Judgement, Section, Table, is_number
from katydid.report.render.wrapping import wrapped

INDENT = "  "
PIPE_WIDTH = 120
"""Columns for a table if the output is not a terminal; longer lines are not cut."""


def terminal(*, stderr: bool = False) -> Console:
    """A console for tables; in a pipe it prints plain text and does not wrap lines, unless COLUMNS is set."""
    console = Console(highlight=False, stderr=stderr)
    if not console.is_terminal and not os.environ.get("COLUMNS", "").isdecimal():
        console.width = max(console.width, PIPE_WIDTH)
        console.soft_wrap = True
    return console


def say(console: Console, text: str, style: str = "", indent: str = "") -> None:
    """Print a sentence, wrapped between words if the width is known; print nothing for an empty text."""
    if not (text := one_line(text)):
        return
    for line in [text] if console.soft_wrap else wrapped(text, console.width - len(indent)):
        console.print(Text(indent + line, style), soft_wrap=True)


def say_where(console: Console, what: str, path: str) -> None:
    """Print a path on one line, so that it can be copied."""
    console.print(Text(f"{what}: {path}"), soft_wrap=True)


def print_section(section: Section, console: Console) -> None:
    """Print a section's title, text and short tables; charts are only on the page."""
    say(console, section.title, "bold")
    for text in section.text:
        say(console, text, indent=INDENT)
    for table in section.tables:
        if table.in_terminal:
            print_table(table, console)


def print_table(table: Table, console: Console) -> None:
    """Print a table without its caption."""
    for line in _table_lines(table, console.width):
        console.print(line, soft_wrap=True)


_GAP = 3
"""Spaces between columns."""
_NARROWEST = 16
"""Least width of a column with wrapped text."""
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
            return _widest([*self.name.split(" "), *texts])
        words = (word for text in (self.name, *texts) for word in text.split(" "))
        return max(_widest(words), min(self.widest, _NARROWEST))

    def line(self, text: str, style: str | Style, width: int) -> Text:
        space = " " * (width - cell_len(text))
        return Text(space if self.figures else "").append(text, style).append("" if self.figures else space)


def _table_lines(table: Table, width: int) -> Iterator[Text]:
    """The table in lines of at most `width` cells."""
    columns = []
    for column, cells in table.by_column:
        texts = [Text(one_line(cell.text), _STYLES.get(cell.judgement, "")) for cell in cells]
        columns.append(_Shown(one_line(column.name), texts, column.unit is not None, column.leads))
    widths = _widths(columns, width)
    if widths and any(column.name for column in columns):
        yield from _row(columns, [Text(column.name) for column in columns], widths)
        yield Text("─" * (sum(widths) + _GAP * (len(widths) - 1)))
    for row in zip(*(column.cells for column in columns), strict=True):
        yield from _row(columns, row, widths) if widths else _stacked(columns, row, width)


def _widths(columns: Sequence[_Shown], width: int) -> list[int] | None:
    """The columns' widths, the widest ones reduced until the table fits; None if it cannot fit."""
    widths, least = [column.widest for column in columns], [column.narrowest for column in columns]
    room = width - _GAP * (len(columns) - 1)
    if sum(least) > room:
        return None
    while sum(widths) > room:
        widest = max((i for i in range(len(widths)) if widths[i] > least[i]), key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def _widest(texts: Iterable[str]) -> int:
    return max(map(cell_len, texts), default=0)


def _row(columns: Sequence[_Shown], cells: Sequence[Text], widths: Sequence[int]) -> Iterator[Text]:
    """The lines of a row, as many as its longest cell needs."""
    parts = [wrapped(cell.plain, width) for cell, width in zip(cells, widths, strict=True)]
    for texts in zip_longest(*parts, fillvalue=""):
        lines = [
            column.line(text, cell.style, width)
            for column, cell, text, width in zip(columns, cells, texts, widths, strict=True)
        ]
        line = Text(" " * _GAP).join(lines)
        line.rstrip()
        yield line


def _stacked(columns: Sequence[_Shown], cells: Sequence[Text], width: int) -> Iterator[Text]:
    """A stacked row: its name, then its named cells, as many per line as fit, the leading column first."""
    (what, *others), (name, *values) = columns, cells
    counted = is_number(name.plain) and what.name
    yield from (Text(line, "bold") for line in wrapped(f"{what.name} {name}" if counted else name.plain, width))
    line = Text(INDENT)
    for column, cell in sorted(zip(others, values, strict=True), key=lambda pair: not pair[0].leads):
        if cell.plain in _NOTHING:
            continue
        told = f"{column.name}: {cell}" if column.name else cell.plain
        between = _BETWEEN if line.plain != INDENT else ""
        if between and cell_len(line.plain + between + told) > width:
            yield line
            line, between = Text(INDENT), ""
        first, *more = wrapped(told, width - len(INDENT))
        line.append(between + first, cell.style)
        for each in more:
            yield line
            line = Text(INDENT).append(each, cell.style)
    yield line

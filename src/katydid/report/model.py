"""What a report is made of, apart from how it is shown: sections, tables, and charts of plain numbers and words.

The page, the terminal and Markdown render the same section. Texts are plain: who shows them makes them
harmless. Knows no workload.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic, TypeVar

import pandas as pd

from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Summary
from katydid.model.formatting import figure
from katydid.model.units import Unit, Written

Points = Sequence[tuple[float, float]]


class Style(StrEnum):
    """A role in the palette: what is shown, such as a version. BAD is kept for failures: red always means one."""

    MAIN = "main"
    SECOND = "second"
    THIRD = "third"
    QUIET = "quiet"
    BAD = "bad"


class Scale(StrEnum):
    """How a horizontal axis is spaced and marked; vertical ones are linear and begin at 0."""

    TIME = "time"
    """Seconds from the start of the run."""
    LINEAR = "linear"
    LOG = "log"
    TAIL = "tail"
    """Quantiles from 0 to 1, the slowest requests spread out: by -log10(1 - q)."""
    NAMES = "names"
    """The chart's `x_names`, at 1, 2, 3 …"""


@dataclass(frozen=True, slots=True)
class Line:
    """One curve of (x, y); a y of NaN breaks it.

    Attributes:
        right: on the right axis.
        dashed: a high percentile, in the colour of what it is of; its median is not.
        dots: each point was measured by itself, such as a stage; one without neighbours has a dot in any case.
    """

    label: str
    style: Style
    points: Points
    right: bool = False
    dashed: bool = False
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """Columns of the given heights between neighbouring edges (one more than heights).

    Attributes:
        lane: drawn in a strip of their own below the others, to an axis of their own: for what is rare but must
            be seen.
        unit: of that axis.
    """

    label: str
    style: Style
    edges: Sequence[float]
    heights: Sequence[float]
    lane: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A labelled vertical line; `dashed` as that of a `Line`."""

    label: str
    style: Style
    x: float
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A horizontal bar in one of a chart's rows, from one x to another."""

    row: int
    start: float
    end: float
    style: Style


@dataclass(frozen=True, slots=True)
class Rows:
    """Named rows from top to bottom, with spans in them, instead of a vertical axis.

    Attributes:
        meanings: what each style says, for the legend.
    """

    names: Sequence[str]
    spans: Sequence[Span]
    meanings: Sequence[tuple[Style, str]]


@dataclass(frozen=True, slots=True)
class Chart:
    """One picture.

    Attributes:
        key: names it in its page.
        note: one sentence that says what was counted, for everybody, not only for screen readers.
        unit: of the left axis; `ms` is shown in seconds where the values are long.
        right_unit: of the right axis.
        x_unit: what stands below a horizontal axis other than TIME.
        x_names: of the places of a horizontal axis of NAMES.
        rows: drawn instead of lines and bars.
        shaded: (from, to) in x, such as the warm-up.
    """

    key: str
    title: str
    note: str
    unit: str
    scale: Scale = Scale.TIME
    x_unit: str = ""
    x_names: Sequence[str] = ()
    right_unit: str = ""
    lines: Sequence[Line] = ()
    bars: Sequence[Bars] = ()
    marks: Sequence[Mark] = ()
    rows: Rows | None = None
    shaded: tuple[float, float] | None = None
    shaded_label: str = "warm-up, not counted"

    @property
    def x_range(self) -> tuple[float, float]:
        """Smallest and largest x of anything."""
        xs = [x for line in self.lines for x, y in line.points if math.isfinite(y)]
        xs += [x for bars in self.bars for x in bars.edges] + [mark.x for mark in self.marks]
        xs += [x for span in (self.rows.spans if self.rows else ()) for x in (span.start, span.end)]
        return (min(xs), max(xs)) if xs else (0.0, 1.0)

    def highest(self, *, right: bool) -> float:
        """Largest y on one of the axes; 0 where there is none."""
        ys = [y for line in self.lines if line.right == right for _, y in line.points if math.isfinite(y)]
        if not right:
            ys += [y for bars in self.bars if not bars.lane for y in bars.heights]
        return max(ys, default=0.0)


@dataclass(frozen=True, slots=True)
class Material:
    """What a section is made of.

    Attributes:
        frame: samples with derived columns, one row a request.
        monitor: one row a second and process.
    """

    manifest: Manifest
    summary: Summary
    frame: pd.DataFrame
    monitor: pd.DataFrame


class Judgement(StrEnum):
    """What a cell says of its row."""

    NONE = ""
    GOOD = "good"
    NOTE = "note"
    BAD = "bad"
    """It says that something failed."""
    MINOR = "minor"
    """It is read after the others."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place of a table.

    Attributes:
        value: words, or a figure in `unit`; None where there is nothing.
        unit: None for words.
        said: it in words, where value and unit tell too little, as of a bound or an interval.
        link: on a page, to what it tells of: a path, with its characters quoted.
    """

    value: str | float | None
    unit: Unit | Written | None = None
    judgement: Judgement = Judgement.NONE
    said: str | None = None
    link: str | None = None

    @property
    def text(self) -> str:
        """As everybody reads it; a dash where there is nothing."""
        if self.said is not None:
            return self.said
        if isinstance(self.value, str) or self.value is None or self.unit is None:
            return "–" if self.value is None else str(self.value)
        return figure(self.value, self.unit)

    @property
    def is_number(self) -> bool:
        """See the function."""
        return is_number(self.text)


def is_number(text: str) -> bool:
    """Whether a row's first cell names nothing without the heading of its column, as the users of a stage."""
    return text.replace(",", "").isdigit()


Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column: its heading, and what it has of a row.

    Attributes:
        of: a row's value, or its cell.
        unit: of its figures, which are aligned right; None for words.
        bad: of which rows it says that something failed.
        leads: what a row is read for, as its verdict: where rows are stacked it stands first.
    """

    name: str
    of: Callable[[Row], Cell | str | float | None]
    unit: Unit | Written | None = None
    bad: Callable[[Row], bool] | None = None
    leads: bool = False

    def cell(self, row: Row) -> Cell:
        """What stands in this column of a row."""
        found = self.of(row)
        cell = found if isinstance(found, Cell) else Cell(found, self.unit)
        return replace(cell, judgement=Judgement.BAD) if self.bad is not None and self.bad(row) else cell


@dataclass(frozen=True, slots=True)
class Table:
    """Rows, of which each column shows a part; the first column names them.

    Whoever has only texts gives headings for columns and texts for rows, and says of them:

    Attributes:
        columns: the first names the rows.
        words: columns of headings alone (by index) that hold words rather than figures, and so are aligned left.
        bad: (row, column) of texts that say that something failed.
        in_terminal: short enough for a terminal too; a page folds the others up.
    """

    caption: str
    columns: Sequence[Column[Any] | str]
    rows: Sequence[Any]
    words: frozenset[int] = frozenset()
    bad: frozenset[tuple[int, int]] = frozenset()
    in_terminal: bool = True

    @property
    def shown(self) -> list[Column[Any]]:
        """Its columns, whoever made it."""
        return [
            _texts(name, place, is_words=place in self.words) if isinstance(name, str) else name
            for place, name in enumerate(self.columns)
        ]

    @property
    def cells(self) -> list[list[Cell]]:
        """All cells, row by row."""
        return [
            [
                replace(cell, judgement=Judgement.BAD) if (number, place) in self.bad else cell
                for place, cell in enumerate(column.cell(row) for column in self.shown)
            ]
            for number, row in enumerate(self.rows)
        ]

    @property
    def by_column(self) -> list[tuple[Column[Any], list[Cell]]]:
        """Each column with the cells below its heading."""
        columns = self.shown
        if not self.rows:
            return [(column, []) for column in columns]
        return [(column, list(cells)) for column, *cells in zip(columns, *self.cells, strict=True)]

    def texts(self, name: str) -> list[str]:
        """What stands below a heading."""
        return next([cell.text for cell in cells] for column, cells in self.by_column if column.name == name)

    @property
    def marked(self) -> list[tuple[str, str]]:
        """Heading and text of every cell that says that something failed."""
        return [
            (column.name, cell.text)
            for cells in self.cells
            for column, cell in zip(self.shown, cells, strict=True)
            if cell.judgement is Judgement.BAD
        ]


def _texts(name: str, place: int, *, is_words: bool) -> Column[Sequence[str]]:
    """The column at a place of rows of texts."""
    return Column(name, lambda row: row[place], None if is_words or not place else Unit.COUNT)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it.

    Attributes:
        key: names it in its page; a short word.
        text: sentences, each a paragraph.
        answer: it is what the run was made to find out, and stands first.
    """

    key: str
    title: str
    text: Sequence[str] = ()
    tables: Sequence[Table] = ()
    charts: Sequence[Chart] = ()
    answer: bool = False

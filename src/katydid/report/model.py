"""The content of a report: sections, tables and charts, which the page, the terminal and Markdown render.

Texts are plain; the renderers escape them. Knows no workload.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from operator import itemgetter
from typing import Any, Generic, TypeVar

import pandas as pd

from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Summary
from katydid.model.formatting import figure
from katydid.model.units import Unit, Written

Points = Sequence[tuple[float, float]]


class Style(StrEnum):
    """A colour of the palette by its role. BAD is reserved for failures, so that red always means a failure."""

    MAIN = "main"
    SECOND = "second"
    THIRD = "third"
    QUIET = "quiet"
    BAD = "bad"


class Scale(StrEnum):
    """The scale of a horizontal axis; vertical axes are linear and start at 0."""

    TIME = "time"
    """Seconds from the start of the run."""
    LINEAR = "linear"
    LOG = "log"
    TAIL = "tail"
    """Quantiles from 0 to 1, spaced by -log10(1 - q), which spreads out the slowest requests."""
    NAMES = "names"
    """The chart's `x_names` at 1, 2, 3 …"""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve of points (x, y); a y of NaN breaks it.

    Attributes:
        right: True if it belongs to the right axis.
        dashed: True for a high percentile, which has the colour of its solid median.
        dots: True to draw every point, as for stages that were measured separately; isolated points are always drawn.
    """

    label: str
    style: Style
    points: Points
    right: bool = False
    dashed: bool = False
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of the given heights between neighbouring edges; there is one more edge than heights.

    Attributes:
        lane: True to draw the bars in a separate strip below the plot, with its own axis, for rare but important
            values.
        unit: the unit of that axis.
    """

    label: str
    style: Style
    edges: Sequence[float]
    heights: Sequence[float]
    lane: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A labelled vertical line; `dashed` as for a `Line`."""

    label: str
    style: Style
    x: float
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A horizontal bar in one of a chart's rows."""

    row: int
    start: float
    end: float
    style: Style


@dataclass(frozen=True, slots=True)
class Rows:
    """Named rows with spans, from top to bottom, instead of a vertical axis.

    Attributes:
        meanings: the meaning of each style, for the legend.
    """

    names: Sequence[str]
    spans: Sequence[Span]
    meanings: Sequence[tuple[Style, str]]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart.

    Attributes:
        key: the chart's identifier in its page.
        note: one sentence that says what was counted; shown to all readers.
        unit: unit of the left axis; long times in `ms` are shown in seconds.
        right_unit: unit of the right axis.
        x_unit: title of the horizontal axis, unless its scale is TIME.
        x_names: names on a horizontal axis with the scale NAMES.
        rows: drawn instead of lines and bars.
        shaded: range of x of the warm-up.
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

    @property
    def x_range(self) -> tuple[float, float]:
        """Smallest and largest x of all lines, bars, marks and spans."""
        xs = [x for line in self.lines for x, y in line.points if math.isfinite(y)]
        xs += [x for bars in self.bars for x in bars.edges] + [mark.x for mark in self.marks]
        xs += [x for span in (self.rows.spans if self.rows else ()) for x in (span.start, span.end)]
        return (min(xs), max(xs)) if xs else (0.0, 1.0)

    def highest(self, *, right: bool) -> float:
        """Largest y on the left or right axis; 0 if there is none."""
        ys = [y for line in self.lines if line.right == right for _, y in line.points if math.isfinite(y)]
        if not right:
            ys += [y for bars in self.bars if not bars.lane for y in bars.heights]
        return max(ys, default=0.0)


@dataclass(frozen=True, slots=True)
class Material:
    """The data of a run from which sections are made.

    Attributes:
        frame: samples with derived columns, one row per request.
        monitor: one row per second and process.
    """

    manifest: Manifest
    summary: Summary
    frame: pd.DataFrame
    monitor: pd.DataFrame


class Judgement(StrEnum):
    """How a cell is emphasised."""

    NONE = ""
    GOOD = "good"
    NOTE = "note"
    BAD = "bad"
    """Something failed."""
    MINOR = "minor"
    """Less important than other cells."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table.

    Attributes:
        value: text, or a figure in `unit`; None for an empty cell.
        unit: the unit of a figure; None for text.
        said: the text to show instead of value and unit, as for a bound or an interval.
        link: target of a link on a page: a URL-quoted path.
    """

    value: str | float | None
    unit: Unit | Written | None = None
    judgement: Judgement = Judgement.NONE
    said: str | None = None
    link: str | None = None

    @property
    def text(self) -> str:
        """The text of the cell; a dash if it is empty."""
        if self.said is not None:
            return self.said
        if isinstance(self.value, str) or self.value is None or self.unit is None:
            return "–" if self.value is None else str(self.value)
        return figure(self.value, self.unit)


def is_number(text: str) -> bool:
    """Return True for a plain number, which as a row's first cell needs its column's heading to be understood."""
    return text.replace(",", "").isdigit()


Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """A column of a table.

    Attributes:
        name: the heading.
        of: gives a row's value or cell.
        unit: the unit of its figures, which are aligned right; None for text.
        bad: returns True for rows whose cell marks a failure.
        leads: True for the most important column, such as the verdict, which comes first if rows are stacked.
    """

    name: str
    of: Callable[[Row], Cell | str | float | None]
    unit: Unit | Written | None = None
    bad: Callable[[Row], bool] | None = None
    leads: bool = False

    def cell(self, row: Row) -> Cell:
        """The row's cell in this column."""
        found = self.of(row)
        cell = found if isinstance(found, Cell) else Cell(found, self.unit)
        return replace(cell, judgement=Judgement.BAD) if self.bad is not None and self.bad(row) else cell


@dataclass(frozen=True, slots=True)
class Table:
    """A table. Columns are `Column` objects, or plain headings if each row is a sequence of texts.

    Attributes:
        columns: the columns; the first one names the rows.
        rows: the rows.
        words: indices of plain headings whose columns hold text rather than figures, and so are aligned left.
        bad: (row, column) of texts that mark a failure.
        in_terminal: True if it is short enough for a terminal; a page shows other tables collapsed.
    """

    caption: str
    columns: Sequence[Column[Any] | str]
    rows: Sequence[Any]
    words: frozenset[int] = frozenset()
    bad: frozenset[tuple[int, int]] = frozenset()
    in_terminal: bool = True

    @property
    def shown(self) -> list[Column[Any]]:
        """The columns, with plain headings converted."""
        return [
            Column(name, itemgetter(place), Unit.COUNT if place and place not in self.words else None)
            if isinstance(name, str)
            else name
            for place, name in enumerate(self.columns)
        ]

    @property
    def cells(self) -> list[list[Cell]]:
        """All cells by row."""
        return [
            [
                replace(cell, judgement=Judgement.BAD) if (number, place) in self.bad else cell
                for place, cell in enumerate(column.cell(row) for column in self.shown)
            ]
            for number, row in enumerate(self.rows)
        ]

    @property
    def by_column(self) -> list[tuple[Column[Any], list[Cell]]]:
        """Each column with its cells."""
        columns = self.shown
        if not self.rows:
            return [(column, []) for column in columns]
        return [(column, list(cells)) for column, *cells in zip(columns, *self.cells, strict=True)]

    def texts(self, name: str) -> list[str]:
        """The texts of the column with this heading."""
        return next([cell.text for cell in cells] for column, cells in self.by_column if column.name == name)

    @property
    def marked(self) -> list[tuple[str, str]]:
        """Heading and text of every cell that marks a failure."""
        return [
            (column.name, cell.text)
            for cells in self.cells
            for column, cell in zip(self.shown, cells, strict=True)
            if cell.judgement is Judgement.BAD
        ]


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a report.

    Attributes:
        key: the section's identifier in its page; a short word.
        text: paragraphs of one or more sentences.
        answer: True if it answers what the run was made for; such sections come first.
    """

    key: str
    title: str
    text: Sequence[str] = ()
    tables: Sequence[Table] = ()
    charts: Sequence[Chart] = ()
    answer: bool = False

"""Draws lines and bars over a horizontal axis, as SVG elements, with the texts of the tooltips.

The plot area is a nested `svg`, so that the page's script can zoom by changing its `viewBox`.
"""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

from katydid.report.model import Bars, Chart, Line, Mark
from katydid.report.render.axes import Axis, horizontal, plain, vertical
from katydid.report.render.labels import NARROW, Label, Labels, shortened, text_width, written

WIDTH, HEIGHT = 560, 250
_TOP, _FOOT, _TITLE = 36, 30, 22
"""Heights of the space above the plot, of the tick labels below, and of the axis title."""
_LANE, _LANE_GAP = 20, 14
"""Height of the strip below the axis for bars of a lane, and of the gap above it."""
_LEAST_SIDE, _BESIDE = 26, 7
_MARK_ROW = 20
_MOST_OF_A_MARK = 0.6
"""Largest share of the chart's width for a mark's label."""


class Plot:
    """A chart with its axes and placed texts."""

    height = HEIGHT

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.across = horizontal(chart)
        self.left = vertical(chart.highest(right=False), chart.unit)
        highest = chart.highest(right=True)
        self.right = vertical(highest, chart.right_unit) if highest else None
        self.lanes = [bars for bars in chart.bars if bars.lane]
        self.foot = HEIGHT - _FOOT - (_TITLE if self.across.title else 0)
        self.bottom = self.foot - (_LANE + _LANE_GAP if self.lanes else 0)
        self.tall = self.bottom - _TOP
        self.begin = _side([text for _, text in self.left.ticks] + [_tallest(bars) for bars in self.lanes])
        self.end = WIDTH - _side([text for _, text in self.right.ticks] if self.right else [])
        self.labels = Labels(WIDTH)
        self._write()

    def x(self, value: float) -> float:
        """The position of a value, limited to the axis; infinite values are at its ends."""
        share = self.across.place(value) if math.isfinite(value) else float(value > 0)
        return self.begin + min(max(share, 0.0), 1.0) * (self.end - self.begin)

    def y(self, value: float, axis: Axis) -> float:
        """The position of a value on a vertical axis."""
        return self.bottom - axis.place(value) * self.tall

    def parts(self) -> Iterator[str]:
        """The chart's elements, back to front."""
        for value, _ in self.left.ticks:
            y = self.y(value, self.left)
            yield f'<line class="grid" x1="{self.begin:.1f}" x2="{self.end:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        width, height = f"{self.end - self.begin:.1f}", self.foot - _TOP
        yield f'<svg class="plot" x="{self.begin:.1f}" y="{_TOP}" width="{width}" height="{height}" '
        yield f'viewBox="{self.begin:.1f} {_TOP} {width} {height}" preserveAspectRatio="none">'
        yield from self._inside()
        yield "</svg>"
        yield from self.labels.elements()

    def _inside(self) -> Iterator[str]:
        if self.chart.shaded:
            start, end = (self.x(x) for x in self.chart.shaded)
            yield f'<rect class="shade" {self._column(start, end)}/>'
        for number, line in enumerate(self.chart.lines):
            yield from self._line(line, number)
        for number, bars in enumerate(self.chart.bars, len(self.chart.lines)):
            yield from self._bars(bars, number)
        for mark in self.chart.marks:
            x = f"{self.x(mark.x):.1f}"
            yield f'<line class="mark {_look(mark)}" x1="{x}" x2="{x}" y1="{_TOP}" y2="{self.bottom}"/>'
        yield from self._tooltips()

    def _tooltips(self) -> Iterator[str]:
        """Each has x first, then all values there."""
        chart = self.chart
        told = [_of_line(line, self._axis(line)) for line in chart.lines]
        told += [_of_bars(bars, self.left) for bars in chart.bars]
        for x, head, (start, end) in _parts(chart, self.across):
            values = [value for say in told for value in say(x)]
            marks = [mark.label for mark in chart.marks if start <= mark.x < end]
            place = self._column(self.x(start), self.x(end))
            yield f'<rect class="hover" {place}><title>{written(head, *values, *marks)}</title></rect>'

    def _axis(self, line: Line) -> Axis:
        return self.right if line.right and self.right else self.left

    def _column(self, start: float, end: float) -> str:
        return f'x="{start:.1f}" y="{_TOP}" width="{end - start:.1f}" height="{self.foot - _TOP}"'

    def _bars(self, bars: Bars, number: int) -> Iterator[str]:
        top = max(bars.heights, default=0.0)
        foot = self.foot if bars.lane else self.bottom
        yield f'<g class="fill-{bars.style}" data-of="{number}">'
        for (start, end), height in zip(pairwise(bars.edges), bars.heights, strict=False):
            if height > 0:
                tall = max(1.0, height / top * _LANE if bars.lane else self.left.place(height) * self.tall)
                x, wide = self.x(start), max(1.0, self.x(end) - self.x(start) - 1.0)
                yield f'<rect x="{x:.1f}" y="{foot - tall:.1f}" width="{wide:.1f}" height="{tall:.1f}"/>'
        yield "</g>"

    def _line(self, line: Line, number: int) -> Iterator[str]:
        axis = self._axis(line)
        path, dots, pen = [], [], "M"
        for (x, y), dot in zip(line.points, dotted(line), strict=True):
            if math.isfinite(y):
                place = f"{self.x(x):.1f} {self.y(y, axis):.1f}"
                path.append(f"{pen}{place}")
                dots += [f"M{place}h0"] if dot else []
            pen = "L" if math.isfinite(y) else "M"
        yield from strokes(line, "".join(path), "".join(dots), f' data-of="{number}"')

    def _write(self) -> None:
        """Place the texts, the most important ones first."""
        put = self.labels.put
        put(Label(4, 17, self.left.title, "start", "unit"))
        self._write_side(self.left, self.begin - _BESIDE, "end")
        if self.right:
            put(Label(WIDTH - 4, 17, self.right.title, "end", "unit"))
            self._write_side(self.right, self.end + _BESIDE, "start")
        for bars in self.lanes[:1]:
            put(Label(self.begin - _BESIDE, self.foot - 4, _tallest(bars), "end", "tick lane"))
        put(Label((self.begin + self.end) / 2, HEIGHT - 7, self.across.title, "middle", "unit"))
        room = (self.end - self.begin) / 2
        for value, text in self.across.ticks:
            put(Label(self.x(value), self.foot + 24, shortened(text, room), kind="tick across"))
        for mark in sorted(self.chart.marks, key=lambda mark: mark.x):
            self._write_mark(mark)

    def _write_side(self, axis: Axis, x: float, anchor: str) -> None:
        for value, text in axis.ticks:
            self.labels.put(Label(x, self.y(value, axis) + 4, text, anchor))

    def _write_mark(self, mark: Mark) -> None:
        """Place a mark's label beside its line, as high as there is room."""
        text = shortened(mark.label, WIDTH * _MOST_OF_A_MARK, bold=True)
        x = self.x(mark.x)
        fits = x + 5 + text_width(text, NARROW, bold=True) <= WIDTH
        rows = [
            Label(x + (5 if fits else -5), y, text, "start" if fits else "end", "label", x)
            for y in range(_TOP + 16, round(self.bottom), _MARK_ROW)
        ]
        free = (row for row in rows if self.labels.room(row.within(WIDTH), NARROW))
        self.labels.put(next(free, rows[0]))


def strokes(line: Line, path: str, dots: str, more: str = "") -> Iterator[str]:
    """Draw a line and its dots along the given paths; dots of dashed lines are hollow."""
    yield f'<path class="line {_look(line)}"{more} d="{path}"/>'
    if dots:
        yield f'<path class="dots {line.style}"{more} d="{dots}"/>'
    if dots and line.dashed:
        yield f'<path class="hollow"{more} d="{dots}"/>'


def dotted(line: Line) -> list[bool]:
    """Whether each point is drawn as a dot: all points, or only isolated ones."""
    known = [False, *(math.isfinite(y) for _, y in line.points), False]
    return [
        here and (line.dots or not (before or after))
        for before, here, after in zip(known, known[1:], known[2:], strict=False)
    ]


def _look(shown: Line | Mark) -> str:
    return f"{shown.style} dashed" if shown.dashed else shown.style


def _side(texts: list[str]) -> float:
    """The width that tick labels need beside the plot."""
    return max([_LEAST_SIDE, *(text_width(text, NARROW) + _BESIDE + 2 for text in texts)])


def _tallest(bars: Bars) -> str:
    return f"{plain(max(bars.heights, default=0.0))} {bars.unit}".rstrip()


def _parts(chart: Chart, across: Axis) -> Iterator[tuple[float, str, tuple[float, float]]]:
    """For each part of the horizontal axis: its x, the text for x, and its range."""
    if not chart.lines:
        for bars in chart.bars[:1]:
            for low, high in pairwise(bars.edges):
                yield (low + high) / 2, f"{across.say(low)} to {across.say(high)}", (low, high)
        return
    xs = sorted({x for x, _ in max(chart.lines, key=lambda line: (line.dots, len(line.points))).points})
    ends = [-math.inf, *((a + b) / 2 for a, b in pairwise(xs)), math.inf]
    for x, part in zip(xs, pairwise(ends), strict=False):
        yield x, across.say(x), part


def _named(label: str, value: str) -> str:
    """`users: 40`, not `users: 40 users`."""
    return f"{label}: {value.removesuffix(f' {label}')}"


def _of_line(line: Line, axis: Axis) -> Callable[[float], list[str]]:
    """Give the texts of the line's points nearest to an x, if they are near enough."""
    xs = sorted({x for x, _ in line.points})
    reach = min((b - a for a, b in pairwise(xs)), default=math.inf) / 2 + 1e-9
    known = [(x, y) for x, y in line.points if math.isfinite(y)]

    def say(x: float) -> list[str]:
        near = [(abs(at - x), y) for at, y in known if abs(at - x) <= reach]
        least = min(near, default=(0.0, 0.0))[0]
        return [_named(line.label, axis.say(y)) for distance, y in near if distance <= least + 1e-9]

    return say


def _of_bars(bars: Bars, axis: Axis) -> Callable[[float], list[str]]:
    def say(x: float) -> list[str]:
        for (low, high), height in zip(pairwise(bars.edges), bars.heights, strict=False):
            if low <= x < high and height:
                return [_named(bars.label, f"{plain(height)} {bars.unit}".rstrip() if bars.lane else axis.say(height))]
        return []

    return say

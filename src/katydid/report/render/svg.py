"""Charts as inline SVG, in the page's own colours: no script, no fonts, readable when printed.

A picture is text for `autoescape` to trust, so everything that is put into it here is a number or is
escaped. Knows what a chart is, but no run.
"""

import math
from collections.abc import Iterator

from markupsafe import Markup, escape

from katydid.report.model import Bars, Chart, Line, Rows, Scale
from katydid.report.render.axes import Axis, clock, horizontal, plain, vertical

WIDTH, HEIGHT = 560, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 46, 26, 30
_PLOT_WIDTH, _BOTTOM_LINE = WIDTH - _LEFT - _RIGHT, HEIGHT - _BOTTOM
_LANE, _LANE_GAP = 20, 5
"""Height of the strip below the axis that bars of a lane have to themselves."""
_LABEL_HEIGHT = 13


class _Plot:
    """A chart with its scales."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.across = horizontal(*chart.x_range, chart.scale, chart.x_unit)
        self.left = vertical(chart.highest(right=False), chart.unit)
        highest = chart.highest(right=True)
        self.right = vertical(highest, chart.right_unit) if highest else None
        self.bottom = _BOTTOM_LINE - (_LANE + _LANE_GAP if any(bars.lane for bars in chart.bars) else 0)
        self.height = self.bottom - _TOP

    def x(self, value: float) -> float:
        return _LEFT + min(max(self.across.place(value), 0.0), 1.0) * _PLOT_WIDTH

    def y(self, value: float, axis: Axis) -> float:
        return self.bottom - axis.place(value) * self.height

    def parts(self) -> Iterator[str]:
        """Back to front."""
        yield from self._shade()
        yield from self._grid()
        for bars in self.chart.bars:
            yield from self._bars(bars)
        for line in self.chart.lines:
            yield self._line(line)
        yield from self._marks()
        yield from self._hover()

    def _shade(self) -> Iterator[str]:
        if self.chart.shaded:
            start, end = (self.x(x) for x in self.chart.shaded)
            yield f'<rect class="shade" {_column(start, end)}/>'

    def _grid(self) -> Iterator[str]:
        right_end = _LEFT + _PLOT_WIDTH
        for value, label in self.left.ticks:
            y = self.y(value, self.left)
            yield f'<line class="grid" x1="{_LEFT}" x2="{right_end}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield _text(_LEFT - 7, y + 4, label, "end")
        if self.right:
            for value, label in self.right.ticks:
                yield _text(right_end + 7, self.y(value, self.right) + 4, label, "start")
            yield _text(right_end + 7, 12, self.right.unit, "middle", "unit")
        for index, (value, label) in enumerate(self.across.ticks):
            unit = self.across.unit if index == len(self.across.ticks) - 1 else ""
            kind = "tick odd" if index % 2 and not unit else "tick"
            yield _text(self.x(value), HEIGHT - 10, f"{label} {unit}".rstrip(), "middle", kind)
        yield _text(4, 12, self.left.unit, "start", "unit")

    def _bars(self, bars: Bars) -> Iterator[str]:
        top = max(bars.heights, default=0.0)
        for start, end, height in zip(bars.edges, bars.edges[1:], bars.heights, strict=False):
            if height > 0:
                tall = max(1.0, height / top * _LANE if bars.lane else self.left.place(height) * self.height)
                foot = _BOTTOM_LINE if bars.lane else self.bottom
                x, wide = self.x(start), max(1.0, self.x(end) - self.x(start) - 1.0)
                yield (
                    f'<rect class="fill-{bars.style}" x="{x:.1f}" y="{foot - tall:.1f}" '
                    f'width="{wide:.1f}" height="{tall:.1f}"/>'
                )

    def _line(self, line: Line) -> str:
        axis = self.right if line.right and self.right else self.left
        path, pen = [], "M"
        for x, y in line.points:
            if math.isfinite(y):
                path.append(f"{pen}{self.x(x):.1f} {self.y(y, axis):.1f}")
            pen = "L" if math.isfinite(y) else "M"
        return f'<path class="line {line.style}" d="{" ".join(path)}"/>'

    def _marks(self) -> Iterator[str]:
        for row, mark in enumerate(self.chart.marks):
            x = self.x(mark.x)
            left_half = x < _LEFT + _PLOT_WIDTH * 0.6
            yield f'<line class="mark {mark.style}" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{self.bottom}"/>'
            y = _TOP + 11 + row * _LABEL_HEIGHT
            yield _text(x + (5 if left_half else -5), y, mark.label, "start" if left_half else "end", "label")

    def _hover(self) -> Iterator[str]:
        """What a pointer that rests on a column is told, without any script."""
        if self.chart.scale is not Scale.TIME or not self.chart.lines:
            return
        columns = [[y for _, y in line.points] for line in self.chart.lines]
        columns += [list(bars.heights) for bars in self.chart.bars]
        labels = [line.label for line in self.chart.lines] + [bars.label for bars in self.chart.bars]
        xs = [x for x, _ in self.chart.lines[0].points]
        half = (xs[1] - xs[0]) / 2 if len(xs) > 1 else xs[0]
        for x, values in zip(xs, zip(*columns, strict=True), strict=True):
            known = [f"{label} {plain(v)}" for label, v in zip(labels, values, strict=True) if math.isfinite(v)]
            start, end = self.x(x - half), self.x(x + half)
            told = f"{clock(x)}: {', '.join(known)}"
            yield f'<rect class="hover" {_column(start, end)}><title>{escape(told)}</title></rect>'


def draw(chart: Chart) -> Markup:
    """The chart as a figure: caption, picture, legend, note."""
    shown = [(line.style, line.label, "line") for line in chart.lines]
    shown += [(bars.style, bars.label, "block") for bars in chart.bars]
    shown += [(style, meaning, "block") for style, meaning in (chart.rows.meanings if chart.rows else ())]
    if len(shown) == 1 and chart.bars:
        shown = []  # the axis says it
    legend = "".join(f'<li><i class="key {kind} {style}"></i>{escape(label)}</li>' for style, label, kind in shown)
    if chart.shaded:
        legend += f'<li><i class="key block shade"></i>{escape(chart.shaded_label)}</li>'
    height = rows_height(chart.rows) if chart.rows else HEIGHT
    parts = rows_parts(chart, chart.rows, WIDTH) if chart.rows else _Plot(chart).parts()
    return Markup(  # noqa: S704 - made of numbers and escaped text only, see the module's docstring
        f'<figure data-chart="{escape(chart.key)}"><figcaption>{escape(chart.title)}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(chart.title)}: {escape(chart.note)}">'
        f'{"".join(parts)}</svg><ul class="legend">{legend}</ul><p class="note">{escape(chart.note)}</p>'
        "</figure>"
    )


def _column(start: float, end: float) -> str:
    return f'x="{start:.1f}" y="{_TOP}" width="{end - start:.1f}" height="{_BOTTOM_LINE - _TOP}"'


def _text(x: float, y: float, text: str, anchor: str, kind: str = "tick") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


_TOP, _BOTTOM, _LEFT, _RIGHT = 8, 30, 70, 46
_ROW, _BAR, _TIGHTEST, _MOST_HEIGHT = 18, 12, 2.0, 640
_LABEL_ROOM = 12
"""Height of a row below which only some are named."""


def rows_height(rows: Rows) -> float:
    """Height of the whole picture: rows get thinner where they are many."""
    return _TOP + _BOTTOM + len(rows.names) * _row_height(rows)


def _row_height(rows: Rows) -> float:
    return max(_TIGHTEST, min(_ROW, _MOST_HEIGHT / max(1, len(rows.names))))


def rows_parts(chart: Chart, rows: Rows, width: float) -> Iterator[str]:
    """The picture's elements, back to front; its texts are escaped."""
    _, longest = chart.x_range
    across = horizontal(0.0, longest, chart.scale, chart.x_unit)
    plot, tall = width - _LEFT - _RIGHT, _row_height(rows)
    foot = _TOP + len(rows.names) * tall
    for index, (value, label) in enumerate(across.ticks):
        x = _LEFT + across.place(value) * plot
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{foot:.1f}"/>'
        kind = "tick odd" if index % 2 else "tick"
        yield f'<text class="{kind}" x="{x:.1f}" y="{foot + 20:.1f}" text-anchor="middle">{escape(label)}</text>'
    every = max(1, round(_LABEL_ROOM / tall))
    for index, name in enumerate(rows.names):
        if index % every == 0:
            y = _TOP + (index + 0.5) * tall + 4
            yield f'<text class="tick" x="{_LEFT - 7}" y="{y:.1f}" text-anchor="end">{escape(name)}</text>'
    thick = min(_BAR, tall * 0.8)
    for span in rows.spans:
        x, wide = _LEFT + across.place(span.start) * plot, (across.place(span.end) - across.place(span.start)) * plot
        y = _TOP + (span.row + 0.5) * tall - thick / 2
        told = f"{rows.names[span.row]}: {span.start:.3g} to {span.end:.3g} s"
        yield (
            f'<rect class="fill-{span.style}" x="{x:.1f}" y="{y:.1f}" width="{max(1.0, wide):.1f}" '
            f'height="{thick:.1f}"><title>{escape(told)}</title></rect>'
        )

"""A chart's rows as SVG: a horizontal bar, or several, in each. `svg.py` puts the figure around it."""

from collections.abc import Iterator

from markupsafe import escape

from katydid.report.axes import horizontal
from katydid.report.chart import Chart, Rows

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

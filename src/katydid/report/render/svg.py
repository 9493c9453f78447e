"""Draws charts as inline SVG in the page's colours, without scripts or fonts, and readable in print.

`autoescape` trusts the result, so everything put into it is a number or escaped. Knows no run.
"""

from collections.abc import Callable, Iterator

from markupsafe import Markup

from katydid.report.model import Chart, Rows, Style
from katydid.report.render.axes import horizontal
from katydid.report.render.labels import NARROW, Label, Labels, shortened, text_width, written
from katydid.report.render.plot import HEIGHT, WIDTH, Plot, dotted, strokes


def draw(chart: Chart) -> Markup:
    """The chart as a figure with caption, SVG, legend and note."""
    height = rows_height(chart.rows) if chart.rows else HEIGHT
    parts = _rows_parts(chart, chart.rows, WIDTH) if chart.rows else Plot(chart).parts()
    title, note = written(chart.title), written(chart.note)
    return Markup(  # noqa: S704 - made of numbers and escaped text only, see the module's docstring
        f'<figure data-chart="{written(chart.key)}"><figcaption>{title}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{title}: {note}">'
        f'{"".join(parts)}</svg><ul class="legend">{"".join(_legend(chart))}</ul><p class="note">{note}</p>'
        "</figure>"
    )


def _legend(chart: Chart) -> Iterator[str]:
    """The legend's entries; `data-of` numbers lines and bars as in the SVG."""
    shown = [("".join(strokes(line, "M0 6h24", "M12 6h0" * any(dotted(line)))), line.label) for line in chart.lines]
    shown += [(_block(f"fill-{bars.style}"), bars.label) for bars in chart.bars]
    if len(shown) > 1 or chart.lines:  # bars alone need no legend: the axis names them
        for number, (key, label) in enumerate(shown):
            yield _entry(key, label, f' data-of="{number}"')
    for style, meaning in chart.rows.meanings if chart.rows else ():
        yield _entry(_block(f"fill-{style}"), meaning)
    if chart.shaded:
        yield _entry(_block("shade"), chart.shaded_label)


def _block(look: str) -> str:
    return f'<rect class="{look}" x="6" width="12" height="12" rx="2"/>'


def _entry(key: str, label: str, more: str = "") -> str:
    """An entry, whose key is drawn in SVG so that it prints like the chart."""
    picture = f'<svg class="key" viewBox="0 0 24 12" aria-hidden="true">{key}</svg>'
    return f"<li{more}>{picture}{written(label)}</li>"


# Rows of bars over a horizontal axis, instead of a plot

_TOP, _FOOT, _RIGHT, _BESIDE = 12, 30, 30, 7
_ROW, _BAR, _TIGHTEST, _MOST_HEIGHT = 20, 12, 2.0, 640
_POINTED = 4.0
"""Least height of a row with a tooltip."""
_MOST_OF_A_NAME = 0.35
"""Share of the chart's width."""


def rows_height(rows: Rows) -> float:
    """Height of the whole chart; many rows are drawn thinner."""
    return _TOP + _FOOT + len(rows.names) * _row_height(rows)


def _row_height(rows: Rows) -> float:
    return max(_TIGHTEST, min(_ROW, _MOST_HEIGHT / max(1, len(rows.names))))


def rows_labels(chart: Chart, rows: Rows, width: float) -> Labels:
    """The rows' names, as many as fit, and the tick labels."""
    labels, tall = Labels(width), _row_height(rows)
    begin = _begin(rows, width)
    for index, name in enumerate(rows.names):
        text = shortened(name, width * _MOST_OF_A_NAME)
        labels.put(Label(begin - _BESIDE, _TOP + (index + 0.5) * tall + 4, text, "end"))
    across = horizontal(chart)
    for value, text in across.ticks:
        x = begin + across.place(value) * (width - _RIGHT - begin)
        labels.put(Label(x, _TOP + len(rows.names) * tall + 22, text, kind="tick across"))
    return labels


def _begin(rows: Rows, width: float) -> float:
    longest = max((text_width(name, NARROW) for name in rows.names), default=0.0)
    return min(longest, width * _MOST_OF_A_NAME) + _BESIDE + 2


def _rows_parts(chart: Chart, rows: Rows, width: float) -> Iterator[str]:
    """The chart's elements, back to front."""
    across, begin, tall = horizontal(chart), _begin(rows, width), _row_height(rows)
    plot = width - _RIGHT - begin
    foot = _TOP + len(rows.names) * tall
    for value, _ in across.ticks:
        x = begin + across.place(value) * plot
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{foot:.1f}"/>'
    yield from _bars(rows, tall, lambda value: begin + across.place(value) * plot)
    if tall >= _POINTED:
        yield from _tooltips(rows, tall, begin, plot)
    yield from rows_labels(chart, rows, width).elements()


def _bars(rows: Rows, tall: float, x: Callable[[float], float]) -> Iterator[str]:
    """One path per style, since one element per bar would make the page large."""
    thick = min(_BAR, tall * 0.8)
    paths: dict[Style, list[str]] = {}
    for span in rows.spans:
        wide = max(1.0, x(span.end) - x(span.start))
        y = _TOP + (span.row + 0.5) * tall - thick / 2
        paths.setdefault(span.style, []).append(f"M{x(span.start):.1f} {y:.1f}h{wide:.1f}v{thick:.1f}h-{wide:.1f}")
    for style, path in paths.items():
        yield f'<path class="fill-{style}" d="{"".join(path)}"/>'


def _tooltips(rows: Rows, tall: float, begin: float, wide: float) -> Iterator[str]:
    """The tooltips of the rows."""
    spans: dict[int, list[str]] = {}
    for span in rows.spans:
        spans.setdefault(span.row, []).append(f"{span.start:.3g} to {span.end:.3g} s")
    for row, told in spans.items():
        place = f'x="{begin:.1f}" y="{_TOP + row * tall:.1f}" width="{wide:.1f}" height="{tall:.1f}"'
        title = written(f"{rows.names[row]}: {', '.join(told)}")
        yield f'<rect class="hover" {place}><title>{title}</title></rect>'

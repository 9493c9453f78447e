"""Draws charts as inline SVG in the page's colours, without scripts or fonts, and readable in print.

`autoescape` trusts the result, so everything put into it is a number or escaped. Knows no run.
"""

from collections.abc import Iterator

from markupsafe import Markup

from katydid.report.model import Chart, Rows, Style
from katydid.report.render.axes import horizontal
from katydid.report.render.labels import NARROW, Label, Labels, shortened, text_width, written
from katydid.report.render.plot import WIDTH, Plot, dotted, strokes


def draw(chart: Chart) -> Markup:
    """The chart as a figure with caption, SVG, legend and note."""
    plot = plot_of(chart)
    title, note = written(chart.title), written(chart.note)
    return Markup(  # noqa: S704 - made of numbers and escaped text only, see the module's docstring
        f'<figure data-chart="{written(chart.key)}"><figcaption>{title}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {plot.height:g}" role="img" aria-label="{title}: {note}">'
        f'{"".join(plot.parts())}</svg><ul class="legend">{"".join(_legend(chart))}</ul><p class="note">{note}</p>'
        "</figure>"
    )


def plot_of(chart: Chart) -> "Plot | RowPlot":
    """The chart with its axes and placed texts."""
    return RowPlot(chart, chart.rows) if chart.rows else Plot(chart)


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
        yield _entry(_block("shade"), "warm-up, not counted")


def _block(look: str) -> str:
    return f'<rect class="{look}" x="6" width="12" height="12" rx="2"/>'


def _entry(key: str, label: str, more: str = "") -> str:
    """An entry, whose key is drawn in SVG so that it prints like the chart."""
    picture = f'<svg class="key" viewBox="0 0 24 12" aria-hidden="true">{key}</svg>'
    return f"<li{more}>{picture}{written(label)}</li>"


_TOP, _FOOT, _RIGHT, _BESIDE = 12, 30, 30, 7
_ROW, _BAR, _TIGHTEST, _MOST_HEIGHT = 20, 12, 2.0, 640
_POINTED = 4.0
"""Least height of a row with a tooltip."""
_MOST_OF_A_NAME = 0.35
"""Share of the chart's width."""


class RowPlot:
    """Rows of bars over a horizontal axis, with placed texts; many rows are drawn thinner."""

    def __init__(self, chart: Chart, rows: Rows) -> None:
        self.rows, self.across = rows, horizontal(chart)
        self.tall = max(_TIGHTEST, min(_ROW, _MOST_HEIGHT / max(1, len(rows.names))))
        self.foot = _TOP + len(rows.names) * self.tall
        self.height = self.foot + _FOOT
        longest = max((text_width(name, NARROW) for name in rows.names), default=0.0)
        self.begin = min(longest, WIDTH * _MOST_OF_A_NAME) + _BESIDE + 2
        self.wide = WIDTH - _RIGHT - self.begin
        self.labels = Labels(WIDTH)
        for index, name in enumerate(rows.names):
            text = shortened(name, WIDTH * _MOST_OF_A_NAME)
            self.labels.put(Label(self.begin - _BESIDE, _TOP + (index + 0.5) * self.tall + 4, text, "end"))
        for value, text in self.across.ticks:
            self.labels.put(Label(self.x(value), self.foot + 22, text, kind="tick across"))

    def x(self, value: float) -> float:
        """The position of a value."""
        return self.begin + self.across.place(value) * self.wide

    def parts(self) -> Iterator[str]:
        """The chart's elements, back to front."""
        for value, _ in self.across.ticks:
            x = f"{self.x(value):.1f}"
            yield f'<line class="grid" x1="{x}" x2="{x}" y1="{_TOP}" y2="{self.foot:.1f}"/>'
        yield from self._bars()
        if self.tall >= _POINTED:
            yield from self._tooltips()
        yield from self.labels.elements()

    def _bars(self) -> Iterator[str]:
        """One path per style, since one element per bar would make the page large."""
        thick = min(_BAR, self.tall * 0.8)
        paths: dict[Style, list[str]] = {}
        for span in self.rows.spans:
            x, y = self.x(span.start), _TOP + (span.row + 0.5) * self.tall - thick / 2
            wide = max(1.0, self.x(span.end) - x)
            paths.setdefault(span.style, []).append(f"M{x:.1f} {y:.1f}h{wide:.1f}v{thick:.1f}h-{wide:.1f}")
        for style, path in paths.items():
            yield f'<path class="fill-{style}" d="{"".join(path)}"/>'

    def _tooltips(self) -> Iterator[str]:
        spans: dict[int, list[str]] = {}
        for span in self.rows.spans:
            spans.setdefault(span.row, []).append(f"{span.start:.3g} to {span.end:.3g} s")
        for row, told in spans.items():
            y = _TOP + row * self.tall
            place = f'x="{self.begin:.1f}" y="{y:.1f}" width="{self.wide:.1f}" height="{self.tall:.1f}"'
            title = written(f"{self.rows.names[row]}: {', '.join(told)}")
            yield f'<rect class="hover" {place}><title>{title}</title></rect>'

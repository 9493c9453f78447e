"""Draws charts as inline SVG in the page's colours, without scripts or fonts, and readable in print.

`autoescape` trusts the result, so everything put into it is a number or escaped. Knows no run.
"""

from collections.abc import Iterator

from markupsafe import Markup

from katydid.report.model import Chart
from katydid.report.render.labels import written
from katydid.report.render.plot import HEIGHT, WIDTH, Plot, dotted, strokes
from katydid.report.render.rows import rows_height, rows_parts


def draw(chart: Chart) -> Markup:
    """The chart as a figure with caption, SVG, legend and note."""
    height = rows_height(chart.rows) if chart.rows else HEIGHT
    parts = rows_parts(chart, chart.rows, WIDTH) if chart.rows else Plot(chart).parts()
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

"""Charts as inline SVG, in the page's own colours: no script, no fonts, readable when printed.

A picture is text for `autoescape` to trust, so everything that is put into it here is a number or is
escaped. Knows what a chart is, but no run.
"""

from collections.abc import Iterator

from markupsafe import Markup

from katydid.report.model import Chart
from katydid.report.render.labels import written
from katydid.report.render.plot import HEIGHT, WIDTH, Plot, dotted, strokes
from katydid.report.render.rows import rows_height, rows_parts


def draw(chart: Chart) -> Markup:
    """The chart as a figure: caption, picture, legend, note."""
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
    """What each line, colour and shade means; `data-of` counts lines and bars, as in the picture."""
    shown = [("".join(strokes(line, "M0 6h24", "M12 6h0" * any(dotted(line)))), line.label) for line in chart.lines]
    shown += [(_block(f"fill-{bars.style}"), bars.label) for bars in chart.bars]
    if len(shown) > 1 or chart.lines:  # of bars alone the axis says it
        for number, (key, label) in enumerate(shown):
            yield _entry(key, label, f' data-of="{number}"')
    for style, meaning in chart.rows.meanings if chart.rows else ():
        yield _entry(_block(f"fill-{style}"), meaning)
    if chart.shaded:
        yield _entry(_block("shade"), chart.shaded_label)


def _block(look: str) -> str:
    return f'<rect class="{look}" x="6" width="12" height="12" rx="2"/>'


def _entry(key: str, label: str, more: str = "") -> str:
    """The key is drawn as the picture is, so that it prints as that does."""
    picture = f'<svg class="key" viewBox="0 0 24 12" aria-hidden="true">{key}</svg>'
    return f"<li{more}>{picture}{written(label)}</li>"

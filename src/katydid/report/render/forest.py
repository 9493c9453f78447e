"""A forest plot: each metric's change with its interval, against none and against what is of no interest.

Inline SVG in the page's colours, like `svg.py`. Knows numbers and labels, but no comparison.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from katydid.model.formatting import MINUS, fraction
from katydid.report.model import Style
from katydid.report.render.axes import round_ticks
from katydid.report.render.labels import WIDE, shortened, text_width, written

WIDTH = 560
_LEFT, _RIGHT = 14, 14
_ROW, _FOOT = 38, 28
_GAP = 12
_FARTHEST = 1.0
"""A change beyond which the scale does not go; wider intervals run off the picture, and their text says so."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row; fractions.

    Attributes:
        label: the metric.
        text: change and interval in words.
        low, high: of the interval; None where there is none.
    """

    label: str
    text: str
    style: Style
    change: float
    low: float | None
    high: float | None


def draw_forest(changes: Sequence[Change], *, within: float, note: str) -> Markup:
    """The figure; `within` is the fraction that "no difference" means, shown as a band."""
    reach = _reach(changes, within)
    body = "".join(_parts(changes, reach, within))
    height = _ROW * len(changes) + _FOOT
    return Markup(  # noqa: S704 - made of numbers and escaped text only
        f'<figure class="forest"><figcaption>Changes and their 95 % intervals</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{written(note)}">{body}</svg>'
        f'<p class="note">{written(note)}</p></figure>'
    )


def _reach(changes: Sequence[Change], within: float) -> float:
    known = [value for c in changes for value in (c.change, c.low, c.high) if value is not None]
    ends = [abs(value) for value in known if math.isfinite(value)]
    return min(_FARTHEST, max([within * 1.25, *ends]) * 1.05)


def _parts(changes: Sequence[Change], reach: float, within: float) -> Iterator[str]:
    bottom = _ROW * len(changes)

    def x(change: float) -> float:
        share = (min(max(change, -reach), reach) + reach) / (2 * reach)
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    yield (
        f'<rect class="shade" x="{x(-within):.1f}" y="0" width="{x(within) - x(-within):.1f}" height="{bottom}"/>'
        f'<line class="axis" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="0" y2="{bottom}"/>'
    )
    for tick in _ticks(reach):
        yield f'<text class="tick" x="{x(tick):.1f}" y="{bottom + 18}" text-anchor="middle">{_percent(tick)}</text>'
    for row, change in enumerate(changes):
        y = row * _ROW + 27
        yield f'<text class="label" x="{_LEFT}" y="{y - 11}">{written(_beside(change.label, change.text))}</text>'
        right = WIDTH - _RIGHT
        yield f'<text class="label value" x="{right}" y="{y - 11}" text-anchor="end">{written(change.text)}</text>'
        if change.low is not None and change.high is not None:
            yield (
                f'<line class="reach {change.style}" x1="{x(change.low):.1f}" x2="{x(change.high):.1f}" '
                f'y1="{y}" y2="{y}"/>'
            )
        if math.isfinite(change.change):
            yield f'<circle class="fill-{change.style}" cx="{x(change.change):.1f}" cy="{y}" r="4.5"/>'
        told = written(change.label, change.text)
        yield f'<rect class="hover" width="{WIDTH}" y="{row * _ROW}" height="{_ROW}"><title>{told}</title></rect>'


def _beside(label: str, text: str) -> str:
    """So much of the label as has room left of the text, which small screens hide."""
    whole = WIDTH - _LEFT - _RIGHT
    return shortened(
        shortened(label, whole - _GAP - text_width(text, WIDE, bold=True), WIDE, bold=True), whole, bold=True
    )


def _ticks(reach: float) -> list[float]:
    ticks = [tick for tick in round_ticks(reach, 4) if tick <= reach]
    return [-tick for tick in ticks[:0:-1]] + ticks


def _percent(value: float) -> str:
    return f"{'+' if value > 0 else MINUS}{fraction(abs(value))}" if value else "0"

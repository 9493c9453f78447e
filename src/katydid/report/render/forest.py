"""Draws a forest plot: each metric's change with its interval, and a band of no difference.

Texts are HTML and positions are percentages, so that the plot fits any width. Knows no comparison.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from katydid.model.formatting import MINUS, fraction
from katydid.report.model import Style
from katydid.report.render.axes import round_ticks

_FARTHEST = 1.0
"""Largest change on the scale; wider intervals are cut, and their text has the values."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row; values are fractions.

    Attributes:
        label: the metric.
        text: change and interval as text.
        low, high: ends of the interval; None if there is none.
    """

    label: str
    text: str
    style: Style
    change: float
    low: float | None
    high: float | None


def draw_forest(changes: Sequence[Change], *, within: float, note: str) -> Markup:
    """The figure; `within` is the fraction that counts as no difference, shown as a band."""
    known = [value for c in changes for value in (c.change, c.low, c.high) if value is not None]
    ends = [abs(value) for value in known if math.isfinite(value)]
    reach = min(_FARTHEST, max([within * 1.25, *ends]) * 1.05)
    body = "".join(_row(change, reach, within) for change in changes)
    return Markup(  # noqa: S704 - made of numbers and escaped text only
        '<figure class="forest">'
        f"<figcaption>Changes and their 95 % intervals</figcaption>{body}{_scale(reach)}"
        f'<p class="note">{escape(note)}</p></figure>'
    )


def _x(change: float, reach: float) -> float:
    """The position of a change, in percent of the plot's width."""
    return 100.0 * (min(max(change, -reach), reach) + reach) / (2 * reach)


def _row(change: Change, reach: float, within: float) -> str:
    """A line of text, and the interval below it."""
    left, right = _x(-within, reach), _x(within, reach)
    marks = [
        f'<rect class="shade" x="{left:.2f}%" y="0" width="{right - left:.2f}%" height="22"/>',
        '<line class="axis" x1="50%" x2="50%" y1="0" y2="22"/>',
    ]
    if change.low is not None and change.high is not None:
        low, high = _x(change.low, reach), _x(change.high, reach)
        marks.append(f'<line class="reach {change.style}" x1="{low:.2f}%" x2="{high:.2f}%" y1="11" y2="11"/>')
    if math.isfinite(change.change):
        marks.append(f'<circle class="fill-{change.style}" cx="{_x(change.change, reach):.2f}%" cy="11" r="4.5"/>')
    return (
        f'<div class="change"><b>{escape(change.label)}</b> <span>{escape(change.text)}</span></div>'
        f'<div class="scale"><svg aria-hidden="true">{"".join(marks)}</svg></div>'
    )


def _scale(reach: float) -> str:
    right = [tick for tick in round_ticks(reach, 4) if tick <= reach]
    ticks = (
        f'<text class="tick" x="{_x(tick, reach):.2f}%" y="14" text-anchor="middle">{_percent(tick)}</text>'
        for tick in (*(-tick for tick in right[:0:-1]), *right)
    )
    return f'<div class="scale"><svg aria-hidden="true">{"".join(ticks)}</svg></div>'


def _percent(value: float) -> str:
    return f"{'+' if value > 0 else MINUS}{fraction(abs(value))}" if value else "0"

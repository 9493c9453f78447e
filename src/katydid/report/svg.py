"""Charts as inline SVG, in the page's own colours: no script, no fonts, readable when printed.

A chart is text for `autoescape` to trust, so everything that is put into it here is a number or is escaped.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 44, 12, 28
_PLOT_WIDTH, _PLOT_HEIGHT = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM


@dataclass(frozen=True, slots=True)
class Line:
    """One curve. `style` is a class of the style sheet: `main`, `second`, `quiet`, `bad`.

    Attributes:
        points: (x, y); a y of NaN breaks the line.
        right: drawn on the right axis.
    """

    label: str
    style: str
    points: Sequence[tuple[float, float]]
    right: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """Columns from the bottom on the right axis, such as failures."""

    label: str
    style: str
    points: Sequence[tuple[float, float]]
    width: float


def ticks(high: float, most: int = 5) -> list[float]:
    """Round numbers from 0 to at least `high`."""
    if high <= 0 or not math.isfinite(high):
        return [0.0, 1.0]
    rough = high / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    return [i * step for i in range(math.ceil(high / step - 1e-9) + 1)]


def time_chart(
    title: str, lines: Sequence[Line], *, unit: str, right_unit: str = "", bars: Sequence[Bars] = ()
) -> Markup:
    """Curves over seconds, with a second axis where something needs it."""
    finite = [(x, y) for line in lines for x, y in line.points if math.isfinite(y)]
    if not finite:
        return Markup("")
    x_high = max(x for x, _ in finite)
    x_ticks = ticks(x_high, 7)
    left = ticks(max((y for line in lines if not line.right for _, y in line.points if math.isfinite(y)), default=0))
    on_right = [y for line in lines if line.right for _, y in line.points if math.isfinite(y)]
    on_right += [y for b in bars for _, y in b.points]
    right = ticks(max(on_right, default=0.0))
    x_scale = _PLOT_WIDTH / x_ticks[-1]
    parts = [_axes(x_ticks, left, right if any(on_right) else [], unit, right_unit)]
    for bar in bars:
        parts += _bars(bar, x_scale, _PLOT_HEIGHT / right[-1])
    for line in lines:
        parts.append(_path(line, x_scale, _PLOT_HEIGHT / (right if line.right else left)[-1]))
    legend = [(line.style, line.label) for line in lines] + [(bar.style, bar.label) for bar in bars if bar.points]
    return _figure(title, parts, legend)


def histogram_chart(title: str, edges: Sequence[float], counts: Sequence[int], marks: Sequence[Line]) -> Markup:
    """Bars of counts over milliseconds; `marks` are vertical lines at their first point's x."""
    low, high = edges[0], edges[-1]
    by_ratio = low > 0 and high / low > 10
    top = ticks(max(counts))

    def x(value: float) -> float:
        share = math.log(value / low) / math.log(high / low) if by_ratio else (value - low) / (high - low)
        return _LEFT + share * _PLOT_WIDTH

    parts = [_axes([], top, [], "requests", "")]
    for start, end, count in zip(edges, edges[1:], counts, strict=False):
        tall = count / top[-1] * _PLOT_HEIGHT
        if count:
            parts.append(
                f'<rect class="fill-main" x="{x(start):.1f}" y="{_TOP + _PLOT_HEIGHT - tall:.1f}" '
                f'width="{max(1.0, x(end) - x(start) - 1):.1f}" height="{tall:.1f}"/>'
            )
    labels = [low * (high / low) ** (i / 4) if by_ratio else low + (high - low) * i / 4 for i in range(5)]
    parts += [_text(x(v), HEIGHT - 8, _short(v), "middle") for v in labels]
    parts += [
        f'<line class="line {escape(m.style)}" x1="{x(m.points[0][0]):.1f}" x2="{x(m.points[0][0]):.1f}" '
        f'y1="{_TOP}" y2="{_TOP + _PLOT_HEIGHT}"/>'
        for m in marks
        if low <= m.points[0][0] <= high
    ]
    return _figure(title, parts, [(m.style, m.label) for m in marks])


def _path(line: Line, x_scale: float, y_scale: float) -> str:
    path, pen = [], "M"
    for x, y in line.points:
        if not math.isfinite(y):
            pen = "M"
            continue
        path.append(f"{pen}{_LEFT + x * x_scale:.1f} {_TOP + _PLOT_HEIGHT - y * y_scale:.1f}")
        pen = "L"
    return f'<path class="line {escape(line.style)}" d="{" ".join(path)}"/>'


def _bars(bars: Bars, x_scale: float, y_scale: float) -> list[str]:
    wide = max(1.0, bars.width * x_scale - 1)
    return [
        f'<rect class="fill-{escape(bars.style)}" x="{_LEFT + x * x_scale - wide / 2:.1f}" '
        f'y="{_TOP + _PLOT_HEIGHT - y * y_scale:.1f}" width="{wide:.1f}" height="{y * y_scale:.1f}"/>'
        for x, y in bars.points
        if y > 0
    ]


def _axes(xs: Sequence[float], left: Sequence[float], right: Sequence[float], unit: str, right_unit: str) -> str:
    bottom = _TOP + _PLOT_HEIGHT
    parts = []
    for value in left:
        y = bottom - value / left[-1] * _PLOT_HEIGHT
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_LEFT + _PLOT_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(_text(_LEFT - 6, y + 4, _short(value), "end"))
    for value in right:
        y = bottom - value / right[-1] * _PLOT_HEIGHT
        parts.append(_text(_LEFT + _PLOT_WIDTH + 6, y + 4, _short(value), "start"))
    for value in xs:
        x = _LEFT + value / xs[-1] * _PLOT_WIDTH
        parts.append(_text(x, HEIGHT - 8, f"{_short(value)} s" if value == xs[-1] else _short(value), "middle"))
    parts.append(_text(4, _TOP + 2, unit, "start", "unit"))
    if right:
        parts.append(_text(WIDTH - 2, _TOP + 2, right_unit, "end", "unit"))
    return "".join(parts)


def _text(x: float, y: float, text: str, anchor: str, kind: str = "tick") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _short(value: float) -> str:
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _figure(title: str, parts: Sequence[str], legend: Sequence[tuple[str, str]]) -> Markup:
    key = "".join(f'<li><i class="key {escape(style)}"></i>{escape(label)}</li>' for style, label in legend)
    return Markup(  # noqa: S704 - made of numbers and escaped text only, see the module's docstring
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg><ul class="legend">{key}</ul></figure>'
    )

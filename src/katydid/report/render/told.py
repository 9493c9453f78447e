"""What a pointer is told that rests on a part of a chart, in words; `charts.js` and a browser's own hint show it."""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

from katydid.report.model import Bars, Chart, Line, Scale
from katydid.report.render.axes import Axis, clock, plain


def columns(
    chart: Chart, across: Axis, left: Axis, right: Axis | None
) -> Iterator[tuple[tuple[float, float], list[str]]]:
    """The ends of each part, in x, and its lines: where it is, then every value there."""
    told = [_of_line(line, right if line.right and right else left) for line in chart.lines]
    told += [_of_bars(bars, left) for bars in chart.bars]
    for x, head, (start, end) in _parts(chart, across):
        marks = [mark.label for mark in chart.marks if start <= mark.x < end]
        yield (start, end), [head, *(line for say in told for line in say(x)), *marks]


def _parts(chart: Chart, across: Axis) -> Iterator[tuple[float, str, tuple[float, float]]]:
    """The x, its words, and the ends of each part that has values of its own."""
    if not chart.lines:
        say = clock if chart.scale is Scale.TIME else across.say
        for bars in chart.bars[:1]:
            for low, high in pairwise(bars.edges):
                yield (low + high) / 2, f"{say(low)} to {say(high)}", (low, high)
        return
    xs = sorted({x for x, _ in max(chart.lines, key=lambda line: (line.dots, len(line.points))).points})
    ends = [-math.inf, *((a + b) / 2 for a, b in pairwise(xs)), math.inf]
    for x, part in zip(xs, pairwise(ends), strict=False):
        yield x, across.say(x), part


def _told(label: str, value: str) -> str:
    """`users: 40`, not `users: 40 users`."""
    return f"{label}: {value.removesuffix(f' {label}')}"


def _of_line(line: Line, axis: Axis) -> Callable[[float], list[str]]:
    """The values of the line whose points lie nearest to an x, as far as each point reaches."""
    xs = sorted({x for x, _ in line.points})
    reach = min((b - a for a, b in pairwise(xs)), default=math.inf) / 2 + 1e-9
    known = [(x, y) for x, y in line.points if math.isfinite(y)]

    def say(x: float) -> list[str]:
        near = [(abs(at - x), y) for at, y in known if abs(at - x) <= reach]
        least = min(near, default=(0.0, 0.0))[0]
        return [_told(line.label, axis.say(y)) for distance, y in near if distance <= least + 1e-9]

    return say


def _of_bars(bars: Bars, axis: Axis) -> Callable[[float], list[str]]:
    def say(x: float) -> list[str]:
        for (low, high), height in zip(pairwise(bars.edges), bars.heights, strict=False):
            if low <= x < high and height:
                return [_told(bars.label, f"{plain(height)} {bars.unit}".rstrip() if bars.lane else axis.say(height))]
        return []

    return say

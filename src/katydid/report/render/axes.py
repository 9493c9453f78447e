"""Axes of charts: map values to positions, and choose round tick values."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from katydid.model.formatting import milliseconds, number
from katydid.report.model import Chart, Scale

_TIME_STEPS = (
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400,
)  # fmt: skip
_TAIL_TICKS = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.0, 0.95, 0.75)


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis.

    Attributes:
        place: maps a value to its position, as a share of the axis's length.
        ticks: (value, label), the most important first in case not all fit.
        title: the title below or above the axis.
        say: formats a value.
    """

    place: Callable[[float], float]
    ticks: list[tuple[float, str]]
    title: str = ""
    say: Callable[[float], str] = number


def vertical(high: float, unit: str) -> Axis:
    """A vertical axis from 0 to a round number at or above `high`; large values in ms are shown in seconds."""
    if unit == "ms" and high >= 10_000:
        axis = vertical(high / 1000.0, "s")
        ticks = [(y * 1000.0, text) for y, text in axis.ticks]
        return Axis(lambda y: axis.place(y / 1000.0), ticks, "s", milliseconds)
    marks = round_ticks(high)
    return Axis(lambda y: y / marks[-1], [(y, plain(y)) for y in marks], unit, _with(unit))


def horizontal(chart: Chart) -> Axis:
    """The chart's horizontal axis, from the smallest to the largest x."""
    low, high = chart.x_range
    scale, unit = chart.scale, chart.x_unit
    if scale is Scale.TIME:
        return _time(high)
    if scale is Scale.TAIL:
        return _tail(high, unit)
    if scale is Scale.NAMES:
        return _names(chart.x_names, unit)
    if scale is Scale.LOG and 0.0 < low < high:
        span = math.log(high / low)
        title = f"{unit}, logarithmic scale".lstrip(", ")
        return Axis(lambda x: math.log(x / low) / span, _log_ticks(low, high), title, _with(unit))
    width = (high - low) or 1.0
    step = _nice(width / 5)
    first = math.ceil(low / step - 1e-9)
    values = [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]
    digits = next(d for d in itertools.count() if math.isclose(round(step, d), step))
    ticks = _halved([(x, f"{x:,.{digits}f}") for x in values])
    return Axis(lambda x: (x - low) / width, ticks, unit, _with(unit))


def _with(unit: str) -> Callable[[float], str]:
    return milliseconds if unit == "ms" else lambda x: f"{number(x)} {unit}".rstrip()


def _time(high: float) -> Axis:
    high = high or 1.0
    step = next((s for s in _TIME_STEPS if high / s <= 8), 86400)
    ticks = [float(i * step) for i in range(int(high // step) + 1)]
    return Axis(lambda x: x / high, _halved([(x, clock(x)) for x in ticks]), "", clock)


def _tail(high: float, unit: str) -> Axis:
    top = _nines(high) or 1.0
    ticks = [*(q for q in _TAIL_TICKS if q <= high), high]
    title = f"{unit or 'percentile'}, logarithmic towards 100 %"
    return Axis(lambda q: _nines(q) / top, [(q, _share(q)) for q in dict.fromkeys(ticks)], title, _share)


def _nines(q: float) -> float:
    return -math.log10(max(1.0 - q, 1e-9))


def _share(q: float) -> str:
    return f"{100 * q:.6g} %"


def _names(names: Sequence[str], unit: str) -> Axis:
    """An axis of names, with half a step of space at both ends."""
    places = [(float(i), name) for i, name in enumerate(names, 1)]
    ticks = [*places[-1:], *_halved(places[:-1])]
    known = dict(places)
    return Axis(lambda x: (x - 0.5) / max(1, len(names)), ticks, unit, lambda x: known.get(x, ""))


def _halved(ticks: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Put every other tick first, so that the ticks that fit are evenly spaced."""
    return ticks[::2] + ticks[1::2]


def _log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Ticks at 1, 2 and 5 of each decade, or only at 1 over a large range."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 5, 2) if high / low < 1000 else (1,)
    values = [m * 10.0**d for m in steps for d in decades]
    return [(v, plain(v)) for v in values if low <= v <= high]


def round_ticks(high: float, most: int = 5) -> list[float]:
    """Round numbers from 0 to at least `high`."""
    if high <= 0 or not math.isfinite(high):
        return [0.0, 1.0]
    step = _nice(high / (most - 1))
    return [i * step for i in range(math.ceil(high / step - 1e-9) + 1)]


def _nice(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)


def plain(value: float) -> str:
    """The label of a tick: `0.25`, `1,000`, `12k`, `3M`."""
    if abs(value) >= 1_000_000:
        return f"{value / 1_000_000:g}M"
    return f"{value / 1000:g}k" if abs(value) >= 10_000 else f"{value:,.4g}"


def clock(seconds: float) -> str:
    """`35 s`, `2:05`, `1:02:05`."""
    if seconds < 60:
        return f"{seconds:g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

"""Scales and ticks: from values to places on a picture, and the round numbers written beside it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from katydid.report.model import Scale

_TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_TAIL_TICKS = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)


@dataclass(frozen=True, slots=True)
class Axis:
    """Where values lie, as a share of the axis's length, and its ticks (value, label)."""

    place: Callable[[float], float]
    ticks: list[tuple[float, str]]
    unit: str = ""


def vertical(high: float, unit: str) -> Axis:
    """From 0 to the first round number at or above `high`; long milliseconds become seconds."""
    if unit == "ms" and high >= 10_000:
        axis = vertical(high / 1000.0, "s")
        return Axis(lambda y: axis.place(y / 1000.0), [(y * 1000.0, text) for y, text in axis.ticks], "s")
    ticks = round_ticks(high)
    return Axis(lambda y: y / ticks[-1], [(y, plain(y)) for y in ticks], unit)


def horizontal(low: float, high: float, scale: Scale, unit: str = "") -> Axis:
    """An axis of the given kind over what there is, not beyond it."""
    if scale is Scale.TIME:
        return _time(high)
    if scale is Scale.TAIL:
        top = _tail(high)
        ticks = [q for q in _TAIL_TICKS if q <= high]
        return Axis(lambda q: _tail(q) / top, [(q, f"{100 * q:.6g} %") for q in ticks], unit)
    if scale is Scale.LOG:
        span = math.log(high / low)
        return Axis(lambda x: math.log(x / low) / span, _log_ticks(low, high), unit)
    width = (high - low) or 1.0
    step = _nice(width / 5)
    first = math.ceil(low / step - 1e-9)
    values = [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return Axis(lambda x: (x - low) / width, [(x, f"{x:,.{digits}f}") for x in values], unit)


def _time(high: float) -> Axis:
    high = high or 1.0
    step = next((s for s in _TIME_STEPS if high / s <= 8), 86400)
    ticks = [float(i * step) for i in range(int(high // step) + 1)]
    return Axis(lambda x: x / high, [(x, clock(x)) for x in ticks], "")


def _tail(q: float) -> float:
    return -math.log10(max(1.0 - q, 1e-9))


def _log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """1, 2, 5 of each decade; only the 1s where that would be crowded."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 1000 else (1,)
    values = [m * 10.0**d for d in decades for m in steps]
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
    """A tick's number."""
    if abs(value) >= 1_000_000:
        return f"{value / 1_000_000:g}M"
    return f"{value / 1000:g}k" if abs(value) >= 10_000 else f"{value:.4g}"


def clock(seconds: float) -> str:
    """`35 s`, `2:05`, `1:02:05`."""
    if seconds < 60:
        return f"{seconds:g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

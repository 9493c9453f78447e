"""The pictures of a comparison: both versions over each other, in time and by percentile."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from katydid.analysis.derived import quantile
from katydid.analysis.series import percentile_curve
from katydid.model.formatting import plural
from katydid.model.metrics import DISTRIBUTIONS
from katydid.report.model import Chart, Line, Scale, Style

_SHOWN = ("ttft", "duration")
_BINS = 40
_FEWEST = 5
"""Requests that a point in time needs."""


def comparison_charts(names: tuple[str, str], base: Sequence[pd.DataFrame], new: Sequence[pd.DataFrame]) -> list[Chart]:
    """Percentile curves and courses of both sides' runs, each side's together.

    Args:
        names: of the sides.
        base: samples with derived columns, a frame a run.
        new: the same of the other side.
    """
    sides = [pd.concat([_successes(frame) for frame in side]) for side in (base, new) if side]
    if len(sides) != len(names) or any(side.empty for side in sides):
        return []
    return [*_tails(names, sides), *_courses(names, sides)]


def _successes(frame: pd.DataFrame) -> pd.DataFrame:
    columns = ["scheduled_ms", *(d.column for d in DISTRIBUTIONS if d.name in _SHOWN)]
    return frame.loc[frame["counted"] & (frame["outcome"] == "ok"), columns]


def _tails(names: tuple[str, str], sides: Sequence[pd.DataFrame]) -> Iterator[Chart]:
    for d in DISTRIBUTIONS:
        if d.name not in _SHOWN or any(side[d.column].notna().sum() < _FEWEST for side in sides):
            continue
        lines = [
            Line(name, style, percentile_curve(side[d.column].dropna().to_numpy(dtype=np.float64)))
            for name, style, side in zip(names, (Style.QUIET, Style.MAIN), sides, strict=True)
        ]
        counted = " and ".join(plural(int(side[d.column].notna().sum()), "request") for side in sides)
        yield Chart(
            key=f"{d.name}-tails",
            title=f"{d.label}: percentiles",
            note=f"{counted}, all runs of a side together.",
            unit="ms",
            scale=Scale.TAIL,
            lines=lines,
        )


def _courses(names: tuple[str, str], sides: Sequence[pd.DataFrame]) -> Iterator[Chart]:
    seconds = max(float(side["scheduled_ms"].max()) for side in sides) / 1000.0
    width = max(1.0, float(np.ceil(seconds / _BINS)))
    for d in DISTRIBUTIONS:
        if d.name not in _SHOWN or any(side[d.column].notna().sum() < _FEWEST for side in sides):
            continue
        lines = [
            Line(f"{name} {label}", style, _course(side, d.column, width, seconds, q))
            for name, side, styles in zip(
                names, sides, ((Style.QUIET, Style.THIRD), (Style.MAIN, Style.SECOND)), strict=True
            )
            for label, q, style in (("p50", 0.5, styles[0]), ("p95", 0.95, styles[1]))
        ]
        yield Chart(
            key=f"{d.name}-courses",
            title=f"{d.label} over the runs' time",
            note=f"By when requests were due, {plural(int(width), 'second')} a point, all runs of a side together.",
            unit="ms",
            lines=lines,
        )


def _course(side: pd.DataFrame, column: str, width: float, seconds: float, q: float) -> list[tuple[float, float]]:
    known = side[side[column].notna()]
    at = (known["scheduled_ms"].to_numpy() / 1000.0 // width).astype(np.int64)
    values = known[column].to_numpy(dtype=np.float64)
    points = []
    for number in range(int(seconds // width) + 1):
        inside = values[at == number]
        points.append(((number + 0.5) * width, quantile(inside, q) if len(inside) >= _FEWEST else float("nan")))
    return points

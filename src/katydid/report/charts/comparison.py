"""The charts of a comparison: both versions' times, by percentile and over time."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from katydid.analysis.series import percentile_curve
from katydid.model.formatting import plural
from katydid.model.metrics import DISTRIBUTIONS
from katydid.report.charts.run import percentile_lines, steps_for, steps_text
from katydid.report.model import Chart, Line, Scale, Style

_SHOWN = ("ttft", "duration")
_FEWEST_REQUESTS = 5
"""Fewest requests per side for a curve."""
_COLOURS = (Style.THIRD, Style.MAIN)
"""Colours of base and new version in every chart."""


def comparison_charts(names: tuple[str, str], base: Sequence[pd.DataFrame], new: Sequence[pd.DataFrame]) -> list[Chart]:
    """Percentile curves, and percentiles over time, over all runs of each side.

    Args:
        names: names of the sides.
        base: samples with derived columns, one frame per run.
        new: the same for the new version.
    """
    sides = [pd.concat([_successes(frame) for frame in side]) for side in (base, new) if side]
    if len(sides) != len(names) or any(side.empty for side in sides):
        return []
    return [*_tails(names, sides), *_over_time(names, sides)]


def _successes(frame: pd.DataFrame) -> pd.DataFrame:
    columns = ["scheduled_ms", *(d.column for d in DISTRIBUTIONS if d.name in _SHOWN)]
    return frame.loc[frame["counted"] & (frame["outcome"] == "ok"), columns]


def _tails(names: tuple[str, str], sides: Sequence[pd.DataFrame]) -> Iterator[Chart]:
    for d in DISTRIBUTIONS:
        if d.name not in _SHOWN or any(side[d.column].notna().sum() < _FEWEST_REQUESTS for side in sides):
            continue
        lines = [
            Line(name, style, percentile_curve(side[d.column].dropna().to_numpy(dtype=np.float64)))
            for name, style, side in zip(names, _COLOURS, sides, strict=True)
        ]
        counted = " and ".join(plural(int(side[d.column].notna().sum()), "request") for side in sides)
        yield Chart(
            key=f"{d.name}-tails",
            title=f"{d.label}: percentiles",
            note=f"{counted}, over all runs of each side.",
            unit="ms",
            scale=Scale.TAIL,
            lines=lines,
        )


def _over_time(names: tuple[str, str], sides: Sequence[pd.DataFrame]) -> Iterator[Chart]:
    for d in DISTRIBUTIONS:
        if d.name not in _SHOWN:
            continue
        known = [side[side[d.column].notna()] for side in sides]
        moments = [side["scheduled_ms"].to_numpy(dtype=np.float64).clip(min=0.0) / 1000.0 for side in known]
        if steps := steps_for(moments):
            yield Chart(
                key=f"{d.name}-courses",
                title=f"{d.label} over time",
                note=f"By due time after the warm-up, over all runs of each side: {steps_text(steps)}.",
                unit="ms",
                lines=[
                    line
                    for name, style, at, side in zip(names, _COLOURS, moments, known, strict=True)
                    for line in percentile_lines(at, side[d.column].to_numpy(dtype=np.float64), steps, style, name)
                ],
            )

"""Percentiles over time, each in steps of its own: a high one needs more requests a point than the median."""

from collections.abc import Mapping, Sequence

import numpy as np

from katydid.analysis.series import quantile_course, quantile_width
from katydid.model.formatting import plural
from katydid.model.metrics import fewest_for
from katydid.report.model import Line, Style

FOLLOWED = {"p50": 0.5, "p95": 0.95}

Steps = Mapping[str, int]
"""Seconds a point of each percentile that is shown."""


def steps_for(moments: Sequence[np.ndarray]) -> Steps:
    """Such that they suit each of several courses; a percentile that one has too few requests for is left out.

    Args:
        moments: of the requests of each course, in seconds, not below 0.
    """
    fewest = min(map(len, moments))
    return {
        label: max(quantile_width(seconds, q) for seconds in moments)
        for label, q in FOLLOWED.items()
        if fewest >= fewest_for(q)
    }


def steps_text(steps: Steps) -> str:
    """`p50 every second, p95 every 5 seconds, where there are enough requests`."""
    told = ", ".join(f"{label} every {_seconds(width)}" for label, width in steps.items())
    return f"{told}, where there are enough requests"


def _seconds(width: int) -> str:
    return "second" if width == 1 else plural(width, "second")


def course_lines(seconds: np.ndarray, values: np.ndarray, steps: Steps, style: Style, name: str = "") -> list[Line]:
    """A line a percentile, a high one dashed.

    Args:
        seconds: when each request was, not below 0.
        values: of each, in milliseconds.
        steps: as `steps_for` found them.
        style: the colour of what this is a course of.
        name: its name, where there are several.
    """
    return [
        Line(
            f"{name} {label}".lstrip(),
            style,
            quantile_course(seconds, values, FOLLOWED[label], width),
            dashed=label != "p50",
        )
        for label, width in steps.items()
    ]

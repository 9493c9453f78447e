"""Which pictures a run's report has: its course over time, and its distributions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from katydid.analysis.derived import quantile
from katydid.analysis.series import histogram, over_time, percentile_curve, quantile_course, quantile_width
from katydid.model.documents.manifest import Manifest
from katydid.model.formatting import milliseconds, plural
from katydid.model.metrics import DISTRIBUTIONS, fewest_for
from katydid.report.model import Bars, Chart, Line, Mark, Points, Scale, Style

FOLLOWED = {"p50": 0.5, "p95": 0.95}

_TITLES = {"ttft": "Time to first token over time", "duration": "Service time over time"}
_SPREAD_OF = ("ttft", "duration", "gap", "final_latency")
_COURSE = 2
"""Bins of time from which on a run has a course."""
_FEWEST = 10
"""Requests below which a distribution is but a handful of dots."""


def run_charts(frame: pd.DataFrame, monitor: pd.DataFrame, manifest: Manifest) -> list[Chart]:
    """All pictures that the run has data for; `frame` with derived columns."""
    table = over_time(frame, monitor, manifest)
    counted = frame[frame["counted"] & (frame["outcome"] == "ok")]
    charts = [*_tail(counted), *_distributions(counted)]
    if len(table) < _COURSE:
        return charts
    course = _Course(table, manifest)
    return [*_times(frame[frame["outcome"] == "ok"], course), *_load(course), *charts]


class _Course:
    """Turns columns of the course into lines and bars."""

    def __init__(self, course: pd.DataFrame, manifest: Manifest) -> None:
        self.table, self.manifest = course, manifest
        self.width = float(course["width"].iloc[0])

    def has(self, column: str) -> bool:
        return bool(self.table[column].notna().any())

    def line(self, column: str, label: str, style: Style) -> Line:
        return Line(label, style, list(zip(self.table["seconds"].tolist(), self.table[column].tolist(), strict=True)))

    @property
    def users(self) -> list[Line]:
        """Those of a run whose users make the load; a pool's size says nothing of it."""
        return [self.line("users", "users", Style.QUIET)] if self.has("users") and not self.manifest.is_open else []

    @property
    def failures(self) -> list[Bars]:
        """Red, and only where there are any."""
        heights = self.table["failed"].tolist()
        if not any(heights):
            return []
        edges = [i * self.width for i in range(len(heights) + 1)]
        return [Bars("failed", Style.BAD, edges, heights, lane=True, unit="/s")]

    @property
    def warm_up(self) -> tuple[float, float] | None:
        """From and to, in seconds."""
        return (0.0, float(self.manifest.warm_up_s)) if self.manifest.warm_up_s else None


def _times(ok: pd.DataFrame, course: _Course) -> Iterator[Chart]:
    """Percentiles of the successful requests over time."""
    start = ok["start_ms"].fillna(ok["scheduled_ms"]).to_numpy(dtype=np.float64).clip(min=0.0) / 1000.0
    for name, title in _TITLES.items():
        known = ok[f"{name}_ms"].notna().to_numpy()
        moments, values = start[known], ok[f"{name}_ms"].to_numpy(dtype=np.float64)[known]
        if steps := steps_for([moments]):
            yield Chart(
                key=f"{name}-course",
                title=title,
                note=f"Successful requests by their start: {steps_text(steps)}.",
                unit="ms",
                right_unit="users",
                lines=[
                    *(replace(line, right=True) for line in course.users),
                    *course_lines(moments, values, steps, Style.MAIN),
                ],
                bars=course.failures,
                shaded=course.warm_up,
            )


def _load(course: _Course) -> Iterator[Chart]:
    offered = [course.line("offered", "offered", Style.QUIET)] if course.has("offered") else []
    yield Chart(
        key="load",
        title="Offered, started, completed",
        note=f"Requests a second, {plural(int(course.width), 'second')} a point; completed and failed by their end.",
        unit="/s",
        lines=[
            *offered,
            course.line("started", "started", Style.THIRD),
            course.line("ok", "completed", Style.MAIN),
            *([course.line("abandoned", "abandoned", Style.SECOND)] if course.table["abandoned"].any() else []),
        ],
        bars=course.failures,
        shaded=course.warm_up,
    )
    yield Chart(
        key="concurrency",
        title="Requests in flight",
        note="Mean number of requests under way; it cannot exceed the number of users.",
        unit="",
        lines=[
            *course.users,
            course.line("in_flight", "in flight", Style.MAIN),
        ],
        bars=course.failures,
        shaded=course.warm_up,
    )


_TAIL = (("response", Style.THIRD), ("duration", Style.MAIN), ("ttft", Style.SECOND))
_SAME = 0.01
"""Of the picture's height: curves that differ less lie on each other."""


def _tail(counted: pd.DataFrame) -> Iterator[Chart]:
    """Percentile curves: where response time leaves service time, requests started late."""
    labels = {d.name: d.label for d in DISTRIBUTIONS}
    values = {name: _values(counted, f"{name}_ms") for name, _ in _TAIL}
    curves = {name: percentile_curve(found) for name, found in values.items() if len(found) >= _FEWEST}
    late = "Where response time leaves service time, requests started late."
    if _alike(curves.get("response", ()), curves.get("duration", ())):
        del curves["response"]
        late = "Response time is service time: hardly any request started late."
    if curves:
        yield Chart(
            key="tail",
            title="Percentiles",
            note=f"Up to the highest percentile that so many requests can back. {late}",
            unit="ms",
            scale=Scale.TAIL,
            lines=[Line(labels[name], style, curves[name]) for name, style in _TAIL if name in curves],
        )


def _alike(one: Points, other: Points) -> bool:
    """They would lie on each other."""
    near = _SAME * max((y for _, y in one), default=0.0)
    return (
        bool(one)
        and len(one) == len(other)
        and all(abs(y - z) <= near for (_, y), (_, z) in zip(one, other, strict=True))
    )


def _distributions(counted: pd.DataFrame) -> Iterator[Chart]:
    for distribution in DISTRIBUTIONS:
        if distribution.name not in _SPREAD_OF or distribution.column not in counted:
            continue
        values = _values(counted, distribution.column)
        if len(values) < _FEWEST:
            continue
        edges, counts = histogram(values)
        by_ratio = edges[0] > 0 and edges[-1] / edges[0] > 10
        yield Chart(
            key=f"{distribution.name}-spread",
            title=f"{distribution.label}: distribution",
            note=f"{plural(len(values), 'successful request')}.",
            unit="requests",
            scale=Scale.LOG if by_ratio else Scale.LINEAR,
            x_unit="ms",
            bars=[Bars("requests", Style.MAIN, edges.tolist(), counts.tolist())],
            marks=[
                Mark(f"{label} {milliseconds(quantile(values, q))}", Style.QUIET, quantile(values, q), dashed=q > 0.5)
                for label, q in FOLLOWED.items()
                if len(values) >= fewest_for(q)
            ],
        )


def _values(frame: pd.DataFrame, column: str) -> np.ndarray:
    values: np.ndarray = frame[column].dropna().to_numpy(dtype=np.float64)
    return values


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

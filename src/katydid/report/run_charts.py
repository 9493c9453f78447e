"""Which pictures a run's report has: its course over time, and its distributions."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from katydid.analysis.derived import quantile
from katydid.analysis.series import histogram, over_time, percentile_curve
from katydid.model.documents.manifest import Manifest
from katydid.model.formatting import milliseconds, number, plural
from katydid.model.metrics import DISTRIBUTIONS, fewest_for
from katydid.report.model import Bars, Chart, Line, Mark, Scale, Style

_TITLES = {"ttft": "Time to first token over time", "duration": "Service time over time"}
_SPREAD_OF = ("ttft", "duration", "gap", "final_latency")
_FEWEST = 10
"""Requests below which a distribution is but a handful of dots."""


def run_charts(frame: pd.DataFrame, monitor: pd.DataFrame, manifest: Manifest) -> list[Chart]:
    """All pictures that the run has data for; `frame` with derived columns."""
    course = over_time(frame, monitor, manifest)
    counted = frame[frame["counted"] & (frame["outcome"] == "ok")]
    return [*_course(course, manifest), *_tail(counted), *_distributions(counted)]


class _Course:
    """Turns columns of the course into lines and bars."""

    def __init__(self, course: pd.DataFrame) -> None:
        self.table = course
        self.width = float(course["width"].iloc[0])

    def has(self, column: str) -> bool:
        return bool(self.table[column].notna().any())

    def line(self, column: str, label: str, style: Style, *, right: bool = False) -> Line:
        points = list(zip(self.table["seconds"].tolist(), self.table[column].tolist(), strict=True))
        return Line(label, style, points, right)

    def failures(self, *, lane: bool) -> list[Bars]:
        """Red, and only where there are any."""
        heights = self.table["failed"].tolist()
        if not any(heights):
            return []
        edges = [i * self.width for i in range(len(heights) + 1)]
        label = f"failures, up to {number(max(heights))} /s" if lane else "failed"
        return [Bars(label, Style.BAD, edges, heights, lane)]


def _course(table: pd.DataFrame, manifest: Manifest) -> Iterator[Chart]:
    if table.empty:
        return
    course = _Course(table)
    per_bin = f"Successful requests by their start, {plural(int(course.width), 'second')} a point."
    told = course.has("users") and not manifest.is_open  # a pool's size says nothing of the load
    users = [course.line("users", "users", Style.QUIET, right=True)] if told else []
    warm_up = float(manifest.warm_up_s or 0.0)
    shaded = (0.0, warm_up) if warm_up else None
    for name, title in _TITLES.items():
        if course.has(f"{name}_p50"):
            yield Chart(
                key=f"{name}-course",
                title=title,
                note=per_bin,
                unit="ms",
                right_unit="users",
                lines=[
                    *users,
                    course.line(f"{name}_p50", "p50", Style.MAIN),
                    course.line(f"{name}_p95", "p95", Style.SECOND),
                ],
                bars=course.failures(lane=True),
                shaded=shaded,
            )
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
            *([course.line("abandoned", "abandoned", Style.SECOND)] if table["abandoned"].any() else []),
        ],
        bars=course.failures(lane=False),
        shaded=shaded,
    )
    yield Chart(
        key="concurrency",
        title="Requests in flight",
        note="Mean number of requests under way; it cannot exceed the number of users.",
        unit="",
        lines=[
            *([course.line("users", "users", Style.QUIET)] if users else []),
            course.line("in_flight", "in flight", Style.MAIN),
        ],
        bars=course.failures(lane=True),
        shaded=shaded,
    )


_TAIL = (("response", Style.THIRD), ("duration", Style.MAIN), ("ttft", Style.SECOND))


def _tail(counted: pd.DataFrame) -> Iterator[Chart]:
    """Percentile curves: where response time leaves service time, requests started late."""
    rows = {d.name: d for d in DISTRIBUTIONS}
    lines = [
        Line(rows[name].label, style, percentile_curve(_values(counted, rows[name].column)))
        for name, style in _TAIL
        if counted[rows[name].column].notna().sum() >= _FEWEST
    ]
    if lines:
        yield Chart(
            key="tail",
            title="Percentiles",
            note="Up to the highest percentile that so many requests can back. Where response time leaves service "
            "time, requests started late.",
            unit="ms",
            scale=Scale.TAIL,
            lines=lines,
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
            note=f"{plural(len(values), 'successful request')}" + (", logarithmic scale." if by_ratio else "."),
            unit="requests",
            scale=Scale.LOG if by_ratio else Scale.LINEAR,
            x_unit="ms",
            bars=[Bars("requests", Style.MAIN, edges.tolist(), counts.tolist())],
            marks=[
                Mark(f"{name} {milliseconds(quantile(values, q))}", style, quantile(values, q))
                for name, q, style in (("p50", 0.5, Style.THIRD), ("p95", 0.95, Style.SECOND))
                if len(values) >= fewest_for(q)
            ],
        )


def _values(frame: pd.DataFrame, column: str) -> np.ndarray:
    values: np.ndarray = frame[column].dropna().to_numpy(dtype=np.float64)
    return values

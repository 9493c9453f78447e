"""The charts of a run's report: over time, and distributions. Percentiles over time serve a comparison too."""

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

PERCENTILES_SHOWN = {"p50": 0.5, "p95": 0.95}

_TITLES = {"ttft": "Time to first token over time", "duration": "Service time over time"}
_SPREAD_OF = ("ttft", "duration", "gap", "final_latency")
_FEWEST_BINS = 2
"""Fewest time bins for charts over time."""
_FEWEST_REQUESTS = 10
"""Fewest requests for a distribution."""


def run_charts(frame: pd.DataFrame, monitor: pd.DataFrame, manifest: Manifest) -> list[Chart]:
    """All charts that the run has data for; `frame` has derived columns."""
    table = over_time(frame, monitor, manifest)
    counted = frame[frame["counted"] & (frame["outcome"] == "ok")]
    charts = [*_tail(counted), *_distributions(counted)]
    if len(table) < _FEWEST_BINS:
        return charts
    course = _OverTime(table, manifest)
    return [*_times(frame[frame["outcome"] == "ok"], course), *_load(course), *charts]


class _OverTime:
    """Makes lines and bars from a table of values over time."""

    def __init__(self, course: pd.DataFrame, manifest: Manifest) -> None:
        self.table, self.manifest = course, manifest
        self.width = float(course["width"].iloc[0])

    def has(self, column: str) -> bool:
        return bool(self.table[column].notna().any())

    def line(self, column: str, label: str, style: Style) -> Line:
        return Line(label, style, list(zip(self.table["seconds"].tolist(), self.table[column].tolist(), strict=True)))

    @property
    def users(self) -> list[Line]:
        """The number of users, unless they are only the pool that serves a rate."""
        return [self.line("users", "users", Style.QUIET)] if self.has("users") and not self.manifest.is_open else []

    @property
    def failures(self) -> list[Bars]:
        """Failures as red bars; empty if there are none."""
        heights = self.table["failed"].tolist()
        if not any(heights):
            return []
        edges = [i * self.width for i in range(len(heights) + 1)]
        return [Bars("failed", Style.BAD, edges, heights, lane=True, unit="/s")]

    @property
    def warm_up(self) -> tuple[float, float] | None:
        """Start and end of the warm-up in seconds; None without a warm-up."""
        return (0.0, float(self.manifest.warm_up_s)) if self.manifest.warm_up_s else None


def _times(ok: pd.DataFrame, course: _OverTime) -> Iterator[Chart]:
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
                    *percentile_lines(moments, values, steps, Style.MAIN),
                ],
                bars=course.failures,
                shaded=course.warm_up,
            )


def _load(course: _OverTime) -> Iterator[Chart]:
    offered = [course.line("offered", "offered", Style.QUIET)] if course.has("offered") else []
    yield Chart(
        key="load",
        title="Offered, started, completed",
        note=f"Requests per second, one point every {_seconds(int(course.width))}; completed and failed by end time.",
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
        note="Mean number of requests in flight; at most the number of users.",
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
"""Share of the chart's height: curves that differ less cover each other."""


def _tail(counted: pd.DataFrame) -> Iterator[Chart]:
    """Percentile curves of the times; late starts make response time exceed service time."""
    labels = {d.name: d.label for d in DISTRIBUTIONS}
    values = {name: _values(counted, f"{name}_ms") for name, _ in _TAIL}
    curves = {name: percentile_curve(found) for name, found in values.items() if len(found) >= _FEWEST_REQUESTS}
    late = "Where response time exceeds service time, requests started late."
    if _alike(curves.get("response", ()), curves.get("duration", ())):
        del curves["response"]
        late = "Response time equals service time: hardly any request started late."
    if curves:
        yield Chart(
            key="tail",
            title="Percentiles",
            note=f"Up to the highest percentile that the number of requests allows. {late}",
            unit="ms",
            scale=Scale.TAIL,
            lines=[Line(labels[name], style, curves[name]) for name, style in _TAIL if name in curves],
        )


def _alike(one: Points, other: Points) -> bool:
    """Return True if the curves would cover each other."""
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
        if len(values) < _FEWEST_REQUESTS:
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
                for label, q in PERCENTILES_SHOWN.items()
                if len(values) >= fewest_for(q)
            ],
        )


def _values(frame: pd.DataFrame, column: str) -> np.ndarray:
    values: np.ndarray = frame[column].dropna().to_numpy(dtype=np.float64)
    return values


Steps = Mapping[str, int]
"""The seconds per point of each shown percentile; a high percentile needs more requests per point."""


def steps_for(moments: Sequence[np.ndarray]) -> Steps:
    """Choose steps that suit several curves; a percentile is left out if one has too few requests for it.

    Args:
        moments: times of the requests of each curve, in seconds, at least 0.
    """
    fewest = min(map(len, moments))
    return {
        label: max(quantile_width(seconds, q) for seconds in moments)
        for label, q in PERCENTILES_SHOWN.items()
        if fewest >= fewest_for(q)
    }


def steps_text(steps: Steps) -> str:
    """`p50 every second, p95 every 5 seconds, if there are enough requests`."""
    told = ", ".join(f"{label} every {_seconds(width)}" for label, width in steps.items())
    return f"{told}, if there are enough requests"


def _seconds(width: int) -> str:
    return "second" if width == 1 else plural(width, "second")


def percentile_lines(seconds: np.ndarray, values: np.ndarray, steps: Steps, style: Style, name: str = "") -> list[Line]:
    """One line per percentile; high ones are dashed.

    Args:
        seconds: times of the requests, in seconds, at least 0.
        values: value of each request, in milliseconds.
        steps: the steps from `steps_for`.
        style: the colour.
        name: prefix of the labels, if several versions are shown.
    """
    return [
        Line(
            f"{name} {label}".lstrip(),
            style,
            quantile_course(seconds, values, PERCENTILES_SHOWN[label], width),
            dashed=label != "p50",
        )
        for label, width in steps.items()
    ]

"""The charts of a run and of a comparison: values over time, percentiles, and distributions."""

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

_PERCENTILES = {"p50": 0.5, "p95": 0.95}

_TITLES = {"ttft": "Time to first token over time", "duration": "Service time over time"}
_SPREAD_OF = ("ttft", "duration", "gap", "final_latency")
_FEWEST_BINS = 2
"""Fewest time bins for charts over time."""
_FEWEST_REQUESTS = 10
"""Fewest requests for a distribution."""


def run_charts(frame: pd.DataFrame, monitor: pd.DataFrame, manifest: Manifest) -> list[Chart]:
    """All charts that the run has data for; `frame` has derived columns."""
    course = over_time(frame, monitor, manifest)
    counted = frame[frame["counted"] & (frame["outcome"] == "ok")]
    charts = [*_tail(counted), *_distributions(counted)]
    if len(course) < _FEWEST_BINS:
        return charts
    width, heights = float(course["width"].iloc[0]), course["failed"].tolist()
    edges = [i * width for i in range(len(heights) + 1)]
    failures = [Bars("failed", Style.BAD, edges, heights, lane=True, unit="/s")] if any(heights) else []
    warm_up = (0.0, float(manifest.warm_up_s)) if manifest.warm_up_s else None
    is_pool = manifest.is_open or not course["users"].notna().any()  # users are not the load, or are unknown
    users = [] if is_pool else [_line(course, "users", "users", Style.QUIET)]
    over = [*_times(frame[frame["outcome"] == "ok"], users), *_load(course, users)]
    return [*(replace(chart, bars=failures, shaded=warm_up) for chart in over), *charts]


def _line(course: pd.DataFrame, column: str, label: str, style: Style) -> Line:
    return Line(label, style, list(zip(course["seconds"].tolist(), course[column].tolist(), strict=True)))


def _times(ok: pd.DataFrame, users: Sequence[Line]) -> Iterator[Chart]:
    """Percentiles of the successful requests over time."""
    start = ok["start_ms"].fillna(ok["scheduled_ms"]).to_numpy(dtype=np.float64).clip(min=0.0) / 1000.0
    for name, title in _TITLES.items():
        known = ok[f"{name}_ms"].notna().to_numpy()
        moments, values = start[known], ok[f"{name}_ms"].to_numpy(dtype=np.float64)[known]
        if steps := _steps_for([moments]):
            yield Chart(
                key=f"{name}-course",
                title=title,
                note=f"Successful requests by their start: {_steps_text(steps)}.",
                unit="ms",
                right_unit="users",
                lines=[
                    *(replace(line, right=True) for line in users),
                    *_percentile_lines(moments, values, steps, Style.MAIN),
                ],
            )


def _load(course: pd.DataFrame, users: Sequence[Line]) -> Iterator[Chart]:
    every = _seconds(int(course["width"].iloc[0]))
    shown = [("started", "started", Style.THIRD), ("ok", "completed", Style.MAIN)]
    if course["offered"].notna().any():
        shown.insert(0, ("offered", "offered", Style.QUIET))
    if course["abandoned"].any():
        shown.append(("abandoned", "abandoned", Style.SECOND))
    yield Chart(
        key="load",
        title="Offered, started, completed",
        note=f"Requests per second, one point every {every}; completed and failed by end time.",
        unit="/s",
        lines=[_line(course, *each) for each in shown],
    )
    yield Chart(
        key="concurrency",
        title="Requests in flight",
        note="Mean number of requests in flight; at most the number of users.",
        unit="",
        lines=[*users, _line(course, "in_flight", "in flight", Style.MAIN)],
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
                for label, q in _PERCENTILES.items()
                if len(values) >= fewest_for(q)
            ],
        )


def _values(frame: pd.DataFrame, column: str) -> np.ndarray:
    values: np.ndarray = frame[column].dropna().to_numpy(dtype=np.float64)
    return values


_Steps = Mapping[str, int]
"""The seconds per point of each shown percentile; a high percentile needs more requests per point."""


def _steps_for(moments: Sequence[np.ndarray]) -> _Steps:
    """Choose steps that suit several curves; a percentile is left out if one has too few requests for it.

    Args:
        moments: times of the requests of each curve, in seconds, at least 0.
    """
    fewest = min(map(len, moments))
    return {
        label: max(quantile_width(seconds, q) for seconds in moments)
        for label, q in _PERCENTILES.items()
        if fewest >= fewest_for(q)
    }


def _steps_text(steps: _Steps) -> str:
    """`p50 every second, p95 every 5 seconds, if there are enough requests`."""
    told = ", ".join(f"{label} every {_seconds(width)}" for label, width in steps.items())
    return f"{told}, if there are enough requests"


def _seconds(width: int) -> str:
    return "second" if width == 1 else plural(width, "second")


def _percentile_lines(
    seconds: np.ndarray, values: np.ndarray, steps: _Steps, style: Style, name: str = ""
) -> list[Line]:
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
            quantile_course(seconds, values, _PERCENTILES[label], width),
            dashed=label != "p50",
        )
        for label, width in steps.items()
    ]


# Of a comparison

_COMPARED = tuple(d for d in DISTRIBUTIONS if d.name in ("ttft", "duration"))
_FEWEST_OF_A_SIDE = 5
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
    columns = ["scheduled_ms", *(d.column for d in _COMPARED)]
    sides = [
        pd.concat([frame.loc[frame["counted"] & (frame["outcome"] == "ok"), columns] for frame in side])
        for side in (base, new)
        if side
    ]
    if len(sides) != len(names) or any(side.empty for side in sides):
        return []
    return [*_curves(names, sides), *_courses(names, sides)]


def _curves(names: tuple[str, str], sides: Sequence[pd.DataFrame]) -> Iterator[Chart]:
    for d in _COMPARED:
        values = [_values(side, d.column) for side in sides]
        if min(map(len, values)) >= _FEWEST_OF_A_SIDE:
            counted = " and ".join(plural(len(each), "request") for each in values)
            yield Chart(
                key=f"{d.name}-tails",
                title=f"{d.label}: percentiles",
                note=f"{counted}, over all runs of each side.",
                unit="ms",
                scale=Scale.TAIL,
                lines=[
                    Line(name, style, percentile_curve(each))
                    for name, style, each in zip(names, _COLOURS, values, strict=True)
                ],
            )


def _courses(names: tuple[str, str], sides: Sequence[pd.DataFrame]) -> Iterator[Chart]:
    for d in _COMPARED:
        known = [side[side[d.column].notna()] for side in sides]
        moments = [side["scheduled_ms"].to_numpy(dtype=np.float64).clip(min=0.0) / 1000.0 for side in known]
        if steps := _steps_for(moments):
            yield Chart(
                key=f"{d.name}-courses",
                title=f"{d.label} over time",
                note=f"By due time after the warm-up, over all runs of each side: {_steps_text(steps)}.",
                unit="ms",
                lines=[
                    line
                    for name, style, at, side in zip(names, _COLOURS, moments, known, strict=True)
                    for line in _percentile_lines(at, side[d.column].to_numpy(dtype=np.float64), steps, style, name)
                ],
            )

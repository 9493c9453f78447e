"""A run as one HTML file that needs no network and no script.

Jinja2 escapes everything that comes from a run; the page's policy forbids scripts and requests, so that
text of the target that got through would still do nothing.
"""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from katydid import __version__
from katydid.analysis.derived import quantile, with_derived
from katydid.analysis.series import histogram, over_time
from katydid.core.metrics import DISTRIBUTIONS, RATES, STATISTICS
from katydid.report import words
from katydid.report.svg import Bars, Line, histogram_chart, time_chart

MOST_USERS = 50
"""Users of whom each gets a row; a table of more tells nothing."""


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("katydid.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.globals |= {
        "show": words.show,
        "milliseconds": words.milliseconds,
        "fraction": words.fraction,
        "number": words.number,
        "version": __version__,
    }
    return environment


def render_run(manifest: dict[str, Any], summary: dict[str, Any], samples: pd.DataFrame, monitor: pd.DataFrame) -> str:
    """The report of one run.

    Args:
        manifest: what made the run; missing keys are shown as unknown.
        summary: what `analysis.summary.summarise` said.
        samples: one row a request.
        monitor: one row a second and process.
    """
    frame = with_derived(samples, manifest)
    metrics = summary["metrics"]
    return (
        _templates()
        .get_template("run.html")
        .render(
            manifest=manifest,
            summary=summary,
            sentence=words.sentence(manifest, summary),
            distributions=[d for d in DISTRIBUTIONS if metrics[f"{d.name}.max"] is not None],
            rates=[r for r in RATES if metrics[r.name] is not None],
            statistics=STATISTICS,
            charts=_charts(frame, monitor),
            users=_users(frame),
            processes=_processes(monitor),
            facts=_facts(manifest),
        )
    )


def _charts(frame: pd.DataFrame, monitor: pd.DataFrame) -> list[Markup]:
    course = over_time(frame, monitor)
    charts = []
    if len(course):
        charts += _course(course)
    counted = frame[frame["counted"] & (frame["outcome"] == "ok")]
    for distribution in DISTRIBUTIONS:
        values = counted[distribution.column].dropna().to_numpy(dtype=np.float64)
        if distribution.name in {"ttft", "duration", "gap"} and len(values) >= 10:
            charts.append(_distribution(distribution.label, values))
    return charts


def _course(course: pd.DataFrame) -> list[Markup]:
    seconds = course["seconds"].tolist()

    def points(column: str) -> list[tuple[float, float]]:
        return list(zip(seconds, course[column].tolist(), strict=True))

    failed = Bars("failures a second", "bad", points("failed"), float(course["width"].iloc[0]))
    users = Line("users", "quiet", points("users"), right=True)
    times = [
        time_chart(
            title,
            [
                Line("p50", "main", points(f"{name}_p50")),
                Line("p95", "second", points(f"{name}_p95")),
                users,
            ],
            unit="ms",
            right_unit="users, failures",
            bars=[failed],
        )
        for name, title in (("ttft", "Time to first token, by start"), ("duration", "Service time, by start"))
        if course[f"{name}_p50"].notna().any()
    ]
    load = time_chart(
        "Requests a second: started and succeeded",
        [Line("started", "quiet", points("started")), Line("succeeded", "main", points("ok"))],
        unit="/s",
        bars=[failed],
        right_unit="failures",
    )
    return [*times, load]


def _distribution(label: str, values: np.ndarray) -> Markup:
    edges, counts = histogram(values)
    marks = [
        Line(f"p{round(q * 100)} {words.milliseconds(quantile(values, q))}", style, [(quantile(values, q), 0.0)])
        for q, style in ((0.5, "second"), (0.95, "bad"))
    ]
    return histogram_chart(f"{label}, milliseconds", edges.tolist(), counts.tolist(), marks)


def _users(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A row a user, where they are few."""
    real = frame[frame["counted"] & (frame["user"] >= 0)]
    if real["user"].nunique() > MOST_USERS:
        return []
    rows = []
    for user, group in real.groupby("user"):
        durations = group.loc[group["outcome"] == "ok", "duration_ms"].dropna().to_numpy(dtype=np.float64)
        rows.append(
            {
                "user": user,
                "requests": len(group),
                "failed": int((group["outcome"] == "failed").sum()),
                "late": int(group["late"].sum()),
                "p50": quantile(durations, 0.5) if len(durations) else None,
                "max": float(durations.max()) if len(durations) else None,
            }
        )
    return rows


def _processes(monitor: pd.DataFrame) -> list[dict[str, Any]]:
    """How each process of the generator did."""
    return [
        {
            "process": process,
            "cpu": float(rows["cpu_percent"].median()),
            "cpu_max": float(rows["cpu_percent"].max()),
            "memory": float(rows["memory_bytes"].max()) / 2**20,
            "lag": float(rows["loop_lag_ms"].max()),
            "connections": int(rows["open_connections"].max()),
        }
        for process, rows in monitor.groupby("process", observed=True)
    ]


def _facts(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """What was run, in the order in which one would tell it."""
    hidden = {"options", "schema_version", "partial"}
    rows = []
    for key, value in manifest.items():
        if key not in hidden:
            label = key.removesuffix("_s") + " (s)" if key.endswith("_s") else key
            shown = "–" if value in (None, [], "") else str(value)
            rows.append((label.replace("_", " "), shown))
    return rows

"""A run as one HTML file: its headline, whether it is valid, its numbers, its pictures.

Puts together what the template shows; how a page is made is `page.py`'s, what a picture shows `charts/run.py`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from katydid.analysis.derived import quantile
from katydid.analysis.headline import headline_of
from katydid.analysis.validity import rules_for
from katydid.model import formatting
from katydid.model.declared import KEY, catalogue_of
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Summary
from katydid.model.metrics import STATISTICS
from katydid.model.version import __version__
from katydid.report.charts.run import run_charts
from katydid.report.model import Material, Section
from katydid.report.render.page import render

MOST_USERS = 50
"""Users of whom each gets a row; a table of more tells nothing."""


def render_run(material: Material, sections: Sequence[Section]) -> str:
    """The report of one run; `sections` stand between its numbers and its failures.

    Missing keys of the manifest are left out or shown as unknown.
    """
    manifest, summary, frame, monitor = material.manifest, material.summary, material.frame, material.monitor
    metrics, catalogue = summary.metrics, catalogue_of(manifest)
    return render(
        "run.html",
        run_charts(frame, monitor, manifest),
        sections,
        workload=formatting.strip_control_chars(manifest.workload or "run"),
        version=formatting.strip_control_chars(manifest.version or "unknown"),
        made_by=formatting.strip_control_chars(manifest.katydid_version or __version__),
        summary=summary,
        headline=headline_of(manifest, summary),
        setting=_setting(manifest),
        tiles=_tiles(summary),
        rules=_rules(summary, frame, manifest),
        distributions=[d for d in catalogue.spread if summary.measured(f"{d.name}.max") is not None],
        rates=[r for r in catalogue.figures if metrics[r.name] is not None],
        statistics=STATISTICS,
        users=[] if manifest.is_open else _users(frame),
        processes=_processes(monitor),
        facts=_facts(manifest),
    )


def _setting(manifest: Manifest) -> list[str]:
    """The run's circumstances, for the line under its verdict."""
    started = str(manifest.started_utc or "").replace("T", " ")[:16]
    parts = [manifest.host, manifest.model, formatting.load_text(manifest), f"{started} UTC" if started else None]
    return [formatting.strip_control_chars(part) for part in parts if part]


@dataclass(frozen=True, slots=True)
class _Tile:
    """A number that stands out, and a smaller one beside it."""

    label: str
    value: str
    beside: str
    bad: bool = False


def _tiles(summary: Summary) -> list[_Tile]:
    metrics, counts = summary.metrics, summary.counts

    def shown(name: str) -> str:
        return formatting.show(name, metrics[name])

    times = [
        _time_tile(summary, name, label)
        for name, label in (
            ("ttft", "Time to first token"),
            ("final_latency", "Lag of the final result"),
            ("duration", "Service time"),
            ("response", "Response time"),
        )
        if summary.measured(f"{name}.max") is not None
    ]
    late = counts.late
    late_by = "" if late is None else f"{formatting.number(late)} of {formatting.plural(counts.requests, 'start')}"
    offered = "" if metrics["offered_per_s"] is None else f"offered {shown('offered_per_s')}"
    return [
        *times,
        _Tile(
            "Failure rate",
            shown("failure_rate"),
            f"{formatting.number(counts.failed)} failed",
            bad=counts.failed > 0,
        ),
        *([_Tile("Late starts", shown("late_share"), late_by)] if late_by else []),
        _Tile("Achieved load", shown("requests_per_s"), offered),
    ]


def _time_tile(summary: Summary, name: str, label: str) -> _Tile:
    """p95 with the median beside it, or what so few requests can back."""
    known = [s for s in ("p50", "p95", "max") if summary.measured(f"{name}.{s}") is not None]
    p50, p95, mean = (f"{s} {formatting.show(f'{name}.{s}', None, summary)}" for s in ("p50", "p95", "mean"))
    if "p95" in known and "p50" in known:
        return _Tile(label, p95, p50)
    if "p50" in known:
        return _Tile(label, p50, "too few for p95")
    return _Tile(label, mean, "too few for p50")


def _rules(summary: Summary, frame: pd.DataFrame, manifest: Manifest) -> list[dict[str, str]]:
    """Every rule of validity that this workload has, and what came of it."""
    results = dict.fromkeys(summary.unchecked_rules, "not checked")
    results |= {finding.rule: finding.severity for finding in summary.findings}
    return [
        {"name": r.name.replace("_", " "), "limit": r.limit, "why": r.why, "result": results.get(r.name, "kept")}
        for r in rules_for(frame, manifest)
    ]


@dataclass(frozen=True, slots=True)
class _UserRow:
    """A user's requests; service times in milliseconds."""

    user: int
    requests: int
    failed: int
    late: int | None
    p50: float | None
    max: float | None


def _users(frame: pd.DataFrame) -> list[_UserRow]:
    """A row a user, where they are few."""
    real = frame[frame["counted"] & (frame["user"] >= 0)]
    if real["user"].nunique() > MOST_USERS:
        return []
    rows = []
    for user, group in real.groupby("user"):
        durations = group.loc[group["outcome"] == "ok", "duration_ms"].dropna().to_numpy(dtype=np.float64)
        rows.append(
            _UserRow(
                user=int(str(user)),
                requests=len(group),
                failed=int((group["outcome"] == "failed").sum()),
                late=int(group["late"].sum()) if group["late_ms"].notna().any() else None,
                p50=quantile(durations, 0.5) if len(durations) else None,
                max=float(durations.max()) if len(durations) else None,
            )
        )
    return rows


@dataclass(frozen=True, slots=True)
class _ProcessRow:
    """A process of the generator: percent of a core, MiB, milliseconds."""

    process: str
    cpu: float
    cpu_max: float
    memory: float
    lag: float
    connections: int


def _processes(monitor: pd.DataFrame) -> list[_ProcessRow]:
    """How each process of the generator did."""
    return [
        _ProcessRow(
            process=str(process),
            cpu=float(rows["cpu_percent"].median()),
            cpu_max=float(rows["cpu_percent"].max()),
            memory=float(rows["memory_bytes"].max()) / 2**20,
            lag=float(rows["loop_lag_ms"].max()),
            connections=int(rows["open_connections"].max()),
        )
        for process, rows in monitor.groupby("process", observed=True)
    ]


_UNTOLD = {KEY, "options", "leaving", "schema_version", "partial"}


def _facts(manifest: Manifest) -> list[tuple[str, str]]:
    """What was run, in the order in which the manifest tells it, then the options as they were given."""
    told = [(_label(key), value) for key, value in manifest.items() if key not in _UNTOLD]
    told += [(f"option {key}", value) for key, value in (manifest.options or {}).items()]
    return [(label, formatting.strip_control_chars(value)) for label, value in told if value not in (None, [], "")]


def _label(key: str) -> str:
    for ending, unit in (("_s", "s"), ("_ms", "ms")):
        if key.endswith(ending):
            return f"{key.removesuffix(ending)} ({unit})".replace("_", " ")
    return key.replace("_", " ")

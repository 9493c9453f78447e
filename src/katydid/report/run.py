"""A run's report as one HTML file: collects the content of the template `run.html`."""

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from katydid.analysis.headline import headline_details, headline_of
from katydid.analysis.validity import rules_for
from katydid.model import formatting
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Summary
from katydid.model.metrics import STATISTICS
from katydid.model.metrics.declared import catalogue_of
from katydid.model.oneline import one_line
from katydid.model.version import __version__
from katydid.report.charts import run_charts
from katydid.report.model import Material, Section
from katydid.report.render.page import render
from katydid.report.run_tables import (
    counts_table,
    facts_table,
    failures_table,
    names_table,
    processes_table,
    rates_table,
    rules_table,
    times_table,
    users_table,
)


def render_run(material: Material, sections: Sequence[Section]) -> str:
    """The HTML report of one run, with `sections` between its metrics and its failures.

    Missing keys of the manifest are left out or shown as unknown.
    """
    manifest, summary, frame, monitor = material.manifest, material.summary, material.frame, material.monitor
    catalogue = catalogue_of(manifest)
    times = times_table(summary, catalogue.spread, [statistic.name for statistic in STATISTICS])
    rates = rates_table(summary, catalogue)
    return render(
        "run.html",
        run_charts(frame, monitor, manifest),
        sections,
        workload=one_line(manifest.workload or "run"),
        version=one_line(manifest.version or "unknown"),
        made_by=one_line(manifest.katydid_version or __version__),
        summary=summary,
        headline=headline_of(manifest, summary),
        details=headline_details(manifest, summary),
        setting=_setting(material),
        tiles=_tiles(summary),
        rules=rules_table(rules_for(frame, manifest), summary),
        times=times,
        rates=rates,
        counts=counts_table(frame, summary.counts),
        failures=failures_table(summary.errors),
        names=names_table(summary.names),
        users=None if manifest.is_open else users_table(frame),
        processes=processes_table(monitor),
        command=command_of(manifest),
        facts=facts_table(manifest),
        defined=[*times.rows, *rates.rows],
        statistics=STATISTICS,
    )


def _setting(material: Material) -> list[str]:
    """The run's settings in short, for the line below the headline."""
    manifest = material.manifest
    started = str(manifest.started_utc or "").replace("T", " ")[:16]
    commit = f" ({manifest.katydid_commit})" if manifest.katydid_commit else ""
    parts = [
        manifest.host,
        manifest.model,
        formatting.load_text(manifest),
        f"{started} UTC" if started else None,
        f"lasted {formatting.milliseconds(manifest.ended_at_ms)}" if manifest.ended_at_ms else None,
        _tokens(material.frame),
        f"from {manifest.machine.split()[0]}" if manifest.machine else None,
        f"Katydid {manifest.katydid_version}{commit}" if manifest.katydid_version else None,
    ]
    return [one_line(part) for part in parts if part]


def _tokens(frame: pd.DataFrame) -> str | None:
    """Tokens of the counted requests, as the target counts them; None if it reports none."""
    counted = frame[frame["counted"]]
    sums = [int(counted[name].sum()) if name in counted else 0 for name in ("prompt_tokens", "completion_tokens")]
    if not any(sums):
        return None
    into, out = sums
    return f"{formatting.plural(into, 'token')} in, {formatting.number(out)} out"


@dataclass(frozen=True, slots=True)
class _Tile:
    """A key figure, with a smaller one below it."""

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
    """p95 and the median, or as much as the number of requests allows."""
    known = [s for s in ("p50", "p95", "max") if summary.measured(f"{name}.{s}") is not None]
    p50, p95, mean = (f"{s} {formatting.show(f'{name}.{s}', None, summary)}" for s in ("p50", "p95", "mean"))
    if "p95" in known and "p50" in known:
        return _Tile(label, p95, p50)
    if "p50" in known:
        return _Tile(label, p50, "too few for p95")
    return _Tile(label, mean, "too few for p50")


def command_of(manifest: Manifest) -> str:
    """The command that reproduces a run, with all its options but no secrets."""
    workload = manifest.workload or "stream"
    searched = workload.removeprefix("capacity-")
    words = ["katydid", "capacity" if searched != workload else "run", searched]
    host = ["--host", manifest.host] if manifest.host else []
    return one_line(shlex.join([*words, *host, *options_of(manifest)]))


_OF_ITS_TIME = frozenset({"target_pid"})
"""Options whose values are meaningless after the run."""


def options_of(manifest: Manifest, without: Collection[str] = ()) -> list[str]:
    """The command-line arguments of a run without its host; secrets are not among them.

    Args:
        manifest: the run's manifest.
        without: names of options to leave out.
    """
    run_time = f"{manifest.run_time_s:g}s" if manifest.run_time_s else None
    named = {"users": manifest.users, "run_time": run_time, **(manifest.options or {})}
    words: list[str] = []
    for name, value in named.items():
        flag = f"--{name.replace('_', '-')}"
        if name in _OF_ITS_TIME or name in without or value in (None, False, "", []):
            continue
        if value is True:
            words.append(flag)
        else:
            words += [flag, *map(str, value)] if isinstance(value, list) else [flag, str(value)]
    return words

"""A page of each kind that has charts, of runs that never were."""

from collections.abc import Iterator
from functools import cache

import pandas as pd

from documents import manifest_with, summary_with
from katydid.analysis.history import Change, History, MetricHistory, Version
from katydid.model.documents.capacity import CapacityFound, Step
from katydid.report.capacity import capacity_section
from katydid.report.charts import comparison_charts, run_charts
from katydid.report.history import charts as history_charts
from katydid.report.model import Bars, Chart, Line, Mark, Material, Rows, Scale, Section, Span, Style
from katydid.report.run import render_run
from synthetic import HOSTILE, material_of, synthetic_run

LONG = "a-branch-with-a-very-long-name-that-nobody-can-read-in-a-picture-of-this-size-612fc7f-dirty"


def chart_kinds() -> dict[str, list[Chart]]:
    """Every kind of page with the charts that it has."""
    run = material_of(synthetic_run())
    other = material_of(synthetic_run(seed=2))
    short = _small()
    return {
        "run": run_charts(run.frame, run.monitor, run.manifest),
        "short run": run_charts(short.frame, short.monitor, short.manifest),
        "comparison": comparison_charts(("old", LONG), [run.frame], [other.frame]),
        "history": list(history_charts(_history([f"v1.{number}.0-rc{number}" for number in range(14)]))),
        "history of long names": list(history_charts(_history([f"{number}-{LONG}" for number in range(14)]))),
        "history of hostile names": list(history_charts(_history([f"{number}{HOSTILE}" for number in range(14)]))),
        "capacity": list(_capacity().charts),
        "burst": [_burst(12), _burst(300)],
        "speech": [_speech()],
        "scale": [_scale()],
        "resilience": [_deeds()],
    }


def chart_page(charts: list[Chart]) -> str:
    """A run's page with these charts in a section of its own."""
    return render_run(_small(), [Section("own", "Own", charts=charts)])


@cache
def _small() -> Material:
    return material_of(synthetic_run(users=3, cycles=4, failing=0.2))


def every_chart() -> Iterator[tuple[str, Chart]]:
    """Each chart with its kind of page."""
    for kind, charts in chart_kinds().items():
        for chart in charts:
            yield kind, chart


def _history(names: list[str]) -> History:
    versions = tuple(Version(name, f"2026-11-{day:02}T00:00:00+00:00", ()) for day, name in enumerate(names, 1))
    values = tuple(1200.0 + 400.0 * (place >= 8) for place in range(len(names)))
    changes = tuple(
        Change(names[place], place, 1200.0, 1600.0, 0.33, 0.3, 0.36, "slower", confirmed=True) for place in (8, 9, 12)
    )
    return History(versions, (MetricHistory("duration.p50", values, values, changes, "", None),), ())


def _capacity() -> Section:
    told = {
        "purpose": "bracket", "ended": "time", "seconds": 10.0, "requests": 100, "ok": 90, "failed": 10,
        "sustained": 20.0, "keeps_up": True, "p50_ms": 700.0, "p95_ms": 805.0, "judged": {"duration.p95": 100},
        "missed": {"duration.p95": 10}, "broken": (), "held": True, "missed_share": 0.1,
    }  # fmt: skip
    steps = [
        Step(
            **told | {"stage": stage, "users": users, "offered_per_s": users / 2.0, "ok_per_s": min(users / 2.0, 21.0)}
        )
        for stage, users in enumerate((10, 20, 40, 80, 42, 41, 43, 42))
    ]
    found = CapacityFound(capacity=42.0, low=40.0, high=44.0, at_least=False, steps=steps, method="isotonic")
    section = capacity_section(
        Material(manifest_with(), summary_with({"capacity": found}), pd.DataFrame(), pd.DataFrame())
    )
    assert section is not None
    return section


def _burst(users: int) -> Chart:
    spans = [Span(row, 0.0, 0.1 + row * 0.004, Style.QUIET) for row in range(users)]
    spans += [Span(row, 0.1 + row * 0.004, 0.6 + row * 0.004, Style.MAIN) for row in range(users)]
    rows = Rows([f"User {row + 1}" for row in range(users)], spans, [(Style.MAIN, "being served")])
    return Chart(f"burst-{users}", "Burst", "A bar a user.", "", rows=rows)


def _speech() -> Chart:
    moments = [(second + 0.5, 1.0 + second % 3) for second in range(24)]
    lines = [
        Line("RTF, mean", Style.MAIN, moments),
        Line("queue", Style.SECOND, [(x, 1e5 * y) for x, y in moments], True),
    ]
    edges = [float(second) for second in range(25)]
    bars = [Bars("refused", Style.BAD, edges, [float(second > 20) for second in range(24)], lane=True, unit="/s")]
    return Chart("speech", "RTF and queue", "A note.", "×", right_unit="chunks", lines=lines, bars=bars)


def _scale() -> Chart:
    points = [(float(users), users / 3.0) for users in (1, 2, 5, 10, 100, 1000, 20_000)]
    lines = [Line("answered", Style.MAIN, points, dots=True)]
    return Chart("scaling", "Throughput", "A note.", "/s", Scale.LOG, x_unit="users", lines=lines)


def _deeds() -> Chart:
    line = Line("results", Style.MAIN, [(second + 0.5, 30.0) for second in range(60)])
    marks = [Mark(f"kill of a worker, {number}", Style.SECOND, 20.0 + number) for number in range(12)]
    return Chart("results", "Results", "A note.", "a second", lines=[line], marks=marks)

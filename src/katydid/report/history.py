"""Shows a workload's history as a page, and on a terminal with sparklines."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.console import Console

from katydid.analysis.history import Change, History, MetricHistory, Trend, Version
from katydid.model.documents.comparison import Comparison, Verdict
from katydid.model.formatting import percent, plural
from katydid.model.metrics import METRICS
from katydid.model.oneline import one_line
from katydid.model.units import Unit, Written
from katydid.model.version import __version__
from katydid.report.model import Cell, Chart, Column, Line, Mark, Scale, Section, Style, Table
from katydid.report.render.page import render
from katydid.report.render.terminal import print_section, say
from katydid.report.verdict import comparison_sentence

_BARS = "▁▂▃▄▅▆▇█"
MOST_BARS = 40
"""Newest versions in a sparkline."""
MOST_NAMED = 3
"""Newest changed versions that the sentence names; the table lists all."""

BAD = frozenset({Verdict.SLOWER, Verdict.MIXED, Verdict.INVALID})
"""Verdicts against the pinned version that are shown in red."""
MOST_LEFT_OUT = 10
"""Most left-out runs that are listed one by one."""


def history_sentence(history: History) -> str:
    """The history in one sentence."""
    if not history.versions:
        return "No history: no run can be used."
    span = plural(len(history.versions), "version")
    if all(metric.unsearched for metric in history.metrics):
        return f"{span}: too few to detect changes."
    changed: dict[int, list[tuple[str, Change]]] = {}
    for metric in history.metrics:
        for change in metric.changes:
            changed.setdefault(change.index, []).append((metric.name, change))
    groups = [changed[index] for index in sorted(changed)]
    confirmed = [group for group in groups if any(change.confirmed for _, change in group)]
    tentative = [group for group in groups if group not in confirmed]
    if confirmed:
        named = "; ".join(map(_describe, confirmed[-MOST_NAMED:]))
        more = f"; {len(confirmed) - MOST_NAMED} earlier" if len(confirmed) > MOST_NAMED else ""
        told = [f"The level changed at {len(confirmed)} of {span}. {named}{more}."]
    else:
        told = [f"No confirmed level change in {span}."] if tentative else []
    if tentative:
        told.append(f"{TENTATIVE}: {'; '.join(map(_describe, tentative[-MOST_NAMED:]))}.")
    told += _trends(history)
    return " ".join(told) or f"No level change in {span}."


TENTATIVE = "Tentative, until the next version confirms it"


def _trends(history: History) -> list[str]:
    """A sentence on the strongest trend, or nothing."""
    found = [(metric.name, metric.trend) for metric in history.metrics if metric.trend is not None]
    if not found:
        return []
    name, trend = max(found, key=lambda item: (item[1].confirmed, abs(math.log1p(item[1].whole))))
    more = f", and {plural(len(found) - 1, 'more metric')}" if len(found) > 1 else ""
    head = "Trend" if trend.confirmed else f"Trend ({TENTATIVE[0].lower()}{TENTATIVE[1:]})"
    return [f"{head}: {name} {trend.verdict}, {_per_version(trend)}, {percent(trend.whole)} in total{more}."]


def _per_version(trend: Trend) -> str:
    return f"{percent(trend.change, 2)} per version ({percent(trend.low, 2)} to {percent(trend.high, 2)})"


def _describe(found: Sequence[tuple[str, Change]]) -> str:
    """The changes at one version, described by the metric that changed most."""
    name, change = max(found, key=lambda item: abs(math.log1p(item[1].change)))
    more = f", and {plural(len(found) - 1, 'more metric')}" if len(found) > 1 else ""
    return f"{change.version}: {name} {change.verdict}, {_interval(change)}{more}"


def _interval(change: Change) -> str:
    return f"{percent(change.change)} ({percent(change.low)} to {percent(change.high)})"


def sparkline(values: Sequence[float | None]) -> str:
    """The newest values as a row of bars, scaled from the lowest to the highest; missing values are dots."""
    shown = values[-MOST_BARS:]
    known = [value for value in shown if value is not None]
    if not known:
        return "·" * len(shown)
    low, span = min(known), max(known) - min(known)
    steps = len(_BARS) - 1
    return "".join("·" if v is None else _BARS[round((v - low) / span * steps) if span else 0] for v in shown)


def sections(history: History) -> list[Section]:
    """The sections: metrics, level changes, trends, versions."""
    parts = (_metrics(history), _changes(history), _trends_section(history), _versions(history))
    return [part for part in parts if part is not None]


def _metrics(history: History) -> Section:
    columns: tuple[Column[MetricHistory], ...] = (
        Column("Metric", lambda metric: METRICS[metric.name].label),
        Column("Trend", lambda metric: sparkline(metric.values)),
        Column("First", lambda metric: Cell(next(_known(metric)), METRICS[metric.name].unit), Unit.COUNT),
        Column("Newest", lambda metric: Cell([*_known(metric)].pop(), METRICS[metric.name].unit), Unit.COUNT),
        Column("Changes", lambda metric: _found(metric, "change"), leads=True),
    )
    return Section("courses", "Metrics over versions", [], [Table("", columns, history.metrics)])


def _known(metric: MetricHistory) -> Iterator[float]:
    """The metric's values, without missing ones."""
    return (value for value in metric.values if value is not None)


def _found(metric: MetricHistory, change: str) -> str:
    return metric.unsearched or ("a trend" if metric.trend else plural(len(metric.changes), change))


What = TypeVar("What", Change, Trend)


@dataclass(frozen=True, slots=True)
class _Found(Generic[What]):
    """A level change or a trend of a metric."""

    metric: str
    what: What


CHANGES: tuple[Column[_Found[Change]], ...] = (
    Column("From version", lambda row: row.what.version),
    Column("Metric", lambda row: METRICS[row.metric].label),
    Column("Before", lambda row: Cell(row.what.before, METRICS[row.metric].unit), Unit.COUNT),
    Column("After", lambda row: Cell(row.what.after, METRICS[row.metric].unit), Unit.COUNT),
    Column("Change", lambda row: Cell(row.what.change, said=_interval(row.what)), Written.CHANGE),
    Column("Verdict", lambda row: row.what.verdict, bad=lambda row: row.what.verdict == "slower", leads=True),
    Column("Confirmed", lambda row: _sure(row.what)),
)


def _changes(history: History) -> Section | None:
    found = [_Found(metric.name, change) for metric in history.metrics for change in metric.changes]
    if not found:
        return None
    found.sort(key=lambda each: each.what.index)
    return Section("changes", "Level changes", [], [Table("", CHANGES, found)])


def _sure(found: Change | Trend) -> str:
    return "yes" if found.confirmed else "tentative"


TRENDS: tuple[Column[_Found[Trend]], ...] = (
    Column("Metric", lambda row: METRICS[row.metric].label),
    Column("Change per version", lambda row: Cell(row.what.change, said=_per_version(row.what)), Written.CHANGE),
    Column("Total", lambda row: row.what.whole, Written.CHANGE),
    Column("Verdict", lambda row: row.what.verdict, bad=lambda row: row.what.verdict == "slower", leads=True),
    Column("Confirmed", lambda row: _sure(row.what)),
)


def _trends_section(history: History) -> Section | None:
    found = [_Found(metric.name, metric.trend) for metric in history.metrics if metric.trend is not None]
    return Section("trends", "Trends", [], [Table("", TRENDS, found)]) if found else None


def _versions(history: History) -> Section:
    places = {version.name: place for place, version in enumerate(history.versions)}

    def column(metric: MetricHistory) -> Column[Version]:
        unit = METRICS[metric.name].unit
        return Column(metric.name, lambda version: metric.values[places[version.name]], unit)

    columns: tuple[Column[Version], ...] = (
        Column("Version", lambda version: version.name),
        Column("First run (UTC)", lambda version: version.started_utc.replace("T", " ")[:16]),
        Column("Runs", lambda version: len(version.runs), Unit.COUNT),
        *map(column, history.metrics),
    )
    return Section(
        "versions",
        "Versions",
        ["Ordered by their first runs. Values are geometric means over a version's runs; shares are means."],
        [Table("All versions", columns, history.versions, in_terminal=False)],
    )


def charts(history: History) -> list[Chart]:
    """One chart per metric with at least two versions."""
    names = [one_line(version.name) for version in history.versions]
    return [_chart(metric, names) for metric in history.metrics if len(metric.values) > 1]


def _chart(metric: MetricHistory, names: Sequence[str]) -> Chart:
    shown = METRICS[metric.name]
    factor, unit = (100.0, "%") if shown.unit is Unit.FRACTION else (1.0, str(shown.unit))

    def point(index: int, value: float | None) -> tuple[float, float]:
        return index + 1.0, math.nan if value is None else value * factor

    lines = [Line("each version", Style.MAIN, [point(*each) for each in enumerate(metric.values)], dots=True)]
    if metric.levels:
        begins = {change.index for change in metric.changes}
        levels: list[tuple[float, float]] = []
        for index, level in enumerate(metric.levels):
            if index in begins:  # a break at each change, so that levels are drawn as steps
                levels.append((index + 0.5, math.nan))
            levels.append(point(index, level))
        lines.append(Line("trend" if metric.trend else "level", Style.QUIET, levels))
    return Chart(
        key=f"history-{metric.name}",
        title=shown.label,
        note=metric.unsearched or f"One point per version; {_found(metric, 'level change')}.",
        unit=unit,
        scale=Scale.NAMES,
        x_unit="version",
        x_names=names,
        lines=lines,
        marks=[
            Mark(f"{change.version}: {percent(change.change)}", _STYLES[change.verdict], float(change.index + 1))
            for change in metric.changes
        ],
    )


_STYLES = {"slower": Style.BAD, "faster": Style.MAIN}


def _left_out(history: History) -> list[str]:
    lines = list(history.left_out[:MOST_LEFT_OUT])
    more = len(history.left_out) - len(lines)
    return [*lines, f"{plural(more, 'more run')} left out: see --json"] if more else lines


def history_page(history: History, workload: str, pinned: Comparison | None) -> str:
    """The HTML page; `pinned` is the comparison of the newest version with the pinned one, if any."""
    return render(
        "history.html",
        charts(history),
        sections(history),
        workload=one_line(workload),
        sentence=one_line(history_sentence(history)),
        pinned=[] if pinned is None else [comparison_sentence(pinned), *pinned.reasons],
        pinned_bad=pinned is not None and pinned.verdict in BAD,
        left_out=_left_out(history),
        made_by=__version__,
    )


def print_history(history: History, pinned: Comparison | None, console: Console) -> None:
    """Print the history on a terminal."""
    say(console, history_sentence(history), "bold")
    if pinned is not None:
        bad = pinned.verdict in BAD
        told = f"Against the pinned version: {comparison_sentence(pinned)}"
        say(console, told, "bold red" if bad else "bold")
        for reason in pinned.reasons:
            say(console, reason, "yellow", indent="  ")
    for line in _left_out(history):
        say(console, line, "yellow", indent="  ")
    for section in sections(history):
        if any(table.in_terminal for table in section.tables):
            print_section(section, console)

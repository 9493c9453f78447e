"""A workload's history: as a page, and on a terminal with a curve of one line."""

import math
from collections.abc import Sequence

from rich.console import Console

from katydid.analysis.history import History
from katydid.analysis.metric_history import Change, MetricHistory, Trend
from katydid.model.documents.comparison import Comparison, Verdict
from katydid.model.formatting import percent, plural, strip_control_chars, value_only
from katydid.model.metrics import METRICS
from katydid.model.version import __version__
from katydid.report.model import Chart, Line, Mark, Scale, Section, Style, Table
from katydid.report.render.page import render
from katydid.report.render.terminal import print_section, say
from katydid.report.verdict import comparison_sentence

_BARS = "▁▂▃▄▅▆▇█"
MOST_BARS = 40
"""Versions, the newest, that a curve in one line shows."""
MOST_NAMED = 3
"""Versions, the newest, whose changes the sentence names; the table has all."""

BAD = frozenset({Verdict.SLOWER, Verdict.MIXED, Verdict.INVALID})
"""Verdicts on the newest version against a pinned one that stand there in red."""
MOST_LEFT_OUT = 10
"""Runs left out that are told one by one."""


def history_sentence(history: History) -> str:
    """The history in one sentence."""
    if not history.versions:
        return "No history: no run counts."
    span = plural(len(history.versions), "version")
    if all(metric.unsearched for metric in history.metrics):
        return f"{span}: too few to look for changes."
    changed: dict[int, list[tuple[str, Change]]] = {}
    for metric in history.metrics:
        for change in metric.changes:
            changed.setdefault(change.index, []).append((metric.name, change))
    groups = [changed[index] for index in sorted(changed)]
    confirmed = [group for group in groups if any(change.confirmed for _, change in group)]
    tentative = [group for group in groups if group not in confirmed]
    if confirmed:
        named = "; ".join(map(_told, confirmed[-MOST_NAMED:]))
        more = f"; {len(confirmed) - MOST_NAMED} before" if len(confirmed) > MOST_NAMED else ""
        told = [f"The level changed with {len(confirmed)} of {span}. {named}{more}."]
    else:
        told = [f"No confirmed change of level in {span}."] if tentative else []
    if tentative:
        told.append(f"{TENTATIVE}: {'; '.join(map(_told, tentative[-MOST_NAMED:]))}.")
    told += _trends(history)
    return " ".join(told) or f"No change of level in {span}."


TENTATIVE = "Tentative, until the next version confirms it"


def _trends(history: History) -> list[str]:
    """The metrics that rise or fall steadily, those that do so most."""
    found = [(metric.name, metric.trend) for metric in history.metrics if metric.trend is not None]
    if not found:
        return []
    name, trend = max(found, key=lambda item: (item[1].confirmed, abs(math.log1p(item[1].whole))))
    more = f", and {plural(len(found) - 1, 'more metric')}" if len(found) > 1 else ""
    head = "Trend" if trend.confirmed else f"Trend ({TENTATIVE[0].lower()}{TENTATIVE[1:]})"
    return [f"{head}: {name} {trend.verdict}, {_per_version(trend)}, {percent(trend.whole)} in all{more}."]


def _per_version(trend: Trend) -> str:
    return f"{percent(trend.change, 2)} a version ({percent(trend.low, 2)} to {percent(trend.high, 2)})"


def _told(found: Sequence[tuple[str, Change]]) -> str:
    """What changed with one version, by the metric that changed most."""
    name, change = max(found, key=lambda item: abs(math.log1p(item[1].change)))
    interval = f"{percent(change.low)} to {percent(change.high)}"
    more = f", and {plural(len(found) - 1, 'more metric')}" if len(found) > 1 else ""
    return f"{change.version}: {name} {change.verdict}, {percent(change.change)} ({interval}){more}"


def sparkline(values: Sequence[float | None]) -> str:
    """The newest values as bars from the lowest to the highest of them; a dot where there is none."""
    shown = values[-MOST_BARS:]
    known = [value for value in shown if value is not None]
    if not known:
        return "·" * len(shown)
    low, span = min(known), max(known) - min(known)
    steps = len(_BARS) - 1
    return "".join("·" if v is None else _BARS[round((v - low) / span * steps) if span else 0] for v in shown)


def sections(history: History) -> list[Section]:
    """The courses, the changes and trends, the versions."""
    parts = (_courses(history), _changes(history), _steady(history), _versions(history))
    return [part for part in parts if part is not None]


def _courses(history: History) -> Section:
    rows = [
        [
            METRICS[metric.name].label,
            sparkline(metric.values),
            *(_shown(metric.name, value) for value in _ends(metric.values)),
            _found(metric),
        ]
        for metric in history.metrics
    ]
    table = Table("", ("Metric", "Course", "First", "Newest", "Changes"), rows, frozenset({1, 4}))
    return Section("courses", "Metrics over versions", [], [table])


def _found(metric: MetricHistory) -> str:
    return metric.unsearched or ("a trend" if metric.trend else plural(len(metric.changes), "change"))


def _ends(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    known = [value for value in values if value is not None]
    return known[0], known[-1]


def _shown(name: str, value: float | None) -> str:
    return "–" if value is None else value_only(name, value)


def _changes(history: History) -> Section | None:
    found = [(metric.name, change) for metric in history.metrics for change in metric.changes]
    if not found:
        return None
    found.sort(key=lambda item: item[1].index)
    rows = [
        [
            change.version,
            METRICS[name].label,
            value_only(name, change.before),
            value_only(name, change.after),
            f"{percent(change.change)} ({percent(change.low)} to {percent(change.high)})",
            change.verdict,
            _sure(change),
        ]
        for name, change in found
    ]
    bad = frozenset((row, 5) for row, (_, change) in enumerate(found) if change.verdict == "slower")
    columns = ("From version", "Metric", "Before", "After", "Change", "Verdict", "Confirmed")
    return Section("changes", "Changes of level", [], [Table("", columns, rows, frozenset({1, 5, 6}), bad)])


def _sure(found: Change | Trend) -> str:
    return "yes" if found.confirmed else "tentative"


def _steady(history: History) -> Section | None:
    found = [(metric.name, metric.trend) for metric in history.metrics if metric.trend is not None]
    if not found:
        return None
    rows = [
        [METRICS[name].label, _per_version(trend), percent(trend.whole), trend.verdict, _sure(trend)]
        for name, trend in found
    ]
    bad = frozenset((row, 3) for row, (_, trend) in enumerate(found) if trend.verdict == "slower")
    columns = ("Metric", "Change a version", "In all", "Verdict", "Confirmed")
    return Section("trends", "Trends", [], [Table("", columns, rows, frozenset({3, 4}), bad)])


def _versions(history: History) -> Section:
    rows = [
        [
            version.name,
            version.started_utc.replace("T", " ")[:16],
            str(len(version.runs)),
            *(_shown(metric.name, metric.values[place]) for metric in history.metrics),
        ]
        for place, version in enumerate(history.versions)
    ]
    columns = ("Version", "First run (UTC)", "Runs", *(metric.name for metric in history.metrics))
    return Section(
        "versions",
        "Versions",
        ["In the order of their first runs. Of several runs the geometric mean is shown, of shares the mean."],
        [Table("All versions", columns, rows, in_terminal=False)],
    )


def charts(history: History) -> list[Chart]:
    """A picture for each metric; one version makes no course."""
    return [_chart(metric) for metric in history.metrics if len(metric.values) > 1]


def _chart(metric: MetricHistory) -> Chart:
    nothing = math.nan
    values = [(float(i + 1), nothing if v is None else v) for i, v in enumerate(metric.values)]
    lines = [Line("versions", Style.MAIN, _scaled(metric, values))]
    if metric.levels:
        lines.append(Line("trend" if metric.trend else "level", Style.QUIET, _scaled(metric, _steps(metric))))
    return Chart(
        key=f"history-{metric.name}",
        title=METRICS[metric.name].label,
        note=metric.unsearched or f"A point a version; {_found(metric)}{'' if metric.trend else ' of level'}.",
        unit="%" if METRICS[metric.name].unit == "fraction" else str(METRICS[metric.name].unit),
        scale=Scale.LINEAR,
        x_unit="no.",
        lines=lines,
        marks=[
            Mark(f"{change.version}: {percent(change.change)}", _STYLES[change.verdict], float(change.index + 1))
            for change in metric.changes
        ],
    )


_STYLES = {"slower": Style.BAD, "faster": Style.MAIN}


def _scaled(metric: MetricHistory, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    factor = 100.0 if METRICS[metric.name].unit == "fraction" else 1.0
    return [(x, y * factor) for x, y in points]


def _steps(metric: MetricHistory) -> list[tuple[float, float]]:
    """The level of each version; broken where it changes, so that it is drawn as steps."""
    begins = {change.index for change in metric.changes}
    points = []
    for index, level in enumerate(metric.levels):
        if index in begins:
            points.append((index + 0.5, math.nan))
        points.append((float(index + 1), math.nan if level is None else level))
    return points


def _left_out(history: History) -> list[str]:
    lines = list(history.left_out[:MOST_LEFT_OUT])
    more = len(history.left_out) - len(lines)
    return [*lines, f"{plural(more, 'more run')} left out: see --json"] if more else lines


def history_page(history: History, workload: str, pinned: Comparison | None) -> str:
    """The page; `pinned` is the comparison of the newest version with a pinned one."""
    return render(
        "history.html",
        charts(history),
        sections(history),
        workload=strip_control_chars(workload),
        sentence=strip_control_chars(history_sentence(history)),
        pinned=[] if pinned is None else [comparison_sentence(pinned), *pinned.reasons],
        pinned_bad=pinned is not None and pinned.verdict in BAD,
        left_out=_left_out(history),
        made_by=__version__,
    )


def print_history(history: History, pinned: Comparison | None, console: Console) -> None:
    """The same on a terminal."""
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

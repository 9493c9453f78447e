"""The report section of the resilience workloads: the rules with their verdicts, the events and their consequences."""

from dataclasses import dataclass

import numpy as np

from katydid.analysis.derived import of_the_load
from katydid.model.documents.summary import Summary
from katydid.model.formatting import number, plural
from katydid.model.units import Unit
from katydid.report.model import Bars, Chart, Column, Line, Mark, Material, Scale, Section, Style, Table
from katydid.workloads.resilience.analysis import InjectedEvent, Resilience, RuleResult, Success

_TITLES = {
    "chaos": "Chaos: workers were killed",
    "storm": "Storm: many clients connected at once",
    "zombies": "Zombies: idle connections",
}
_OUTCOMES = {"ok": "done", "aborted": "aborted by the end of the run"}
_RESULTS = {True: "met", False: "VIOLATED", None: "cannot tell"}
_LABELS = {
    "failed_requests": "streams that failed after the first kill",
    "outage_s": "longest time without a result, s",
    "outage_from_s": "its start, in seconds of the run",
    "outage_until_s": "its end, in seconds of the run",
    "recovery_s": "recovery time after the last kill, s",
    "results_per_s_before": "results per second before",
    "results_per_s_lowest": "results in the worst second after",
    "clients": "clients",
    "accepted": "accepted",
    "rejected": "rejected (503, 429)",
    "failed_otherwise": "failed otherwise",
    "settled_s": "time until the last answer, s",
    "load_meanwhile": "streams of the normal load during the storm",
    "load_turned_away": "of these, rejected (503, 429)",
    "load_failed": "of these, failed otherwise",
    "held": "held to the end",
    "refused_or_dropped": "rejected or dropped by the target",
}


RULES: tuple[Column[RuleResult], ...] = (
    Column("Rule", lambda rule: rule.name),
    Column("Result", lambda rule: _RESULTS[rule.passed], bad=lambda rule: rule.passed is False, leads=True),
    Column("Found", lambda rule: rule.value),
    Column("Limit", lambda rule: rule.limit),
)


def resilience_section(material: Material) -> Section | None:
    """Return the section, or None for a run of another workload."""
    summary = material.summary
    facts, found = summary.part("resilience", dict[str, object]), summary.part("resilience", Resilience)
    checks = summary.part("checks", list[RuleResult]) if facts else None
    if facts is None or found is None or checks is None:
        return None
    failed = [check.name for check in checks if check.passed is False]
    unknown = [check.name for check in checks if check.passed is None]
    sentence = f"Violated: {'; '.join(failed)}." if failed else "All rules met."
    if unknown:
        sentence = (f"{sentence} " if failed else "") + f"Cannot tell: {'; '.join(unknown)}."
    if found.load_turned_away or found.load_failed:
        sentence += (
            f" Of {plural(found.load_meanwhile, 'stream')} of the normal load during the storm, the target rejected "
            f"{number(found.load_turned_away)}, and {number(found.load_failed)} failed otherwise."
        )
    tables = [Table("Rules", RULES, checks), *_events(found), *_success(found)]
    if shown := [key for key in _LABELS if key in facts]:
        columns: tuple[Column[str], ...] = (
            Column("What", lambda key: _LABELS[key]),
            Column("Found", lambda key: _shown(facts[key]), Unit.COUNT),
        )
        tables.append(Table("Consequences", columns, shown))
    workload = str(material.manifest.workload)
    title = _TITLES.get(workload, workload)
    return Section("resilience", title, [sentence], tables, _pictures(material, found), answer=True)


@dataclass(frozen=True, slots=True)
class _StormFigures:
    clients: int
    accepted: int
    rejected: int
    failed_otherwise: int

    @property
    def text(self) -> str:
        others = f", {number(self.failed_otherwise)} failed otherwise" if self.failed_otherwise else ""
        accepted = f"{number(self.accepted)} of {plural(self.clients, 'client')} accepted"
        return f"{accepted}, {number(self.rejected)} rejected{others}"


@dataclass(frozen=True, slots=True)
class _ChaosFigures:
    outage_s: float
    recovery_s: float | None
    failed_requests: int

    @property
    def text(self) -> str:
        back = self.recovery_s
        recovered = "no recovery before the end" if back is None else f"recovered {back:.2f} s after the last kill"
        return f"outage {self.outage_s:.2f} s, {recovered}, {plural(self.failed_requests, 'stream')} failed"


@dataclass(frozen=True, slots=True)
class _ZombieFigures:
    held: int
    refused_or_dropped: int

    @property
    def text(self) -> str:
        lost = number(self.refused_or_dropped)
        return f"{plural(self.held, 'idle connection')} held to the end, {lost} rejected or dropped"


_FIGURES: dict[str, type[_StormFigures | _ChaosFigures | _ZombieFigures]] = {
    "accepted": _StormFigures,
    "outage_s": _ChaosFigures,
    "held": _ZombieFigures,
}
"""The figures of each workload, by a key that only this workload has."""


def resilience_answer(summary: Summary) -> str | None:
    """Return the main figures for the first screen, or None for a run of another workload."""
    facts = summary.part("resilience", dict[str, object]) or {}
    kind = next((kind for key, kind in _FIGURES.items() if key in facts), None)
    found = summary.part("resilience", kind) if kind else None
    return found.text if found else None


def _events(found: Resilience) -> list[Table]:
    many = {"storm": (found.clients, "client"), "zombie": (found.held, "connection")}

    def detail(event: InjectedEvent) -> str | None:
        count, noun = many.get(event.what, (None, ""))
        return event.detail or (None if count is None else f"{plural(count, noun)} at once")

    columns: tuple[Column[InjectedEvent], ...] = (
        Column("At", lambda event: 1000.0 * event.at_s, Unit.MS),
        Column("What", lambda event: event.what),
        Column("Detail", detail),
        Column(
            "Result",
            lambda event: _OUTCOMES.get(event.outcome, "failed"),
            bad=lambda event: event.outcome not in _OUTCOMES,
            leads=True,
        ),
    )
    return [Table("Injected events", columns, found.events)] if found.events else []


def _success(found: Resilience) -> list[Table]:
    """The normal load before, during and after the events; empty for runs of older versions."""
    columns: tuple[Column[tuple[str, Success]], ...] = (
        Column("When", lambda part: part[0]),
        Column("Succeeded", lambda part: part[1].rate, Unit.FRACTION),
        Column("Streams", lambda part: part[1].streams, Unit.COUNT),
    )
    return [Table("Success rate of the normal load", columns, list(found.success.items()))] if found.success else []


def _shown(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _pictures(material: Material, found: Resilience) -> list[Chart]:
    """Chart the results of the normal load per second, with the injected events."""
    frame = material.frame
    load = frame[of_the_load(frame) & frame["outcome"].isin(["ok", "failed"])]
    if load.empty:
        return []
    ends = (load["start_ms"].fillna(load["scheduled_ms"]) + load["duration_ms"].fillna(0.0)).astype(np.float64) / 1000.0
    edges = np.arange(0.0, float(ends.max()) + 2.0)
    good, bad = (np.histogram(ends[load["outcome"] == outcome], bins=edges)[0].tolist() for outcome in ("ok", "failed"))
    return [
        Chart(
            "results",
            "Results of the normal load",
            "Successful results in each second of the run, and failed streams below them.",
            "/s",
            Scale.TIME,
            lines=[Line("results", Style.MAIN, list(zip((edges[:-1] + 0.5).tolist(), map(float, good), strict=True)))],
            bars=[Bars("failed", Style.BAD, edges.tolist(), bad, lane=True, unit="/s")] if any(bad) else [],
            marks=[Mark(event.what, Style.SECOND, event.at_s) for event in found.events],
        )
    ]

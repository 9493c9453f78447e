"""The report section of the resilience workloads: the rules with their verdicts, the events and their consequences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from katydid.model.documents.summary import Summary
from katydid.model.formatting import number, plural
from katydid.model.units import Unit
from katydid.report.model import Bars, Chart, Column, Line, Mark, Material, Scale, Section, Style, Table
from katydid.workloads.resilience.analysis import InjectedEvent, RuleResult, Success

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
    facts = material.summary.part("resilience", dict[str, object])
    checks = material.summary.part("checks", list[RuleResult]) if facts else None
    if facts is None or checks is None:
        return None
    failed = [check.name for check in checks if check.passed is False]
    unknown = [check.name for check in checks if check.passed is None]
    sentence = f"Violated: {'; '.join(failed)}." if failed else "All rules met."
    if unknown:
        sentence = (f"{sentence} " if failed else "") + f"Cannot tell: {'; '.join(unknown)}."
    during = [msgspec.convert(facts.get(f"load_{key}", 0), int) for key in ("meanwhile", "turned_away", "failed")]
    if any(during[1:]):
        sentence += (
            f" Of {plural(during[0], 'stream')} of the normal load during the storm, the target rejected "
            f"{number(during[1])}, and {number(during[2])} failed otherwise."
        )
    rules = Table("Rules", RULES, checks)
    events = msgspec.convert(facts["events"], list[InjectedEvent])
    found = [key for key in _LABELS if key in facts]
    columns: tuple[Column[str], ...] = (
        Column("What", lambda key: _LABELS[key]),
        Column("Found", lambda key: _shown(facts[key]), Unit.COUNT),
    )
    tables = [rules, *_events(facts, events), *_success(facts)]
    tables += [Table("Consequences", columns, found)] if found else []
    workload = str(material.manifest.workload)
    title = _TITLES.get(workload, workload)
    return Section("resilience", title, [sentence], tables, _pictures(material, events), answer=True)


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


def _events(facts: Mapping[str, Any], events: list[InjectedEvent]) -> list[Table]:
    if not events:
        return []
    many = {"storm": ("clients", "client"), "zombie": ("held", "connection")}

    def detail(event: InjectedEvent) -> str | None:
        key, noun = many.get(event.what, ("", ""))
        return event.detail or (f"{plural(facts[key], noun)} at once" if key in facts else None)

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
    return [Table("Injected events", columns, events)]


def _success(facts: Mapping[str, object]) -> list[Table]:
    """The normal load before, during and after the events; empty for runs of older versions."""
    if "success" not in facts:
        return []
    parts = msgspec.convert(facts["success"], dict[str, Success])
    columns: tuple[Column[str], ...] = (
        Column("When", lambda when: when),
        Column("Succeeded", lambda when: parts[when].rate, Unit.FRACTION),
        Column("Streams", lambda when: parts[when].streams, Unit.COUNT),
    )
    return [Table("Success rate of the normal load", columns, list(parts))]


def _shown(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _pictures(material: Material, events: list[InjectedEvent]) -> list[Chart]:
    """Chart the results of the normal load per second, with the injected events."""
    frame = material.frame
    if "role" in frame:  # absent if the run ended before anything was injected
        frame = frame[frame["role"].isna()]
    load = frame[frame["outcome"].isin(["ok", "failed"])]
    ends = ((load["start_ms"].fillna(load["scheduled_ms"]) + load["duration_ms"].fillna(0.0)) / 1000.0).to_numpy(
        dtype=np.float64
    )
    if not len(ends):
        return []
    edges = np.arange(0.0, float(ends.max()) + 2.0)
    good, _ = np.histogram(ends[(load["outcome"] == "ok").to_numpy()], bins=edges)
    bad, _ = np.histogram(ends[(load["outcome"] == "failed").to_numpy()], bins=edges)
    middles = edges[:-1] + 0.5
    return [
        Chart(
            "results",
            "Results of the normal load",
            "Successful results in each second of the run, and failed streams below them.",
            "/s",
            Scale.TIME,
            lines=[Line("results", Style.MAIN, list(zip(middles.tolist(), good.astype(float).tolist(), strict=True)))],
            bars=[Bars("failed", Style.BAD, edges.tolist(), bad.tolist(), lane=True, unit="/s")] if bad.any() else [],
            marks=[Mark(event.what, Style.SECOND, event.at_s) for event in events],
        )
    ]

"""The resilience workloads' part of a report: the rules with their results, what was done, and what it did."""

import msgspec
import numpy as np

from katydid.report.model import Bars, Chart, Line, Mark, Material, Scale, Section, Style, Table
from katydid.workloads.resilience.analysis import Deed, RuleResult

_TITLES = {
    "chaos": "Chaos: workers were killed",
    "storm": "Storm: many connected at once",
    "zombies": "Zombies: connections that do nothing",
}
_RESULTS = {True: "kept", False: "BROKEN", None: "cannot tell"}
_LABELS = {
    "failed_requests": "streams that failed after the first kill",
    "outage_s": "longest time without a result, s",
    "outage_from_s": "from, in seconds of the run",
    "outage_until_s": "until, in seconds of the run",
    "recovery_s": "from the last kill until all was as before, s",
    "results_per_s_before": "results a second before",
    "results_per_s_lowest": "results in the worst second after",
    "clients": "clients",
    "accepted": "accepted",
    "rejected": "rejected (503, 429)",
    "failed_otherwise": "failed otherwise",
    "settled_s": "time until the last answer, s",
    "load_meanwhile": "streams of the normal load meanwhile",
    "load_turned_away": "of them rejected (503, 429)",
    "load_failed": "of them failed otherwise",
    "held": "held to the end",
    "refused_or_dropped": "refused, or dropped by the target",
}


def resilience_section(material: Material) -> Section | None:
    """None where the run is of another workload."""
    told = material.summary.part("resilience", dict[str, object])
    checks = material.summary.part("checks", list[RuleResult]) if told else None
    if told is None or checks is None:
        return None
    failed = [check.name for check in checks if check.passed is False]
    unknown = [check.name for check in checks if check.passed is None]
    sentence = f"Broken: {'; '.join(failed)}." if failed else "Every rule was kept."
    if unknown:
        sentence = (f"{sentence} " if failed else "") + f"Cannot tell: {'; '.join(unknown)}."
    rules = Table(
        "Rules",
        ("Rule", "Result", "Found", "Limit"),
        [[c.name, _RESULTS[c.passed], c.value, c.limit] for c in checks],
        words=frozenset({1, 2, 3}),
        bad=frozenset((index, 1) for index, c in enumerate(checks) if c.passed is False),
    )
    facts = [[label, _shown(told[key])] for key, label in _LABELS.items() if key in told]
    tables = [rules, Table("What it did", ("", ""), facts)] if facts else [rules]
    workload, events = str(material.manifest.workload), msgspec.convert(told["events"], list[Deed])
    title = _TITLES.get(workload, workload)
    return Section("resilience", title, [sentence], tables, _pictures(material, events))


def _shown(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _pictures(material: Material, events: list[Deed]) -> list[Chart]:
    """Results of the normal load, second by second, around what was done."""
    frame = material.frame
    load = frame[frame["role"].isna() & frame["outcome"].isin(["ok", "failed"])]
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
            "Successful results in each second of the run, and below them failed streams.",
            "a second",
            Scale.TIME,
            lines=[Line("results", Style.MAIN, list(zip(middles.tolist(), good.astype(float).tolist(), strict=True)))],
            bars=[Bars("failed", Style.BAD, edges.tolist(), bad.tolist(), lane=True)],
            marks=[Mark(event.what, Style.SECOND, event.at_s) for event in events],
        )
    ]

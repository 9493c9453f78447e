"""The tables of a run's report: times, rates, requests, failures, rules, users, the generator, the manifest."""

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter

import numpy as np
import pandas as pd

from katydid.analysis.derived import failed_later, quantile
from katydid.analysis.validity.rule import Rule
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import ErrorRow, NameRow, RequestCounts, Summary
from katydid.model.formatting import capitalised, censored, label_of, milliseconds, plural, show
from katydid.model.metrics import Distribution
from katydid.model.metrics.declared import KEY, Catalogue
from katydid.model.metrics.rates import FlatMetric
from katydid.model.oneline import one_line
from katydid.model.units import Unit, Written
from katydid.report.model import Cell, Column, Judgement, Table

MOST_USERS = 50
"""Most users that the table of users lists; a longer one is of no use."""
SHORT = ("p50", "p90", "p95", "p99", "max")
"""Statistics in the terminal's table."""
_MINOR = Judgement.MINOR
_RESULTS = {"passed": Judgement.GOOD, "warning": Judgement.NOTE, "invalid": Judgement.BAD}


def times_table(summary: Summary, metrics: Iterable[Distribution], statistics: Iterable[str]) -> Table:
    """The measured times; statistics with too few requests are empty."""

    def named(distribution: Distribution) -> Cell:
        return Cell(label_of(distribution, summary), judgement=Judgement.NONE if distribution.primary else _MINOR)

    def column(statistic: str) -> Column[Distribution]:
        def cell(of: Distribution) -> Cell:
            name = f"{of.name}.{statistic}"
            known = summary.measured(name)
            said = show(name, None, summary, of.unit)
            return Cell(known.value if known else None, of.unit, _MINOR if known is None else Judgement.NONE, said)

        return Column(statistic, cell, Unit.MS)

    caption = (
        f"Times of {plural(summary.counts.ok, 'successful request')} outside the warm-up. A percentile needs a minimum "
        f"number of requests. {censored(summary)}"
    )
    rows = [each for each in metrics if summary.measured(f"{each.name}.max") is not None]
    return Table(caption.strip(), (Column("Metric", named), *map(column, statistics)), rows)


def short_times_table(summary: Summary, catalogue: Catalogue) -> Table:
    """The primary times, for a terminal; the mean if there are too few requests for the median."""

    def column(statistic: str) -> Column[Distribution]:
        def cell(of: Distribution) -> Cell:
            name = f"{of.name}.{statistic}"
            known = summary.measured(name)
            if known is None and statistic == SHORT[0]:
                return Cell(None, said=f"mean {show(f'{of.name}.mean', None, summary, of.unit)}")
            said = "too few" if known is None else show(name, None, summary, of.unit)
            return Cell(known.value if known else None, of.unit, said=said)

        return Column(statistic, cell, Unit.MS)

    rows = [d for d in catalogue.distributions if d.primary and summary.measured(f"{d.name}.max") is not None]
    return Table("Times", (Column("", lambda d: label_of(d, summary)), *map(column, SHORT)), rows)


def rates_table(summary: Summary, catalogue: Catalogue) -> Table:
    """The metrics over the whole run that were measured."""
    columns: tuple[Column[FlatMetric], ...] = (
        Column("", lambda rate: rate.label),
        Column(
            "",
            lambda rate: Cell(summary.metrics[rate.name], rate.unit),
            Unit.COUNT,
            bad=lambda rate: rate.name == "failure_rate" and bool(summary.metrics[rate.name]),
        ),
    )
    rows = [rate for rate in catalogue.figures if summary.metrics[rate.name] is not None]
    return Table(f"Rates, over {milliseconds(summary.seconds * 1000)}", columns, rows)


_FAILED = "of these failed"


def counts_table(frame: pd.DataFrame, counts: RequestCounts) -> Table:
    """Requests by outcome, and all others: each row of the samples is in one line that is not `of these`, and in All.

    Args:
        frame: samples with derived columns.
        counts: the summary's counts.
    """
    later = failed_later(frame)
    others = ~frame["counted"] & ~later
    warm_up = frame["warm_up"].astype(bool)
    told: list[tuple[str, int | None]] = [
        ("Counted", counts.requests),
        ("of these succeeded", counts.ok),
        (_FAILED, counts.failed),
        ("of these aborted at the end of the run", counts.aborted),
        ("of these abandoned by their clients", counts.abandoned or None),
        ("of these started late", counts.late),
        ("In the warm-up, not counted", int((others & warm_up).sum())),
        ("Failed after the stop, not counted", int(later.sum())),
        ("Probes and injected events, not counted", int((others & ~warm_up).sum()) or None),
        ("All", counts.all),
    ]
    columns: tuple[Column[tuple[str, int | None]], ...] = (
        Column("", lambda row: Cell(row[0], judgement=_MINOR if "these" in row[0] else Judgement.NONE)),
        Column("", itemgetter(1), Unit.COUNT, bad=lambda row: row[0] == _FAILED and counts.failed > 0),
    )
    return Table("Requests", columns, [row for row in told if row[1] is not None])


def failures_table(errors: Sequence[ErrorRow]) -> Table:
    """Failures by class and blame."""
    columns: tuple[Column[ErrorRow], ...] = (
        Column("Class", lambda row: row.error, bad=lambda _: True),
        Column("Blame", lambda row: row.blame),
        Column("Count", lambda row: row.count, Unit.COUNT),
        Column("Share", lambda row: row.share, Unit.FRACTION),
        Column("First at", lambda row: row.first_ms, Unit.MS),
        Column("Example", _example),
    )
    return Table("By class and blame, for the whole run until it stopped, warm-up included.", columns, errors)


def _example(row: ErrorRow) -> str | None:
    prompts = row.prompts or []
    only = f"Only {'prompt' if len(prompts) == 1 else 'prompts'} {', '.join(prompts)}." if prompts else ""
    check = f"{capitalised(row.check)}." if row.check else ""
    return " ".join(filter(None, (row.example, only, check))) or None


def rules_table(rules: Iterable[Rule], summary: Summary) -> Table:
    """The validity rules of the run's workload, with their results."""
    results = dict.fromkeys(summary.unchecked_rules, "not checked")
    results |= {finding.rule: finding.severity for finding in summary.findings}

    def result(rule: Rule) -> Cell:
        found = results.get(rule.name, "passed")
        return Cell(found, judgement=_RESULTS.get(found, Judgement.NONE))

    columns: tuple[Column[Rule], ...] = (
        Column("Rule", lambda rule: rule.name.replace("_", " ")),
        Column("Requirement", lambda rule: rule.limit),
        Column("Reason", lambda rule: rule.why),
        Column("Result", result, leads=True),
    )
    return Table("Validity rules", columns, list(rules))


def names_table(names: Sequence[NameRow]) -> Table:
    """One row per request name."""
    columns: tuple[Column[NameRow], ...] = (
        Column("Name", lambda row: row.name),
        Column("Requests", lambda row: row.requests, Unit.COUNT),
        Column("Failed", lambda row: row.failed, Unit.COUNT, bad=lambda row: row.failed > 0),
        Column("Service time p50", lambda row: row.p50, Unit.MS),
        Column("Longest", lambda row: row.longest, Unit.MS),
    )
    return Table("By request", columns, names)


def users_table(frame: pd.DataFrame) -> Table:
    """One row per user; empty if there are more than MOST_USERS."""
    real = frame[frame["counted"] & (frame["user"] >= 0)]
    users = [rows for _, rows in real.groupby("user")] if real["user"].nunique() <= MOST_USERS else []

    def failed(rows: pd.DataFrame) -> int:
        return int((rows["outcome"] == "failed").sum())

    def time(of: Callable[[np.ndarray], float]) -> Callable[[pd.DataFrame], float | None]:
        def of_successes(rows: pd.DataFrame) -> float | None:
            times = rows.loc[rows["outcome"] == "ok", "duration_ms"].dropna().to_numpy(dtype=np.float64)
            return float(of(times)) if len(times) else None

        return of_successes

    columns: tuple[Column[pd.DataFrame], ...] = (
        Column("User", lambda rows: int(rows["user"].iloc[0])),
        Column("Requests", len, Unit.COUNT),
        Column("Failed", failed, Unit.COUNT, bad=lambda rows: failed(rows) > 0),
        Column("Late", lambda rows: int(rows["late"].sum()) if rows["late_ms"].notna().any() else None, Unit.COUNT),
        Column("Service time p50", time(lambda times: quantile(times, 0.5)), Unit.MS),
        Column("Longest", time(np.max), Unit.MS),
    )
    return Table("Users", columns, users)


def processes_table(monitor: pd.DataFrame) -> Table:
    """The resource use of each process of the generator."""

    def most(name: str) -> Callable[[pd.DataFrame], float]:
        return lambda rows: float(rows[name].max())

    columns: tuple[Column[pd.DataFrame], ...] = (
        Column("Process", lambda rows: str(rows["process"].iloc[0])),
        Column("CPU, median", lambda rows: float(rows["cpu_percent"].median()) / 100.0, Unit.FRACTION),
        Column("CPU, max", lambda rows: most("cpu_percent")(rows) / 100.0, Unit.FRACTION),
        Column("Memory, max", most("memory_bytes"), Written.MEBIBYTES),
        Column("Event-loop lag, max", most("loop_lag_ms"), Unit.MS),
        Column("Connections, max", most("open_connections"), Unit.COUNT),
    )
    return Table("Generator", columns, [rows for _, rows in monitor.groupby("process", observed=True)])


_UNTOLD = {KEY, "options", "leaving", "schema_version", "partial"}


def facts_table(manifest: Manifest) -> Table:
    """The manifest's facts in their order, then the options as given."""
    told = [(_label(key), value) for key, value in manifest.items() if key not in _UNTOLD]
    told += [(f"option {key}", value) for key, value in (manifest.options or {}).items()]
    facts = {label: one_line(value) for label, value in told if value not in (None, [], "")}
    columns: tuple[Column[tuple[str, str]], ...] = (Column("", itemgetter(0)), Column("", itemgetter(1)))
    return Table("Manifest", columns, list(facts.items()))


def _label(key: str) -> str:
    for ending, unit in (("_s", "s"), ("_ms", "ms")):
        if key.endswith(ending):
            return f"{key.removesuffix(ending)} ({unit})".replace("_", " ")
    return key.replace("_", " ")

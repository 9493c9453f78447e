"""The tables of a comparison: metrics, looks, runs, and what differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from katydid.model.documents.comparison import (
    ComparedMetric,
    ComparedRun,
    Comparison,
    LookRecord,
    Mismatch,
    RunOutcome,
    Verdict,
)
from katydid.model.formatting import at_least, change_text, figure, percent, points
from katydid.model.metrics.declared import described
from katydid.model.units import Unit
from katydid.report.model import Cell, Column, Table

_Metrics = Column[ComparedMetric]


def verdict_word(metric: ComparedMetric) -> str:
    """Of a metric; "slower" fits times only."""
    words = {} if described(metric).unit is Unit.MS else {Verdict.SLOWER: "worse", Verdict.FASTER: "better"}
    return words.get(metric.verdict, metric.verdict.replace("_", " "))


def is_worse(metric: ComparedMetric) -> bool:
    """Whether the new version is."""
    return metric.verdict is Verdict.SLOWER


def _detectable(metric: ComparedMetric) -> Cell:
    shares = metric.points
    smallest = metric.smallest_detectable if shares is None else shares.detectable
    said = None if smallest is None else (percent if shares is None else points)(smallest).lstrip("+")
    return Cell(smallest, Unit.FRACTION, said=said)


METRIC: _Metrics = Column("Metric", lambda m: described(m).label + ("\u00a0*" if m.primary else ""))
CHANGE: _Metrics = Column(
    "Change (95 % interval)", lambda m: Cell(m.change, described(m).unit, said=change_text(m)), Unit.FRACTION
)
VERDICT: _Metrics = Column("Verdict", verdict_word, bad=is_worse, leads=True)
DETECTABLE: _Metrics = Column("Detectable", _detectable, Unit.FRACTION)
RUNS_NEEDED: _Metrics = Column(
    "Runs needed",
    lambda m: Cell(m.runs_needed, Unit.COUNT, said=f"{m.runs_needed} a side" if m.runs_needed else None),
    Unit.COUNT,
)


def base_column(name: str) -> _Metrics:
    """The values of the base."""
    return Column(name, lambda m: _value(m, m.base, "upper"), Unit.COUNT)


def new_column(name: str) -> _Metrics:
    """The values of the new version."""
    return Column(name, lambda m: _value(m, m.new, "lower"), Unit.COUNT)


def _value(metric: ComparedMetric, value: float | None, bound: str) -> Cell:
    """A side's value; one that lies among time-outs, which makes the change such a bound, is at least so."""
    unit = described(metric).unit
    if value is None:
        return Cell(None, unit)
    return Cell(value, unit, said=at_least(figure(value, unit), bound=metric.bound in ("both", bound)))


def metric_tables(
    names: tuple[str, str], first: Sequence[ComparedMetric], every: Sequence[ComparedMetric]
) -> list[Table]:
    """Those that are read first, and all of them."""
    base, new = names
    short = (METRIC, base_column(base), new_column(new), CHANGE, VERDICT)
    caption = "All metrics, with the smallest change that these runs would show, and the runs that it would take"
    return [
        Table("* primary metric", short, first),
        Table(caption, (*short, DETECTABLE, RUNS_NEEDED), every, in_terminal=False),
    ]


LOOKS: tuple[Column[LookRecord], ...] = (
    Column("Pairs", lambda look: str(look.pairs)),
    Column("Level: different", lambda look: look.level, Unit.FRACTION),
    Column("Level: no difference", lambda look: look.level_same, Unit.FRACTION),
    Column("Verdict", lambda look: look.verdict.replace("_", " "), leads=True),
)


def looks_table(looks: Sequence[LookRecord]) -> Table:
    """What each look of `katydid ab` found."""
    return Table("Looks after pairs", LOOKS, looks)


@dataclass(frozen=True, slots=True)
class _Ran:
    """A run of a side, and how it ended."""

    label: str
    run: ComparedRun
    outcome: RunOutcome
    report: str | None

    @property
    def started(self) -> Cell:
        """When it began, which leads to its report."""
        return Cell((self.run.started_utc or "–").replace("T", " ")[:16], link=self.report)


RUNS: tuple[Column[_Ran], ...] = (
    Column("Version", lambda row: row.label),
    Column("Started (UTC)", lambda row: row.started),
    Column("Ended", lambda row: _ending(row.outcome)),
    Column("Counts", lambda row: "yes" if row.run.counts else "left out", bad=lambda row: not row.run.counts),
    Column("Users", lambda row: row.outcome.users, Unit.COUNT),
    Column("Requests", lambda row: row.outcome.requests, Unit.COUNT),
    Column("Failed", lambda row: row.outcome.failure_rate, Unit.FRACTION),
)


def runs_table(names: tuple[str, str], comparison: Comparison, reports: Mapping[str, str]) -> Table:
    """Every run of both sides; `reports` are links by their paths."""
    rows = [
        _Ran(label, run, outcome, reports.get(run.run))
        for label, side, outcomes in zip(names, comparison.sides, comparison.outcomes, strict=True)
        for run, outcome in zip(side.runs, outcomes, strict=True)
    ]
    return Table("Runs", RUNS, rows, in_terminal=len(rows) <= 20)


_ENDINGS = {"run-time": "run time reached", "error": "aborted by an error", "": "never"}
"""Words for those that do not say it themselves."""


def _ending(outcome: RunOutcome) -> str:
    if outcome.ended != "failure-threshold":
        return _ENDINGS.get(outcome.ended or "", outcome.ended or "")
    after = f" after {outcome.seconds:.0f}\u00a0s" if outcome.seconds else ""
    return f"at failure {outcome.failure_threshold}{after}"


def differences_table(names: tuple[str, str], found: Sequence[Mismatch]) -> Table:
    """What the sides' manifests do not share."""
    base, new = names
    columns: tuple[Column[Mismatch], ...] = (
        Column("What", lambda each: each.key),
        Column(base, lambda each: each.base),
        Column(new, lambda each: each.new),
        Column("", lambda each: each.why or "may not affect the result", bad=lambda each: bool(each.why)),
    )
    return Table("What differs", columns, found)

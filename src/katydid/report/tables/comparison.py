"""The tables of a comparison: metrics, looks, runs, differences of the manifests, and prompts."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from katydid.model.documents.comparison import (
    ComparedMetric,
    ComparedRun,
    Comparison,
    LookRecord,
    Mismatch,
    RunOutcome,
    Verdict,
)
from katydid.model.formatting import at_least, change_text, figure, number, percent, plural, points
from katydid.model.metrics.declared import described
from katydid.model.units import Unit, Written
from katydid.report.model import Cell, Column, Section, Table

_Metrics = Column[ComparedMetric]


def verdict_word(metric: ComparedMetric) -> str:
    """The verdict on a metric in a word; only times are slower or faster, others are worse or better."""
    words = {} if described(metric).unit is Unit.MS else {Verdict.SLOWER: "worse", Verdict.FASTER: "better"}
    return words.get(metric.verdict, metric.verdict.replace("_", " "))


def is_worse(metric: ComparedMetric) -> bool:
    """Return True if the new version is worse."""
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
    lambda m: Cell(m.runs_needed, Unit.COUNT, said=f"{m.runs_needed} per side" if m.runs_needed else None),
    Unit.COUNT,
)


def base_column(name: str) -> _Metrics:
    """The column of the base's values."""
    return Column(name, lambda m: _value(m, m.base, "upper"), Unit.COUNT)


def new_column(name: str) -> _Metrics:
    """The column of the new version's values."""
    return Column(name, lambda m: _value(m, m.new, "lower"), Unit.COUNT)


def _value(metric: ComparedMetric, value: float | None, bound: str) -> Cell:
    """A side's value, with "at least" if it falls among timed-out requests and so makes the change a `bound`."""
    unit = described(metric).unit
    if value is None:
        return Cell(None, unit)
    return Cell(value, unit, said=at_least(figure(value, unit), bound=metric.bound in ("both", bound)))


def metric_tables(
    names: tuple[str, str], first: Sequence[ComparedMetric], every: Sequence[ComparedMetric]
) -> list[Table]:
    """The short table and the table of all metrics."""
    base, new = names
    short = (METRIC, base_column(base), new_column(new), CHANGE, VERDICT)
    caption = "All metrics, with the smallest detectable change and the number of runs needed to decide"
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
    """The interim looks of `katydid ab`."""
    return Table("Result of each look", LOOKS, looks)


@dataclass(frozen=True, slots=True)
class _Ran:
    """A run of a side, and how it ended."""

    label: str
    run: ComparedRun
    outcome: RunOutcome
    report: str | None

    @property
    def started(self) -> Cell:
        """The start time, linked to the run's report."""
        return Cell((self.run.started_utc or "–").replace("T", " ")[:16], link=self.report)


RUNS: tuple[Column[_Ran], ...] = (
    Column("Version", lambda row: row.label),
    Column("Started (UTC)", lambda row: row.started),
    Column("Ended", lambda row: _ending(row.outcome)),
    Column("Used", lambda row: "yes" if row.run.counts else "left out", bad=lambda row: not row.run.counts),
    Column("Users", lambda row: row.outcome.users, Unit.COUNT),
    Column("Requests", lambda row: row.outcome.requests, Unit.COUNT),
    Column("Failed", lambda row: row.outcome.failure_rate, Unit.FRACTION),
)


def runs_table(names: tuple[str, str], comparison: Comparison, reports: Mapping[str, str]) -> Table:
    """All runs of both sides; `reports` maps runs' paths to links."""
    rows = [
        _Ran(label, run, outcome, reports.get(run.run))
        for label, side, outcomes in zip(names, comparison.sides, comparison.outcomes, strict=True)
        for run, outcome in zip(side.runs, outcomes, strict=True)
    ]
    return Table("Runs", RUNS, rows, in_terminal=len(rows) <= 20)


_ENDINGS = {"run-time": "run time reached", "error": "aborted by an error", "": "never"}
"""Words for values of `ended` that are not plain themselves."""


def _ending(outcome: RunOutcome) -> str:
    if outcome.ended != "failure-threshold":
        return _ENDINGS.get(outcome.ended or "", outcome.ended or "")
    after = f" after {outcome.seconds:.0f}\u00a0s" if outcome.seconds else ""
    return f"at failure {outcome.failure_threshold}{after}"


def differences_table(names: tuple[str, str], found: Sequence[Mismatch]) -> Table:
    """The differences between the manifests of the sides."""
    base, new = names
    columns: tuple[Column[Mismatch], ...] = (
        Column("Setting", lambda each: each.key),
        Column(base, lambda each: each.base),
        Column(new, lambda each: each.new),
        Column("Effect", lambda each: each.why or "may not affect the result", bad=lambda each: bool(each.why)),
    )
    return Table("Differences", columns, found)


FEWEST_PROMPTS = 2
MOST_PROMPTS = 10
"""Prompts shown: those whose service time grew most."""


def prompts_section(names: tuple[str, str], base: Sequence[pd.DataFrame], new: Sequence[pd.DataFrame]) -> list[Section]:
    """The prompts that both sides answered, the worst first; empty if there are fewer than FEWEST_PROMPTS.

    Exploratory only: a prompt has too few requests for a verdict.

    Args:
        names: names of the sides.
        base: samples with derived columns, one frame per run.
        new: the same for the new version.
    """
    both = _by_prompt(base).add_suffix("_base").join(_by_prompt(new).add_suffix("_new"), how="inner")
    if len(both) < FEWEST_PROMPTS:
        return []
    both["change"] = both["time_new"] / both["time_base"] - 1.0
    both = both.sort_values(["change", "time_base"], ascending=[False, True])
    longer, middle = int((both["change"] > 0.0).sum()), float(both["change"].median())
    text = (
        f"Both sides answered {plural(len(both), 'prompt')}. {names[1]} took longer for {number(longer)} of them; the "
        f"median change is {percent(middle)}. Values are medians over each prompt's requests, too few for a verdict."
    )
    caption = "Prompts that slowed down most" if len(both) > MOST_PROMPTS else ""
    return [
        Section(
            "prompts", "Prompt by prompt", (text,), tables=[_prompts_table(caption, names, both.head(MOST_PROMPTS))]
        )
    ]


def _prompts_table(caption: str, names: tuple[str, str], both: pd.DataFrame) -> Table:
    """One row per prompt, with both sides' figures."""

    def figures(what: str, of: str, unit: Unit) -> Iterator[Column[dict[Hashable, Any]]]:
        for name, side in zip(names, ("base", "new"), strict=True):
            yield Column(f"{what}, {name}", itemgetter(f"{of}_{side}"), unit)

    columns: tuple[Column[dict[Hashable, Any]], ...] = (
        Column("Prompt", lambda row: str(row["prompt_id"])),
        *figures("Requests", "requests", Unit.COUNT),
        *figures("Tokens", "tokens", Unit.COUNT),
        *figures("Service time", "time", Unit.MS),
        Column("Change", itemgetter("change"), Written.CHANGE),
    )
    return Table(caption, columns, both.rename_axis("prompt_id").reset_index().to_dict("records"))


def _by_prompt(side: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One row per prompt: the number of successful requests, and their median tokens and service time."""
    found = [_answered(frame) for frame in side if "prompt_id" in frame]
    rows = pd.concat(found) if found else pd.DataFrame(columns=["prompt_id", "tokens", "time"])
    grouped = rows.groupby("prompt_id")
    return grouped[["tokens", "time"]].median().assign(requests=grouped.size())


def _answered(frame: pd.DataFrame) -> pd.DataFrame:
    kept = frame[frame["counted"] & (frame["outcome"] == "ok") & (frame["duration_ms"] > 0.0)]
    times = {"tokens": kept.get("completion_tokens", np.nan), "time": kept["duration_ms"]}
    return pd.DataFrame({"prompt_id": kept["prompt_id"], **times}).astype({"tokens": "float64", "time": "float64"})

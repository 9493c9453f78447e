"""The sections of a comparison's report: metrics, looks, runs, differences of the manifests, method, and prompts."""

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
from katydid.model.formatting import at_least, change_text, figure, fraction, number, percent, plural, points
from katydid.model.metrics.declared import described
from katydid.model.metrics.rates import USERS_AT_STOP
from katydid.model.units import Better, Unit, Written
from katydid.report.model import Cell, Column, Section, Table
from katydid.report.verdict import names, ordered, read_first

SHARES = (
    "Changes of shares are given in percentage points: from 1 % to 3 % is +2 points. Changes below half a point are "
    "ignored."
)
USERS_HELD = (
    "The failure threshold stopped runs on a ramp, so only the number of users that each version held decides: times "
    "belong to different loads, and the threshold set the number of failures. A version holds more or fewer users if "
    "the change exceeds that noise (wrong for equal versions in at most 1 % of cases) and is at least 1 %."
)
FAILURES = (
    "The failure rate is always a primary metric. It is judged by the failures among each run's requests, allowing for "
    "bursts and for noise between runs; it counts as unchanged if its 90 % interval lies within one point."
)


def sections(comparison: Comparison, reports: Mapping[str, str] | None = None) -> list[Section]:
    """All sections below the verdict; `reports` maps the runs' paths to links to their reports."""
    made = (
        _metrics(comparison),
        _looks(comparison),
        _runs(comparison, reports or {}),
        _differences(comparison),
        _method(comparison),
    )
    return [section for section in made if section is not None]


def verdict_word(metric: ComparedMetric) -> str:
    """The verdict on a metric in a word; only times are slower or faster, others are worse or better."""
    words = {} if described(metric).unit is Unit.MS else {Verdict.SLOWER: "worse", Verdict.FASTER: "better"}
    return words.get(metric.verdict, metric.verdict.replace("_", " "))


def is_worse(metric: ComparedMetric) -> bool:
    """Return True if the new version is worse."""
    return metric.verdict is Verdict.SLOWER


METRIC: Column[ComparedMetric] = Column("Metric", lambda m: described(m).label + ("\u00a0*" if m.primary else ""))
VERDICT: Column[ComparedMetric] = Column("Verdict", verdict_word, bad=is_worse, leads=True)


def base_column(name: str) -> Column[ComparedMetric]:
    """The column of the base's values."""
    return Column(name, lambda m: _value(m, m.base, "upper"), Unit.COUNT)


def _value(metric: ComparedMetric, value: float | None, bound: str) -> Cell:
    """A side's value, with "at least" if it falls among timed-out requests and so makes the change a `bound`."""
    unit = described(metric).unit
    if value is None:
        return Cell(None, unit)
    return Cell(value, unit, said=at_least(figure(value, unit), bound=metric.bound in ("both", bound)))


def _detectable(metric: ComparedMetric) -> Cell:
    shares = metric.points
    smallest = metric.smallest_detectable if shares is None else shares.detectable
    said = None if smallest is None else (percent if shares is None else points)(smallest).lstrip("+")
    return Cell(smallest, Unit.FRACTION, said=said)


def _metrics(comparison: Comparison) -> Section | None:
    """The short table and the table of all metrics."""
    if not comparison.metrics:
        return None
    base, new = names(comparison)
    short: tuple[Column[ComparedMetric], ...] = (
        METRIC,
        base_column(base),
        Column(new, lambda m: _value(m, m.new, "lower"), Unit.COUNT),
        Column("Change (95 % interval)", lambda m: Cell(m.change, said=change_text(m)), Unit.FRACTION),
        VERDICT,
    )
    more: tuple[Column[ComparedMetric], ...] = (
        Column("Detectable", _detectable, Unit.FRACTION),
        Column("Runs needed", lambda m: f"{m.runs_needed} per side" if m.runs_needed else None, Unit.COUNT),
    )
    caption = "All metrics, with the smallest detectable change and the number of runs needed to decide"
    tables = (
        Table("* primary metric", short, read_first(comparison)),
        Table(caption, (*short, *more), ordered(comparison), in_terminal=False),
    )
    return Section("metrics", "Metrics", tables=tables)


LOOKS: tuple[Column[LookRecord], ...] = (
    Column("Pairs", lambda look: str(look.pairs)),
    Column("Level: different", lambda look: look.level, Unit.FRACTION),
    Column("Level: no difference", lambda look: look.level_same, Unit.FRACTION),
    Column("Verdict", lambda look: look.verdict.replace("_", " "), leads=True),
)


def _looks(comparison: Comparison) -> Section | None:
    """The looks of `katydid ab`; None for other comparisons."""
    if not comparison.looks:
        return None
    end = "The last look decided." if comparison.decided else "No look decided within the allowed number of pairs."
    plan = (
        "The levels were fixed before the first run, so that all looks together have the same error rate for equal "
        "versions as one comparison."
    )
    return Section("looks", "Interim looks", (end, plan), [Table("Result of each look", LOOKS, comparison.looks)])


@dataclass(frozen=True, slots=True)
class _Ran:
    """A run of a side, how it ended, and the link to its report."""

    label: str
    run: ComparedRun
    outcome: RunOutcome
    report: str | None


RUNS: tuple[Column[_Ran], ...] = (
    Column("Version", lambda row: row.label),
    Column("Started (UTC)", lambda row: Cell((row.run.started_utc or "–").replace("T", " ")[:16], link=row.report)),
    Column("Ended", lambda row: _ending(row.outcome)),
    Column("Used", lambda row: "yes" if row.run.counts else "left out", bad=lambda row: not row.run.counts),
    Column("Users", lambda row: row.outcome.users, Unit.COUNT),
    Column("Requests", lambda row: row.outcome.requests, Unit.COUNT),
    Column("Failed", lambda row: row.outcome.failure_rate, Unit.FRACTION),
)


def _runs(comparison: Comparison, reports: Mapping[str, str]) -> Section:
    """All runs of both sides, and what each version does when a client disconnects, from its last run that saw it."""
    rows, left = [], []
    for label, side, outcomes in zip(names(comparison), comparison.sides, comparison.outcomes, strict=True):
        pairs = zip(side.runs, outcomes, strict=True)
        rows += [_Ran(label, run, outcome, reports.get(run.run)) for run, outcome in pairs]
        told = [outcome.leaving for outcome in outcomes if outcome.leaving]
        left += [f"{label}: {told[-1]}"] if told else []
    return Section("runs", "Runs", left, [Table("Runs", RUNS, rows, in_terminal=len(rows) <= 20)])


_ENDINGS = {"run-time": "run time reached", "error": "aborted by an error", "": "never"}
"""Words for values of `ended` that are not plain themselves."""


def _ending(outcome: RunOutcome) -> str:
    if outcome.ended != "failure-threshold":
        return _ENDINGS.get(outcome.ended or "", outcome.ended or "")
    after = f" after {outcome.seconds:.0f}\u00a0s" if outcome.seconds else ""
    return f"at failure {outcome.failure_threshold}{after}"


def _differences(comparison: Comparison) -> Section | None:
    if not comparison.differences:
        return None
    base, new = names(comparison)
    columns: tuple[Column[Mismatch], ...] = (
        Column("Setting", lambda each: each.key),
        Column(base, lambda each: each.base),
        Column(new, lambda each: each.new),
        Column("Effect", lambda each: each.why or "may not affect the result", bad=lambda each: bool(each.why)),
    )
    table = Table("Differences", columns, comparison.differences)
    return Section("differences", "Differences between the sides", tables=[table])


def _method(comparison: Comparison) -> Section:
    settings, metrics = comparison.settings, comparison.metrics
    counted = [sum(r.counts for r in side.runs) for side in comparison.sides]
    runs = " and ".join(plural(n, "run") for n in counted)
    noise = f" and {plural(comparison.history_runs, 'earlier run')}" if comparison.history_runs else ""
    held = any(m.name == USERS_AT_STOP and m.primary for m in metrics)
    rule = (
        f"A metric is slower or faster if its change exceeds that noise and is at least "
        f"{fraction(settings.min_change)}; it shows no difference if its 90 % interval lies within "
        f"{fraction(settings.same_within)}. Together, the primary metrics are wrong for equal versions in at most "
        f"{fraction(settings.family_alpha)} of cases (Holm's rule). Other metrics are exploratory."
    )
    settled = f"The first {comparison.settled_s:.0f} s of each run are left out, until service times settled."
    told = {
        f"Sample size: {runs}, one value per run. The noise between runs is estimated from these runs{noise}.": True,
        "The runs were interleaved.": comparison.interleaved and max(counted) > 1,
        settled: comparison.settled_s,
        USERS_HELD if held else rule: True,
        "A metric for which higher is better is worse if it falls.": any(
            described(m).better is Better.HIGHER for m in metrics
        ),
        SHARES: any(m.points for m in metrics),
        FAILURES: any(m.design == "failures of runs" for m in metrics) and not held,
    }
    return Section("method", "Method", [text for text, applies in told.items() if applies])


FEWEST_PROMPTS = 2
MOST_PROMPTS = 10
"""Prompts shown: those whose service time grew most."""


def prompts_section(sides: tuple[str, str], base: Sequence[pd.DataFrame], new: Sequence[pd.DataFrame]) -> list[Section]:
    """The prompts that both sides answered, the worst first; empty if there are fewer than FEWEST_PROMPTS.

    Exploratory only: a prompt has too few requests for a verdict.

    Args:
        sides: names of the sides.
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
        f"Both sides answered {plural(len(both), 'prompt')}. {sides[1]} took longer for {number(longer)} of them; the "
        f"median change is {percent(middle)}. Values are medians over each prompt's requests, too few for a verdict."
    )

    def figures(what: str, of: str, unit: Unit) -> Iterator[Column[dict[Hashable, Any]]]:
        for name, side in zip(sides, ("base", "new"), strict=True):
            yield Column(f"{what}, {name}", itemgetter(f"{of}_{side}"), unit)

    columns: tuple[Column[dict[Hashable, Any]], ...] = (
        Column("Prompt", lambda row: str(row["prompt_id"])),
        *figures("Requests", "requests", Unit.COUNT),
        *figures("Tokens", "tokens", Unit.COUNT),
        *figures("Service time", "time", Unit.MS),
        Column("Change", itemgetter("change"), Written.CHANGE),
    )
    caption = "Prompts that slowed down most" if len(both) > MOST_PROMPTS else ""
    rows = both.head(MOST_PROMPTS).rename_axis("prompt_id").reset_index().to_dict("records")
    return [Section("prompts", "Prompt by prompt", (text,), [Table(caption, columns, rows)])]


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

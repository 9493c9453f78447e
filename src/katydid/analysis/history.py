"""A workload's metrics over its versions, with changes of level and trends.

First for one metric, from its values by version; then for all runs of a workload. Knows neither folders nor reports.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
from scipy import special

from katydid.analysis.comparison.comparability import another_load
from katydid.analysis.headline import why_invalid
from katydid.analysis.summary import RunResult
from katydid.model.metrics import DISTRIBUTIONS, METRICS
from katydid.model.units import Better, Unit
from katydid.stats import changepoints
from katydid.stats.changepoints import FEWEST_VALUES, Course
from katydid.stats.inference import INTERVAL, noise_of

SHOWN = (
    *(f"{d.name}.{statistic}" for d in DISTRIBUTIONS if d.primary for statistic in ("p50", "p95")),
    "failure_rate",
    "tokens_per_s",
)
"""The metrics shown. The request rate is not one of them, because the load determines it."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a metric's level.

    Attributes:
        version: the first version of the new level.
        index: its place among the versions.
        before, after: the levels.
        change, low, high: as fractions, with the 95 % interval, which does not allow for the search for the place.
        verdict: slower or faster; slower means worse.
        confirmed: it was found one version earlier too; otherwise it is tentative until the next version confirms it.
    """

    version: str
    index: int
    before: float
    after: float
    change: float
    low: float
    high: float
    verdict: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Trend:
    """A metric that rises or falls steadily over all versions; see also `Change`.

    Attributes:
        change, low, high: per version.
        whole: the change from the first version to the newest.
    """

    change: float
    low: float
    high: float
    whole: float
    verdict: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class MetricHistory:
    """One metric over all versions.

    Attributes:
        values: one per version: the geometric mean of its runs, for shares the mean; None if no run has the metric.
        levels: each version's level, or its value on the trend; None if no run has the metric. Empty if not searched.
        unsearched: why changes were not searched for; empty if they were.
    """

    name: str
    values: tuple[float | None, ...]
    levels: tuple[float | None, ...] = ()
    changes: tuple[Change, ...] = ()
    unsearched: str = ""
    trend: Trend | None = None


def is_searched(name: str) -> bool:
    """Return True if changes of a metric are searched for."""
    return METRICS[name].unit is not Unit.FRACTION


def metric_history(
    name: str, versions: Sequence[str], by_version: Sequence[Sequence[float]], metrics: int = 1
) -> MetricHistory:
    """Make the history of a metric.

    Args:
        name: of the metric.
        versions: their names, in order.
        by_version: the values of each version's runs; empty if no run has the metric.
        metrics: the number of metrics searched together.
    """
    if not is_searched(name):
        means = tuple(float(np.mean(values)) if values else None for values in by_version)
        return MetricHistory(name, means, unsearched="shares are shown, not searched")
    logs = [[math.log(value) for value in values if value > 0.0] for values in by_version]
    values = tuple(math.exp(float(np.mean(of_one))) if of_one else None for of_one in logs)
    places = [place for place, of_one in enumerate(logs) if of_one]
    known = [logs[place] for place in places]
    course = Course([float(np.mean(of_one)) for of_one in known], [len(of_one) for of_one in known], noise_of(known))
    found = changepoints.look(course, metrics)
    if found is None:
        few = f"too few versions ({len(known)} of {FEWEST_VALUES})"
        return MetricHistory(name, values, unsearched=few)
    levels: list[float | None] = [None] * len(versions)
    if found.trend is not None:
        line = found.trend
        for number, place in enumerate(places):
            levels[place] = math.exp(line.start + line.slope * number)
        trend = Trend(
            **_relative(line.slope, line.error, found.df),
            whole=math.expm1(line.slope * (len(known) - 1)),
            verdict=_verdict(name, line.slope),
            confirmed=line.confirmed,
        )
        return MetricHistory(name, values, tuple(levels), trend=trend)
    edges = [0, *found.at, len(known)]
    logs_of = [np.average(course.logs[a:b], weights=course.runs[a:b]) for a, b in pairwise(edges)]
    runs_of = [sum(course.runs[a:b]) for a, b in pairwise(edges)]
    for (begin, end), log in zip(pairwise(edges), logs_of, strict=True):
        for place in places[begin:end]:
            levels[place] = math.exp(log)
    changes = []
    for number, at in enumerate(found.at):
        before, after = logs_of[number], logs_of[number + 1]
        error = math.sqrt(found.variance * (1.0 / runs_of[number] + 1.0 / runs_of[number + 1]))
        changes.append(
            Change(
                version=versions[places[at]],
                index=places[at],
                before=math.exp(before),
                after=math.exp(after),
                **_relative(after - before, error, found.df),
                verdict=_verdict(name, after - before),
                confirmed=found.confirmed[number],
            )
        )
    return MetricHistory(name, values, tuple(levels), tuple(changes))


def _relative(log: float, error: float, df: float) -> dict[str, float]:
    """A change of the log value as a fraction, with the ends of its interval."""
    reach = float(special.stdtrit(df, (1.0 + INTERVAL) / 2.0)) * error if error else 0.0
    return {"change": math.expm1(log), "low": math.expm1(log - reach), "high": math.expm1(log + reach)}


def _verdict(name: str, change: float) -> str:
    return "slower" if (change > 0.0) == (METRICS[name].better is Better.LOWER) else "faster"


@dataclass(frozen=True, slots=True)
class Version:
    """A version with its runs; its place is that of its first run."""

    name: str
    started_utc: str
    runs: tuple[RunResult, ...]


@dataclass(frozen=True, slots=True)
class History:
    """The history of a workload.

    Attributes:
        left_out: a line for each run that does not count, with the reason.
    """

    versions: tuple[Version, ...]
    metrics: tuple[MetricHistory, ...]
    left_out: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """The content of `history --json`."""
        return {
            "schema_version": 1,
            "versions": [
                {"version": v.name, "started_utc": v.started_utc, "runs": [run.name for run in v.runs]}
                for v in self.versions
            ],
            "metrics": [asdict(metric) for metric in self.metrics],
            "left_out": list(self.left_out),
        }


def history(runs: Iterable[RunResult]) -> History:
    """Make the history of one workload's runs; only runs with the same load as the newest usable run count."""
    ordered = sorted(runs, key=lambda run: run.started)
    newest = next((run for run in reversed(ordered) if not _unusable(run)), None)
    kept, left_out = [], []
    for run in ordered:
        why = _unusable(run) or _other_load(run, newest)
        if why:
            left_out.append(f"{run.name} is left out: {why}")
        else:
            kept.append(run)
    versions = _versions(kept)
    names = [version.name for version in versions]
    values = {name: [_values(version, name) for version in versions] for name in SHOWN}
    known = {name: of_one for name, of_one in values.items() if any(of_one)}
    searched = sum(map(is_searched, known))
    courses = tuple(metric_history(name, names, of_one, searched) for name, of_one in known.items())
    return History(versions, courses, tuple(left_out))


def _unusable(run: RunResult) -> str:
    if run.summary.partial:
        return "it is partial: it never finished"
    if not run.summary.valid:
        return f"it is invalid ({why_invalid(run.summary)})"
    return "" if run.summary.counts.ok else "no request succeeded in it"


def _other_load(run: RunResult, newest: RunResult | None) -> str:
    why = another_load(run.manifest, newest.manifest) if newest else ""
    return f"unlike in the newest run, {why}" if why else ""


def _versions(runs: Sequence[RunResult]) -> tuple[Version, ...]:
    """The versions, in the order of their first runs."""
    grouped: dict[str, list[RunResult]] = {}
    for run in runs:
        grouped.setdefault(run.version, []).append(run)
    return tuple(Version(name, group[0].started, tuple(group)) for name, group in grouped.items())


def _values(version: Version, name: str) -> list[float]:
    found = (run.summary.measured(name) for run in version.runs)
    return [each.value for each in found if each is not None]

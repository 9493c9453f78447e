"""The course of a workload's metrics over its versions, where they changed their level, and which have a trend.

Knows neither folders nor how it is shown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from katydid.analysis.comparison.comparability import another_load
from katydid.analysis.metric_history import MetricHistory, is_searched, metric_history
from katydid.analysis.result import RunResult
from katydid.model.metrics import DISTRIBUTIONS

SHOWN = (
    *(f"{d.name}.{statistic}" for d in DISTRIBUTIONS if d.primary for statistic in ("p50", "p95")),
    "failure_rate",
    "tokens_per_s",
)
"""Metrics whose course is shown. The request rate is not one of them: a fixed load fixes it."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version with its runs; it stands where its first run does."""

    name: str
    started_utc: str
    runs: tuple[RunResult, ...]


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a workload over time.

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
    """The history of runs of one workload; the newest one says which of the others had the same load."""
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
        return "it is partial: it never came to its end"
    if not run.summary.valid:
        return "it is invalid: " + "; ".join(run.summary.invalid_reasons)
    return "" if run.summary.counts.ok else "no request succeeded in it"


def _other_load(run: RunResult, newest: RunResult | None) -> str:
    if newest is None:
        return ""
    why = another_load(run.manifest, newest.manifest)
    return f"unlike in the newest run, {why}" if why else ""


def _versions(runs: Sequence[RunResult]) -> tuple[Version, ...]:
    """In the order of their first runs."""
    grouped: dict[str, list[RunResult]] = {}
    for run in runs:
        grouped.setdefault(run.version, []).append(run)
    return tuple(Version(name, group[0].started, tuple(group)) for name, group in grouped.items())


def _values(version: Version, name: str) -> list[float]:
    found = (run.summary.measured(name) for run in version.runs)
    return [each.value for each in found if each is not None]

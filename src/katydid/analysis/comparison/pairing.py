"""The two sides of a comparison: which runs count, whether they were interleaved, and the usable history."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby

from katydid.analysis.comparison.comparability import another_load
from katydid.analysis.comparison.estimates import Estimates, RunData, estimate, read_run
from katydid.analysis.comparison.sides import Sides
from katydid.analysis.derived import rows_of
from katydid.analysis.headline import why_invalid
from katydid.model.errors import NoDataError
from katydid.model.metrics import AT_LENGTH, STATISTICS, RunPart, split_name, whole_name
from katydid.model.metrics.declared import Catalogue
from katydid.runs.folder import RunFolder
from katydid.stats.within_run import log_errors

_QUANTILES = {each.name: each.quantile for each in STATISTICS if each.quantile is not None}

RESTART_S = 900.0
"""Seconds allowed between the two runs of a pair, to stop one server and start another."""


def usable(run: RunData) -> bool:
    """Return True if a run may enter a comparison; one in which every request failed may, for its failure rate."""
    counts = run.summary.counts
    return run.summary.valid and not run.summary.partial and counts.ok + counts.failed > 0


def left_out(name: str, side: Sequence[RunData]) -> Iterator[str]:
    """A line for each run that does not count, or only in the failure rate, with the reason."""
    for run in side:
        if run.summary.partial:
            yield f"{name} {run.path} is left out: it is partial: it never finished"
        elif not run.summary.valid:
            yield f"{name} {run.path} is left out: it is invalid ({why_invalid(run.summary)})"
        elif not usable(run):
            yield f"{name} {run.path} is left out: none of its requests succeeded or failed"
        elif not run.summary.counts.ok:
            yield f"{name} {run.path} counts only in the failure rate: no request succeeded"


def history_of(folders: Sequence[RunFolder], base: Sequence[RunData], known: set[str]) -> list[list[RunData]]:
    """The earlier runs that are usable and comparable with the base, by version."""
    if not base:
        return []
    runs = [_read(folder) for folder in folders if str(folder.path) not in known]
    fit = [run for run in runs if run and usable(run) and not another_load(base[0].manifest, run.manifest)]
    return [list(version) for _, version in groupby(sorted(fit, key=_version), key=_version)]


def _read(folder: RunFolder) -> RunData | None:
    """The run, or None if it is damaged: the user did not name the history's runs, so that is no error."""
    try:
        return read_run(folder)
    except NoDataError:
        return None


def days_between(
    base: Sequence[RunData], new: Sequence[RunData], earlier: Sequence[Sequence[RunData]]
) -> list[list[RunData]]:
    """The earlier days; empty if both sides have runs on one day: days do not show the drift within a day."""
    ours, theirs = ({_started(run)[:10] for run in side} for side in (base, new))
    return [] if ours & theirs else days_of(earlier)


def days_of(earlier: Sequence[Sequence[RunData]]) -> list[list[RunData]]:
    """Earlier runs by day, oldest first; each day with the runs of the version that has the most on it.

    Versions made on one day share it, so only one of them counts. Runs of one version made on several days are split.
    """
    days: dict[str, list[RunData]] = {}
    for version in earlier:
        for day, runs in groupby(sorted(version, key=_started), key=lambda run: _started(run)[:10]):
            made = list(runs)
            if day and len(made) > len(days.get(day, ())):
                days[day] = made
    return [runs for _, runs in sorted(days.items())]


def _version(run: RunData) -> str:
    return str(run.manifest.version)


@dataclass(frozen=True)
class Paired:
    """The runs of both sides that count.

    Attributes:
        base, new: runs; pair by pair if `interleaved`.
        left: valid runs of each side without a valid partner.
    """

    base: list[RunData]
    new: list[RunData]
    interleaved: bool
    left: tuple[list[RunData], list[RunData]] = ([], [])


def paired(base: Sequence[RunData], new: Sequence[RunData]) -> Paired:
    """The runs that count, in pairs if they were made side by side (A B, B A, …).

    Pairs are found by time among all runs. If one run of a pair is invalid, its partner is left out too; the other
    pairs stay. If at most half of the smaller side's runs have a partner, the sides were not interleaved.
    """
    pairs = _side_by_side([*((run, 0) for run in base), *((run, 1) for run in new)])
    fit = [[run for run in side if usable(run)] for side in (base, new)]
    whole = [pair for pair in pairs if usable(pair[0]) and usable(pair[1])]
    if not whole or 2 * len(pairs) <= min(len(base), len(new)):
        return Paired(fit[0], fit[1], interleaved=False)
    kept = [[pair[side] for pair in whole] for side in (0, 1)]
    left = [[run for run in fit[side] if run not in kept[side]] for side in (0, 1)]
    return Paired(kept[0], kept[1], interleaved=True, left=(left[0], left[1]))


def earlier_pairs(earlier: Sequence[Sequence[RunData]]) -> list[list[tuple[RunData, RunData]]]:
    """Pairs among earlier runs by version, in series of the same two versions, each pair soon after the last."""
    pairs = _side_by_side([(run, number) for number, version in enumerate(earlier) for run in version])
    series: list[list[tuple[RunData, RunData]]] = []
    for pair in sorted(pairs, key=lambda pair: min(map(_started, pair))):
        before = series[-1][-1] if series else None
        same_versions = before and list(map(_version, before)) == list(map(_version, pair))
        if before and same_versions and _beside(max(before, key=_started), min(pair, key=_started)):
            series[-1].append(pair)
        else:
            series.append([pair])
    return series


def _side_by_side(runs: Sequence[tuple[RunData, int]]) -> list[tuple[RunData, RunData]]:
    """Pairs of runs of two groups, one made soon after the other; the run of the group of lower number comes first."""
    pairs: list[tuple[RunData, RunData]] = []
    waiting: tuple[RunData, int] | None = None
    for item in sorted(runs, key=lambda item: _started(item[0])):
        if waiting is not None and waiting[1] != item[1] and _beside(waiting[0], item[0]):
            pairs.append((waiting[0], item[0]) if waiting[1] < item[1] else (item[0], waiting[0]))
            waiting = None
        else:
            waiting = item
    return pairs


def partners_left_out(pairs: Paired) -> list[str]:
    """A line for each valid run that is left out because it has no valid partner."""
    return [
        f"{name} {run.path} is left out: no valid run of the other side was made beside it"
        for name, runs in zip(("BASE", "NEW"), pairs.left, strict=True)
        for run in runs
    ]


def _beside(first: RunData, second: RunData) -> bool:
    """Return True if the second run began within the first's duration after its end, or within RESTART_S."""
    try:
        began, then = (datetime.fromisoformat(_started(run)) for run in (first, second))
    except ValueError:
        return False
    lasted = (first.manifest.stopped_at_ms or 1000.0 * (first.manifest.run_time_s or 0.0)) / 1000.0
    return (then - began).total_seconds() - lasted <= max(lasted, RESTART_S)


def _started(run: RunData) -> str:
    return str(run.manifest.started_utc or "")


def numbers_of(
    used: Paired,
    earlier: Sequence[Sequence[RunData]],
    days: Sequence[Sequence[RunData]],
    settled: float,
    catalogue: Catalogue,
) -> Sides:
    """Compute the values of all runs of a comparison, without the first `settled` seconds of each.

    The history's runs are given both by version and by day.
    """

    @cache
    def errors(run: RunData, part: RunPart | None, column: str) -> dict[str, float] | None:
        """Standard errors of the logs of a column's quantiles, by statistic."""
        frame = run.frame
        settled_successes = frame["counted"] & (frame["outcome"] == "ok") & (frame["scheduled_ms"] >= settled * 1000.0)
        found = log_errors(rows_of(frame[settled_successes], part), column, list(_QUANTILES.values()))
        return None if found is None else dict(zip(_QUANTILES, found, strict=True))

    def within(name: str) -> float | None:
        """The standard error of the difference, from within the first run of each side."""
        head, statistic = split_name(name)
        part, whole = catalogue.part_of(head), whole_name(head)
        # Times at equal length use the error of the raw times, which is larger.
        whole = next((raw for raw, equal in AT_LENGTH.items() if equal.name == whole), whole)
        column = next((d.column for d in catalogue.distributions if d.name == whole), None)
        if column is None or statistic not in _QUANTILES:
            return None
        found = [errors(run, part, column) for run in (used.base[0], used.new[0])]
        return None if None in found else sum(each[statistic] ** 2 for each in found if each) ** 0.5

    @cache
    def number(run: RunData) -> Estimates:
        return estimate(run, settled * 1000.0)

    return Sides(
        base=[number(run) for run in used.base],
        new=[number(run) for run in used.new],
        history=[[number(run) for run in version] for version in earlier],
        interleaved=used.interleaved,
        within=within,
        catalogue=catalogue,
        days=[[number(run) for run in day] for day in days],
        pairs=[[(number(a), number(b)) for a, b in series] for series in earlier_pairs(earlier)],
    )

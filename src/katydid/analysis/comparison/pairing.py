"""The two sides of a comparison: which of their runs count, which were interleaved, what history there is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby

import pandas as pd

from katydid.analysis.comparison.comparability import another_load
from katydid.analysis.comparison.estimates import Estimates, RunData, estimate, read_run
from katydid.analysis.comparison.sides import Sides
from katydid.analysis.derived import rows_of
from katydid.model.errors import NoDataError
from katydid.model.metrics import AT_LENGTH, STATISTICS, split_name, whole_name
from katydid.model.metrics.declared import SHIPPED, Catalogue
from katydid.model.metrics.parts import RunPart
from katydid.runs.folder import RunFolder
from katydid.stats.bootstrap import log_errors

_QUANTILES = {each.name: each.quantile for each in STATISTICS if each.quantile is not None}

RESTART_S = 900.0
"""Seconds between the two runs of a pair in which a server may be stopped, and another started."""


def usable(run: RunData) -> bool:
    """Whether a run may enter a comparison; one in which every request failed tells that."""
    counts = run.summary.counts
    return run.summary.valid and not run.summary.partial and counts.ok + counts.failed > 0


def left_out(name: str, side: Sequence[RunData]) -> list[str]:
    """Which runs may not, and why."""
    texts = []
    for run in side:
        if run.summary.partial:
            why = "it is partial: it never came to its end"
        elif not run.summary.valid:
            why = "it is invalid: " + "; ".join(run.summary.invalid_reasons)
        elif not usable(run):
            why = "no request ended in it"
        elif not run.summary.counts.ok:
            texts.append(f"{name} {run.path} counts in the failure rate alone: no request succeeded in it")
            continue
        else:
            continue
        texts.append(f"{name} {run.path} is left out: {why}")
    return texts


def history_of(folders: Sequence[RunFolder], base: Sequence[RunData], known: set[str]) -> list[list[RunData]]:
    """Earlier runs by version."""
    if not base:
        return []
    runs = [_read(folder) for folder in folders if str(folder.path) not in known]
    fit = [run for run in runs if run and usable(run) and not another_load(base[0].manifest, run.manifest)]
    fit.sort(key=_version)
    return [list(version) for _, version in groupby(fit, key=_version)]


def _read(folder: RunFolder) -> RunData | None:
    """None for a damaged run: of the history, which nobody named, it is not an error."""
    try:
        return read_run(folder)
    except NoDataError:
        return None


def numbers_of(
    used: Sequence[Sequence[RunData]],
    earlier: Sequence[Sequence[RunData]],
    settled: float,
    catalogue: Catalogue = SHIPPED,
    *,
    interleaved: bool,
) -> Sides:
    """The runs of both sides as numbers.

    Args:
        used: runs of the base, and of the new side, pair by pair where `interleaved`.
        earlier: runs of the history, by version.
        settled: seconds of each run that count in no statistic.
        catalogue: the metrics that these runs may have.
        interleaved: pairs were made side by side.
    """
    base, new = used

    @cache
    def errors(side: int, part: RunPart | None, column: str) -> dict[str, float] | None:
        """Of the only run of a side: those of all quantiles of a column, by their names."""
        rows = rows_of(_successes(used[side][0], settled), part)
        found = log_errors(rows, column, list(_QUANTILES.values()))
        return None if found is None else dict(zip(_QUANTILES, found, strict=True))

    def within(name: str) -> float | None:
        """Both runs' own uncertainty together."""
        head, statistic = split_name(name)
        part = catalogue.part_of(head)
        whole = head if part is None else whole_name(head)
        whole = next((raw for raw, equal in AT_LENGTH.items() if equal.name == whole), whole)  # whose error is larger
        column = next((d.column for d in catalogue.distributions if d.name == whole), None)
        if column is None or statistic not in _QUANTILES:
            return None
        found = errors(0, part, column), errors(1, part, column)
        return None if None in found else sum(each[statistic] ** 2 for each in found if each) ** 0.5

    known: dict[int, Estimates] = {}

    def number(run: RunData) -> Estimates:
        if id(run) not in known:
            known[id(run)] = estimate(run, settled * 1000.0)
        return known[id(run)]

    def numbers(groups: Iterable[Iterable[RunData]]) -> list[list[Estimates]]:
        return [[number(run) for run in group] for group in groups]

    return Sides(
        base=[number(run) for run in base],
        new=[number(run) for run in new],
        history=numbers(earlier),
        interleaved=interleaved,
        within=within,
        catalogue=catalogue,
        days=numbers(days_between(base, new, earlier)),
        pairs=[[(number(a), number(b)) for a, b in series] for series in earlier_pairs(earlier)],
    )


def days_between(
    base: Sequence[RunData], new: Sequence[RunData], earlier: Sequence[Sequence[RunData]]
) -> list[list[RunData]]:
    """Earlier days, where no day has runs of both sides; those of one differ by its drift, which no days tell."""
    ours, theirs = ({_started(run)[:10] for run in side} for side in (base, new))
    return [] if ours & theirs else days_of(earlier)


def days_of(earlier: Sequence[Sequence[RunData]]) -> list[list[RunData]]:
    """Earlier runs by the day on which they were made, each day by its version of most runs.

    Versions of one day are correlated by it, and runs of one version on several days are told apart by them.
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


def _successes(run: RunData, settled: float) -> pd.DataFrame:
    frame = run.frame
    return frame[frame["counted"] & (frame["outcome"] == "ok") & (frame["scheduled_ms"] >= settled * 1000.0)]


@dataclass(frozen=True)
class Paired:
    """Two sides' runs that count.

    Attributes:
        base, new: runs; pair by pair where `interleaved`.
        left: those of each side that no valid run of the other was made beside.
    """

    base: list[RunData]
    new: list[RunData]
    interleaved: bool
    left: tuple[list[RunData], list[RunData]] = ([], [])


def paired(base: Sequence[RunData], new: Sequence[RunData]) -> Paired:
    """The runs that count, as pairs where these were made side by side (A B, B A, …).

    Pairs are found by time, among all runs: of one that is invalid the partner is left out too, and the other pairs
    stay. Where no more than half of the runs of the smaller side have a partner, the sides were not interleaved.
    """
    pairs = _side_by_side([*((run, 0) for run in base), *((run, 1) for run in new)])
    fit = [[run for run in side if usable(run)] for side in (base, new)]
    whole = [pair for pair in pairs if usable(pair[0]) and usable(pair[1])]
    if not whole or 2 * len(pairs) <= min(len(base), len(new)):
        return Paired(fit[0], fit[1], interleaved=False)
    kept = [[pair[side] for pair in whole] for side in (0, 1)]
    left = [[run for run in fit[side] if not any(run is one for one in kept[side])] for side in (0, 1)]
    return Paired(kept[0], kept[1], interleaved=True, left=(left[0], left[1]))


def earlier_pairs(earlier: Sequence[Sequence[RunData]]) -> list[list[tuple[RunData, RunData]]]:
    """Pairs among earlier runs, by series: of the same two versions, each pair beside the one before.

    Args:
        earlier: runs by version.
    """
    pairs = _side_by_side([(run, number) for number, version in enumerate(earlier) for run in version])
    series: list[list[tuple[RunData, RunData]]] = []
    for pair in sorted(pairs, key=lambda pair: min(map(_started, pair))):
        before = max(series[-1][-1], key=_started) if series else None
        goes_on = before is not None and list(map(_version, series[-1][-1])) == list(map(_version, pair))
        if goes_on and before is not None and _beside(before, min(pair, key=_started)):
            series[-1].append(pair)
        else:
            series.append([pair])
    return series


def _side_by_side(runs: Sequence[tuple[RunData, int]]) -> list[tuple[RunData, RunData]]:
    """Runs of two groups, one soon after the other, as pairs with that of the lower group first.

    Args:
        runs: each with the number of its group.
    """
    pairs: list[tuple[RunData, RunData]] = []
    waiting: tuple[RunData, int] | None = None
    for item in sorted(runs, key=lambda item: _started(item[0])):
        if waiting is not None and waiting[1] != item[1] and _beside(waiting[0], item[0]):
            pairs.append((waiting[0], item[0]) if waiting[1] < item[1] else (item[0], waiting[0]))
            waiting = None
            continue
        waiting = item
    return pairs


def partners_left_out(pairs: Paired) -> list[str]:
    """Which valid runs have no part in the comparison, as they have no partner."""
    return [
        f"{name} {run.path} is left out: no valid run of the other side was made beside it"
        for name, runs in zip(("BASE", "NEW"), pairs.left, strict=True)
        for run in runs
    ]


def _beside(first: RunData, second: RunData) -> bool:
    """Whether a run began soon after another had ended: sooner than it lasted, or than a server takes to restart."""
    try:
        began, then = (datetime.fromisoformat(_started(run)) for run in (first, second))
    except ValueError:
        return False
    lasted = (first.manifest.stopped_at_ms or 1000.0 * (first.manifest.run_time_s or 0.0)) / 1000.0
    return (then - began).total_seconds() - lasted <= max(lasted, RESTART_S)


def _started(run: RunData) -> str:
    return str(run.manifest.started_utc or "")

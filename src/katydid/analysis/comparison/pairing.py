"""The two sides of a comparison: which of their runs count, which were interleaved, what history there is."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from katydid.analysis.comparison.comparability import comparable
from katydid.analysis.comparison.estimates import RunData, estimate, read_run
from katydid.analysis.comparison.verdicts import Sides
from katydid.model.declared import SHIPPED, Catalogue
from katydid.model.errors import NoDataError
from katydid.runs.folder import RunFolder
from katydid.stats.bootstrap import log_error


def usable(run: RunData) -> bool:
    """Whether a run may enter a comparison; one in which every request failed tells that."""
    counts = run.summary["counts"]
    return bool(run.summary["valid"]) and not run.summary["partial"] and counts["ok"] + counts["failed"] > 0


def left_out(name: str, side: Sequence[RunData]) -> list[str]:
    """Which runs may not, and why."""
    texts = []
    for run in side:
        if run.summary["partial"]:
            why = "it is partial: it never came to its end"
        elif not run.summary["valid"]:
            why = "it is invalid: " + "; ".join(run.summary["invalid_reasons"])
        elif not usable(run):
            why = "no request ended in it"
        elif not run.summary["counts"]["ok"]:
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
    fit = [run for run in runs if run and usable(run) and comparable(base[0].manifest, run.manifest)]
    fit.sort(key=_version)
    return [list(version) for _, version in groupby(fit, key=_version)]


def _read(folder: RunFolder) -> RunData | None:
    """None for a damaged run: of the history, which nobody named, it is no error."""
    try:
        return read_run(folder)
    except NoDataError:
        return None


def numbers_of(
    used: Sequence[Sequence[RunData]],
    earlier: Sequence[Sequence[RunData]],
    settled: float,
    catalogue: Catalogue = SHIPPED,
) -> Sides:
    """The runs of both sides as numbers.

    Args:
        used: runs of the base, and of the new side.
        earlier: runs of the history, by version.
        settled: seconds of each run that count in no statistic.
        catalogue: the metrics that these runs may have.
    """
    base, new = used
    pairs = _pairs(base, new)
    if pairs:
        base, new = ([pair[side] for pair in pairs] for side in (0, 1))

    def within(name: str) -> float | None:
        """Both runs' own uncertainty together."""
        head, _, statistic = name.partition(".")
        column = next((d.column for d in catalogue.distributions if d.name == head), None)
        if column is None or not statistic.startswith("p"):
            return None
        errors = [log_error(_successes(run, settled), column, int(statistic[1:]) / 100) for run in (base[0], new[0])]
        return None if None in errors else sum((error or 0.0) ** 2 for error in errors) ** 0.5

    return Sides(
        base=[estimate(run, settled * 1000.0) for run in base],
        new=[estimate(run, settled * 1000.0) for run in new],
        history=[[estimate(run, settled * 1000.0) for run in version] for version in earlier],
        interleaved=bool(pairs),
        within=within,
        catalogue=catalogue,
    )


def _version(run: RunData) -> str:
    return str(run.manifest.version)


def _successes(run: RunData, settled: float) -> Any:
    frame = run.frame
    return frame[frame["counted"] & (frame["outcome"] == "ok") & (frame["scheduled_ms"] >= settled * 1000.0)]


def _pairs(base: Sequence[RunData], new: Sequence[RunData]) -> list[tuple[RunData, RunData]]:
    """Interleaved runs, pair by pair (A B, B A, …); none where they were not."""
    if len(base) != len(new):
        return []
    runs = sorted([(_started(r), 0, r) for r in base] + [(_started(r), 1, r) for r in new], key=lambda item: item[0])
    if any(not started for started, _, _ in runs):
        return []
    pairs = []
    for first, second in zip(runs[::2], runs[1::2], strict=True):
        if first[1] == second[1]:
            return []
        pairs.append((first[2], second[2]) if first[1] == 0 else (second[2], first[2]))
    return pairs


def _started(run: RunData) -> str:
    return str(run.manifest.started_utc or "")

"""Finds the runs below a path: a single run, all runs of a version, or all runs of a workload."""

from collections.abc import Sequence
from pathlib import Path

from katydid.model.errors import ConfigError, NoDataError
from katydid.runs.folder import MANIFEST, RunFolder


def runs_of(path: Path) -> list[RunFolder]:
    """The runs of one side of a comparison, oldest first.

    The path may be a run folder, a version's folder of runs, or a workload's folder with a single version.

    Raises:
        ConfigError: the path is not a folder, or has runs of several versions.
        NoDataError: the path has no runs.
    """
    if (path / MANIFEST).is_file():
        return [RunFolder(path)]
    runs = sorted((RunFolder(manifest.parent) for manifest in path.glob(f"*/{MANIFEST}")), key=_started)
    if len(versions := sorted({str(run.manifest().version) for run in runs})) > 1:
        raise ConfigError(
            f"{path}: runs of several versions ({', '.join(versions)}), but a side is one version: "
            "name one of the runs, or give each version a folder"
        )
    if runs:
        return runs
    if not path.is_dir():
        raise ConfigError(f"{path}: no such folder; name a run folder, or a version's folder of runs")
    deeper = sorted({found.parent.parent.name for found in path.glob(f"*/*/{MANIFEST}")})
    if len(deeper) == 1:  # a workload's folder with a single version
        return runs_of(path / deeper[0])
    if deeper:
        raise ConfigError(f"{path} has several versions ({', '.join(deeper)}): name the folder of one of them")
    raise NoDataError(f"{path} has no runs: no folder in it has a {MANIFEST}; name a folder that `katydid run` wrote")


def workload_runs(path: Path) -> list[RunFolder]:
    """All runs in a workload's folder, damaged ones included, by version folder, each oldest first."""
    return [RunFolder(manifest.parent) for manifest in sorted(path.glob(f"*/*/{MANIFEST}"))]


MOST_EARLIER = 20
"""Runs read from the history: ten are enough to estimate noise, and each costs reading its samples."""


def earlier_runs(*sides: Sequence[RunFolder]) -> list[RunFolder]:
    """The newest readable runs of the base's workload folder, without the compared runs; the base is the first side."""
    workloads = {run.path.resolve().parent.parent for run in sides[0]}
    ours = {run.path.resolve() for side in sides for run in side}
    found = [run for workload in workloads for run in workload_runs(workload)]
    others = [run for run in found if run.path.resolve() not in ours and _is_whole(run)]
    return sorted(others, key=_started)[-MOST_EARLIER:]


def _is_whole(run: RunFolder) -> bool:
    try:
        return bool(run.manifest())
    except NoDataError:
        return False


def _started(run: RunFolder) -> tuple[str, str]:
    return str(run.manifest().started_utc or ""), run.path.name


MOST_RUNS = 500
"""Most runs that a list shows."""


def known_runs(results: Path) -> dict[str, RunFolder]:
    """Run folders by key (`WORKLOAD/VERSION/TIME`), newest first; links to outside are left out."""
    inside = (path for path in results.glob(f"*/*/*/{MANIFEST}") if is_inside(path, results))
    found = {key_of(path.parent): path.parent for path in inside}
    newest = sorted(found, key=lambda key: key.rpartition("/")[2], reverse=True)[:MOST_RUNS]
    return {key: RunFolder(found[key]) for key in newest}


def key_of(run: Path) -> str:
    """A run's key: `WORKLOAD/VERSION/TIME`."""
    return "/".join(run.parts[-3:])


def is_inside(file: Path, results: Path) -> bool:
    """Return True if a file is below a folder after all links are resolved."""
    return file.resolve().is_relative_to(results.resolve())

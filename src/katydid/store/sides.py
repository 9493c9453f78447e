"""The runs that a path stands for: one run, or all runs of one version, or those of a whole workload."""

from pathlib import Path

from katydid.core.errors import NoDataError
from katydid.store.folder import MANIFEST, RunFolder


def runs_of(path: Path) -> list[RunFolder]:
    """The runs of one side of a comparison, oldest first: a run folder, or a folder of run folders.

    Raises:
        NoDataError: there is none.
    """
    if (path / MANIFEST).is_file():
        return [RunFolder(path)]
    runs = _below(path)
    if runs:
        return runs
    if not path.is_dir():
        raise NoDataError(f"{path}: no such folder; name a run folder, or one that holds the runs of a version")
    deeper = sorted({found.parent.parent.name for found in path.glob(f"*/*/{MANIFEST}")})
    if deeper:
        raise NoDataError(f"{path} holds several versions ({', '.join(deeper)}): name the folder of one of them")
    raise NoDataError(f"{path} holds no run: no folder in it has a {MANIFEST}; name one that `katydid run` wrote")


def versions_of(path: Path) -> dict[str, list[RunFolder]]:
    """All runs of a workload's folder by the folder of their version, each oldest first; may be empty."""
    if not path.is_dir():
        return {}
    found = {child.name: _below(child) for child in sorted(path.iterdir()) if child.is_dir()}
    return {version: runs for version, runs in found.items() if runs}


def _below(path: Path) -> list[RunFolder]:
    folders = [RunFolder(manifest.parent) for manifest in path.glob(f"*/{MANIFEST}")]
    return sorted(folders, key=lambda run: (str(run.manifest().get("started_utc") or ""), run.path.name))

"""Load a run's manifest and summary from its folder; the summary is computed if it is missing."""

from dataclasses import dataclass
from typing import Self

from katydid.analysis.derived import warm_up_counts
from katydid.analysis.summary import summarise
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Summary
from katydid.runs.folder import RunFolder
from katydid.runs.gaps import counted


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run with its manifest and summary; `name` is its folder, for messages."""

    name: str
    manifest: Manifest
    summary: Summary

    @classmethod
    def load(cls, folder: RunFolder) -> Self:
        """Load a run; its summary is computed from the samples if the folder has none.

        Raises:
            NoDataError: a file of the run is damaged.
        """
        manifest, summary = folder.manifest(), folder.summary()
        if summary is None:
            gaps = counted(folder.gaps(), warm_up=warm_up_counts(manifest))
            summary = summarise(folder.samples(), folder.monitor(), manifest, gaps)
        return cls(str(folder.path), manifest, summary)

    @property
    def version(self) -> str:
        """The version of the service under test."""
        return str(self.manifest.version)

    @property
    def started(self) -> str:
        """The start in ISO 8601, UTC; sorts by time."""
        return self.manifest.started_utc or ""

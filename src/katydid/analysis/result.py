"""What came of a run, from its folder: as it was written when the run ended, else from its samples.

Knows how a folder is read, not what a summary says.
"""

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
    """A run: how messages name it, what made it, what came of it."""

    name: str
    manifest: Manifest
    summary: Summary

    @classmethod
    def load(cls, folder: RunFolder) -> Self:
        """A run from its folder; the summary is made anew for one that has none, or that never came to its end.

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
        """Of the service under test."""
        return str(self.manifest.version)

    @property
    def started(self) -> str:
        """ISO 8601, UTC; sorts by time."""
        return self.manifest.started_utc or ""

"""A run's summary from its folder: as it was written when the run ended, else from its samples.

Knows how a folder is read, not what a summary says.
"""

import json
from typing import Any

from katydid.analysis.derived import warm_up_counts
from katydid.analysis.summary import summarise
from katydid.model.errors import NoDataError
from katydid.runs.folder import SUMMARY, RunFolder
from katydid.runs.gaps import counted


def read_summary(folder: RunFolder) -> dict[str, Any]:
    """The content of `summary.json`; made anew for a run that has none, or that never came to its end.

    Raises:
        NoDataError: a file of the run is damaged.
    """
    path = folder.path / SUMMARY
    manifest = folder.manifest()
    if manifest["partial"] or not path.is_file():
        return summarise(
            folder.samples(), folder.monitor(), manifest, counted(folder.gaps(), warm_up=warm_up_counts(manifest))
        )
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise _damaged(folder, str(error)) from None
    if not isinstance(summary, dict) or not summary.keys() >= _EXPECTED:
        raise _damaged(folder, "it lacks what a summary has")
    return summary


_EXPECTED = {"valid", "invalid_reasons", "ended", "counts", "metrics"}


def _damaged(folder: RunFolder, why: str) -> NoDataError:
    path = folder.path / SUMMARY
    return NoDataError(f"{path} is damaged ({why}): make it again with `katydid report {folder.path}`")

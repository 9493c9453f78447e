"""From a run folder to its summary and its report; works on any folder, years later too."""

from typing import Any

from katydid.analysis.summary import summarise
from katydid.report.html import render_run
from katydid.store.folder import REPORT, SUMMARY, RunFolder


def build_report(folder: RunFolder) -> dict[str, Any]:
    """Write `summary.json` and `report.html` of a run; the summary."""
    manifest, samples, monitor = folder.manifest(), folder.samples(), folder.monitor()
    summary = summarise(samples, monitor, manifest)
    folder.write_json(SUMMARY, summary)
    folder.write_text(REPORT, render_run(manifest, summary, samples, monitor))
    return summary

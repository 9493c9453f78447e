"""From a run folder to its summary and its report; works on any folder, years later too."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from katydid.analysis.definitions import by_definitions
from katydid.analysis.derived import warm_up_counts, with_derived
from katydid.analysis.headline import Headline, headline_of
from katydid.analysis.summary import summarise
from katydid.report.definitions import definitions_section
from katydid.report.html import render_run
from katydid.report.sections import Material, Section, sections
from katydid.store.folder import REPORT, SUMMARY, RunFolder
from katydid.store.gaps import counted


@dataclass(frozen=True, slots=True)
class Report:
    """What was said of a run, for who shows it elsewhere too.

    Attributes:
        summary: the content of `summary.json`.
        sections: what only this workload's reports have.
    """

    manifest: dict[str, Any]
    summary: dict[str, Any]
    sections: list[Section]

    @property
    def headline(self) -> Headline:
        """Its outcome, in one sentence."""
        return headline_of(self.manifest, self.summary)


def build_report(folder: RunFolder, definitions: Sequence[str] = ()) -> Report:
    """Write `summary.json` and `report.html` of a run.

    Args:
        folder: of the run.
        definitions: tools by whose definitions its recorded events are shown too.

    Raises:
        ConfigError: there is no such tool.
        NoDataError: the run has no events for them.
    """
    manifest, samples, monitor = folder.manifest(), folder.samples(), folder.monitor()
    summary = summarise(samples, monitor, manifest, counted(folder.gaps(), warm_up=warm_up_counts(manifest)))
    folder.write_json(SUMMARY, summary)
    material = Material(manifest, summary, with_derived(samples, manifest), monitor)
    parts = sections(material)
    if definitions:
        findings = by_definitions(material.frame, folder.events(), definitions)
        parts.append(definitions_section(findings))
    folder.write_text(REPORT, render_run(material, parts))
    return Report(manifest, summary, parts)

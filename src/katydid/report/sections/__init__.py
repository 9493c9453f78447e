"""The parts of a report that only some workloads have; each is a function in a file of its own, entered here."""

from collections.abc import Callable

from katydid.report.sections.burst import burst_section
from katydid.report.sections.capacity import capacity_section
from katydid.report.sections.correctness import correctness_section
from katydid.report.sections.resilience import resilience_section
from katydid.report.sections.scale import scale_section
from katydid.report.sections.section import Material, Section, Table
from katydid.report.sections.session import session_section

__all__ = ["Material", "Section", "Table", "sections"]

SECTIONS: tuple[Callable[[Material], Section | None], ...] = (
    capacity_section,
    scale_section,
    burst_section,
    session_section,
    correctness_section,
    resilience_section,
)
"""In the order in which a report shows them; None where a run has nothing to say there."""


def sections(material: Material) -> list[Section]:
    """The sections that this run has."""
    return [section for make in SECTIONS if (section := make(material)) is not None]

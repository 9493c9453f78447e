"""From a run folder to its summary and its report; works on any folder, years later too."""

from collections.abc import Sequence
from dataclasses import dataclass

from katydid.analysis.definitions import STATISTICS, DefinitionFinding, by_definitions
from katydid.analysis.derived import rows_of, warm_up_counts, with_derived
from katydid.analysis.headline import headline_of
from katydid.analysis.summary import summarise
from katydid.analysis.validity.tokens import Own
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import CacheFound, Headline, LengthsFound, Summary, TokenLengths
from katydid.model.formatting import MINUS, capitalised, fraction, plural, show
from katydid.model.metrics.declared import catalogue_of
from katydid.model.metrics.parts import RunPart
from katydid.model.units import Unit, Written
from katydid.model.workload import workloads_of
from katydid.report.capacity import capacity_section
from katydid.report.model import Cell, Chart, Column, Line, Material, Section, Style, Table
from katydid.report.run import render_run
from katydid.report.tables.run_list import write_index
from katydid.runs.folder import REPORT, SUMMARY, RunFolder
from katydid.runs.gaps import counted


@dataclass(frozen=True, slots=True)
class Report:
    """What was said of a run, for who shows it elsewhere too.

    Attributes:
        summary: the content of `summary.json`.
        sections: what only this workload's reports have.
    """

    manifest: Manifest
    summary: Summary
    sections: list[Section]

    @property
    def headline(self) -> Headline:
        """Its outcome, in one sentence."""
        return headline_of(self.manifest, self.summary)


def build_report(folder: RunFolder, definitions: Sequence[str] = ()) -> Report:
    """Write `summary.json` and `report.html` of a run, and the index of the runs that it lies among.

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
    write_index(folder)
    return Report(manifest, summary, parts)


def sections(material: Material) -> list[Section]:
    """What only runs of this kind have to say."""
    own = [make for record in workloads_of(material.manifest) for make in record.sections]
    makers = [capacity_section, *own, limit_section, parts_section, tokens_section]
    return [section for make in makers if (section := make(material)) is not None]


def limit_section(material: Material) -> Section | None:
    """What limited a run at one load, and what to do about it; None where that is not known."""
    told = material.summary
    if told.advice is None:
        return None
    return Section(
        "limit", f"Limited by: {told.limited_by}", [f"{capitalised(told['evidence'])}.", told.advice], answer=True
    )


def definitions_section(findings: Sequence[DefinitionFinding]) -> Section:
    """A row a tool and metric, with its rule."""

    def column(statistic: str) -> Column[DefinitionFinding]:
        return Column(statistic, lambda finding: finding.statistics[statistic], Unit.MS)

    columns: tuple[Column[DefinitionFinding], ...] = (
        Column("Tool", lambda finding: finding.tool),
        Column("Metric", lambda finding: finding.rule.name),
        *map(column, STATISTICS),
        Column("Values", lambda finding: finding.count, Unit.COUNT),
        Column("Rule", lambda finding: finding.rule.text),
    )
    caption = "Percentiles as these tools take them (NumPy's, between two observations)."
    table = Table(caption, columns, findings)
    text = "The same answers on the same clock, by the rules of each tool. Token counts are the server's."
    return Section("definitions-of-tools", "By other tools' definitions", [text], [table])


_OF_PARTS = ("requests_per_s", "failure_rate", "ttft.p50", "ttft.p95", "duration.p50", "duration.p95", "tokens_per_s")


def parts_section(material: Material) -> Section | None:
    """A row a model and a row a target; None for a run that asks one of each."""
    catalogue, summary = catalogue_of(material.manifest), material.summary
    if not catalogue.parts:
        return None
    names = [name for name in _OF_PARTS if any(summary.measured(part.prefix + name) for part in catalogue.parts)]
    counted = material.frame[material.frame["counted"]]

    def column(name: str) -> Column[RunPart]:
        metric = catalogue.metrics[name]

        def cell(part: RunPart) -> Cell:
            return Cell(None, metric.unit, said=show(part.prefix + name, None, summary, metric.unit))

        return Column(metric.label, cell, metric.unit)

    columns: tuple[Column[RunPart], ...] = (
        Column("Part", lambda part: f"{part.column} {part.value}"),
        Column("Requests", lambda part: len(rows_of(counted, part)), Unit.COUNT),
        *map(column, names),
    )
    table = Table("Each model and each target by itself", columns, catalogue.parts)
    return Section("parts", "By model and target", [], [table])


_LENGTHS: tuple[Column[TokenLengths], ...] = (
    Column("Requests", lambda found: found.requests, Unit.COUNT),
    Column("Asked, mean", lambda found: found.asked_mean, Unit.COUNT),
    Column("Asked, sd", lambda found: found.asked_sd, Unit.COUNT),
    Column("Realised, mean", lambda found: found.realised_mean, Unit.COUNT),
    Column("Realised, sd", lambda found: found.realised_sd, Unit.COUNT),
    Column("Off", lambda found: Cell(found.off, Written.CHANGE, said=_off(found.off)), Written.CHANGE),
)
FEWEST_POINTS = 3
"""Points that make a course."""


def tokens_section(material: Material) -> Section | None:
    """The section; None for a run that asked for no lengths and whose target tells of no cache."""
    lengths, cache = material.summary.lengths, material.summary.cache
    if lengths is None and cache is None:
        return None
    return Section(
        key="tokens",
        title="Lengths and prefix cache",
        text=[_cache_text(cache, Own.of(material.manifest))] if cache else [],
        tables=[_lengths_table(lengths)] if lengths else [],
        charts=[_cache_chart(cache)] if cache and len(cache.over_time) >= FEWEST_POINTS else [],
    )


def _lengths_table(found: LengthsFound) -> Table:
    kinds = {"prompts": found.input, "answers": found.output}
    rows = [part for part in kinds.values() if part]
    what: Column[TokenLengths] = Column(
        "Tokens of", lambda row: next(name for name, part in kinds.items() if part is row)
    )
    return Table("Lengths, as the target counts them", (what, *_LENGTHS), rows)


def _off(share: float | None) -> str:
    return f"{MINUS if share < 0 else '+'}{fraction(abs(share))}" if share else fraction(0.0)


def _cache_text(found: CacheFound, own: Own) -> str:
    said = (
        f"Prefix cache: {fraction(found.hit_rate)} of the input tokens of {plural(found.requests, 'request')} came "
        "from it, as the target says."
    )
    if not own.template:
        return said
    template = plural(round(own.template), "token")
    return f"{said} Beyond its template of {template} it is {fraction(found.beyond_template)}."


def _cache_chart(found: CacheFound) -> Chart:
    points = [(point.seconds, 100.0 * point.hit_rate) for point in found.over_time]
    return Chart(
        key="cache-course",
        title="Prefix cache over time",
        note="Input tokens that came from the target's prefix cache, in percent, by the start of their requests.",
        unit="%",
        lines=[Line("hit rate", Style.MAIN, points)],
    )

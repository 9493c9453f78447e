"""Makes the summary and the report of a run from its folder, at any time, and prints them."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from katydid.analysis.definitions import STATISTICS, DefinitionFinding, by_definitions
from katydid.analysis.derived import rows_of, warm_up_counts, with_derived
from katydid.analysis.headline import headline_details, headline_of
from katydid.analysis.summary import summarise
from katydid.analysis.validity.tokens import Own
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import CacheFound, Headline, Summary, TokenLengths
from katydid.model.formatting import MINUS, capitalised, censored, fraction, plural, show
from katydid.model.metrics import RunPart
from katydid.model.metrics.declared import catalogue_of
from katydid.model.units import Unit, Written
from katydid.model.workload import workloads_of
from katydid.report.capacity import capacity_section
from katydid.report.model import Cell, Chart, Column, Line, Material, Section, Style, Table
from katydid.report.render.terminal import INDENT, print_section, print_table, say, say_where
from katydid.report.run import render_run
from katydid.report.run_list import write_index
from katydid.report.run_tables import failures_table, rates_table, short_times_table
from katydid.runs.folder import REPORT, SUMMARY, RunFolder
from katydid.runs.gaps import counted


@dataclass(frozen=True, slots=True)
class Report:
    """What `build_report` computed, for callers that print it too.

    Attributes:
        summary: the content of `summary.json`.
        sections: the sections that not every run has.
    """

    manifest: Manifest
    summary: Summary
    sections: list[Section]

    @property
    def headline(self) -> Headline:
        """The run's outcome in one sentence."""
        return headline_of(self.manifest, self.summary)


def build_report(folder: RunFolder, definitions: Sequence[str] = ()) -> Report:
    """Write `summary.json` and `report.html` of a run, and the index above it.

    Args:
        folder: the run's folder.
        definitions: names of tools; the report gets a section with their metrics, computed from the recorded events.

    Raises:
        ConfigError: there is no such tool.
        NoDataError: the run has no recorded events for `definitions`.
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


_COLOURS = {"good": "green", "note": "yellow", "bad": "red", "warning": "yellow", "invalid": "red"}
"""Colours of the headline's tones and of the findings' severities."""


def print_summary(report: Report, console: Console, report_path: str) -> None:
    """Print the headline and the findings, what the run has found out, its metrics, and its failures."""
    summary, catalogue = report.summary, catalogue_of(report.manifest)
    console.print()
    _print_headline(report, console)
    for section in report.sections:
        if section.answer:
            print_section(section, console)
    if summary.counts.ok:
        print_table(short_times_table(summary, catalogue), console)
        say(console, censored(summary), indent=INDENT)
    print_table(rates_table(summary, catalogue), console)
    for section in report.sections:
        if not section.answer:
            print_section(section, console)
    if summary.errors:
        print_table(failures_table(summary.errors), console)
    say_where(console, "Report", report_path)


def _print_headline(report: Report, console: Console) -> None:
    """Print the outcome, whether the measurement is valid, and what the reader has to know before the figures."""
    summary, headline = report.summary, report.headline
    say(console, headline.text, f"bold {_COLOURS[headline.outcome.tone]}")
    for detail in headline_details(report.manifest, summary):
        say(console, detail, indent=INDENT)
    if summary.valid:  # otherwise the headline gives the reason
        say(console, "measurement: valid", "green", INDENT)
    for finding in summary.findings:
        word = "note" if finding.severity == "warning" else finding.severity
        say(console, f"{word}: {finding.text}", _COLOURS[finding.severity], INDENT)
    if summary.leaving:
        say(console, summary.leaving.text, indent=INDENT)


def sections(material: Material) -> list[Section]:
    """The sections that not every run has, such as those of its workload."""
    own = [make for record in workloads_of(material.manifest) for make in record.sections]
    makers = [capacity_section, *own, limit_section, parts_section, tokens_section]
    return [section for make in makers if (section := make(material)) is not None]


def limit_section(material: Material) -> Section | None:
    """What limited a run at a single load, and what to do about it; None if that is unknown."""
    told = material.summary
    if told.advice is None:
        return None
    return Section(
        "limit", f"Limited by: {told.limited_by}", [f"{capitalised(told['evidence'])}.", told.advice], answer=True
    )


def definitions_section(findings: Sequence[DefinitionFinding]) -> Section:
    """The metrics by other tools' definitions: one row per tool and metric."""

    def column(statistic: str) -> Column[DefinitionFinding]:
        return Column(statistic, lambda finding: finding.statistics[statistic], Unit.MS)

    columns: tuple[Column[DefinitionFinding], ...] = (
        Column("Tool", lambda finding: finding.tool),
        Column("Metric", lambda finding: finding.rule.name),
        *map(column, STATISTICS),
        Column("Values", lambda finding: finding.count, Unit.COUNT),
        Column("Rule", lambda finding: finding.rule.text),
    )
    caption = "Percentiles as these tools compute them (NumPy, interpolated between observations)."
    table = Table(caption, columns, findings)
    text = "The same answers and the same clock, measured by each tool's rules. Token counts are the server's."
    return Section("definitions-of-tools", "By other tools' definitions", [text], [table])


_OF_PARTS = ("requests_per_s", "failure_rate", "ttft.p50", "ttft.p95", "duration.p50", "duration.p95", "tokens_per_s")


def parts_section(material: Material) -> Section | None:
    """One row per model and per target; None if the run has one of each."""
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
    table = Table("Metrics of each model and each target", columns, catalogue.parts)
    return Section("parts", "By model and target", [], [table])


_LENGTHS: tuple[Column[tuple[str, TokenLengths]], ...] = (
    Column("Tokens of", lambda row: row[0]),
    Column("Requests", lambda row: row[1].requests, Unit.COUNT),
    Column("Requested, mean", lambda row: row[1].asked_mean, Unit.COUNT),
    Column("Requested, sd", lambda row: row[1].asked_sd, Unit.COUNT),
    Column("Actual, mean", lambda row: row[1].realised_mean, Unit.COUNT),
    Column("Actual, sd", lambda row: row[1].realised_sd, Unit.COUNT),
    Column("Difference", lambda row: Cell(row[1].off, said=_off(row[1].off)), Written.CHANGE),
)
FEWEST_POINTS = 3
"""Fewest points for the chart over time."""


def tokens_section(material: Material) -> Section | None:
    """Requested and actual lengths, and the prefix cache; None if the run has neither."""
    lengths, cache = material.summary.lengths, material.summary.cache
    if lengths is None and cache is None:
        return None
    found = (("prompts", lengths.input), ("answers", lengths.output)) if lengths else ()
    rows = [(name, part) for name, part in found if part]
    return Section(
        key="tokens",
        title="Lengths and prefix cache",
        text=[_cache_text(cache, Own.of(material.manifest))] if cache else [],
        tables=[Table("Lengths in tokens, counted by the target", _LENGTHS, rows)] if lengths else [],
        charts=[_cache_chart(cache)] if cache and len(cache.over_time) >= FEWEST_POINTS else [],
    )


def _off(share: float | None) -> str:
    return f"{MINUS if share < 0 else '+'}{fraction(abs(share))}" if share else fraction(0.0)


def _cache_text(found: CacheFound, own: Own) -> str:
    said = (
        f"Prefix cache: {fraction(found.hit_rate)} of the input tokens of {plural(found.requests, 'request')} came "
        "from the cache, as the target reports."
    )
    if not own.template:
        return said
    template = plural(round(own.template), "token")
    return f"{said} Without the chat template's {template}: {fraction(found.beyond_template)}."


def _cache_chart(found: CacheFound) -> Chart:
    points = [(point.seconds, 100.0 * point.hit_rate) for point in found.over_time]
    return Chart(
        key="cache-course",
        title="Prefix cache over time",
        note="Percentage of input tokens that came from the target's prefix cache, by start of the request.",
        unit="%",
        lines=[Line("hit rate", Style.MAIN, points)],
    )

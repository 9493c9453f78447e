"""A run's summary for a terminal, or plain for a pipe. The words are those of the HTML report.

Texts from outside are put in as `Text`, without control characters: nothing in them is markup or moves
the cursor.
"""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from katydid.model.declared import Catalogue, catalogue_of
from katydid.model.documents.summary import Finding, Summary
from katydid.model.formatting import censored, label_of, number, plural, show, strip_control_chars
from katydid.report.build import Report
from katydid.report.model import Section

COLUMNS = ("p50", "p90", "p95", "p99", "max")
_STYLES = {"invalid": "red", "warning": "yellow"}
_TONES = {"good": "green", "note": "yellow", "bad": "red"}
_WORDS = {"invalid": "invalid", "warning": "note"}


PIPE_WIDTH = 120
"""Columns where no terminal says how wide it is; a table is not cut off for want of them."""


def terminal(*, stderr: bool = False) -> Console:
    """A console for our tables; plain in a pipe."""
    console = Console(highlight=False, soft_wrap=True, stderr=stderr)
    if not console.is_terminal:
        console.width = max(console.width, PIPE_WIDTH)
    return console


def print_summary(report: Report, console: Console, report_path: str) -> None:
    """The headline, whether the measurement is valid, what must be known, what the run has found out, the metrics.

    Then what the workload adds, the failures, and where the report is.
    """
    summary, catalogue = report.summary, catalogue_of(report.manifest)
    console.print()
    headline = report.headline
    console.print(Text(headline.text, style=f"bold {_TONES[headline.outcome.tone]}"))
    if summary.valid:  # else the headline says so, and why
        console.print(Text("  measurement: valid", style="green"))
    for finding in summary.findings:
        console.print(_finding(finding))
    if summary.leaving:
        console.print(Text(f"  {strip_control_chars(summary.leaving.text)}"))
    for section in report.sections:
        if section.answer:
            print_section(section, console)
    if summary.counts.ok:
        console.print(_times(summary, catalogue))
    console.print(_rates(summary, catalogue))
    for section in report.sections:
        if not section.answer:
            print_section(section, console)
    if summary.errors:
        console.print(_errors(summary))
    console.print(Text(f"Report: {report_path}"))


def print_section(section: Section, console: Console) -> None:
    """Its title, sentences and short tables; pictures are left to the page."""
    console.print(Text(strip_control_chars(section.title), style="bold"))
    for text in section.text:
        console.print(Text(f"  {strip_control_chars(text)}"))
    for shown in section.tables:
        if not shown.in_terminal:
            continue
        table = _table(*shown.columns)
        for index in shown.words:
            table.columns[index].justify = "left"
            table.columns[index].no_wrap = False
            table.columns[index].overflow = "fold"
        for number_, row in enumerate(shown.rows):
            table.add_row(
                *(
                    Text(strip_control_chars(cell), style="red" if (number_, index) in shown.bad else "")
                    for index, cell in enumerate(row)
                )
            )
        console.print(table)


def _finding(finding: Finding) -> Text:
    text = f"  {_WORDS[finding.severity]}: {finding.text}"
    return Text(f"  {strip_control_chars(text)}", style=_STYLES[finding.severity])


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False)
    for index, column in enumerate(columns):
        table.add_column(Text(strip_control_chars(column)), justify="right" if index else "left", no_wrap=True)
    return table


def _times(summary: Summary, catalogue: Catalogue) -> Table:
    table = _table("", *COLUMNS)
    for d in catalogue.distributions:
        names = [f"{d.name}.{column}" for column in COLUMNS]
        if d.primary and summary.measured(f"{d.name}.max") is not None:
            shown = [
                "too few" if summary.measured(name) is None else show(name, None, summary, d.unit) for name in names
            ]
            if summary.measured(names[0]) is None:  # so few that not even the median says something
                shown[0] = f"mean {show(f'{d.name}.mean', None, summary, d.unit)}"
            table.add_row(Text(label_of(d, summary)), *shown)
    table.caption = censored(summary) or None
    return table


def _rates(summary: Summary, catalogue: Catalogue) -> Table:
    table = _table("", "")
    table.show_header = False
    for rate in catalogue.figures:
        value = summary.metrics[rate.name]
        if value is not None:
            bad = rate.name == "failure_rate" and value > 0
            table.add_row(Text(rate.label), Text(show(rate.name, value, unit=rate.unit), style="red" if bad else ""))
    return table


def _errors(summary: Summary) -> Table:
    table = _table("failures", "blame", "count", "example")
    table.columns[1].justify = table.columns[3].justify = "left"
    table.columns[3].no_wrap = False
    for row in summary.errors:
        table.add_row(
            Text(strip_control_chars(row.error), style="red"),
            Text(strip_control_chars(row.blame or "")),
            number(row.count),
            Text(strip_control_chars(": ".join(text for text in (row.example, row.check) if text))),
        )
    table.caption = plural(sum(row.count for row in summary.errors), "failure") + ", warm-up included"
    return table

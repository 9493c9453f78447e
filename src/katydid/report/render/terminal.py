"""Prints a run's summary, sections and tables on a terminal, or as plain text into a pipe.

Texts from outside are printed as `Text` without control characters, so that they cannot contain markup or move the
cursor.
"""

import os

from rich.console import Console
from rich.text import Text

from katydid.analysis.headline import headline_details
from katydid.model.formatting import censored
from katydid.model.metrics.declared import catalogue_of
from katydid.model.oneline import one_line
from katydid.report.build import Report
from katydid.report.model import Section, Table
from katydid.report.render.lines import table_lines
from katydid.report.render.wrapping import wrapped
from katydid.report.tables.run import failures_table, rates_table, short_times_table

_STYLES = {"invalid": "red", "warning": "yellow"}
_TONES = {"good": "green", "note": "yellow", "bad": "red"}
_WORDS = {"invalid": "invalid", "warning": "note"}
_INDENT = "  "


PIPE_WIDTH = 120
"""Columns for a table if the output is not a terminal; longer lines are not cut."""


def terminal(*, stderr: bool = False) -> Console:
    """A console for tables; in a pipe it prints plain text and does not wrap lines, unless COLUMNS is set."""
    console = Console(highlight=False, stderr=stderr)
    if not console.is_terminal and not os.environ.get("COLUMNS", "").isdecimal():
        console.width = max(console.width, PIPE_WIDTH)
        console.soft_wrap = True
    return console


def say(console: Console, text: str, style: str = "", indent: str = "") -> None:
    """Print a sentence, wrapped between words if the width is known; print nothing for an empty text."""
    if not (text := one_line(text)):
        return
    for line in [text] if console.soft_wrap else wrapped(text, console.width - len(indent)):
        console.print(Text(indent + line, style), soft_wrap=True)


def say_where(console: Console, what: str, path: str) -> None:
    """Print a path on one line, so that it can be copied."""
    console.print(Text(f"{what}: {path}"), soft_wrap=True)


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
        say(console, censored(summary), indent=_INDENT)
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
    say(console, headline.text, f"bold {_TONES[headline.outcome.tone]}")
    for detail in headline_details(report.manifest, summary):
        say(console, detail, indent=_INDENT)
    if summary.valid:  # otherwise the headline gives the reason
        say(console, "measurement: valid", "green", _INDENT)
    for finding in summary.findings:
        say(console, f"{_WORDS[finding.severity]}: {finding.text}", _STYLES[finding.severity], _INDENT)
    if summary.leaving:
        say(console, summary.leaving.text, indent=_INDENT)


def print_section(section: Section, console: Console) -> None:
    """Print a section's title, text and short tables; charts are only on the page."""
    say(console, section.title, "bold")
    for text in section.text:
        say(console, text, indent=_INDENT)
    for table in section.tables:
        if table.in_terminal:
            print_table(table, console)


def print_table(table: Table, console: Console) -> None:
    """Print a table without its caption."""
    for line in table_lines(table, console.width):
        console.print(line, soft_wrap=True)

"""A run's summary for a terminal, or plain for a pipe. The words are those of the HTML report."""

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from katydid.core.metrics import DISTRIBUTIONS, RATES
from katydid.report.words import milliseconds, plural, sentence, show

COLUMNS = ("p50", "p90", "p95", "p99", "max")


def print_summary(manifest: dict[str, Any], summary: dict[str, Any], console: Console, report_path: str) -> None:
    """One sentence, the metrics, the failures, what must be known, and where the report is."""
    console.print()
    console.print(Text(sentence(manifest, summary), style="bold green" if summary["valid"] else "bold red"))
    for reason in summary["invalid_reasons"]:
        console.print(Text(f"  invalid: {reason}", style="red"))
    for warning in summary["warnings"]:
        console.print(Text(f"  note: {warning}", style="yellow"))
    if summary["counts"]["ok"]:
        console.print(_times(summary))
    console.print(_rates(summary))
    if summary["errors"]:
        console.print(_errors(summary))
    console.print(f"Report: {report_path}")


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=True)
    return table


def _times(summary: dict[str, Any]) -> Table:
    table = _table("", *COLUMNS)
    metrics = summary["metrics"]
    for d in DISTRIBUTIONS:
        names = [f"{d.name}.{column}" for column in COLUMNS]
        if d.primary and metrics[f"{d.name}.max"] is not None:
            table.add_row(d.label, *("too few" if metrics[n] is None else milliseconds(metrics[n]) for n in names))
    return table


def _rates(summary: dict[str, Any]) -> Table:
    table = _table("", "")
    table.show_header = False
    for rate in RATES:
        if summary["metrics"][rate.name] is not None:
            table.add_row(rate.label, show(rate.name, summary["metrics"][rate.name]))
    return table


def _errors(summary: dict[str, Any]) -> Table:
    table = _table("failures", "blame", "count", "example")
    table.columns[3].justify = "left"
    table.columns[3].no_wrap = False
    for row in summary["errors"]:
        table.add_row(
            Text(str(row["error"]), style="red"), row["blame"] or "", str(row["count"]), Text(row["example"] or "")
        )
    table.caption = plural(sum(row["count"] for row in summary["errors"]), "failure") + ", warm-up included"
    return table

"""The section that shows one run by the definitions of several tools."""

from collections.abc import Sequence

from katydid.analysis.definitions import STATISTICS, Finding
from katydid.core.words import milliseconds, number
from katydid.report.sections import Section, Table


def definitions_section(findings: Sequence[Finding]) -> Section:
    """A row a tool and metric, with its rule."""
    columns = ("Tool", "Metric", *STATISTICS, "Values", "Rule")
    rows = [
        (
            finding.tool,
            finding.rule.name,
            *("–" if value is None else milliseconds(value) for value in finding.statistics.values()),
            number(finding.count),
            finding.rule.text,
        )
        for finding in findings
    ]
    caption = "Percentiles as these tools take them (NumPy's, between two observations)."
    table = Table(caption, columns, rows, words=frozenset({1, len(columns) - 1}))
    text = "The same answers on the same clock, by the rules of each tool. Token counts are the server's."
    return Section("definitions-of-tools", "By other tools' definitions", [text], [table])

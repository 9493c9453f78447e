"""A gate's judgement as a sentence and a table, for the terminal and for Markdown."""

import re

from katydid.gate.judgement import CheckKind, GateCheck, GateVerdict, Judgement
from katydid.model import formatting
from katydid.model.documents.comparison import Comparison, Verdict
from katydid.model.errors import ExitCode
from katydid.model.units import Unit
from katydid.report import verdict as of_comparison
from katydid.report.model import Cell, Column, Section, Table

_HEADLINES = {
    ExitCode.PASSED: "PASSED",
    ExitCode.GATE_FAILED: "FAILED",
    ExitCode.CANNOT_TELL: "CANNOT TELL",
    ExitCode.INVALID: "INVALID",
}
_SAID = {
    GateVerdict.PASSED: "passed",
    GateVerdict.FAILED: "FAILED",
    GateVerdict.CANNOT_TELL: "cannot tell",
    GateVerdict.NO_DATA: "NO DATA",
    GateVerdict.INVALID: "INVALID",
}
_WORST_FIRST = (
    GateVerdict.INVALID,
    GateVerdict.NO_DATA,
    GateVerdict.FAILED,
    GateVerdict.CANNOT_TELL,
    GateVerdict.PASSED,
)
_REPEATED = re.compile(r"^(SLOWER|MIXED|INVALID)\. ")
"""The verdict at the start of a comparison's sentence, which the gate's own verdict replaces."""
_LABELS = {"valid": "run", "ended": "end of the run"}


def gate_sentence(judgement: Judgement) -> str:
    """The judgement in one sentence: the verdict and the check that decided it."""
    code = judgement.exit_code
    deciding = [
        check for check in judgement.checks if check.exit_code is code and check.verdict is not GateVerdict.PASSED
    ]
    if code is ExitCode.PASSED:
        text = f"{_HEADLINES[code]}. {_met(judgement)}"
        return f"{text}; {_why(deciding[0], judgement)}." if deciding else f"{text}."
    if deciding[0].kind is CheckKind.RUN and judgement.too_many_failures and code is ExitCode.GATE_FAILED:
        deciding.sort(key=lambda check: not check.is_failure_rate)  # failures made the threshold stop the run
    first, why = deciding[0], _why(deciding[0], judgement)
    head = "" if why.startswith(_HEADLINES[code]) else f"{_HEADLINES[code]}. "
    # A comparison's sentence speaks for all of its metrics.
    others = [check for check in deciding[1:] if not check.kind is first.kind is CheckKind.COMPARISON]
    more = f" (and {formatting.plural(len(others), 'more check')})" if others else ""
    if headline := _invalid_run(judgement, first):
        return f"{headline.removesuffix('.')}{more}."
    return f"{head}{why}{more}."


def _invalid_run(judgement: Judgement, deciding: GateCheck) -> str:
    """The headline of the single run that was judged, if the run is invalid and that decides; else empty."""
    single = len(judgement.headlines) == len(judgement.runs) == 1 and deciding.metric == "valid"
    return judgement.headlines[0] if single and judgement.headlines[0].startswith("INVALID") else ""


def _met(judgement: Judgement) -> str:
    objectives = sum(check.kind is CheckKind.OBJECTIVE for check in judgement.checks)
    parts = [f"{formatting.plural(objectives, 'objective')} met"] if objectives else []
    if judgement.comparison:
        verdict = judgement.comparison.verdict.replace("_", " ")
        parts += [f"against the baseline: {verdict}{_but(judgement.comparison)}"] if verdict != "cannot tell" else []
    return ", ".join(parts) or "No problems found"


def _but(comparison: Comparison) -> str:
    row = of_comparison.exploratory_regression(comparison)
    return f", but {row.name} {formatting.change_text(row)}" if row else ""


def _why(check: GateCheck, judgement: Judgement) -> str:
    if check.kind is CheckKind.OBJECTIVE and check.value is not None:
        is_ = "is at least" if check.at_least else "is"
        value = formatting.value_only(check.metric, check.value, check.unit)
        return f"{check.metric} {is_} {value}, limit {check.limit}"
    if check.kind is CheckKind.COMPARISON and judgement.comparison and check.verdict is not GateVerdict.NO_DATA:
        return _REPEATED.sub("", of_comparison.comparison_sentence(judgement.comparison)).removesuffix(".")
    return f"{check.metric}: {check.reason}" if check.unit is not None else check.reason


def section(judgement: Judgement) -> Section:
    """The judgement with its checks in a table, the worst first."""
    checks = sorted(judgement.checks, key=lambda check: _WORST_FIRST.index(check.verdict))
    compared = any(check.compared for check in checks)
    title = gate_sentence(judgement)
    columns = (LABEL, *((BASELINE, CHANGE) if compared else ()), VALUE, LIMIT, VERDICT, WHY)
    return Section(
        key="gate",
        title=title,
        text=[
            f"{formatting.plural(len(judgement.runs), 'run')}, judged by {judgement.thresholds}.",
            *(headline for headline in judgement.headlines if not title.startswith(headline.removesuffix("."))),
            *_notes(judgement),
        ],
        tables=[
            Table("", columns, checks),
        ],
    )


def _notes(judgement: Judgement) -> list[str]:
    """What the comparison reports besides its verdict, such as runs that it left out.

    Nothing if it is invalid: the table then has its reasons.
    """
    comparison = judgement.comparison
    return of_comparison.reasons(comparison) if comparison and comparison.verdict is not Verdict.INVALID else []


def _baseline(check: GateCheck) -> Cell:
    base = check.compared.base if check.compared else None
    return Cell(base, check.unit, said=None if base is not None else "")


def _change(check: GateCheck) -> str:
    row = check.compared
    if row is None:
        return ""
    if (change := formatting.format_change(row)[0]) is not None:
        return change
    return formatting.points(row.points.change) if row.points and row.points.change is not None else ""


def _value(check: GateCheck) -> Cell:
    if check.value is None or check.unit is None:
        return Cell(None, check.unit)
    return Cell(
        check.value,
        check.unit,
        said=formatting.at_least(formatting.figure(check.value, check.unit), bound=check.at_least),
    )


LABEL: Column[GateCheck] = Column("Check", lambda check: _LABELS.get(check.metric, check.metric))
BASELINE: Column[GateCheck] = Column("Baseline", _baseline, Unit.COUNT)
CHANGE: Column[GateCheck] = Column("Change", _change, Unit.COUNT)
VALUE: Column[GateCheck] = Column("Value", _value, Unit.COUNT)
LIMIT: Column[GateCheck] = Column("Limit", lambda check: check.limit)
VERDICT: Column[GateCheck] = Column(
    "Verdict", lambda check: _SAID[check.verdict], bad=lambda check: check.exit_code is not ExitCode.PASSED, leads=True
)
WHY: Column[GateCheck] = Column("Why", lambda check: check.reason)

"""A gate's judgement as a sentence and a table, for the terminal and for Markdown, and as JUnit's XML."""

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from katydid.gate.judgement import CheckKind, GateCheck, GateVerdict, Judgement
from katydid.model import formatting
from katydid.model.documents.comparison import Verdict
from katydid.model.errors import ExitCode
from katydid.model.oneline import one_line
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
    GateVerdict.INVALID: "INVALID",
    GateVerdict.NO_DATA: "NO DATA",
    GateVerdict.FAILED: "FAILED",
    GateVerdict.CANNOT_TELL: "cannot tell",
    GateVerdict.PASSED: "passed",
}
"""The worst first."""
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
    headline = judgement.headlines[0] if len(judgement.headlines) == len(judgement.runs) == 1 else ""
    if first.metric == "valid" and headline.startswith("INVALID"):  # the single run that was judged
        return f"{headline.removesuffix('.')}{more}."
    return f"{head}{why}{more}."


def _met(judgement: Judgement) -> str:
    objectives = sum(check.kind is CheckKind.OBJECTIVE for check in judgement.checks)
    parts = [f"{formatting.plural(objectives, 'objective')} met"] if objectives else []
    if judgement.comparison:
        verdict, row = judgement.comparison.verdict, of_comparison.exploratory_regression(judgement.comparison)
        but = f", but {row.name} {formatting.change_text(row)}" if row else ""
        if verdict is not Verdict.CANNOT_TELL:
            parts.append(f"against the baseline: {verdict.replace('_', ' ')}{but}")
    return ", ".join(parts) or "No problems found"


def _why(check: GateCheck, judgement: Judgement) -> str:
    if check.kind is CheckKind.OBJECTIVE and check.value is not None:
        return f"{_with_value(check, check.value)}, limit {check.limit}"
    if check.kind is CheckKind.COMPARISON and judgement.comparison and check.verdict is not GateVerdict.NO_DATA:
        return _REPEATED.sub("", of_comparison.comparison_sentence(judgement.comparison)).removesuffix(".")
    return f"{check.metric}: {check.reason}" if check.unit is not None else check.reason


def _with_value(check: GateCheck, value: float) -> str:
    is_ = "is at least" if check.at_least else "is"
    return f"{check.metric} {is_} {formatting.value_only(check.metric, value, check.unit)}"


def section(judgement: Judgement) -> Section:
    """The judgement with its checks in a table, the worst first."""
    checks = sorted(judgement.checks, key=lambda check: list(_SAID).index(check.verdict))
    compared = any(check.compared for check in checks)
    title, comparison = gate_sentence(judgement), judgement.comparison
    # Besides its verdict, such as runs that it left out; if it is invalid, the table has its reasons.
    notes = of_comparison.reasons(comparison) if comparison and comparison.verdict is not Verdict.INVALID else []
    columns = [column for column in COLUMNS if compared or column.name not in ("Baseline", "Change")]
    return Section(
        key="gate",
        title=title,
        text=[
            f"{formatting.plural(len(judgement.runs), 'run')}, judged by {judgement.thresholds}.",
            *(headline for headline in judgement.headlines if not title.startswith(headline.removesuffix("."))),
            *notes,
        ],
        tables=[Table("", columns, checks)],
    )


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


COLUMNS: tuple[Column[GateCheck], ...] = (
    Column("Check", lambda check: _LABELS.get(check.metric, check.metric)),
    Column("Baseline", _baseline, Unit.COUNT),
    Column("Change", _change, Unit.COUNT),
    Column("Value", _value, Unit.COUNT),
    Column("Limit", lambda check: check.limit),
    Column(
        "Verdict",
        lambda check: _SAID[check.verdict],
        bad=lambda check: check.exit_code is not ExitCode.PASSED,
        leads=True,
    ),
    Column("Why", lambda check: check.reason),
)


# JUnit's XML

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot contain, not even as a reference."""

_ELEMENTS = {
    GateVerdict.FAILED: "failure",
    GateVerdict.CANNOT_TELL: "skipped",
    GateVerdict.NO_DATA: "error",
    GateVerdict.INVALID: "error",
}


def junit(judgement: Judgement) -> str:
    """The judgement as an XML document, which every CI shows: one test case per check.

    A check that failed is a failure, and one that could not be judged is an error. An undecided check is skipped, with
    its reason, unless the thresholds file says that it fails.
    """
    root = Element("testsuites", name="katydid gate")
    suite = SubElement(root, "testsuite", name=_clean(judgement.thresholds))
    made = [_case(suite, check) for check in judgement.checks]
    for counted in (root, suite):
        counted.set("tests", str(len(made)))
        for kind, plural in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            counted.set(plural, str(made.count(kind)))
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _case(suite: Element, check: GateCheck) -> str | None:
    """Add the check's test case; return the kind of its element for a bad result, or None if it passed."""
    name = f"{check.metric}: {check.limit}"
    case = SubElement(suite, "testcase", classname=f"katydid.{check.kind}", name=_clean(name))
    kind = _ELEMENTS.get(check.verdict)
    if kind is None:
        return None
    if kind == "skipped" and check.exit_code is not ExitCode.PASSED:
        kind = "failure"
    value = "" if check.value is None else _with_value(check, check.value)
    message = "; ".join(part for part in (value, check.reason) if part)
    told = SubElement(case, kind, message=_clean(message))
    if kind != "skipped":
        told.set("type", str(check.verdict))
    return kind


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", one_line(text))

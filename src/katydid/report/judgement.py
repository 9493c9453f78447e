"""A gate's judgement as one sentence and one table, the same for terminal and Markdown."""

import re
from collections.abc import Mapping
from typing import Any

from katydid.core import words
from katydid.core.errors import ExitCode
from katydid.core.metrics import METRICS
from katydid.gate.judge import percent
from katydid.gate.judgement import Check, Judgement, Kind, Verdict
from katydid.report import verdict as of_comparison
from katydid.report.sections import Section, Table

_HEADLINES = {
    ExitCode.PASSED: "PASSED",
    ExitCode.GATE_FAILED: "FAILED",
    ExitCode.CANNOT_TELL: "CANNOT TELL",
    ExitCode.INVALID: "INVALID",
}
_SAID = {
    Verdict.PASSED: "passed",
    Verdict.FAILED: "FAILED",
    Verdict.CANNOT_TELL: "cannot tell",
    Verdict.NO_DATA: "NO DATA",
    Verdict.INVALID: "INVALID",
}
_WORST_FIRST = (Verdict.INVALID, Verdict.NO_DATA, Verdict.FAILED, Verdict.CANNOT_TELL, Verdict.PASSED)
_REPEATED = re.compile(r"^(SLOWER|MIXED|INVALID)\. ")
"""What a comparison's own sentence begins with, where ours has said so already."""
_LABELS = {"valid": "run", "ended": "end of the run"}


def sentence(judgement: Judgement) -> str:
    """The judgement in one sentence: the verdict, and what decided it."""
    code = judgement.exit_code
    deciding = [check for check in judgement.checks if check.exit_code is code and check.verdict is not Verdict.PASSED]
    if code is ExitCode.PASSED:
        text = f"{_HEADLINES[code]}. {_kept(judgement)}"
        return f"{text}; {_why(deciding[0], judgement)}." if deciding else f"{text}."
    first, why = deciding[0], _why(deciding[0], judgement)
    head = "" if why.startswith(_HEADLINES[code]) else f"{_HEADLINES[code]}. "
    # A comparison's sentence speaks for all of its metrics.
    others = [check for check in deciding[1:] if not check.kind is first.kind is Kind.COMPARISON]
    more = f" (and {words.plural(len(others), 'more check')})" if others else ""
    return f"{head}{why}{more}."


def _kept(judgement: Judgement) -> str:
    objectives = sum(check.kind is Kind.OBJECTIVE for check in judgement.checks)
    parts = [f"{words.plural(objectives, 'objective')} kept"] if objectives else []
    if judgement.comparison:
        verdict = judgement.comparison["verdict"].replace("_", " ")
        parts += [f"against the baseline: {verdict}{_but(judgement.comparison)}"] if verdict != "cannot tell" else []
    return ", ".join(parts) or "Nothing speaks against it"


def _but(comparison: Mapping[str, Any]) -> str:
    row = of_comparison.exploratory_regression(dict(comparison))
    return f", but {row['name']} {words.change_text(row)}" if row else ""


def _why(check: Check, judgement: Judgement) -> str:
    if check.kind is Kind.OBJECTIVE and check.value is not None:
        is_ = "is at least" if check.at_least else "is"
        return f"{check.metric} {is_} {words.value_only(check.metric, check.value)}, the limit {check.limit}"
    if check.kind is Kind.COMPARISON and judgement.comparison and check.verdict is not Verdict.NO_DATA:
        return _REPEATED.sub("", of_comparison.sentence(dict(judgement.comparison))).removesuffix(".")
    return f"{check.metric}: {check.reason}" if check.metric in METRICS else check.reason


def section(judgement: Judgement) -> Section:
    """The judgement with its table, the worst first."""
    checks = sorted(judgement.checks, key=lambda check: _WORST_FIRST.index(check.verdict))
    compared = any(check.compared for check in checks)
    rows = [_row(check, compared=compared) for check in checks]
    columns = ["Check", *(["Baseline", "Change"] if compared else []), "Value", "Limit", "Verdict", "Why"]
    verdict = columns.index("Verdict")
    return Section(
        key="gate",
        title=sentence(judgement),
        text=[f"{words.plural(len(judgement.runs), 'run')}, judged by {judgement.thresholds}.", *_notes(judgement)],
        tables=[
            Table(
                caption="",
                columns=columns,
                rows=rows,
                words=frozenset(range(verdict - 1, len(columns))),
                bad=frozenset(
                    (number, verdict) for number, check in enumerate(checks) if check.exit_code is not ExitCode.PASSED
                ),
            )
        ],
    )


def _notes(judgement: Judgement) -> list[str]:
    """What the comparison has to say beyond its verdict, such as which runs it left out."""
    return of_comparison.reasons(dict(judgement.comparison)) if judgement.comparison else []


def _row(check: Check, *, compared: bool) -> list[str]:
    row = check.compared or {}
    base, change = row.get("base"), words.changed(row, percent)[0] if row else None
    if change is None and row.get("points"):
        change = words.points(row["points"]["change"])
    between = [words.value_only(check.metric, base) if base is not None else "", change or ""]
    value = words.value_only(check.metric, check.value) if check.value is not None else "–"
    value = words.at_least(value, bound=check.at_least)
    label = _LABELS.get(check.metric, check.metric)
    return [label, *(between if compared else []), value, check.limit, _SAID[check.verdict], check.reason]

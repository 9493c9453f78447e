"""Sessions in a report: the checks of the answers, their results, and examples of violations."""

from dataclasses import dataclass

from katydid.model.documents.summary import Summary
from katydid.model.formatting import milliseconds, number, plural, significant
from katydid.model.units import Unit
from katydid.report.model import Column, Material, Section, Table
from katydid.workloads.session.analysis import AnswerCheck, Example, SessionFigures

_RESULTS = {True: "passed", False: "FAILED", None: "inconclusive"}


def _name(check: AnswerCheck) -> str:
    return check.name.replace("_", " ")


CHECKS: tuple[Column[AnswerCheck], ...] = (
    Column("Check", _name),
    Column("Requirement", lambda check: check.asks),
    Column("Result", lambda check: _RESULTS[check.passed], bad=lambda check: check.passed is False, leads=True),
    Column("Checked", lambda check: check.count, Unit.COUNT),
    Column("Violations", lambda check: check.violations, Unit.COUNT),
)


def session_section(material: Material) -> Section | None:
    """Return the section about the checks of the answers, or None for a run without any."""
    session = material.summary.part("session", SessionFigures)
    checks = material.summary.part("checks", list[AnswerCheck]) if session else None
    if session is None or not checks:
        return None
    broken = [check for check in checks if check.passed is False]
    rate, seconds = session.throughput_msg_per_sec, session.wall_time_sec
    text = [_verdict(checks)]
    if rate is not None and seconds is not None:
        text.append(
            f"{plural(session.users, 'user')}, {plural(session.total_messages, 'message')} in "
            f"{milliseconds(seconds * 1000.0)}: {significant(rate)}/s."
        )
    if times := _times(session):
        text.append(f"Service time of messages, without other requests: {times}.")
    table = Table("Checks of the answers, under load.", CHECKS, checks)
    return Section("checks", "Answer checks", text, [table, *_examples(broken)], answer=True)


_MOST_PASSED = 2
"""Passed checks that fit into a headline."""


def session_answer(summary: Summary) -> str | None:
    """Return the result of each check for the first screen; of many passed checks, the first and how many more."""
    checks = summary.part("checks", list[AnswerCheck]) if summary.part("session", SessionFigures) else None
    passed = [check for check in checks or [] if check.passed]
    others = [check for check in checks or [] if not check.passed]
    shown, more = (passed, 0) if len(passed) <= _MOST_PASSED else (passed[:1], len(passed) - 1)
    parts = [*map(_result, shown), *([f"{plural(more, 'more check')} passed"] if more else []), *map(_result, others)]
    return "; ".join(parts) or None


def _result(check: AnswerCheck) -> str:
    name = _name(check)
    if check.passed is None:
        return f"{name} inconclusive"
    return f"{name} passed in {number(check.count - check.violations)} of {number(check.count)}"


def _verdict(checks: list[AnswerCheck]) -> str:
    broken, unseen = (", ".join(_name(check) for check in checks if check.passed is passed) for passed in (False, None))
    verdict = f"Some answers were wrong: {broken}." if broken else "Every answer that could be checked was correct."
    if not unseen:
        return verdict
    return (
        f"{verdict} Inconclusive: {unseen}. No answer repeated a user's marker, so a leak between users would not have "
        "been noticed: have the scenario read a field that repeats the message."
    )


def _times(session: SessionFigures) -> str:
    """The percentiles in the JSON; empty if it has none."""
    latencies = {
        "p50": session.latency_p50_ms,
        "p95": session.latency_p95_ms,
        "p99": session.latency_p99_ms,
    }
    return ", ".join(
        f"{name} {milliseconds(value)}{' (too few)' if name in session.too_few else ''}"
        for name, value in latencies.items()
        if value is not None
    )


@dataclass(frozen=True, slots=True)
class _Example:
    """A violation, with the name of its check."""

    check: str
    found: Example


EXAMPLES: tuple[Column[_Example], ...] = (
    Column("Check", lambda row: row.check),
    Column("User", lambda row: row.found.user, Unit.COUNT),
    Column("Other user", lambda row: row.found.other_user, Unit.COUNT),
    Column("Turn", lambda row: row.found.turn, Unit.COUNT),
    Column("Request", lambda row: row.found.request),
    Column("What happened", lambda row: row.found.detail),
    Column("Request id", lambda row: row.found.request_id),
)


def _examples(broken: list[AnswerCheck]) -> list[Table]:
    rows = [_Example(_name(check), example) for check in broken for example in check.examples]
    return [Table("Examples.", EXAMPLES, rows, in_terminal=False)] if rows else []

"""Sessions in a report: the checks of the answers, their results, and examples of violations."""

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
    violations = [(_name(check), example) for check in checks for example in check.examples]
    rate, seconds = session.throughput_msg_per_sec, session.wall_time_sec
    text = [_verdict(checks)]
    if rate is not None and seconds is not None:
        text.append(
            f"{plural(session.users, 'user')}, {plural(session.total_messages, 'message')} in "
            f"{milliseconds(seconds * 1000.0)}: {significant(rate)}/s."
        )
    if times := _times(session):
        text.append(f"Service time of messages, without other requests: {times}.")
    tables = [Table("Checks of the answers, under load.", CHECKS, checks)]
    if violations:
        tables.append(Table("Examples.", EXAMPLES, violations, in_terminal=False))
    return Section("checks", "Answer checks", text, tables, answer=True)


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
    latencies = {"p50": session.latency_p50_ms, "p95": session.latency_p95_ms, "p99": session.latency_p99_ms}
    return ", ".join(
        f"{name} {milliseconds(value)}{' (too few)' if name in session.too_few else ''}"
        for name, value in latencies.items()
        if value is not None
    )


EXAMPLES: tuple[Column[tuple[str, Example]], ...] = (
    Column("Check", lambda row: row[0]),
    Column("User", lambda row: row[1].user, Unit.COUNT),
    Column("Other user", lambda row: row[1].other_user, Unit.COUNT),
    Column("Turn", lambda row: row[1].turn, Unit.COUNT),
    Column("Request", lambda row: row[1].request),
    Column("What happened", lambda row: row[1].detail),
    Column("Request id", lambda row: row[1].request_id),
)
"""Of violations, each with the name of its check."""

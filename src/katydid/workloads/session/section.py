"""Conversations in a report: what was checked, what was found, and between whom."""

from dataclasses import dataclass

from katydid.model.documents.summary import Summary
from katydid.model.formatting import milliseconds, number, plural, significant
from katydid.model.units import Unit
from katydid.report.model import Column, Material, Section, Table
from katydid.workloads.session.analysis import AnswerCheck, Example, SessionFigures

_RESULTS = {True: "passed", False: "FAILED", None: "could not be seen"}


def _name(check: AnswerCheck) -> str:
    return check.name.replace("_", " ")


CHECKS: tuple[Column[AnswerCheck], ...] = (
    Column("Check", _name),
    Column("Asks", lambda check: check.asks),
    Column("Result", lambda check: _RESULTS[check.passed], bad=lambda check: check.passed is False, leads=True),
    Column("Checked", lambda check: check.count, Unit.COUNT),
    Column("Violations", lambda check: check.violations, Unit.COUNT),
)


def session_section(material: Material) -> Section | None:
    """The checks of the answers."""
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
            f"{milliseconds(seconds * 1000.0)}: {significant(rate)} a second."
        )
    if times := _times(session):
        text.append(f"Service time of the messages alone: {times}.")
    table = Table("Checks of the answers, under load.", CHECKS, checks)
    return Section("checks", "Were the answers right?", text, [table, *_examples(broken)], answer=True)


_MOST_TOLD = 2
"""Checks that held which a headline has room for."""


def session_answer(summary: Summary) -> str | None:
    """Of each check, in how many answers it held; of many that held the first, and how many more."""
    checks = summary.part("checks", list[AnswerCheck]) if summary.part("session", SessionFigures) else None
    held = [check for check in checks or [] if check.passed]
    others = [check for check in checks or [] if not check.passed]
    shown, more = (held, 0) if len(held) <= _MOST_TOLD else (held[:1], len(held) - 1)
    told = [*map(_held, shown), *([f"{plural(more, 'more check')} held"] if more else []), *map(_held, others)]
    return "; ".join(told) or None


def _held(check: AnswerCheck) -> str:
    name = _name(check)
    if check.passed is None:
        return f"{name} could not be seen"
    return f"{name} held in {number(check.count - check.violations)} of {number(check.count)}"


def _verdict(checks: list[AnswerCheck]) -> str:
    broken, unseen = (", ".join(_name(check) for check in checks if check.passed is passed) for passed in (False, None))
    said = f"Not all answers were right: {broken}." if broken else "Every answer that could be checked was right."
    if not unseen:
        return said
    return (
        f"{said} Could not be seen: {unseen}. No answer held a user's word, so that another's would not have been "
        "noticed: let the scenario read a field that repeats the message."
    )


def _times(session: SessionFigures) -> str:
    """The percentiles of the JSON; empty where it has none."""
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
    """A violation, and of which check."""

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

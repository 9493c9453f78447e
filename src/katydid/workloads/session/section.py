"""Conversations in a report: what was checked, what was found, and between whom."""

from katydid.model.documents.summary import Summary
from katydid.model.formatting import milliseconds, number, or_dash, plural, significant
from katydid.report.model import Material, Section, Table
from katydid.workloads.session.analysis import AnswerCheck, SessionFigures

_RESULTS = {True: "passed", False: "FAILED", None: "could not be seen"}


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
    table = Table(
        "Checks of the answers, under load.",
        ("Check", "Asks", "Result", "Checked", "Violations"),
        [
            [
                check.name.replace("_", " "),
                check.asks,
                _RESULTS[check.passed],
                number(check.count),
                number(check.violations),
            ]
            for check in checks
        ],
        words=frozenset({1, 2}),
        bad=frozenset((row, 2) for row, check in enumerate(checks) if check.passed is False),
    )
    return Section("checks", "Were the answers right?", text, [table, *_examples(broken)], answer=True)


def session_answer(summary: Summary) -> str | None:
    """Of each check, in how many answers it held."""
    checks = summary.part("checks", list[AnswerCheck]) if summary.part("session", SessionFigures) else None
    return "; ".join(map(_held, checks or [])) or None


def _held(check: AnswerCheck) -> str:
    name = check.name.replace("_", " ")
    if check.passed is None:
        return f"{name} could not be seen"
    return f"{name} held in {number(check.count - check.violations)} of {number(check.count)}"


def _verdict(checks: list[AnswerCheck]) -> str:
    broken, unseen = (
        ", ".join(check.name.replace("_", " ") for check in checks if check.passed is passed)
        for passed in (False, None)
    )
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


def _examples(broken: list[AnswerCheck]) -> list[Table]:
    rows = [
        [
            check.name.replace("_", " "),
            str(example.user),
            or_dash(example.other_user, "{}".format),
            str(example.turn),
            example.request,
            example.detail,
            example.request_id,
        ]
        for check in broken
        for example in check.examples
    ]
    if not rows:
        return []
    columns = ("Check", "User", "Other user", "Turn", "Request", "What happened", "Request id")
    return [Table("Examples.", columns, rows, words=frozenset({4, 5, 6}), in_terminal=False)]

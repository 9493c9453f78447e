"""Conversations in a report: what was checked, what was found, and between whom."""

from katydid.model.formatting import milliseconds, number, or_dash, plural, significant
from katydid.report.model import Material, Section, Table
from katydid.workloads.session.analysis import AnswerCheck, SessionFigures


def session_section(material: Material) -> Section | None:
    """The checks of the answers."""
    session = material.summary.part("session", SessionFigures)
    checks = material.summary.part("checks", list[AnswerCheck]) if session else None
    if session is None or not checks:
        return None
    broken = [check for check in checks if not check.passed]
    verdict = (
        f"Not all answers were right: {', '.join(check.name.replace('_', ' ') for check in broken)}."
        if broken
        else "Every answer that was checked was right."
    )
    rate, seconds = session.throughput_msg_per_sec, session.wall_time_sec
    text = [verdict]
    if rate is not None and seconds is not None:
        text.append(
            f"{plural(session.users, 'user')}, {plural(session.total_messages, 'message')} in "
            f"{milliseconds(seconds * 1000.0)}: {significant(rate)} a second."
        )
    table = Table(
        "Checks of the answers, under load.",
        ("Check", "Asks", "Result", "Checked", "Violations"),
        [
            [
                check.name.replace("_", " "),
                check.asks,
                "passed" if check.passed else "FAILED",
                number(check.count),
                number(check.violations),
            ]
            for check in checks
        ],
        words=frozenset({1, 2}),
        bad=frozenset((row, 2) for row, check in enumerate(checks) if not check.passed),
    )
    return Section("checks", "Were the answers right?", text, [table, *_examples(broken)])


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

"""Conversations in `summary.json`: each check with its counts and examples, and the totals as one object."""

from dataclasses import dataclass

import pandas as pd

from katydid.analysis.derived import quantile, values_of
from katydid.analysis.validity import Run
from katydid.model.metrics import STATISTICS

CHECKS = {
    "isolation": "no answer contains another user's text",
    "independent_streams": "every answer is whole, answers its own message, and goes to one user only",
    "message_count": "the service counts a session's messages correctly",
    "own_history": "a session's history has all its messages, in order",
    "room_members": "all users of a room see the same members, including themselves",
    "safety_answer": "the safety answer comes when it must",
}
"""In the order of the report."""
_BY_MARKERS = {"isolation", "independent_streams", "own_history"}
"""Checks that find a user's text by its markers; independent_streams also uses the answers' ids."""
MOST_EXAMPLES = 5
_SHOWN = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class Example:
    """An example of a violation. `other_user` is the user whose text or answer it was; None if there is none."""

    user: int
    other_user: int | None
    turn: int
    room: str | None
    request: str
    request_id: str
    detail: str


@dataclass(frozen=True, slots=True)
class AnswerCheck:
    """What a check `asks` of `count` answers; `passed` is None if it could not have noticed a violation."""

    name: str
    asks: str
    passed: bool | None
    count: int
    violations: int
    examples: list[Example]


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """Totals of all conversations. Its keys have the names that the first experiments used.

    Attributes:
        too_few: quantiles with too few messages.
        wall_time_sec: from the first message's start to the last answer's end.
        session_isolation, room_occupancy, crisis_detection: true if these checks passed; null if not checked.
    """

    users: int
    messages_per_user: int
    total_messages: int
    total_errors: int
    throughput_msg_per_sec: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    latency_p99_ms: float | None
    too_few: list[str]
    wall_time_sec: float | None
    session_isolation: bool | None
    room_occupancy: bool | None
    crisis_detection: bool | None
    checks: dict[str, bool | None]


def session_summary(run: Run) -> dict[str, object]:
    """Return the keys `checks` and `session` of `summary.json`."""
    frame = run.frame[(run.frame["user"] >= 0) & (run.frame["outcome"] != "aborted")]
    if frame.empty or "checked" not in frame:
        return {}
    checks = [check for name in CHECKS if (check := _check(frame, name)).count]
    return {"checks": checks, "session": _session(frame, checks)}


def _check(frame: pd.DataFrame, name: str) -> AnswerCheck:
    checked = _has(frame["checked"], name)
    violated = _has(frame["violated"], name)
    if name == "independent_streams":
        violated |= _given_twice(frame)
    rows = frame[violated]
    seen = bool((checked & _could_see(frame, name)).any())
    return AnswerCheck(
        name=name,
        asks=CHECKS[name],
        passed=False if len(rows) else True if seen else None,
        count=int(checked.sum()),
        violations=len(rows),
        examples=[_example(row) for _, row in rows.head(MOST_EXAMPLES).iterrows()],
    )


def _could_see(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return True for answers in which the check could notice a violation, and for rows that record no markers."""
    if name not in _BY_MARKERS or "markers" not in frame:
        return pd.Series(data=True, index=frame.index)
    seen = frame["markers"].fillna(0) > 0
    return seen | frame["answer_id"].notna() if name == "independent_streams" else seen


def _has(column: pd.Series, name: str) -> pd.Series:
    return ("," + column.fillna("").astype(str) + ",").str.contains(f",{name},", regex=False)


def _given_twice(frame: pd.DataFrame) -> pd.Series:
    """Return True for answers whose id another user also got, possibly in another process."""
    known = frame[frame["answer_id"].notna() & ~_has(frame["violated"], "independent_streams")]
    users = known.groupby("answer_id")["user"].transform("nunique")
    first = ~known.duplicated("answer_id")
    return ((users > 1) & ~first).reindex(frame.index, fill_value=False)


def _example(row: pd.Series) -> Example:
    detail, other = row["detail"], row["other_user"]
    return Example(
        user=int(row["user"]),
        other_user=None if pd.isna(other) else int(other),
        turn=int(row["turn"]),
        room=row["room"] if isinstance(row["room"], str) else None,
        request=row["name"],
        request_id=row["request_id"],
        detail=detail if isinstance(detail, str) else "another user got the same answer",
    )


def _session(frame: pd.DataFrame, checks: list[AnswerCheck]) -> SessionFigures:
    """Return the totals. Times are of successful messages that count, as in the report's table of requests."""
    messages = frame[frame["name"] == "message"]
    timed = messages[messages["counted"] & (messages["outcome"] == "ok")]
    times = values_of(timed, "duration_ms")
    p50, p95, p99 = (quantile(times, q) if len(times) else None for q in _SHOWN.values())
    passed = {check.name: check.passed for check in checks}
    started = messages["start_ms"].dropna()
    ended = (messages["start_ms"] + messages["duration_ms"]).max()
    seconds = None if started.empty else float(ended - started.min()) / 1000.0
    return SessionFigures(
        users=int(frame["user"].nunique()),
        messages_per_user=int(messages["turn"].max()) if len(messages) else 0,
        total_messages=len(messages),
        total_errors=int((frame["outcome"] == "failed").sum()),
        throughput_msg_per_sec=len(messages) / seconds if seconds else None,
        latency_p50_ms=p50,
        latency_p95_ms=p95,
        latency_p99_ms=p99,
        too_few=[s.name for s in STATISTICS if s.name in _SHOWN and len(times) < s.fewest],
        wall_time_sec=seconds,
        session_isolation=_all(passed, "isolation", "independent_streams", "own_history", "message_count"),
        room_occupancy=passed.get("room_members"),
        crisis_detection=passed.get("safety_answer"),
        checks=passed,
    )


def _all(passed: dict[str, bool | None], *names: str) -> bool | None:
    """Return True if those of these checks that were made passed; None if none was made, or one was inconclusive."""
    made = [passed[name] for name in names if name in passed]
    if False in made:
        return False
    return None if None in made or not made else True

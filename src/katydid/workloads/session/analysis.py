"""What `summary.json` says of conversations: each check with its count and examples, and the whole as one object."""

from typing import Any

import numpy as np
import pandas as pd

from katydid.analysis.derived import quantile
from katydid.analysis.validity import Run
from katydid.model.metrics import STATISTICS

CHECKS = {
    "isolation": "no other user's text in an answer",
    "independent_streams": "every answer is one answer, to its own message, and nobody else's",
    "message_count": "the service counts a session's messages right",
    "own_history": "a session's history has all its messages, in their order",
    "room_members": "all users of a room see the same members, themselves among them",
    "safety_answer": "the safety answer comes when it must",
}
"""In the order in which they are told."""
_BY_MARKERS = {"isolation", "independent_streams", "own_history"}
"""Those that recognise texts by their users' words; streams also by the answers' ids."""
MOST_EXAMPLES = 5
_SHOWN = ("p50", "p95", "p99")


def session_summary(run: Run) -> dict[str, Any]:
    """The keys `checks` and `session`."""
    frame = run.frame[(run.frame["user"] >= 0) & (run.frame["outcome"] != "aborted")]
    if frame.empty or "checked" not in frame:
        return {}
    checks = [check for name in CHECKS if (check := _check(frame, name))["count"]]
    return {"checks": checks, "session": _session(frame, checks)}


def _check(frame: pd.DataFrame, name: str) -> dict[str, Any]:
    checked = _has(frame["checked"], name)
    violated = _has(frame["violated"], name)
    if name == "independent_streams":
        violated |= _given_twice(frame)
    rows = frame[violated]
    seen = bool((checked & _could_see(frame, name)).any())
    return {
        "name": name,
        "asks": CHECKS[name],
        "passed": False if len(rows) else True if seen else None,
        "count": int(checked.sum()),
        "violations": len(rows),
        "examples": [_example(row) for row in rows.head(MOST_EXAMPLES).to_dict("records")],
    }


def _could_see(frame: pd.DataFrame, name: str) -> pd.Series:
    """Answers in which the check would have noticed something; rows of before do not tell, and are taken to."""
    if name not in _BY_MARKERS or "markers" not in frame:
        return pd.Series(data=True, index=frame.index)
    seen = frame["markers"].fillna(0) > 0
    return seen | frame["answer_id"].notna() if name == "independent_streams" else seen


def _has(column: pd.Series, name: str) -> pd.Series:
    return ("," + column.fillna("").astype(str) + ",").str.contains(f",{name},", regex=False)


def _given_twice(frame: pd.DataFrame) -> pd.Series:
    """Answers whose id another user was given too, also in another process."""
    known = frame[frame["answer_id"].notna() & ~_has(frame["violated"], "independent_streams")]
    users = known.groupby("answer_id")["user"].transform("nunique")
    first = ~known.duplicated("answer_id")
    return ((users > 1) & ~first).reindex(frame.index, fill_value=False)


def _example(row: dict[Any, Any]) -> dict[str, Any]:
    detail, other = row["detail"], row["other_user"]
    return {
        "user": int(row["user"]),
        "other_user": None if pd.isna(other) else int(other),
        "turn": int(row["turn"]),
        "room": row["room"] if isinstance(row["room"], str) else None,
        "request": row["name"],
        "request_id": row["request_id"],
        "detail": detail if isinstance(detail, str) else "its answer was another user's too",
    }


def _session(frame: pd.DataFrame, checks: list[dict[str, Any]]) -> dict[str, Any]:
    """As the first experiments told it; a quantile that has too few messages behind it is named in `too_few`.

    Times are of the messages that count and were answered rightly, as in the report's table of requests.
    """
    messages = frame[frame["name"] == "message"]
    timed = messages[messages["counted"] & (messages["outcome"] == "ok")]
    times = timed["duration_ms"].dropna().to_numpy(dtype=np.float64)
    wanted = [statistic for statistic in STATISTICS if statistic.name in _SHOWN and statistic.quantile is not None]
    passed = {check["name"]: check["passed"] for check in checks}
    seconds = _seconds(messages)
    return {
        "users": int(frame["user"].nunique()),
        "messages_per_user": int(messages["turn"].max()) if len(messages) else 0,
        "total_messages": len(messages),
        "total_errors": int((frame["outcome"] == "failed").sum()),
        "throughput_msg_per_sec": len(messages) / seconds if seconds else None,
        **{f"latency_{s.name}_ms": quantile(times, s.quantile) if len(times) and s.quantile else None for s in wanted},
        "too_few": [s.name for s in wanted if len(times) < s.fewest],
        "wall_time_sec": seconds,
        "session_isolation": _all(passed, "isolation", "independent_streams", "own_history", "message_count"),
        "room_occupancy": passed.get("room_members"),
        "crisis_detection": passed.get("safety_answer"),
        "checks": passed,
    }


def _seconds(messages: pd.DataFrame) -> float | None:
    """From the first message's start to the last answer's end."""
    started = messages["start_ms"].dropna()
    if started.empty:
        return None
    ended = (messages["start_ms"] + messages["duration_ms"]).max()
    return float(ended - started.min()) / 1000.0


def _all(passed: dict[str, bool | None], *names: str) -> bool | None:
    """Whether all of these checks that were made were passed; None where none was made, or one could see nothing."""
    made = [passed[name] for name in names if name in passed]
    if False in made:
        return False
    return None if None in made or not made else True

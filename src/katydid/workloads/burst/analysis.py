"""The bursts in `summary.json`: a row per user, a row per burst, and the diagnosis of the service's concurrency."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from katydid.analysis.validity import Run
from katydid.stats.concurrency_model import Burst, starts
from katydid.workloads.burst.contradictions import ROLE, Probes, Role
from katydid.workloads.burst.diagnosis import Diagnosis, diagnose_burst

REFUSALS = {"overloaded", "rate_limited", "connect", "reset", "truncated"}
"""Classes of failure by which a service may reject requests beyond its limit."""
TIME_OUTS = {"timeout", "idle_timeout"}
_QUICK = 0.5
"""A failure counts as a rejection if it came within this share of the fastest answer's time: no work was done."""


@dataclass(frozen=True, slots=True)
class UserRow:
    """One user's request in a burst.

    Attributes:
        response_ms: from the release of the burst to the end of the request.
        status: `completed`, `timeout`, `rejected`, `failed` or `aborted`.
        outcome, error: as in the sample.
        served_from_ms: when the service began to work on it, according to the model; None if unknown.
    """

    burst: int
    user: int
    response_ms: float
    status: str
    http_status: int | None
    outcome: str
    error: str | None
    served_from_ms: float | None


@dataclass(frozen=True, slots=True)
class BurstRow:
    """One burst.

    Attributes:
        connected_before: users that were connected before the release.
        start_spread_ms: from the first to the last start among those users; caused by the generator.
        peak_in_flight: the largest number of requests in flight at one moment.
        recovery_ms: until the last request ended; None unless every request was completed or rejected.
    """

    burst: int
    users: int
    completed: int
    timeout: int
    rejected: int
    failed: int
    aborted: int
    completion_share: float
    timeout_share: float
    connected_before: int
    start_spread_ms: float | None
    peak_in_flight: int
    recovery_ms: float | None


def burst_summary(run: Run) -> dict[str, object]:
    """Return the keys `per_user`, `bursts`, `concurrency` and `diagnosis` of `summary.json`."""
    frame = run.frame[run.frame["user"] >= 0].sort_values(["iteration", "user"])
    if "waited_ms" not in frame:
        return {}
    frame, probes = _without_probes(frame)
    if frame.empty:
        return {}
    frame = frame.assign(became=_became(frame))
    groups = [rows for _, rows in frame.groupby("iteration") if (rows["became"] != "aborted").any()]
    clean = [rows for index, rows in enumerate(groups) if index == 0 or _is_over(groups[index - 1])]
    rejected = [int((rows["became"] == "rejected").sum()) for rows in clean]
    found = diagnose_burst([_burst(rows) for rows in clean], rejected, probes)
    return {
        "per_user": [row for rows in groups for row in _per_user(rows, found)],
        "bursts": [_per_burst(rows) for rows in groups],
        "diagnosis": found.sentence,
        "concurrency": found,
    }


def _without_probes(frame: pd.DataFrame) -> tuple[pd.DataFrame, Probes]:
    """Separate the rows of the bursts from the probes, which a run may not have."""
    if ROLE not in frame:
        return frame, Probes()
    beside = {role: frame[frame[ROLE] == role] for role in Role}
    smaller = beside[Role.SMALLER]
    return frame[frame[ROLE].isna()], Probes(
        _alone(beside[Role.BEFORE]),
        _alone(beside[Role.AFTER]),
        _burst(smaller.assign(became=_became(smaller))) if len(smaller) else None,
    )


def _alone(rows: pd.DataFrame) -> float | None:
    """Milliseconds that the single request took, or None if it was not answered."""
    answered = rows.loc[rows["outcome"] == "ok", "waited_ms"]
    return float(answered.iloc[0]) if len(answered) else None


def _became(frame: pd.DataFrame) -> pd.Series:
    """Classify each row as completed, timeout, rejected, failed or aborted."""
    answered = frame.loc[frame["outcome"] == "ok", "waited_ms"]
    quick = frame["waited_ms"] < _QUICK * answered.min()  # all False if no request was answered
    error = frame["error"].astype(object)
    became = np.select(
        [
            frame["outcome"] == "ok",
            frame["outcome"] == "aborted",
            error.isin(TIME_OUTS) | ((error == "connect") & (frame["detail"] == "timed out")),
            error.isin(REFUSALS) & quick,
        ],
        ["completed", "aborted", "timeout", "rejected"],
        "failed",
    )
    return pd.Series(became, index=frame.index)


def _is_over(rows: pd.DataFrame) -> bool:
    """Return True if the service had no work left from this burst when its users were done."""
    return bool(rows["became"].isin(["completed", "rejected"]).all())


def _burst(rows: pd.DataFrame) -> Burst:
    waited = rows["waited_ms"].to_numpy(dtype=np.float64)
    became = rows["became"].to_numpy()
    return Burst(np.sort(waited[became == "completed"]), np.sort(waited[np.isin(became, ["timeout", "failed"])]))


def _per_user(rows: pd.DataFrame, found: Diagnosis) -> list[UserRow]:
    began: dict[int, float] = {}
    if found.slots is not None:
        in_order = rows[rows["became"] == "completed"].sort_values("waited_ms")
        waits = starts(in_order["waited_ms"].to_numpy(dtype=np.float64), found.slots, len(in_order))
        began = dict(zip(in_order["user"], waits, strict=True))
    return [
        UserRow(
            burst=int(row["iteration"]),
            user=int(row["user"]),
            response_ms=float(row["waited_ms"]),
            status=row["became"],
            http_status=None if pd.isna(row["status"]) else int(row["status"]),
            outcome=row["outcome"],
            error=row["error"] if isinstance(row["error"], str) else None,
            served_from_ms=began.get(row["user"]),
        )
        for row in rows.to_dict("records")
    ]


def _per_burst(rows: pd.DataFrame) -> BurstRow:
    kinds = ("completed", "timeout", "rejected", "failed", "aborted")
    counts: dict[str, Any] = {kind: int((rows["became"] == kind).sum()) for kind in kinds}
    begun = rows["start_ms"].dropna()
    ahead = rows[rows["connect_ms"].isna() & rows["start_ms"].notna()]
    return BurstRow(
        burst=int(rows["iteration"].iloc[0]),
        users=len(rows),
        **counts,
        completion_share=counts["completed"] / len(rows),
        timeout_share=counts["timeout"] / len(rows),
        connected_before=len(ahead),
        start_spread_ms=float(ahead["start_ms"].max() - ahead["start_ms"].min()) if len(ahead) else None,
        peak_in_flight=_peak(begun, rows),
        recovery_ms=float(rows["waited_ms"].max()) if _is_over(rows) else None,
    )


def _peak(begun: pd.Series, rows: pd.DataFrame) -> int:
    ended = (rows["scheduled_ms"] + rows["waited_ms"]).loc[begun.index]
    moments = np.concatenate([begun.to_numpy(dtype=np.float64), ended.to_numpy(dtype=np.float64)])
    steps = np.concatenate([np.ones(len(begun)), -np.ones(len(begun))])
    order = np.lexsort((steps, moments))
    return int(np.cumsum(steps[order]).max(initial=0))

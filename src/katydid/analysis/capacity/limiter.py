"""Estimate a rate limiter from the requests of a stage: its long-run rate, and its window.

A fixed or sliding window lets requests pass until its quota is used up, and then rejects all until it ends. A token
bucket lets one pass whenever a token has arrived. Either way a series of rejections ends at a *return*, and from one
return to another the limiter shows its long-run rate. Before the first return, the requests only show how much of the
quota was left when the stage began. Knows no objective and no search.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from katydid.model.sample import REFUSED_FOR_RATE

FEWEST_PASSED = 10
"""The fewest requests between returns from which a rate is computed."""
AS_LONG = 0.5
"""A series of rejections shorter than this share of the longest is part of it: a few requests passed in between."""


@dataclass(frozen=True, slots=True)
class Limiter:
    """A rate limiter, as a stage shows it.

    Attributes:
        refused: the number of requests that it rejected.
        per_s: requests per second that pass in the long run; None if the stage does not show it.
        window_s: mean time from one return to the next; None as above.
        at_least_s: lower bound of its window, from the answers' `Retry-After` and from how long it rejected requests.
        fresh_ms: rejections before this time may be due to the stage before, which used up the quota.
    """

    refused: int
    per_s: float | None
    window_s: float | None
    at_least_s: float
    fresh_ms: float


def limiter_of(rows: pd.DataFrame, begin_ms: float, end_ms: float) -> Limiter | None:
    """Estimate the limiter of a stage; None if nothing was rejected, or if most failures have other causes.

    Args:
        rows: all requests of the stage that ended, including its settling time.
        begin_ms: of the stage.
        end_ms: of the stage.
    """
    if "error" not in rows:
        return None
    refused = rows["error"].isin(REFUSED_FOR_RATE).to_numpy()
    count = int(refused.sum())
    if not count or 2 * count < (rows["outcome"] == "failed").sum():
        return None
    at = rows["start_ms"].fillna(rows["scheduled_ms"]).to_numpy(dtype=np.float64) / 1000.0
    order = np.argsort(at, kind="stable")
    at, refused = at[order], refused[order]
    edges = np.diff(refused.astype(int), prepend=0)
    first, back = at[edges == 1], at[edges == -1]  # the first of each series of rejections, and the return after it
    lengths = back - first[: len(back)]
    ended = end_ms / 1000.0
    open_ = ended - first[-1] if len(first) > len(back) else 0.0
    asked = _asked_s(rows)
    at_least = max(asked, open_, float(lengths.max(initial=0.0)))
    if not len(lengths):
        return Limiter(count, None, None, max(at_least, ended - begin_ms / 1000.0), begin_ms)
    fresh = back[0] * 1000.0 if refused[0] else begin_ms
    returns = back[lengths >= AS_LONG * lengths.max()]
    passed = int((~refused[(at >= returns[0]) & (at < returns[-1])]).sum())
    if passed < FEWEST_PASSED or open_ > 2 * lengths.max():
        return Limiter(count, None, None, max(at_least, ended - returns[-1]), fresh)
    lasted = float(returns[-1] - returns[0])
    return Limiter(count, passed / lasted, lasted / (len(returns) - 1), at_least, fresh)


def _asked_s(rows: pd.DataFrame) -> float:
    """The longest wait that a rejection asked for, in seconds."""
    if "retry_after_ms" not in rows:
        return 0.0
    longest = rows["retry_after_ms"].astype(np.float64).max()
    return 0.0 if np.isnan(longest) else float(longest) / 1000.0

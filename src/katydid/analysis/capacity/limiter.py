"""What a stage shows of a limiter of requests: how many it lets pass in the long run, and its window.

A fixed or sliding window lets requests pass until its number is reached and refuses all until it ends; a bucket lets
one pass whenever a token has come. Either way refusals end at a *return*, and from one return to another the limiter
lets pass what it does in the long run. What is before the first return is the budget, or the lack of it, that the
stage found. Knows no objective and no search.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from katydid.model.sample import REFUSED_FOR_RATE

FEWEST_PASSED = 10
"""Requests between returns that a rate is counted from."""
AS_LONG = 0.5
"""Refusals for less than this share of the longest time belong to it: some passed in between."""


@dataclass(frozen=True, slots=True)
class Limiter:
    """What a stage shows of a limiter.

    Attributes:
        refused: requests that it refused.
        per_s: requests that it lets pass each second in the long run; None where the stage does not show it.
        window_s: from one return to the next, None as above.
        at_least_s: its window is no shorter than this, by the answers' `Retry-After` and by how long it refused.
        fresh_ms: from here on it is this stage's own requests that it refuses, not the stage before that used it up.
    """

    refused: int
    per_s: float | None
    window_s: float | None
    at_least_s: float
    fresh_ms: float


def limiter_of(rows: pd.DataFrame, begin_ms: float, end_ms: float) -> Limiter | None:
    """The limiter of a stage; None where it refused nothing, or most failures are others.

    Args:
        rows: of the whole stage that ended, what settles too.
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
    first, back = at[edges == 1], at[edges == -1]  # of each time of refusals, and of the request that passed after it
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
    """The longest time that refusals asked to wait."""
    if "retry_after_ms" not in rows:
        return 0.0
    longest = rows["retry_after_ms"].astype(np.float64).max()
    return 0.0 if np.isnan(longest) else float(longest) / 1000.0

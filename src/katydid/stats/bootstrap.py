"""Estimate the standard error of a quantile from a single run, by bootstrap.

Users and blocks of time are resampled together (the pigeonhole bootstrap, Owen 2007), because requests of one user are
correlated, and so are requests of the same half minute. It cannot see the noise from run to run, so it does not support
a verdict.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

BLOCK_MS = 30_000.0
DRAWS = 400
SEED = 20_07


def log_errors(frame: pd.DataFrame, column: str, quantiles: Sequence[float]) -> list[float] | None:
    """Standard errors of the logs of quantiles; None if there are fewer than two users or blocks to resample.

    Args:
        frame: successful requests that count, of one run.
        column: the column of times.
        quantiles: in (0, 1).
    """
    known = frame[column].notna()
    values = frame.loc[known, column].to_numpy(dtype=np.float64)
    users = pd.factorize(frame.loc[known, "user"])[0]
    blocks = (frame.loc[known, "scheduled_ms"].to_numpy(dtype=np.float64) // BLOCK_MS).astype(np.int64)
    blocks -= blocks.min(initial=0)
    if len(values) < 2 or users.max() < 1 or blocks.max() < 1:
        return None
    order = np.argsort(values)
    values, users, blocks = values[order], users[order], blocks[order]
    random = np.random.default_rng(SEED)
    logs = np.full((len(quantiles), DRAWS), np.nan)
    shares, of_users, of_blocks = np.array(quantiles), users.max() + 1, blocks.max() + 1
    for draw in range(DRAWS):
        reached = np.cumsum(_drawn(random, of_users)[users] * _drawn(random, of_blocks)[blocks])
        if reached[-1]:
            logs[:, draw] = np.log(values[np.searchsorted(reached, shares * reached[-1])])
    return [float(np.nanstd(each)) for each in logs]


def _drawn(random: np.random.Generator, count: int) -> np.ndarray:
    """How often each of `count` items is drawn in `count` draws with replacement."""
    return np.bincount(random.integers(0, count, count), minlength=count)

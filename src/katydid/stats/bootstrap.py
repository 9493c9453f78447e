"""How uncertain a quantile of one run is by what happened within it: requests come in users and in time.

Two-way: users and blocks of time are drawn anew together (the pigeonhole bootstrap, Owen 2007), since
requests of a user resemble each other, and so do those of the same half minute. It knows nothing of what
changes from run to run, so it does not support a verdict.
"""

import numpy as np
import pandas as pd

BLOCK_MS = 30_000.0
DRAWS = 400
SEED = 20_07


def log_error(frame: pd.DataFrame, column: str, q: float) -> float | None:
    """Standard error of the log of a quantile; None where there are too few users or blocks to draw from.

    Args:
        frame: successful requests that count, of one run.
        column: of times.
        q: in (0, 1).
    """
    known = frame[frame[column].notna()]
    values = known[column].to_numpy(dtype=np.float64)
    users = pd.factorize(known["user"])[0]
    blocks = (known["scheduled_ms"].to_numpy(dtype=np.float64) // BLOCK_MS).astype(np.int64)
    blocks -= blocks.min(initial=0)
    if len(values) < 2 or users.max() < 1 or blocks.max() < 1:
        return None
    order = np.argsort(values)
    values, users, blocks = values[order], users[order], blocks[order]
    random = np.random.default_rng(SEED)
    logs = np.empty(DRAWS)
    for draw in range(DRAWS):
        weights = _drawn(random, users.max() + 1)[users] * _drawn(random, blocks.max() + 1)[blocks]
        reached = np.cumsum(weights)
        logs[draw] = np.log(values[np.searchsorted(reached, q * reached[-1])]) if reached[-1] else np.nan
    return float(np.nanstd(logs))


def _drawn(random: np.random.Generator, count: int) -> np.ndarray:
    """How often each of `count` things was drawn in `count` draws."""
    return np.bincount(random.integers(0, count, count), minlength=count)

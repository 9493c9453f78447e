"""Columns that follow from others, which rows count, and what a quantile is: one home for each.

Knows no manifest but its interval, and nothing about reports.
"""

from typing import Any

import numpy as np
import pandas as pd

LATE_MS = 50.0
LATE_SHARE_OF_INTERVAL = 0.01


def with_derived(samples: pd.DataFrame, manifest: dict[str, Any]) -> pd.DataFrame:
    """The samples with the columns that `core.metrics` names and no sample carries.

    `response_ms`: from when it was due to the last byte. `tpot_ms`, `user_tokens_per_s`: see their metrics.
    `late`: started too late. `paced`: the first request of its iteration, the one that pacing starts; where
    an iteration has several, the others follow as their users get to them. `counted`: enters the
    statistics, that is: outside the warm-up, and not after the stop. Where a run ended inside its warm-up,
    everything before the stop counts. `timed`: tells something about times, see `tell_times`. Rows that tell
    of several requests together are left out: see `iterations`. Rows with a `role` are no requests of the
    load, and never count.
    """
    whole = _of_iterations(samples)
    frame = samples[~whole] if whole.any() else samples.copy(deep=False)
    tokens = frame["completion_tokens"].astype(np.float64)
    frame["response_ms"] = frame["late_ms"] + frame["duration_ms"]
    frame["tpot_ms"] = (frame["duration_ms"] - frame["ttft_ms"]) / (tokens - 1).where(tokens > 1)
    frame["user_tokens_per_s"] = tokens / frame["duration_ms"].where(frame["duration_ms"] > 0) * 1000.0
    frame["late"] = frame["late_ms"] > late_limit_ms(manifest)
    frame["paced"] = (frame["user"] < 0) | ~frame.duplicated(["user", "iteration"])
    in_time = ~frame["after_stop"].astype(bool)
    if "role" in frame:
        in_time &= frame["role"].isna()
    counted = in_time & ~frame["warm_up"].astype(bool)
    frame["counted"] = counted if counted.any() else in_time
    frame["timed"] = tell_times(frame)
    return frame


def tell_times(frame: pd.DataFrame) -> pd.Series:
    """Rows that tell something about times: those that count, and requests that the stop found in flight.

    What those took, or had at least, is as good as any: without them the stop would leave out the slow ones.

    Args:
        frame: samples with the column `counted`.
    """
    later = frame["after_stop"].astype(bool)
    if "role" in frame:
        later &= frame["role"].isna()
    if not (frame["counted"] & frame["warm_up"]).any():  # else the warm-up counts, too
        later &= ~frame["warm_up"].astype(bool)
    found: pd.Series = frame["counted"] | later
    return found


def iterations(samples: pd.DataFrame) -> pd.DataFrame:
    """The rows of whole iterations (`kind` is `iteration`) that count: after the warm-up, before the stop."""
    found = samples[_of_iterations(samples)]
    counted = ~found["after_stop"].astype(bool)
    settled = counted & ~found["warm_up"].astype(bool)
    return found[settled if settled.any() else counted]


def _of_iterations(samples: pd.DataFrame) -> pd.Series:
    if "kind" not in samples:
        return pd.Series(data=False, index=samples.index)
    return samples["kind"] == "iteration"


def late_limit_ms(manifest: dict[str, Any]) -> float:
    """From how many milliseconds on a start is late."""
    return max(LATE_MS, float(manifest.get("interval_s") or 0.0) * 1000.0 * LATE_SHARE_OF_INTERVAL)


def quantile(values: np.ndarray, q: float) -> float:
    """The smallest observed value that at least a share `q` of the values does not exceed.

    An observation, never a mean of two: it stays right when failed requests stand for infinite times,
    and it is the same everywhere in Katydid.
    """
    return float(np.quantile(values, q, method="inverted_cdf"))

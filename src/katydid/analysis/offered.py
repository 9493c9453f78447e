"""What a run's users offered: the starts that were due, without any overrun.

Users on an even grid offer users / interval at every moment. In a ramp each user starts as it comes, and an
interval later again: it offers the spawn rate times the intervals begun, more than its users over the interval.
"""

import numpy as np
import pandas as pd

from katydid.model.documents.manifest import Manifest


def in_a_ramp(manifest: Manifest) -> bool:
    """Whether users' first requests came as they were spawned, of a number that was known before."""
    return bool(manifest.ramp_per_s and manifest.interval_s and manifest.users)


def due_in_a_ramp(frame: pd.DataFrame, interval_ms: float, until_ms: float) -> np.ndarray:
    """When requests were due until a moment: each user's first, and one each interval after it.

    Args:
        frame: samples of the whole run.
        interval_ms: from one start of a user to its next.
        until_ms: of the run.

    Returns:
        Milliseconds of the run, in no order.
    """
    real = frame[frame["user"] >= 0]
    if "role" in real:
        real = real[real["role"].isna()]
    first = real.groupby("user")["scheduled_ms"].min().to_numpy(dtype=np.float64)
    first = first[first <= until_ms]
    times = np.floor((until_ms - first) / interval_ms).astype(np.int64) + 1
    begun = np.repeat(first, times)
    before = np.repeat(np.cumsum(times) - times, times)
    return np.asarray(begun + (np.arange(len(begun)) - before) * interval_ms)

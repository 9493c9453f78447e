"""Which quantiles of the TTFT are upper bounds only, because too many of the TTFTs under them are."""

import numpy as np
import pandas as pd

from katydid.analysis.derived import quantile
from katydid.analysis.validity.clocks import BOUND_SHARE
from katydid.model.metrics import STATISTICS

TOLERANCE = 0.05
"""By so much a quantile may be too high before it is called a bound: the change that a comparison is to find."""


def upper_bounds(ok: pd.DataFrame) -> list[str]:
    """Names of the metrics, as `ttft.p95`; none where at most 5 % of the TTFTs are bounds.

    A quantile counts as a bound where it would be lower by more than `TOLERANCE` if each bound were as low as can be.

    Args:
        ok: the successful requests that count.
    """
    timed = ok[ok["ttft_ms"].notna()]
    bound = timed["ttft_bound"].eq(True).to_numpy()
    if not len(timed) or bound.mean() <= BOUND_SHARE:
        return []
    highest = timed["ttft_ms"].to_numpy(dtype=np.float64)
    lowest = np.where(bound, -np.inf, highest)
    looked = [(s.name, s.quantile) for s in STATISTICS if s.quantile] + [("max", 1.0)]
    return [f"ttft.{name}" for name, q in looked if quantile(lowest, q) < (1.0 - TOLERANCE) * quantile(highest, q)]

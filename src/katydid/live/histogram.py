"""Quantiles of a stream of times in little memory: counts in buckets that grow by a hundredth each."""

import numpy as np

_GROWTH = 1.01
_LOWEST = 0.001
_BUCKETS = 2400
"""From a microsecond to 6.5 hours, in milliseconds."""


class LogHistogram:
    """Counts times in milliseconds; a quantile is right to half a hundredth."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BUCKETS, dtype=np.int64)

    def add(self, values: np.ndarray) -> None:
        """Count values; those that are missing (NaN) are left out."""
        known = values[np.isfinite(values)]
        if len(known):
            places = np.log(np.maximum(known, _LOWEST) / _LOWEST) / np.log(_GROWTH)
            self._counts += np.bincount(np.minimum(places.astype(np.int64), _BUCKETS - 1), minlength=_BUCKETS)

    def quantile(self, q: float) -> float | None:
        """The value that a share `q` of all does not exceed; None where there is none."""
        total = int(self._counts.sum())
        if not total:
            return None
        place = int(np.searchsorted(np.cumsum(self._counts), max(1, np.ceil(q * total))))
        return float(_LOWEST * _GROWTH ** (place + 0.5))

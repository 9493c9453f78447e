"""Statistics of times when some requests were not observed to their end (right-censored).

A request that timed out, or that the end of the run aborted, is *open*: its true time is at least the time observed.
The weight of open times is redistributed over the longer known ones (Kaplan and Meier 1958). Requests that failed in
other ways are competing events (Aalen and Johansen 1978): they are left out of the distribution, as is the expected
share of open requests that would have failed. If the known times do not reach a quantile, the result is a lower bound:
the quantile of all observed times.

NumPy only, because `scipy.stats` takes a second to import. Knows no run and no metric.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

_ROUNDING = 1e-9
"""Tolerance for rounding errors in sums of shares."""


def shares(times: np.ndarray, open_: np.ndarray) -> tuple[np.ndarray, float]:
    """The share of all requests that each one represents, and the share that lies beyond all of them.

    Args:
        times: the observed time of each request, whatever its outcome.
        open_: which requests are open; their own share is 0, and passes on to the longer ones.

    Returns:
        Shares in the order of `times`, and the share beyond; together they sum to 1.
    """
    order = np.lexsort((open_, times))  # of equal times the known ones first: the open ones took longer
    at_risk = len(times) - np.arange(len(times), dtype=np.float64)
    hazard = np.where(open_[order], 0.0, 1.0 / at_risk)
    left = np.cumprod(1.0 - hazard)
    before = np.concatenate(([1.0], left[:-1])) if len(left) else left
    each = np.empty(len(times))
    each[order] = before * hazard
    return each, float(left[-1]) if len(left) else 1.0


@dataclass(frozen=True)
class Known:
    """One run's times of one kind.

    Attributes:
        times: the known times, ascending.
        weights: the share of requests that each known time represents.
        beyond: the share that took longer than every known time; 0 if no open time lies beyond them.
        open_times: lower bounds of the open requests' times, ascending.
        count: the known requests and those that timed out, without the aborted ones.
    """

    times: np.ndarray
    weights: np.ndarray
    beyond: float
    open_times: np.ndarray
    count: int

    @classmethod
    def of(cls, times: np.ndarray, open_: np.ndarray, failed: np.ndarray, cut: np.ndarray) -> "Known":
        """Make it from the observed times.

        Args:
            times: of all requests; any unit.
            open_: requests that timed out or were aborted.
            failed: requests that failed in other ways; none of them is open.
            cut: requests that were aborted.
        """
        ok = ~open_ & ~failed
        each, left = shares(times, open_)
        return cls.weighted(times[ok], each[ok], left, times[open_], int((ok | (open_ & ~cut)).sum()))

    @classmethod
    def equal(cls, times: np.ndarray) -> "Known":
        """Make it from known times alone, equally weighted."""
        weights = np.full(len(times), 1.0 / max(1, len(times)))
        return cls(np.sort(times), weights, 0.0, np.array([]), len(times))

    @classmethod
    def weighted(
        cls, times: np.ndarray, weights: np.ndarray, left: float, open_times: np.ndarray, count: int
    ) -> "Known":
        """Make it from known times and their `shares`, scaled so that with what is left they sum to 1.

        The scaling leaves out the shares of requests that failed.
        """
        order = np.argsort(times, kind="stable")
        whole = float(weights.sum()) + left
        scale = 1.0 / whole if whole > 0 else 0.0
        return cls(times[order], weights[order] * scale, left * scale, np.sort(open_times), count)

    def quantile(self, q: float) -> tuple[float, bool]:
        """The smallest known time that at least a share `q` does not exceed, and whether it is only a lower bound.

        With no open requests this is Katydid's usual quantile (`derived.quantile`).
        """
        place = int(np.searchsorted(self._reached, q - _ROUNDING))
        if place < len(self.times):
            return float(self.times[place]), False
        return float(np.quantile(self._had(), q, method="inverted_cdf")), True

    def mean(self) -> tuple[float, bool]:
        """The mean, and whether it is only a lower bound, because some requests took longer than any known time."""
        whole = float(self.weights.sum())
        if self.beyond > _ROUNDING or not whole:
            return float(self._had().mean()), True
        return float((self.times * self.weights).sum() / whole), False

    def largest(self) -> tuple[float, bool]:
        """The largest time, and whether it is only a lower bound, because some requests are open."""
        return float(self._had().max()), len(self.open_times) > 0

    def smallest(self) -> tuple[float, bool]:
        """The smallest time, and whether it is only a lower bound, because an open request has it."""
        least = float(self._had().min())
        return least, not len(self.times) or least < float(self.times[0])

    def share_beyond(self, limit: float) -> float:
        """The share that took longer than `limit`, which must not exceed any open time."""
        return max(0.0, 1.0 - float(self.weights[: np.searchsorted(self.times, limit, side="right")].sum()))

    @cached_property
    def _reached(self) -> np.ndarray:
        return np.cumsum(self.weights)

    def _had(self) -> np.ndarray:
        return np.concatenate((self.times, self.open_times))

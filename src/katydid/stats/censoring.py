"""Times of requests of which some never came to their end: what is known of them, and what is at least so.

A request that timed out, or that the end of the run cut off, is *open*: it took at least as long as it had.
Open times are redistributed over the known ones beyond them (Kaplan and Meier 1958); requests that failed
otherwise are competing events (Aalen and Johansen 1978): they are left out of the distribution, and those
among the open ones that would have failed are expected and left out as well. A quantile that the known
times do not reach is a lower bound: the quantile of the times that all requests had at least.

NumPy only, since `scipy.stats` takes a second to import. Knows no run and no metric.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

_ROUNDING = 1e-9
"""A quantile is reached in spite of rounding errors in sums of shares."""


def shares(times: np.ndarray, open_: np.ndarray) -> tuple[np.ndarray, float]:
    """The share of all requests that each one stands for, and the share that is left beyond all of them.

    Args:
        times: what each had, of any kind.
        open_: which of them are open; they stand for none, what they would is handed on to the later ones.

    Returns:
        Shares in the order of `times`. With the rest they sum to 1.
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
        times: those that are known, ascending.
        weights: the share of the requests that each stands for.
        beyond: the share that took longer than what is known; 0 where nothing is open beyond the known times.
        open_times: what the open requests had at least, ascending.
        count: requests that tell something to the end: the known ones and those that timed out.
    """

    times: np.ndarray
    weights: np.ndarray
    beyond: float
    open_times: np.ndarray
    count: int

    @classmethod
    def of(cls, times: np.ndarray, open_: np.ndarray, failed: np.ndarray, cut: np.ndarray) -> "Known":
        """Of what each request had.

        Args:
            times: of all requests; any unit.
            open_: those that timed out or were cut off.
            failed: those that failed otherwise; none of them is open.
            cut: of the open ones, those that did not time out.
        """
        ok = ~open_ & ~failed
        each, left = shares(times, open_)
        return cls.weighted(times[ok], each[ok], left, times[open_], int((ok | (open_ & ~cut)).sum()))

    @classmethod
    def equal(cls, times: np.ndarray) -> "Known":
        """Known times alone, which stand for as much each."""
        weights = np.full(len(times), 1.0 / max(1, len(times)))
        return cls(np.sort(times), weights, 0.0, np.array([]), len(times))

    @classmethod
    def weighted(
        cls, times: np.ndarray, weights: np.ndarray, left: float, open_times: np.ndarray, count: int
    ) -> "Known":
        """Known times by their `shares`, made to sum to 1 with what is left: without those that failed."""
        order = np.argsort(times, kind="stable")
        whole = float(weights.sum()) + left
        scale = 1.0 / whole if whole > 0 else 0.0
        return cls(times[order], weights[order] * scale, left * scale, np.sort(open_times), count)

    def quantile(self, q: float) -> tuple[float, bool]:
        """The smallest known time that at least a share `q` does not exceed; True: it is at least the value.

        Where nothing is open this is the one quantile of Katydid (`derived.quantile`).
        """
        place = int(np.searchsorted(self._reached, q - _ROUNDING))
        if place < len(self.times):
            return float(self.times[place]), False
        return float(np.quantile(self._had(), q, method="inverted_cdf")), True

    def mean(self) -> tuple[float, bool]:
        """The mean; at least the value where some took longer than what is known."""
        whole = float(self.weights.sum())
        if self.beyond > _ROUNDING or not whole:
            return float(self._had().mean()), True
        return float((self.times * self.weights).sum() / whole), False

    def largest(self) -> tuple[float, bool]:
        """The largest; at least the value where anything is open."""
        return float(self._had().max()), len(self.open_times) > 0

    def smallest(self) -> tuple[float, bool]:
        """The smallest; at least the value where nothing known is as small."""
        least = float(self._had().min())
        return least, not len(self.times) or least < float(self.times[0])

    def share_beyond(self, limit: float) -> float:
        """The share that took longer than `limit`, which must not lie beyond what the open requests had."""
        return max(0.0, 1.0 - float(self.weights[: np.searchsorted(self.times, limit, side="right")].sum()))

    @cached_property
    def _reached(self) -> np.ndarray:
        return np.cumsum(self.weights)

    def _had(self) -> np.ndarray:
        return np.concatenate((self.times, self.open_times))

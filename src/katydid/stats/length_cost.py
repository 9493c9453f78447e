"""What part of a request's time its answer's length makes, out of the requests of one run.

A request takes a time that its length has nothing to do with, and a time for each token: of a mean answer the latter is
the share `s`, so that an answer of `r` times as many tokens takes `1 − s + s·r` times as long. The share is found on
logarithms, where times of requests scatter alike, as the mean of its posterior under a flat prior on [0, 1]: where the
lengths of a run hardly differ, so that they tell nothing, it is a half, give or take 0.29. Knows no run and no metric.
"""

from dataclasses import dataclass

import numpy as np

STEPS = 100
"""Of the share: its grid."""


@dataclass(frozen=True, slots=True)
class LengthCost:
    """The part of a mean answer's time that its tokens make.

    Attributes:
        share: 0 where length costs nothing, 1 where time is in proportion to it.
        error: its standard deviation.
    """

    share: float
    error: float

    def times_as_long(self, lengths: np.ndarray) -> np.ndarray:
        """How many times as long answers take as the mean one; lengths are relative to its length."""
        factors: np.ndarray = 1.0 - self.share + self.share * lengths
        return factors


def length_cost(times: np.ndarray, lengths: np.ndarray) -> LengthCost:
    """The cost of length in a run.

    Args:
        times: of requests, above 0.
        lengths: of their answers, above 0, relative to the mean.
    """
    shares = np.linspace(0.0, 1.0, STEPS + 1)
    logs = np.log(times)
    spread = np.array([np.var(logs - np.log(LengthCost(share, 0.0).times_as_long(lengths))) for share in shares])
    likelihood = -0.5 * len(times) * np.log(np.maximum(spread, np.finfo(float).tiny))
    weights = np.exp(likelihood - likelihood.max())
    weights /= weights.sum()
    mean = float(weights @ shares)
    return LengthCost(mean, float(weights @ (shares - mean) ** 2) ** 0.5)

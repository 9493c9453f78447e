"""Estimate how much of a request's time depends on the length of its answer, from the requests of one run.

A request takes a fixed time plus a time per token. In a mean answer the tokens take the share `s`, so an answer `r`
times as long takes `1 − s + s·r` times the time. The share is estimated on logarithms, where times have a similar
spread, as its posterior mean under a flat prior on [0, 1]: 0.5 ± 0.29 if all answers are about equally long and say
nothing about it. Knows no run and no metric.
"""

from dataclasses import dataclass

import numpy as np

STEPS = 100
"""Grid steps of the share."""


@dataclass(frozen=True, slots=True)
class LengthCost:
    """The share of a mean answer's time that its tokens take.

    Attributes:
        share: 0 if length costs nothing, 1 if time is proportional to length.
        error: standard deviation of the share.
    """

    share: float
    error: float

    def times_as_long(self, lengths: np.ndarray) -> np.ndarray:
        """How many times as long as the mean answer these take; lengths are relative to the mean length."""
        factors: np.ndarray = 1.0 - self.share + self.share * lengths
        return factors


def length_cost(times: np.ndarray, lengths: np.ndarray) -> LengthCost:
    """Estimate the cost of length in a run.

    Args:
        times: of the requests, above 0.
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

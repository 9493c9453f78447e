"""How long one run's answers are, how exactly that is known, and its times as if they had another length.

Knows nothing about other runs.
"""

from functools import cache

import numpy as np

from katydid.analysis.request_times import RequestTimes
from katydid.model.metrics import Distribution
from katydid.stats.censoring import Known
from katydid.stats.length_cost import LengthCost, length_cost

COUNTED = ("completion_tokens", "chunks")
"""Columns that tell an answer's length, the better one first."""
FEWEST_REPEATS = 10
"""Repeats of prompts from which on they tell how answers to one prompt vary."""


class AnswerLengths:
    """Lengths of a run's answers.

    Args:
        requests: of the run.
        tokens: of each request's answer; NaN where that is not known.
        mean: of the requests that succeeded, and of those that were cut off.

    Attributes:
        error: standard error of the mean, as a fraction of it.
    """

    def __init__(self, requests: RequestTimes, tokens: np.ndarray, mean: float) -> None:
        self._requests, self.mean = requests, mean
        self._lengths = np.where(requests.ok & (tokens > 0.0), tokens, np.nan) / mean
        self.error = self._error()
        self.cost = cache(self._cost)

    def at(self, distribution: Distribution, tokens: float) -> Known | None:
        """The times that these requests would have had with answers of so many tokens."""
        cost = self.cost(distribution)
        own = cost.times_as_long(np.nan_to_num(self._lengths, nan=tokens / self.mean))
        return self._requests.known(distribution, cost.times_as_long(np.array(tokens / self.mean)) / own)

    def _cost(self, distribution: Distribution) -> LengthCost:
        times = self._requests.column(distribution.column)
        known = (times > 0.0) & ~np.isnan(self._lengths)
        return length_cost(times[known], self._lengths[known])

    def _error(self) -> float:
        """Of independent answers; where prompts repeat, of answers to the same prompt, as both sides send the same."""
        known = self._lengths[~np.isnan(self._lengths)]
        if len(known) < 2:
            return np.inf
        prompts, spread = self._requests.prompts(), float(known.var(ddof=1))
        if prompts is not None and len(prompts) == len(known):
            count = np.bincount(prompts)
            if (repeats := len(known) - len(count)) >= FEWEST_REPEATS:
                means = np.bincount(prompts, known) / count
                spread = float(((known - means[prompts]) ** 2).sum()) / repeats
        return float((spread / len(known)) ** 0.5)


def answer_lengths(requests: RequestTimes) -> AnswerLengths | None:
    """Of a run; None where it has no answer of any length."""
    for column in COUNTED:
        known = requests.of_successes(column)
        if known is not None and (mean := known.mean()[0]) > 0.0:
            return AnswerLengths(requests, requests.column(column), mean)
    return None

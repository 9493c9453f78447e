"""The lengths of one run's answers, their standard error, and the run's times adjusted to another length.

Knows nothing about other runs.
"""

from functools import cache, cached_property

import numpy as np

from katydid.analysis.request_times import RequestTimes
from katydid.model.metrics import Distribution
from katydid.stats.censoring import Known
from katydid.stats.length_cost import LengthCost, length_cost

TOKENS = "completion_tokens"
COUNTED = (TOKENS, "chunks")
"""Columns that measure an answer's length, the better one first: the server chooses how many tokens a chunk has."""
FEWEST_REPEATS = 10
"""The fewest repeats of prompts that show how answers to one prompt vary."""


class AnswerLengths:
    """Lengths of a run's answers.

    Args:
        requests: the run's requests.
        counted: tokens, or chunks, of each request's answer; NaN if unknown.
        mean: mean length of the successful requests, weighted for those that were cut off.
    """

    def __init__(self, requests: RequestTimes, counted: np.ndarray, mean: float) -> None:
        self._requests, self.mean = requests, mean
        self._lengths = np.where(requests.ok & (counted > 0.0), counted, np.nan) / mean
        self.cost = cache(self._cost)

    def at(self, distribution: Distribution, tokens: float) -> Known | None:
        """The times that these requests would have had with answers of this many tokens."""
        cost = self.cost(distribution)
        own = cost.times_as_long(np.nan_to_num(self._lengths, nan=tokens / self.mean))
        return self._requests.known(distribution, cost.times_as_long(np.array(tokens / self.mean)) / own)

    def _cost(self, distribution: Distribution) -> LengthCost:
        times = self._requests.column(distribution.column)
        known = (times > 0.0) & ~np.isnan(self._lengths)
        return length_cost(times[known], self._lengths[known])

    @cached_property
    def error(self) -> float:
        """Standard error of the mean length, as a fraction of it.

        Taken from the spread of all answers. If prompts repeat, from the spread of answers to the same prompt, because
        both sides send the same prompts.
        """
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


def answer_lengths(requests: RequestTimes) -> dict[str, AnswerLengths]:
    """The lengths of a run's answers, by the column that counts them; empty if no answer has a length."""
    counted = {column: requests.of_successes(column) for column in COUNTED}
    means = {column: known.mean()[0] for column, known in counted.items() if known is not None}
    return {
        column: AnswerLengths(requests, requests.column(column), mean) for column, mean in means.items() if mean > 0.0
    }

"""How long one run's answers are, how exactly that is known, and its times as if they had another length.

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
"""Columns that tell an answer's length, the better one first: how many tokens a chunk has is the server's choice."""
FEWEST_REPEATS = 10
"""Repeats of prompts from which on they tell how answers to one prompt vary."""


class AnswerLengths:
    """Lengths of a run's answers.

    Args:
        requests: of the run.
        counted: tokens, or chunks, of each request's answer; NaN where that is not known.
        mean: of the requests that succeeded, and of those that were cut off.
    """

    def __init__(self, requests: RequestTimes, counted: np.ndarray, mean: float) -> None:
        self._requests, self.mean = requests, mean
        self._lengths = np.where(requests.ok & (counted > 0.0), counted, np.nan) / mean
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

    @cached_property
    def error(self) -> float:
        """Standard error of the mean, as a fraction of it.

        Of independent answers; where prompts repeat, of answers to the same prompt, as both sides send the same.
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
    """Of a run, by what they are counted in; none where it has no answer of any length."""
    counted = {column: requests.of_successes(column) for column in COUNTED}
    means = {column: known.mean()[0] for column, known in counted.items() if known is not None}
    return {
        column: AnswerLengths(requests, requests.column(column), mean) for column, mean in means.items() if mean > 0.0
    }

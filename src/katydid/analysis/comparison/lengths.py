"""Compare times at equal answer length, if the sides' answers differ in length by more than chance.

A service that answers with more tokens takes longer, but is not slower. So if the lengths differ, times of whole
answers are also computed for the base's mean answer length, with the cost per token estimated from each run's requests.
These times decide instead, and the error of that cost is added to their noise. If the server does not count tokens,
chunks show that the answers differ, but not by how much, so verdicts on whole answers are withdrawn.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from katydid.analysis.comparison.bounds import stands
from katydid.analysis.comparison.estimates import COUNTED, TOKENS, Estimates
from katydid.analysis.comparison.sides import Sides
from katydid.analysis.comparison.verdicts import Judged
from katydid.model.documents.comparison import Verdict
from katydid.model.formatting import number, plural
from katydid.model.metrics import AT_LENGTH, DISTRIBUTIONS, STATISTICS

OF_INTEREST = 0.02
"""Answers count as different in length if their mean length changes by more than this fraction."""
BEYOND_CHANCE = 2.0
"""Standard errors that the change must exceed as well."""


@dataclass(frozen=True)
class OtherLengths:
    """Sides whose answers differ in length.

    Attributes:
        base, new: mean answer length, in tokens or chunks.
        sides: with times at equal length, if tokens are known.
        in_tokens: the lengths are in tokens.
    """

    base: float
    new: float
    sides: Sides
    in_tokens: bool

    @property
    def note(self) -> str:
        """The note for the reader."""
        if self.in_tokens:
            differ = f"answers have {plural(self.new, 'token')} instead of {number(self.base)}"
            return f"{differ}: times of whole answers are compared at equal length ({number(self.base)})"
        return (
            f"answers have {plural(self.new, 'chunk')} instead of {number(self.base)}, and the target does not count "
            "tokens: whole answers are not compared; compare time to first token and inter-chunk latency"
        )

    def deciding(self, primary: Sequence[str]) -> tuple[str, ...]:
        """The primary metrics, with times at equal length in place of those of whole answers."""
        return tuple(map(self._at_length, primary))

    def taken_back(self, metrics: Sequence[Judged]) -> list[Judged]:
        """The metrics, without the verdicts on whole answers that the different length may explain."""
        return list(map(self._without_doubtful_verdict, metrics))

    def _at_length(self, name: str) -> str:
        """The metric's name at equal length; its own if a run lacks that, or has either only as a bound."""
        head, _, statistic = name.partition(".")
        instead = f"{AT_LENGTH[head].name}.{statistic}" if head in AT_LENGTH else name
        runs = (*self.sides.base, *self.sides.new)
        known = all(instead in run.values and not {instead, name} & run.bounds for run in runs)
        return instead if known else name

    def _without_doubtful_verdict(self, metric: Judged) -> Judged:
        if metric.name.partition(".")[0] not in AT_LENGTH or stands(metric.bound, longer=self.new > self.base):
            return metric
        return replace(metric, verdict=Verdict.CANNOT_TELL, reason=metric.reason or "answers of another length")


def other_lengths(sides: Sides) -> OtherLengths | None:
    """The sides with their answer lengths; None if these do not differ by more than chance."""
    answered = [[run.lengths for run in side if run.lengths] for side in (sides.base, sides.new)]
    column = next((each for each in COUNTED if all(each in run for side in answered for run in side)), None)
    if column is None or not all(answered):
        return None
    lengths = [[run[column] for run in side] for side in answered]
    base, new = (sum(each.mean for each in side) / len(side) for side in lengths)
    error = math.hypot(*(each.error / len(side) for side in lengths for each in side))
    change = abs(math.log(new / base))
    if abs(new / base - 1.0) <= OF_INTEREST or change <= BEYOND_CHANCE * error:
        return None
    if column != TOKENS:
        return OtherLengths(base, new, sides, in_tokens=False)
    raw = [each for each in DISTRIBUTIONS if each.name in AT_LENGTH]
    known = [each for each in raw if any(each.name in run.times for run in sides.new)]
    errors = {
        f"{AT_LENGTH[each.name].name}.{statistic.name}": change * max(run.cost(each).error for run in lengths[1])
        for each in known
        for statistic in STATISTICS
    }

    def at_length(run: Estimates) -> Estimates:
        """The run with the times that it would have had with answers of the base's mean length."""
        tokens = run.lengths.get(TOKENS)
        found = {each: tokens.at(each, base) for each in known if each.name in run.times} if tokens else {}
        return run.with_times({AT_LENGTH[each.name].name: times for each, times in found.items() if times is not None})

    return OtherLengths(base, new, replace(sides.changed(at_length), errors=errors), in_tokens=True)

"""Generated requests of several texts each: a batch to embed, or a query and documents to rerank. Pure.

The texts of a request are the lines of one text, so the code for prompts also works for batches: the length is the sum
over the lines, and the target's overhead is that of the whole request.
"""

from itertools import accumulate, pairwise

from katydid.load.lengths import Lengths, SharedPrefix, chance
from katydid.load.made.prompts import PROBE_USER, MadePrompts, Plan
from katydid.load.made.text import Weigh, opening

_QUERIES = -3
"""Queries use the user numbers from here downwards, which no run has."""


class MadeBatches(MadePrompts):
    """The generated requests of one run.

    Args:
        seed, inputs, shared, weigh: see `MadePrompts`; lengths are per text.
        outputs: None; embeddings and rankings have no length.
        texts: number of texts per request.
        query: True if the first line is a query of eight words.
    """

    def __init__(
        self,
        seed: int,
        inputs: Lengths | None,
        outputs: Lengths | None,
        shared: SharedPrefix | None = None,
        weigh: Weigh | None = None,
        *,
        texts: int = 1,
        query: bool = False,
    ) -> None:
        super().__init__(seed, inputs, outputs, shared, weigh)
        self.texts = texts
        self._has_query = query

    def plan(self, user: int, iteration: int, *, follows: bool = False) -> Plan:
        """Return the planned length of a request, all its texts together; `follows` is ignored."""
        del follows
        drawn = max(sum(self._lengths(user, iteration)), self.least)
        return Plan(drawn, None, self.calibration.units(drawn))

    @property
    def least(self) -> int:
        """Tokens of the shortest possible request."""
        return self.calibration.tokens(self.units(self._query(0, 0)) + self.texts * (self._prefix_units + 1))

    def text(self, user: int, iteration: int, units: int) -> str:
        """Return `units` units of text, one line per text, split in proportion to the drawn lengths."""
        query = self._query(user, iteration)
        least = self._prefix_units + 1
        shares = _apportioned(units - self.units(query), self._lengths(user, iteration), least)
        first = iteration * self.texts
        lines = [super(MadeBatches, self).text(user, first + each, share) for each, share in enumerate(shares)]
        return query + "\n".join(lines)

    def probe(self, number: int, words: int) -> str:
        """Return the text of a probe: about `words` words, spread over the lines of one request."""
        each = max(1, words // self.texts)
        lines = (
            f"{opening(self._number(PROBE_USER, number * self.texts + line))} {self._text.sample(number, each, line)}"
            for line in range(self.texts)
        )
        return self._query(PROBE_USER, number) + "\n".join(lines)

    def units(self, text: str) -> int:
        """Return the length of all lines together, in units."""
        return sum(map(self._text.units, text.splitlines()))

    def _lengths(self, user: int, iteration: int) -> list[int]:
        """Draw the tokens of each text of a request; 1 each if no lengths are configured."""
        inputs, first = self._inputs, iteration * self.texts
        if inputs is None:
            return [1] * self.texts
        return [inputs.at(chance("input", self._seed, user, first + each)) for each in range(self.texts)]

    def _query(self, user: int, iteration: int) -> str:
        """Return the query line, unique in the run; empty if requests have no query."""
        return f"{opening(self._number(_QUERIES - user, iteration))}\n" if self._has_query else ""


def _apportioned(units: int, lengths: list[int], least: int) -> list[int]:
    """Divide units among texts: `least` each, the rest in proportion to how far each length exceeds `least`."""
    spare = max(0, units - least * len(lengths))
    more = [max(0, length - least) for length in lengths]
    if not any(more):
        more = [1] * len(lengths)
    total = sum(more)
    ends = [round(spare * end / total) for end in accumulate(more, initial=0)]
    return [least + end - begin for begin, end in pairwise(ends)]

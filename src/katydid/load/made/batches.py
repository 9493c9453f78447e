"""Made requests of several texts each: what is embedded together, or a query and the documents to rank. Pure.

A request's texts are the lines of one text, so that what holds for a prompt holds for all of them together: its length
is the sum of theirs, and the target's overhead is that of the whole request.
"""

from itertools import accumulate, pairwise

from katydid.load.lengths import Lengths, SharedPrefix, chance
from katydid.load.made.prompts import PROBE_USER, MadePrompts, Plan
from katydid.load.made.text import Weigh, opening

_QUERIES = -3
"""The first of the users that no run has and that queries are numbered by; below it they go on."""


class MadeBatches(MadePrompts):
    """The requests of one run.

    Args:
        seed, inputs, shared, weigh: as `MadePrompts` has them; lengths are those of each text.
        outputs: None: such answers have no length.
        texts: of a request.
        query: whether a line before them is a query, which has eight words.
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
        """How long a request is to be, all its texts together; none follows an answer."""
        del follows
        drawn = max(sum(self._lengths(user, iteration)), self.least)
        return Plan(drawn, None, self.calibration.units(drawn))

    @property
    def least(self) -> int:
        """Tokens of the shortest request that there can be."""
        return self.calibration.tokens(self.units(self._query(0, 0)) + self.texts * (self._prefix_units + 1))

    def text(self, user: int, iteration: int, units: int) -> str:
        """So many units of text in as many lines as the request has texts, each as long as was drawn for it."""
        query = self._query(user, iteration)
        least = self._prefix_units + 1
        shares = _apportioned(units - self.units(query), self._lengths(user, iteration), least)
        first = iteration * self.texts
        lines = [super(MadeBatches, self).text(user, first + each, share) for each, share in enumerate(shares)]
        return query + "\n".join(lines)

    def probe(self, number: int, words: int) -> str:
        """The text of a probe: about so many words, spread over as many lines as a request has texts."""
        each = max(1, words // self.texts)
        lines = (
            f"{opening(self._number(PROBE_USER, number * self.texts + line))} {self._text.sample(number, each, line)}"
            for line in range(self.texts)
        )
        return self._query(PROBE_USER, number) + "\n".join(lines)

    def units(self, text: str) -> int:
        """How long the lines of a text are together."""
        return sum(map(self._text.units, text.splitlines()))

    def _lengths(self, user: int, iteration: int) -> list[int]:
        """Tokens that are drawn for each text of a request; one each where no lengths are asked for."""
        inputs, first = self._inputs, iteration * self.texts
        if inputs is None:
            return [1] * self.texts
        return [inputs.at(chance("input", self._seed, user, first + each)) for each in range(self.texts)]

    def _query(self, user: int, iteration: int) -> str:
        """The line of a query, which begins as no other of the run does; empty where requests have none."""
        return f"{opening(self._number(_QUERIES - user, iteration))}\n" if self._has_query else ""


def _apportioned(units: int, lengths: list[int], least: int) -> list[int]:
    """Units for each of some texts, in proportion to how much longer than `least` they are to be."""
    spare = max(0, units - least * len(lengths))
    more = [max(0, length - least) for length in lengths]
    if not any(more):
        more = [1] * len(lengths)
    total = sum(more)
    ends = [round(spare * end / total) for end in accumulate(more, initial=0)]
    return [least + end - begin for begin, end in pairwise(ends)]

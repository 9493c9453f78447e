"""Generated prompts, and batches of texts: the length and the text of each request. Pure.

    content = shared prefix of the request's group + opening unique to the request + text

A request depends on the seed, the user, the iteration and the calibration, which comes from the target's own token
count (`load.made.calibration`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import accumulate, pairwise

from katydid.load.lengths import Lengths, SharedPrefix, chance
from katydid.load.made.calibration import Calibration
from katydid.load.made.text import MadeText, Weigh, opening

_PROBES, _GROUPS = -1, -2
"""User numbers that no run has, so that probes and group prefixes begin unlike any request."""
_QUERIES = -3
"""Queries use the user numbers from here downwards, which no run has."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The planned length of a request in tokens; None if it is not specified.

    Attributes:
        input_tokens: tokens of the whole prompt, including the target's template.
        units: units of generated text, see `MadeText`.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    units: int = 0


class MadePrompts:
    """The generated requests of one run.

    Args:
        inputs: lengths of prompts; None if prompts are not generated.
        outputs: lengths of answers; None if the target decides.
        shared: the shared prefix of the prompts.
        weigh: counts the tokens of a text with a tokenizer.
        apart: True if the prefix is a separate system prompt that does not count towards the prompts' lengths.

    Attributes:
        texts: number of texts per request; more than 1 in `MadeBatches`.
    """

    texts = 1

    def __init__(
        self,
        seed: int,
        inputs: Lengths | None,
        outputs: Lengths | None,
        shared: SharedPrefix | None = None,
        weigh: Weigh | None = None,
        *,
        apart: bool = False,
    ) -> None:
        self._seed = seed
        self._salt = int.from_bytes(blake2b(str(seed).encode(), digest_size=8).digest())
        self._inputs, self._outputs, self._shared = inputs, outputs, shared
        self._weigh, self._apart = weigh, apart
        self.calibration = Calibration()

    @cached_property
    def _text(self) -> MadeText:
        """Generated on first use, because a run in which only answers have lengths never needs it."""
        return MadeText(self._seed, self._weigh)

    def prepare(self) -> None:
        """Generate the text in advance, which takes 20 ms, so that no request waits for it."""
        _ = self._text

    def plan(self, user: int, iteration: int, *, follows: bool = False) -> Plan:
        """Return the planned length of a request; a prompt is at least as long as the template and its shared prefix.

        A question that `follows` an answer has the length that it adds to the conversation.
        """
        output = self._outputs.at(chance("output", self._seed, user, iteration)) if self._outputs else None
        if self._inputs is None:
            return Plan(output_tokens=output)
        least = self.calibration.tokens(1, follows=True) if follows else self.least
        drawn = max(self._inputs.at(chance("input", self._seed, user, iteration)), least)
        return Plan(drawn, output, self.calibration.units(drawn, follows=follows))

    @property
    def least(self) -> int:
        """Tokens of the shortest possible prompt."""
        return self.calibration.tokens(self._prefix_units + 1)

    def below(self, tokens: int) -> float:
        """Return the share of prompts whose drawn length is below `tokens`."""
        return self._inputs.below(tokens) if self._inputs else 0.0

    @property
    def _prefix_units(self) -> int:
        return 0 if self._apart else self._shared_units

    @property
    def _shared_units(self) -> int:
        return round(self.shared_tokens / self.calibration.per_unit)

    @property
    def shared_tokens(self) -> int:
        """Tokens of the shared prefix; 0 if there is none."""
        return self._shared.tokens if self._shared else 0

    @property
    def system_tokens(self) -> int:
        """Tokens of a conversation's system prompt, including its template; 0 if there is none."""
        found = round(self.shared_tokens + (self.calibration.system or 0.0))
        return found if self._apart and self._shared else 0

    def system_prompt(self, user: int, iteration: int) -> str:
        """Return the system prompt that all conversations of a group share; empty if there is none."""
        return self._group_text(user, iteration) if self._apart and self._shared else ""

    def text(self, user: int, iteration: int, units: int) -> str:
        """Return `units` units of text: the shared prefix, then an opening unique to the request, then other words."""
        prefix = "" if self._apart else self._group_text(user, iteration)
        begins = self._cut(user, iteration, units - self._prefix_units, leading=not prefix)
        return f"{prefix} {begins}" if prefix else begins

    def probe(self, number: int, words: int) -> str:
        """Return the text of a probe, in which each word occurs once."""
        return f"{opening(self._number(_PROBES, number))} {self._text.sample(number, words)}"

    def units(self, text: str) -> int:
        """Return the length of a probe's text in units."""
        return self._text.units(text)

    def _group_text(self, user: int, iteration: int) -> str:
        if self._shared is None:
            return ""
        group = int(self._shared.groups * chance("group", self._seed, user, iteration))
        return self._cut(_GROUPS, group, self._shared_units)

    def _cut(self, user: int, iteration: int, units: int, *, leading: bool = True) -> str:
        begins = opening(self._number(user, iteration)).split()
        while len(begins) > 1 and self._text.units(" ".join(begins), leading=leading) > units:
            begins.pop()
        words = " ".join(begins)
        left = units - self._text.units(words, leading=leading)
        start = int(self._text.words * chance("place", self._seed, user, iteration))
        return f"{words} {self._text.cut(start, left)}" if left > 0 else words

    def _number(self, user: int, iteration: int) -> int:
        """Return a number unique to the request within a run; it differs between seeds."""
        return ((user << 36) + iteration) ^ self._salt

    def facts(self) -> Mapping[str, object]:
        """Return the manifest's entry on generated prompts."""
        return self.calibration.as_dict()


class MadeBatches(MadePrompts):
    """The generated requests of one run, of several texts each: a batch to embed, or a query and documents to rerank.

    The texts of a request are the lines of one text, so the code for prompts also works for batches: the length is the
    sum over the lines, and the target's overhead is that of the whole request.

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
            f"{opening(self._number(_PROBES, number * self.texts + line))} {self._text.sample(number, each, line)}"
            for line in range(self.texts)
        )
        return self._query(_PROBES, number) + "\n".join(lines)

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

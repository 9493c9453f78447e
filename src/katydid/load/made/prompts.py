"""Prompts and lengths of a run whose requests are made: which request is how long, and what it says. Pure.

    content = shared prefix of the request's group · opening that no other request has · text

What a request is follows from the seed, the user, the iteration and the calibration, which the target's own count of
tokens gives (`load.made.calibration`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

from katydid.load.lengths import Lengths, SharedPrefix, chance
from katydid.load.made.calibration import Calibration
from katydid.load.made.text import MadeText, Weigh, opening

PROBE_USER, _GROUPS = -1, -2
"""Users that no run has: the probes' texts and the groups' prefixes begin as no request does."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long a request is to be, in tokens; None where nobody says.

    Attributes:
        input_tokens: of the whole prompt, the target's template included.
        units: of the made text, see `MadeText`.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    units: int = 0


class MadePrompts:
    """The requests of one run.

    Args:
        seed: of the run.
        inputs: lengths of prompts; None where prompts are not made.
        outputs: lengths of answers; None where they are as long as the target likes.
        shared: the prefix of made prompts.
        apart: the prefix is a message of its own, a system prompt, and no part of their lengths.
        weigh: tokens of a text, by a tokenizer.

    Attributes:
        texts: of a request; `MadeBatches` has several.
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
        """Made when it is first needed, which is never where only answers have lengths."""
        return MadeText(self._seed, self._weigh)

    def prepare(self) -> None:
        """Make the text, which takes 20 ms, so that no request waits for it."""
        _ = self._text

    def plan(self, user: int, iteration: int, *, follows: bool = False) -> Plan:
        """How long a request is to be; a prompt is never shorter than the target's template and what it shares.

        Args:
            user: of the request.
            iteration: of the user.
            follows: it is a question that follows an answer, and its length is what it adds to the conversation.
        """
        output = self._outputs.at(chance("output", self._seed, user, iteration)) if self._outputs else None
        if self._inputs is None:
            return Plan(output_tokens=output)
        least = self.calibration.tokens(1, follows=True) if follows else self.least
        drawn = max(self._inputs.at(chance("input", self._seed, user, iteration)), least)
        return Plan(drawn, output, self.calibration.units(drawn, follows=follows))

    @property
    def least(self) -> int:
        """Tokens of the shortest prompt that there can be."""
        return self.calibration.tokens(self._prefix_units + 1)

    def below(self, tokens: int) -> float:
        """The share of prompts that would be shorter than this."""
        return self._inputs.below(tokens) if self._inputs else 0.0

    @property
    def _prefix_units(self) -> int:
        """Units of a prompt that are shared."""
        return 0 if self._apart else self._shared_units

    @property
    def _shared_units(self) -> int:
        return round(self.shared_tokens / self.calibration.per_unit)

    @property
    def shared_tokens(self) -> int:
        """Of what prompts share; 0 for nothing."""
        return self._shared.tokens if self._shared else 0

    @property
    def system_tokens(self) -> int:
        """Of a conversation's system prompt, its template included; 0 where there is none."""
        found = round(self.shared_tokens + (self.calibration.system or 0.0))
        return found if self._apart and self._shared else 0

    def system_prompt(self, user: int, iteration: int) -> str:
        """What a conversation shares with all those of its group; empty for nothing."""
        return self._group_text(user, iteration) if self._apart and self._shared else ""

    def text(self, user: int, iteration: int, units: int) -> str:
        """So many units of text that begin as no other request of the run does, behind what they share."""
        prefix = "" if self._apart else self._group_text(user, iteration)
        begins = self._cut(user, iteration, units - self._prefix_units, leading=not prefix)
        return f"{prefix} {begins}" if prefix else begins

    def probe(self, number: int, words: int) -> str:
        """The text of a probe: words that each occur once."""
        return f"{opening(self._number(PROBE_USER, number))} {self._text.sample(number, words)}"

    def units(self, text: str) -> int:
        """How long a probe's text is."""
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
        """Another number for each request of a run, and each seed's own."""
        return ((user << 36) + iteration) ^ self._salt

    def facts(self) -> Mapping[str, object]:
        """What the manifest says of made prompts."""
        return self.calibration.as_dict()

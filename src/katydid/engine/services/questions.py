"""What the requests of one process ask: the prompts of a file, a trace or the built-in ones, or made prompts."""

from collections.abc import Callable, Sequence
from typing import Any

from katydid.dialects.base import Message
from katydid.engine.options import RunOptions
from katydid.engine.services.making import Making
from katydid.engine.services.prompts import load_prompts
from katydid.load.made.prompts import MadePrompts, Plan
from katydid.load.prompts.collection import Draw
from katydid.load.prompts.entry import Prompt
from katydid.load.traces.talks import Talks
from katydid.model.sample import Sample

LOOK_WORDS = 24
"""Of the prompt of the look before the load, where prompts are made."""

LOOK_TURN = (-1, 0)
"""That no user has: of the images of the look before the load."""
Turn = tuple[int, int]
"""The user and the iteration that a request is made by (`engine.user.PacedUser.draw`)."""


class Questions:
    """A request each prompt. Several prompts a request are a subclass.

    Args:
        options: of the run.
        build: makes the body of a request whose length is drawn, by its user, its iteration and its plan.
        apart: a shared prefix is a system prompt.

    Attributes:
        making: requests whose lengths are drawn.
        told: what the person should know of the prompts; empty for nothing.
        talks: the conversations of the trace that is replayed.
        entries: the prompts that are not made: as the trace has them, else those of the file.

    Raises:
        ConfigError: the prompts cannot be read, or their options contradict each other.
    """

    def __init__(self, options: RunOptions, build: Callable[[int, int, Plan], bytes], *, apart: bool = False) -> None:
        replay = options.replay
        self._trace = replay.trace if replay else None
        self._source = options.trace
        self.prompts = load_prompts(options.prompts)
        self.told = "; ".join(filter(None, (self.prompts.told, replay.told if replay else "")))
        told = self._trace.prompts if self._trace is not None else None
        self.entries: Sequence[Prompt] = self.prompts.entries if told is None else told
        self._traced = told is not None
        self._limits = any(entry.output_tokens is not None for entry in self.entries)
        self._seed = options.seed
        self.draw = Draw(self.count, options.seed)
        self.making = Making(options, options.seed, options.prompts, build, self.make, trace=self._trace, apart=apart)
        self.talks = Talks(self._trace, self.making.prompts)

    # What requests say

    def make(self, *facts: Any, apart: bool) -> MadePrompts:
        """What makes prompts; `facts` as `MadePrompts` takes them."""
        return MadePrompts(*facts, apart=apart)

    @property
    def count(self) -> int:
        """How many different requests the prompts make."""
        return len(self.entries)

    def messages(self, index: int) -> list[Message]:
        """What the request of an index says."""
        return self.entries[index].messages

    def said(self, text: str) -> list[Message]:
        """What a request of made text says."""
        return one_message(text)

    def look(self) -> list[Message]:
        """What the request of the look before the load says."""
        if self.making.makes_prompts:
            return self.said(self.making.prompts.probe(0, LOOK_WORDS))
        return self.messages(self.draw.first)

    def made(self, turn: Turn, plan: Plan) -> list[Message]:
        """What a request says whose length is drawn, of its prompt or of its answer."""
        if not self.making.makes_prompts:
            return self.messages(self.index(turn))
        if self._trace is not None:
            return self.talks.messages(*turn, plan)
        return self.said(self.making.prompts.text(*turn, plan.units))

    def illustrated(self, dialect: Any, messages: list[Message], turn: Turn) -> list[Message]:
        """The messages with the images of a request, in the last one of a user."""
        if (images := self.making.images) is None:
            return messages
        last = max((place for place, each in enumerate(messages) if each.get("role") == "user"), default=-1)
        shown: Message = dialect.with_images(messages[last], images.made(self._seed, *turn))
        return [shown if each is messages[last] else each for each in messages]

    # Of one request

    def index(self, turn: Turn) -> int:
        """Which entry a request sends: its own, of a trace that has them; else whichever comes next."""
        return turn[1] if self._traced else self.draw.take(*turn)

    def limit(self, index: int) -> int | None:
        """Tokens of an answer, where the file says how long it is to be."""
        return self.entries[index].output_tokens

    def describe(self, sample: Sample, turn: Turn) -> int | None:
        """Tell a sample what its request asks; which entry that is, None where its body is made."""
        if self._trace is not None:
            sample.extra |= self.talks.facts(turn[1])
        if self.making.active:
            plan = self.making.take(*turn).plan
            sample.target_input_tokens, sample.target_output_tokens = plan.input_tokens, plan.output_tokens
        if self.making.makes_prompts:
            return None
        entry = turn[1] if self._traced else self.draw.take(*turn)
        sample.prompt_id = self.entries[entry].id
        return None if self.making.active else entry

    def longest_answer(self, sample: Sample, turn: Turn) -> int | None:
        """Tokens that an answer may have, where its length or its prompt's file says so."""
        if self._limits and sample.target_output_tokens is None and not self.making.makes_prompts:
            return self.limit(self.index(turn))
        return sample.target_output_tokens

    def ended(self, sample: Sample, turn: Turn, text: str = "") -> None:
        """A request has ended with an answer of this text, and will not be tried again."""
        self.draw.ended(*turn)
        if self._trace is not None:
            self.talks.heard(turn[1], sample, text)
        if self.making.active:
            self.making.ended(sample, turn)

    def facts(self) -> dict[str, object]:
        """What the manifest says of prompts."""
        if self.making.makes_prompts:
            return {"prompts": "made", "calibration": dict(self.making.prompts.facts())}
        if self._traced and self._trace is not None:
            return {"prompts": f"{self._source} ({len(self._trace)})"}
        found = self.prompts
        return {
            "prompts": f"{found.source} ({len(found.entries)})",
            "prompts_sha256": found.sha256,
            **({"prompts_skipped": found.skipped} if found.skipped else {}),
        }


def one_message(text: str) -> list[Message]:
    """A conversation of one question."""
    return [{"role": "user", "content": text}]

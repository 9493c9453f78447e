"""What the requests of one process ask: the prompts of a file or the built-in ones, or made prompts."""

from collections.abc import Callable
from typing import Any

from katydid.dialects.base import Message
from katydid.engine.options import RunOptions
from katydid.engine.services.making import Making
from katydid.engine.services.prompts import load_prompts
from katydid.load.made_prompts import MadePrompts, Plan
from katydid.load.prompts.collection import Draw
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

    Raises:
        ConfigError: the prompts cannot be read, or their options contradict each other.
    """

    def __init__(self, options: RunOptions, build: Callable[[int, int, Plan], bytes], *, apart: bool = False) -> None:
        self.prompts = load_prompts(options.prompts)
        self.told = self.prompts.told
        self._seed = options.seed
        self.draw = Draw(self.count, options.seed)
        self.making = Making(options, options.seed, options.prompts, build, self.make, apart=apart)

    # What requests say

    def make(self, *facts: Any, apart: bool) -> MadePrompts:
        """What makes prompts; `facts` as `MadePrompts` takes them."""
        return MadePrompts(*facts, apart=apart)

    @property
    def count(self) -> int:
        """How many different requests the prompts of a file make."""
        return len(self.prompts.entries)

    def messages(self, index: int) -> list[Message]:
        """What the request of an index says."""
        return self.prompts.entries[index].messages

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
        if self.making.makes_prompts:
            return self.said(self.making.prompts.text(*turn, plan.units))
        return self.messages(self.draw.take(*turn))

    def illustrated(self, dialect: Any, messages: list[Message], turn: Turn) -> list[Message]:
        """The messages with the images of a request, in the last one of a user."""
        if (images := self.making.images) is None:
            return messages
        last = max((place for place, each in enumerate(messages) if each.get("role") == "user"), default=-1)
        shown: Message = dialect.with_images(messages[last], images.made(self._seed, *turn))
        return [shown if each is messages[last] else each for each in messages]

    # Of one request

    def index(self, turn: Turn) -> int:
        """Which prompt of the file a request sends."""
        return self.draw.take(*turn)

    def limit(self, index: int) -> int | None:
        """Tokens of an answer, where the file says how long it is to be."""
        return self.prompts.entries[index].output_tokens

    def describe(self, sample: Sample, turn: Turn) -> None:
        """Tell a sample what its request asks."""
        if self.making.active:
            plan = self.making.take(*turn).plan
            sample.target_input_tokens, sample.target_output_tokens = plan.input_tokens, plan.output_tokens
        if not self.making.makes_prompts:
            sample.prompt_id = self.prompts.entries[self.index(turn)].id

    def longest_answer(self, sample: Sample, turn: Turn) -> int | None:
        """Tokens that an answer may have, where its length or its prompt's file says so."""
        limit = sample.target_output_tokens
        return self.limit(self.index(turn)) if limit is None and not self.making.makes_prompts else limit

    def ended(self, sample: Sample, turn: Turn) -> None:
        """A request has ended, and will not be tried again."""
        self.draw.ended(*turn)
        if self.making.active:
            self.making.ended(sample, turn)

    def facts(self) -> dict[str, object]:
        """What the manifest says of prompts."""
        if self.making.makes_prompts:
            return {"prompts": "made", "calibration": dict(self.making.prompts.facts())}
        found = self.prompts
        return {
            "prompts": f"{found.source} ({len(found.entries)})",
            "prompts_sha256": found.sha256,
            **({"prompts_skipped": found.skipped} if found.skipped else {}),
        }


def one_message(text: str) -> list[Message]:
    """A conversation of one question."""
    return [{"role": "user", "content": text}]

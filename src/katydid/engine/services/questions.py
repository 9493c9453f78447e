"""The content of one process's requests: prompts from a file or a trace, built-in prompts, or made ones."""

from collections.abc import Callable, Sequence
from typing import Any

from katydid.dialects.base import Message
from katydid.engine.options import RunOptions
from katydid.engine.services.making import Making
from katydid.engine.services.prompts import load_prompts
from katydid.load.made.prompts import MadePrompts, Plan
from katydid.load.prompts.collection import Draw
from katydid.load.prompts.entry import Prompt
from katydid.load.traces.prompts import Talks
from katydid.model.sample import Sample

LOOK_WORDS = 24
"""Words of the preflight prompt, if prompts are generated."""

LOOK_TURN = (-1, 0)
"""The turn of the preflight request, used for its images; no user has it."""
Turn = tuple[int, int]
"""The (user, iteration) that a request is drawn for (`engine.user.PacedUser.draw`)."""


class Questions:
    """One request per prompt; a subclass puts several prompts into a request.

    Args:
        options: the run's options.
        build: builds the body of a made request from user, iteration and plan.
        apart: a shared prefix is a system prompt.

    Attributes:
        making: makes requests with drawn lengths or images.
        told: a note about the prompts for the user; empty if there is nothing to say.
        talks: the conversations of the replayed trace.
        plain: every request is an entry as it is: no length is set or drawn, no trace is replayed.
        entries: the prompts that are not made: the trace's, else the file's.

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
        self.plain = self._trace is None and not self.making.active and not self._limits

    # The content of requests

    def make(self, *facts: Any, apart: bool) -> MadePrompts:
        """Create the maker of prompts; `facts` are the arguments of `MadePrompts`."""
        return MadePrompts(*facts, apart=apart)

    @property
    def count(self) -> int:
        """The number of different requests."""
        return len(self.entries)

    def messages(self, index: int) -> list[Message]:
        """The messages of the request with this index."""
        return self.entries[index].messages

    def said(self, text: str) -> list[Message]:
        """The messages of a request with a made text."""
        return one_message(text)

    def look(self) -> list[Message]:
        """The messages of the preflight request."""
        if self.making.makes_prompts:
            return self.said(self.making.prompts.probe(0, LOOK_WORDS))
        return self.messages(self.draw.first)

    def made(self, turn: Turn, plan: Plan) -> list[Message]:
        """The messages of a request whose prompt length or answer length is drawn."""
        if not self.making.makes_prompts:
            return self.messages(self.index(turn))
        if self._trace is not None:
            return self.talks.messages(*turn, plan)
        return self.said(self.making.prompts.text(*turn, plan.units))

    def illustrated(self, dialect: Any, messages: list[Message], turn: Turn) -> list[Message]:
        """Add a request's images to its last user message."""
        if (images := self.making.images) is None:
            return messages
        last = max((place for place, each in enumerate(messages) if each.get("role") == "user"), default=-1)
        shown: Message = dialect.with_images(messages[last], images.made(self._seed, *turn))
        return [shown if each is messages[last] else each for each in messages]

    # One request

    def index(self, turn: Turn) -> int:
        """The index of a request's prompt: the trace's own if it has prompts, else the next one drawn."""
        return turn[1] if self._traced else self.draw.take(*turn)

    def limit(self, index: int) -> int | None:
        """The answer's length in tokens, if the prompts' file sets it."""
        return self.entries[index].output_tokens

    def describe(self, sample: Sample, turn: Turn) -> int | None:
        """Record in a sample what its request asks for; return the prompt's index, None if the body is made."""
        if self.plain:
            entry = self.draw.take(*turn)
            sample.prompt_id = self.entries[entry].id
            return entry
        if self._trace is not None:
            sample.extra |= self.talks.facts(turn[1])
        if self.making.active:
            plan = self.making.take(*turn).plan
            sample.target_input_tokens, sample.target_output_tokens = plan.input_tokens, plan.output_tokens
        if self.making.makes_prompts:
            return None
        entry = self.index(turn)
        sample.prompt_id = self.entries[entry].id
        return None if self.making.active else entry

    def longest_answer(self, sample: Sample, turn: Turn) -> int | None:
        """The maximum tokens of an answer, if its drawn length or its prompt's file sets them."""
        if self._limits and sample.target_output_tokens is None and not self.making.makes_prompts:
            return self.limit(self.index(turn))
        return sample.target_output_tokens

    def ended(self, sample: Sample, turn: Turn, text: str = "") -> None:
        """A request has ended with an answer of this text, and will not be retried."""
        self.draw.ended(*turn)
        if self.plain:
            return
        if self._trace is not None:
            self.talks.heard(turn[1], sample, text)
        if self.making.active:
            self.making.ended(sample, turn)

    def facts(self) -> dict[str, object]:
        """The manifest's entries about the prompts."""
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
    """The messages of a conversation with one question."""
    return [{"role": "user", "content": text}]

"""What the requests of a replayed trace say: prompts of the trace's lengths, and conversations. Pure.

A block with a hash id always has the same text. It ends at the same token position of every prompt, the target's
template included. A prompt without hash ids begins unlike any other.

In a conversation, the client keeps the history: each request repeats what was said before. If the trace itself has
messages or hash ids, those decide instead. If a request is too short to hold its history, its conversation starts anew.
"""

from collections import Counter
from dataclasses import replace

from katydid.load.conversation import History
from katydid.load.made.prompts import MadePrompts, Plan
from katydid.load.made.text import Weigh
from katydid.load.prompts.entry import Message
from katydid.load.traces.trace import Trace
from katydid.model.sample import Outcome, Sample

_BLOCKS = -3
"""User number that no run has; the texts of blocks are generated with it."""
COLUMNS: dict[str, type] = {"session_id": str, "turn": int, "history_tokens": int}
"""Sample columns of requests that are part of a conversation."""


class TracedPrompts(MadePrompts):
    """The generated prompts of a trace; `iteration` is the number of the request in the trace, `user` is 0."""

    def __init__(self, seed: int, trace: Trace, weigh: Weigh | None = None) -> None:
        super().__init__(seed, None, None, None, weigh)
        self._trace = trace
        self._at_first = self.calibration

    def prepare(self) -> None:
        """See `MadePrompts.prepare`. Blocks keep this first calibration: a correction would change their texts."""
        super().prepare()
        self._at_first = replace(self.calibration)

    def plan(self, user: int, iteration: int, *, follows: bool = False) -> Plan:
        """See `MadePrompts.plan`."""
        del user, follows
        trace = self._trace
        output = trace.outputs[iteration] if trace.outputs else None
        if not trace.makes_prompts or trace.inputs is None:
            return Plan(output_tokens=output)
        tokens = max(trace.inputs[iteration], self.least)
        return Plan(tokens, output, self.calibration.units(tokens))

    def below(self, tokens: int) -> float:
        """See `MadePrompts.below`."""
        inputs = self._trace.inputs or ()
        return sum(each < tokens for each in inputs) / max(1, len(inputs))

    def text(self, user: int, iteration: int, units: int) -> str:
        """See `MadePrompts.text`."""
        blocks = self._trace.blocks
        if blocks is None or not (ids := blocks.of(iteration)):
            return super().text(user, iteration, units)
        pieces: list[str] = []
        cut = 0
        for place, each in enumerate(ids, start=1):
            end = units if place == len(ids) else min(units, self._units_until(place * blocks.size))
            if end > cut:
                pieces.append(self._cut(_BLOCKS, each, end - cut, leading=not pieces))
                cut = end
        return " ".join(pieces)

    def _units_until(self, tokens: int) -> int:
        """Return the units of text in a prompt of `tokens` tokens; 0 if the target's template alone is longer."""
        return self._at_first.units(tokens) if tokens > self._at_first.overhead else 0


class Talks:
    """The conversations of a trace, if there is one, that one process holds; `prompts` makes their texts."""

    def __init__(self, trace: Trace | None, prompts: MadePrompts) -> None:
        self._trace = trace
        self._prompts = prompts
        parents = trace.parents if trace is not None and trace.parents is not None else ()
        self._followers = Counter(parent for parent in parents if parent >= 0)
        self._turns: list[int] = []
        for parent in parents:
            self._turns.append(1 if parent < 0 else self._turns[parent] + 1)
        self._keeps = trace is not None and bool(self._turns) and trace.makes_prompts and trace.blocks is None
        self._asked: dict[int, list[Message]] = {}
        self._after: dict[int, History] = {}
        self._facts: dict[int, dict[str, object]] = {}

    def messages(self, user: int, number: int, plan: Plan) -> list[Message]:
        """Return the messages of a request with generated text, including its history if its parent was answered."""
        history = self._before(number)
        units = plan.units
        if history is not None and plan.input_tokens is not None and history.tokens is not None:
            new = plan.input_tokens - history.tokens
            if new < self._prompts.calibration.tokens(1, follows=True):
                history = None
            else:
                units = self._prompts.calibration.units(new, follows=True)
        said: list[Message] = [{"role": "user", "content": self._prompts.text(user, number, units)}]
        asked = said if history is None else history.asking(said)
        if self.keeps(number):
            self._asked[number] = asked
        return asked

    def facts(self, number: int) -> dict[str, object]:
        """Return the sample columns of a request in a conversation; they do not change until the request ends."""
        if number not in self._facts:
            self._facts[number] = self._columns(number)
        return self._facts[number]

    def _columns(self, number: int) -> dict[str, object]:
        if not self._turns or self._trace is None or (self._turns[number] == 1 and not self._followers[number]):
            return {}
        parent = self._trace.parent(number)
        history = None if parent is None else self._after.get(parent)
        name = self._trace.sessions[number] if self._trace.sessions else None
        told = history.tokens if history is not None and self._keeps else None
        return {"session_id": name, "turn": self._turns[number], "history_tokens": 0 if parent is None else told}

    def keeps(self, number: int) -> bool:
        """Return True if the answer to a request becomes history of another one."""
        return self._keeps and self._followers[number] > 0

    def heard(self, number: int, sample: Sample, text: str) -> None:
        """Record that a request has ended; if it was answered, others may follow it."""
        if self._trace is None:
            return
        asked, _ = self._asked.pop(number, []), self._facts.pop(number, None)
        if sample.outcome is not Outcome.OK or not self._followers[number]:
            return
        history = self._after[number] = History()
        history.answered(asked, text)
        history.counted(sample.prompt_tokens, sample.completion_tokens, sample.reasoning_tokens)

    def goes_on(self, number: int) -> bool:
        """Return True if requests may follow this one, which has ended."""
        return number in self._after

    def _before(self, number: int) -> History | None:
        """Return the history of a request; it is dropped with the last request that needs it."""
        parent = self._trace.parent(number) if self._trace is not None else None
        if parent is None:
            return None
        self._followers[parent] -= 1
        found = self._after.get(parent) if self._followers[parent] else self._after.pop(parent, None)
        return found if self._keeps else None

"""The conversations of a trace: a request that follows another says what was said before. Pure.

The history is kept by the client. Where the trace itself says what its requests say, or in which blocks they begin
alike, that holds instead. A conversation whose requests did not grow, as where its beginning was cut away, begins anew.
"""

from collections import Counter

from katydid.load.conversation import History
from katydid.load.made.prompts import MadePrompts, Plan
from katydid.load.prompts.entry import Message
from katydid.load.traces.trace import Trace
from katydid.model.sample import Outcome, Sample

COLUMNS: dict[str, type] = {"session_id": str, "turn": int, "history_tokens": int}
"""Of requests that are part of a conversation."""


class Talks:
    """Those that one process holds.

    Args:
        trace: that is replayed; None for none.
        prompts: make the texts of its requests.
    """

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
        """What a request says whose text is made; of the trace, once those that it follows were answered."""
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
        """Columns of a request that is part of a conversation; the same until it ends."""
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
        """Whether the answer to a request is said again in another."""
        return self._keeps and self._followers[number] > 0

    def heard(self, number: int, sample: Sample, text: str) -> None:
        """A request has ended; with an answer, others may follow it."""
        if self._trace is None:
            return
        asked, _ = self._asked.pop(number, []), self._facts.pop(number, None)
        if sample.outcome is not Outcome.OK or not self._followers[number]:
            return
        history = self._after[number] = History()
        history.answered(asked, text)
        history.counted(sample.prompt_tokens, sample.completion_tokens, sample.reasoning_tokens)

    def goes_on(self, number: int) -> bool:
        """Whether requests may follow this one, which has ended."""
        return number in self._after

    def _before(self, number: int) -> History | None:
        """What was said before; forgotten with the last request that follows it."""
        parent = self._trace.parent(number) if self._trace is not None else None
        if parent is None:
            return None
        self._followers[parent] -= 1
        found = self._after.get(parent) if self._followers[parent] else self._after.pop(parent, None)
        return found if self._keeps else None

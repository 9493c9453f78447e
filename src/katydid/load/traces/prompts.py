"""The prompts of a trace: as long as in it, and with the beginnings that they shared. Pure.

A block of a hash id always has the same text, which ends where so many tokens of a prompt do, the target's template
included. A prompt without ids begins as no other one does.
"""

from dataclasses import replace

from katydid.load.made.prompts import MadePrompts, Plan
from katydid.load.made.text import Weigh
from katydid.load.traces.trace import Trace

_BLOCKS = -3
"""A user that no run has, as which blocks have their texts."""


class TracedPrompts(MadePrompts):
    """The requests of a trace: those of user 0, whose iterations are its requests' numbers."""

    def __init__(self, seed: int, trace: Trace, weigh: Weigh | None = None) -> None:
        super().__init__(seed, None, None, None, weigh)
        self._trace = trace
        self._at_first = self.calibration

    def prepare(self) -> None:
        """See `MadePrompts.prepare`. What is corrected later moves no block, which then would be another text."""
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
        """Units of text in a prompt that is so long; none where the target's template alone is longer."""
        return self._at_first.units(tokens) if tokens > self._at_first.overhead else 0

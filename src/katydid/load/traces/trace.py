"""A trace in memory, and the part of it that a run replays: a few numbers a request, no text but what it says itself.

Instants are seconds from the trace's first request, in their order. A request with a parent belongs to its
conversation, and is due when it was in the trace, or when its parent has ended, whichever is later.
"""

import math
from array import array
from dataclasses import dataclass, replace

from katydid.load.prompts.entry import Prompt
from katydid.model.errors import ConfigError
from katydid.model.options.quantities import QuantityError, duration, format_duration, quoted

NONE = -1
"""In place of a number that is not there."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks that prompts begin with.

    Attributes:
        size: tokens of each; a prompt's last one may be shorter.
        ids: of all requests, one after the other.
        begins: where each request's begin, and their end.
    """

    size: int
    ids: "array[int]"
    begins: "array[int]"

    def of(self, number: int) -> "array[int]":
        """A request's."""
        return self.ids[self.begins[number] : self.begins[number + 1]]


@dataclass(frozen=True, slots=True)
class Trace:
    """Requests with their instants. Each attribute has one entry a request; None where the trace does not say.

    Attributes:
        due: seconds from the beginning, in order; of one with a parent, the earliest.
        inputs, outputs: tokens.
        blocks: that prompts share.
        prompts: that are said as they are; None where they are made.
        parents: the number of the request before it in its conversation, or -1; always smaller than its own.
        sessions: names.
        skipped: requests of the file that are left out: they ask nothing, or had no answer.
    """

    due: "array[float]"
    inputs: "array[int] | None" = None
    outputs: "array[int] | None" = None
    blocks: Blocks | None = None
    prompts: list[Prompt] | None = None
    parents: "array[int] | None" = None
    sessions: list[str | None] | None = None
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.due)

    @property
    def span(self) -> float:
        """Seconds from the first request to the last."""
        return self.due[-1] if self.due else 0.0

    @property
    def makes_prompts(self) -> bool:
        """Whether its prompts are made by their lengths."""
        return self.inputs is not None and self.prompts is None

    @property
    def says_lengths(self) -> bool:
        """Whether it says anything of a request beside its time."""
        return self.inputs is not None or self.outputs is not None or self.prompts is not None

    def replayed(self, begin: float = 0.0, end: float = math.inf, *, speed: float = 1.0) -> "Trace":
        """The requests of a window, in seconds of the trace, from its beginning on, so many times as fast.

        A conversation that began before the window goes on as one that begins in it.

        Raises:
            ConfigError: no request is in the window.
        """
        first = next((number for number, at in enumerate(self.due) if at >= begin), len(self))
        last = next((number for number in range(first, len(self)) if self.due[number] >= end), len(self))
        if first == last:
            raise ConfigError(f"no request is in that window: the trace lasts {self.span:.0f} s")
        part = self.part(first, last)
        return replace(part, due=array("d", ((at - begin) / speed for at in part.due)))

    def part(self, first: int, last: int) -> "Trace":
        """The requests from a number to before another."""
        if (first, last) == (0, len(self)):
            return self
        parents = self.parents and array("q", (max(NONE, each - first) for each in self.parents[first:last]))
        blocks = self.blocks and Blocks(self.blocks.size, self.blocks.ids, self.blocks.begins[first : last + 1])
        return Trace(
            self.due[first:last],
            self.inputs and self.inputs[first:last],
            self.outputs and self.outputs[first:last],
            blocks,
            self.prompts and self.prompts[first:last],
            parents,
            self.sessions and self.sessions[first:last],
            self.skipped,
        )

    def parent(self, number: int) -> int | None:
        """The request that it follows in its conversation."""
        if self.parents is None or self.parents[number] == NONE:
            return None
        return self.parents[number]

    @property
    def first_turns(self) -> "array[float]":
        """When requests are due that follow no other."""
        if self.parents is None:
            return self.due
        return array("d", (at for at, parent in zip(self.due, self.parents, strict=True) if parent == NONE))

    def most_within(self, seconds: float) -> int:
        """The most requests that are due within so many seconds."""
        most = begin = 0
        for number, at in enumerate(self.due):
            while at - self.due[begin] > seconds:
                begin += 1
            most = max(most, number - begin + 1)
        return most

    def shared(self, begin: float = 0.0) -> float:
        """The share of the input tokens of requests from a moment on that are in blocks which an earlier one had."""
        if self.blocks is None or self.inputs is None:
            return 0.0
        seen: set[int] = set()
        known = total = 0
        for number, tokens in enumerate(self.inputs):
            counts, left = self.due[number] >= begin, tokens
            for each in self.blocks.of(number):
                known += min(left, self.blocks.size) if counts and each in seen else 0
                left -= self.blocks.size
                seen.add(each)
            total += tokens if counts else 0
        return known / (total or 1)


def read_window(text: str) -> tuple[float, float]:
    """Begin and end in seconds of the trace, from its first request; `10m` is its first ten minutes.

    Raises:
        QuantityError: it is no window.
    """
    first, dash, last = text.strip().rpartition("-")
    try:
        begin, end = duration(first) if dash else 0.0, duration(last)
    except QuantityError:
        raise QuantityError(f"{quoted(text)} is not a window such as 10m or 1h-1h30m") from None
    if not (0 <= begin < end and math.isfinite(end)):
        raise QuantityError(f"{quoted(text)} needs an end after its begin, both from the trace's first request")
    return begin, end


def window(text: str) -> str:
    """A window, checked and spelled in one way: the kind of an option.

    Raises:
        QuantityError: see `read_window`.
    """
    begin, end = read_window(text)
    return f"{format_duration(begin)}-{format_duration(end)}"

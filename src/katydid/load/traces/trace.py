"""A trace in memory, a few numbers per request, plus messages if it has them; and its replay. Pure.

Times are seconds from the trace's first request, in ascending order. A request with a parent belongs to the parent's
conversation and is due at its time in the trace, or when its parent has ended, whichever is later.
"""

import math
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from heapq import heappop, heappush

from katydid.load.prompts.entry import Prompt
from katydid.model.errors import ConfigError
from katydid.model.options.quantities import QuantityError, duration, format_duration, quoted

NONE = -1
"""Stands for a missing number."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks that prompts begin with.

    Attributes:
        size: tokens per block; a prompt's last block may be shorter.
        ids: block ids of all requests, concatenated.
        begins: index of each request's first id in `ids`, and the total number of ids.
    """

    size: int
    ids: "array[int]"
    begins: "array[int]"

    def of(self, number: int) -> "array[int]":
        """Return the block ids of a request."""
        return self.ids[self.begins[number] : self.begins[number + 1]]


@dataclass(frozen=True, slots=True)
class Trace:
    """Requests with their times. Each column has one entry per request; None if the trace has no such data.

    Attributes:
        due: due times in seconds from the start, ascending; for a request with a parent, the earliest time.
        inputs, outputs: tokens.
        blocks: blocks that prompts share.
        prompts: messages to send unchanged; None if prompts are generated.
        parents: number of the request before it in its conversation, or -1; always smaller than its own number.
        sessions: session names.
        skipped: number of requests of the file that are left out because they had no question or no answer.
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
        """Return True if prompts are generated from their lengths."""
        return self.inputs is not None and self.prompts is None

    @property
    def says_lengths(self) -> bool:
        """Return True if the trace has more than the times of requests."""
        return self.inputs is not None or self.outputs is not None or self.prompts is not None

    def replayed(self, begin: float = 0.0, end: float = math.inf, *, speed: float = 1.0) -> "Trace":
        """Return the requests of a window of the trace, sped up by a factor.

        A conversation that began before the window starts at its first request in the window.

        Args:
            begin: start of the window, in seconds of the trace; the new times count from here.
            end: end of the window, in seconds of the trace.
            speed: how many times faster than in the trace.

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
        """Return requests `first` to `last` - 1."""
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
        """Return the number of the request's parent, or None."""
        if self.parents is None or self.parents[number] == NONE:
            return None
        return self.parents[number]

    @property
    def first_turns(self) -> "array[float]":
        """Due times of the requests without a parent."""
        if self.parents is None:
            return self.due
        return array("d", (at for at, parent in zip(self.due, self.parents, strict=True) if parent == NONE))

    def most_within(self, seconds: float) -> int:
        """Return the largest number of requests due within any `seconds` seconds."""
        most = begin = 0
        for number, at in enumerate(self.due):
            while at - self.due[begin] > seconds:
                begin += 1
            most = max(most, number - begin + 1)
        return most

    def shared(self, begin: float = 0.0) -> float:
        """Return the share of input tokens, of requests due from `begin` on, in blocks that an earlier request had."""
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


class ReplayQueue:
    """One process's part of a replay (`arrivals.Queue`); an arrival's number is that of its request in the trace.

    A whole conversation belongs to one process: process k of n takes every n-th of the requests without a parent, and
    all requests that follow it. A request with a parent is due at its time in the trace, but not before its parent has
    ended.

    Args:
        trace: the trace of the whole run.
        begin, rank, processes, drop_late: see `arrivals.ArrivalQueue`.
        goes_on: returns True if a request that has ended was answered, so that others may follow it.
    """

    def __init__(
        self,
        trace: Trace,
        begin: float,
        *,
        rank: int = 0,
        processes: int = 1,
        drop_late: float | None = None,
        goes_on: Callable[[int], bool] = lambda _: True,
    ) -> None:
        self._trace = trace
        self._begin = begin
        self._patience = math.inf if drop_late is None else drop_late
        self._goes_on = goes_on
        self._followers: dict[int, list[int]] = {}
        self._first_turns = array("q", self._shared_out(rank, processes))
        self._place = 0
        self._ready: list[tuple[float, int]] = []
        self._left = len(self._first_turns) + sum(map(len, self._followers.values()))

    def _shared_out(self, rank: int, processes: int) -> Iterator[int]:
        """Yield this process's requests without a parent; record the others in `_followers`."""
        trace = self._trace
        if trace.parents is None:
            yield from range(rank, len(trace), processes)
            return
        owners, conversations = array("q"), 0
        for number in range(len(trace)):
            parent = trace.parent(number)
            owners.append(conversations % processes if parent is None else owners[parent])
            conversations += parent is None
            if owners[number] != rank:
                continue
            if parent is None:
                yield number
            else:
                self._followers.setdefault(parent, []).append(number)

    @property
    def spent(self) -> bool:
        """Return True if every request has been started or dropped."""
        return self._left == 0

    def take(self, now: float) -> tuple[int, float] | None:
        """Return the number and due time of the next request to send; None if none is available yet."""
        while (found := self._next()) is not None:
            number, due = found
            if now - due <= self._patience:
                return number, due
            self._drop(number)
        return None

    def begun(self) -> None:
        """Record that a request is being sent."""
        self._left -= 1

    def ended(self, number: int, now: float) -> None:
        """Record that a request has ended; its followers become available, or are dropped if it failed."""
        for each in self._followers.pop(number, ()):
            if self._goes_on(number):
                heappush(self._ready, (max(now, self._begin + self._trace.due[each]), each))
            else:
                self._drop(each)

    def _next(self) -> tuple[int, float] | None:
        if self._place < len(self._first_turns):
            number = self._first_turns[self._place]
            due = self._begin + self._trace.due[number]
            if not self._ready or due <= self._ready[0][0]:
                self._place += 1
                return number, due
        if not self._ready:
            return None
        due, number = heappop(self._ready)
        return number, due

    def _drop(self, number: int) -> None:
        """Drop a request and everything that follows it."""
        self._left -= 1
        for each in self._followers.pop(number, ()):
            self._drop(each)


def read_window(text: str) -> tuple[float, float]:
    """Parse a window into begin and end, in seconds from the trace's first request; `10m` is the first ten minutes.

    Raises:
        QuantityError: the text is not a window.
    """
    first, dash, last = text.strip().rpartition("-")
    try:
        begin, end = duration(first) if dash else 0.0, duration(last)
    except QuantityError:
        raise QuantityError(f"{quoted(text)} is not a window such as 10m or 1h-1h30m") from None
    if not (0 <= begin < end and math.isfinite(end)):
        raise QuantityError(f"{quoted(text)}: the end must be after the begin, both from the trace's first request")
    return begin, end


def window(text: str) -> str:
    """Return the canonical spelling, as the `kind` of an option; raises as `read_window` does."""
    begin, end = read_window(text)
    return f"{format_duration(begin)}-{format_duration(end)}"

"""Conversations of several turns: what has been said, how many turns there are, how long users think. Pure.

Whoever keeps the history decides what the next request carries: the client sends every message again, or the server
remembers them and is sent the new ones, with the name of its last answer. Turns and think times follow from the seed,
the user and the iteration (the conversation) alone, as lengths do, so both versions of a comparison hold the same
conversations.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from katydid.load.distribution import Distribution, Grammar
from katydid.load.lengths import chance
from katydid.load.prompts.entry import Message
from katydid.model.options.quantities import duration, format_duration


class Keeper(StrEnum):
    """Who keeps a conversation's history."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(slots=True)
class History:
    """One conversation's.

    Attributes:
        keeper: of its messages.
        tokens: of all that was said, as the target counted them; 0 before the first turn, None where it counted none.
        answer_id: by which the server knows its last answer; None where there is none, or the client keeps the history.
    """

    keeper: Keeper = Keeper.CLIENT
    tokens: int | None = 0
    answer_id: str | None = None
    _messages: list[Message] = field(default_factory=list)

    def asking(self, new: Sequence[Message]) -> list[Message]:
        """The messages of a request that says something new."""
        return [*self._messages, *new]

    def answered(self, new: Sequence[Message], text: str, answer_id: str | None = None) -> None:
        """A request was answered: what it said and the answer are part of the conversation.

        Args:
            new: as `asking` was given it.
            text: of the answer, as far as a user sees it: reasoning is not sent again.
            answer_id: by which the server knows it.
        """
        if self.keeper is Keeper.SERVER:
            self.answer_id = answer_id
        else:
            self._messages += [*new, {"role": "assistant", "content": text}]

    def counted(self, prompt: int | None, completion: int | None, reasoning: int | None = None) -> None:
        """Take the target's count of the last request.

        Args:
            prompt: tokens of all that was sent, the history included.
            completion: tokens of the answer.
            reasoning: of those, tokens that are not part of the conversation.
        """
        known = prompt is not None and completion is not None
        self.tokens = (prompt or 0) + (completion or 0) - (reasoning or 0) if known else None


MOST_TURNS = 1000
"""Of a conversation; a longer one fits no model's context."""
LONGEST_THINKING = 3600.0
"""Seconds; whoever thinks longer has left."""

_TURNS = Grammar(
    what="a number of turns",
    examples=("8", "normal(8,2)", "lognormal(6,5)", "uniform(2,10)"),
    number=float,
    show=lambda value: f"{value:.12g}",
    least=1,
    most=MOST_TURNS,
    unit="turns",
    whole=True,
)
_THINKING = Grammar(
    what="a think time",
    examples=("2s", "normal(5s,1s)", "lognormal(8s,6s)", "uniform(1s,5s)"),
    number=duration,
    show=format_duration,
    least=0.0,
    most=LONGEST_THINKING,
)
turns, think_time = _TURNS.spelled, _THINKING.spelled
"""Kinds of options."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Turns and think times of a run's conversations."""

    seed: int
    turns: Distribution
    thinking: Distribution

    @classmethod
    def read(cls, seed: int, turns: str, thinking: str) -> "Rhythm":
        """As options have it.

        Raises:
            QuantityError: one is no distribution.
        """
        return cls(seed, _TURNS.read(turns), _THINKING.read(thinking))

    def turns_of(self, user: int, iteration: int) -> int:
        """How many turns a conversation has, unless one fails."""
        drawn = self.turns.quantile(chance("turns", self.seed, user, iteration))
        return int(min(MOST_TURNS, max(1, round(drawn))))

    def mean_seconds(self, answer: float) -> float:
        """How long a conversation takes in the mean, where an answer takes so many seconds."""
        return self.turns.mean * (self.thinking.mean + answer)

    def seconds_before(self, user: int, iteration: int, turn: int) -> float:
        """How long the user thinks before a turn, from 1; not at all before the first, which its schedule starts."""
        if turn == 1:
            return 0.0
        drawn = self.thinking.quantile(chance("thinking", self.seed, user, place_of(iteration, turn)))
        return min(LONGEST_THINKING, max(0.0, drawn))


def place_of(iteration: int, turn: int) -> int:
    """A turn's number among all that a user may have: what its prompt and its lengths are drawn by.

    Args:
        iteration: of the user: the conversation.
        turn: of the conversation, from 1.
    """
    return iteration * MOST_TURNS + turn - 1

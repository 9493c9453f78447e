"""Multi-turn conversations: their history, number of turns and think times. Pure.

If the client keeps the history, each request repeats all earlier messages. If the server keeps it, a request has only
the new messages and the id of the server's last answer. Turns and think times depend only on the seed, the user and the
iteration (the conversation), as lengths do, so both versions of a comparison hold the same conversations.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from katydid.load.lengths import Distribution, Grammar, chance
from katydid.load.prompts.entry import Message
from katydid.model.options.quantities import duration, format_duration


class Keeper(StrEnum):
    """Who keeps a conversation's history."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(slots=True)
class History:
    """The history of one conversation.

    Attributes:
        keeper: who keeps the messages.
        tokens: length of the history as counted by the target; 0 before the first turn, None if the target counts none.
        answer_id: the server's id of its last answer; None if there is none, or if the client keeps the history.
    """

    keeper: Keeper = Keeper.CLIENT
    tokens: int | None = 0
    answer_id: str | None = None
    _messages: list[Message] = field(default_factory=list)

    def asking(self, new: Sequence[Message]) -> list[Message]:
        """Return the messages of the next request: the history, if the client keeps it, and the new messages."""
        return [*self._messages, *new]

    def answered(self, new: Sequence[Message], text: str, answer_id: str | None = None) -> None:
        """Add the messages that were passed to `asking`, and the visible text of the answer, to the history.

        Reasoning is not sent again.
        """
        if self.keeper is Keeper.SERVER:
            self.answer_id = answer_id
        else:
            self._messages += [*new, {"role": "assistant", "content": text}]

    def counted(self, prompt: int | None, completion: int | None, reasoning: int | None = None) -> None:
        """Update `tokens` with the target's counts for the last request.

        Args:
            prompt: tokens of everything that was sent, including the history.
            completion: tokens of the answer.
            reasoning: the part of `completion` that does not become part of the conversation.
        """
        known = prompt is not None and completion is not None
        self.tokens = (prompt or 0) + (completion or 0) - (reasoning or 0) if known else None


MOST_TURNS = 1000
"""Turns per conversation; a longer conversation fits no model's context."""
LONGEST_THINKING = 3600.0
"""Seconds; a user that thinks longer has left."""

_TURNS = Grammar(
    what="a number of turns",
    examples=("8", "normal(8,2)", "lognormal(6,5)", "uniform(2,10)"),
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
"""The `kind`s of options."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The number of turns and the think times of a run's conversations."""

    seed: int
    turns: Distribution
    thinking: Distribution

    @classmethod
    def read(cls, seed: int, turns: str, thinking: str) -> "Rhythm":
        """Parse the values of the options.

        Raises:
            QuantityError: a value is not a distribution.
        """
        return cls(seed, _TURNS.read(turns), _THINKING.read(thinking))

    def turns_of(self, user: int, iteration: int) -> int:
        """Return the number of turns of a conversation; a failed turn ends it earlier."""
        drawn = self.turns.quantile(chance("turns", self.seed, user, iteration))
        return int(min(MOST_TURNS, max(1, round(drawn))))

    def mean_seconds(self, answer: float) -> float:
        """Return the mean duration of a conversation in seconds, if an answer takes `answer` seconds."""
        return self.turns.mean * (self.thinking.mean + answer)

    def seconds_before(self, user: int, iteration: int, turn: int) -> float:
        """Return the think time before a turn (from 1) in seconds; 0 before the first, which the schedule starts."""
        if turn == 1:
            return 0.0
        drawn = self.thinking.quantile(chance("thinking", self.seed, user, place_of(iteration, turn)))
        return min(LONGEST_THINKING, max(0.0, drawn))


def place_of(iteration: int, turn: int) -> int:
    """Return the index of a conversation's turn (from 1) among all turns of its user; its prompt is drawn with it."""
    return iteration * MOST_TURNS + turn - 1

"""How many turns a conversation has, and how long its user thinks before each. Pure.

A draw follows from the seed, the user and the iteration (the conversation) alone, as lengths do, so both versions of a
comparison hold the same conversations.
"""

from dataclasses import dataclass

from katydid.load.distribution import Distribution, Grammar
from katydid.load.lengths import chance
from katydid.model.options.quantities import duration, format_duration

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


def turns(text: str | int) -> str:
    """A distribution of turns, checked and spelled in one way: the kind of an option.

    Raises:
        QuantityError: it is none.
    """
    return _TURNS.write(_TURNS.read(str(text)))


def think_time(text: str | float) -> str:
    """A distribution of think times, checked and spelled in one way: the kind of an option.

    Raises:
        QuantityError: it is none.
    """
    return _THINKING.write(_THINKING.read(str(text)))


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

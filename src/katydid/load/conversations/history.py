"""What a conversation has said until now, and so what its next request carries. Pure.

Whoever keeps the history decides: the client sends every message again, or the server remembers them and is sent the
new ones, with the name of its last answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from katydid.load.prompts.entry import Message


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

"""Answers that the embedded target keeps, so that a later request may go on from one (`previous_response_id`).

What is kept of an answer are its words and those of its request; each points to the one that it went on from, so that
a conversation takes no more room than what was said in it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Optional

from katydid.target.apis.base import Ask
from katydid.target.wire.http import RequestError

MOST = 100_000
"""Answers that are kept; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True)
class _Kept:
    words: Sequence[str]
    before: Optional["_Kept"]


class KeptAnswers:
    """Those of one target."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def complete(self, ask: Ask) -> Ask:
        """A request with all that was said before it.

        Raises:
            RequestError: it goes on from an answer that is not kept.
        """
        if ask.previous is None:
            return ask
        each = self._kept.get(ask.previous)
        if each is None:
            raise RequestError(f"Previous response with id '{ask.previous}' not found.")
        said = [ask.words]
        while each is not None:
            said.append(each.words)
            each = each.before
        return replace(ask, words=[word for words in reversed(said) for word in words], new_words=len(ask.words))

    def keep(self, ask: Ask, answer_id: str, answer: str) -> None:
        """A request, completed, was answered; kept where that was asked for.

        Args:
            ask: the request.
            answer_id: by which others may go on from it.
            answer: its text.
        """
        if not ask.stores:
            return
        new = ask.words if ask.new_words is None else ask.words[-ask.new_words :] if ask.new_words else []
        before = self._kept.get(ask.previous) if ask.previous is not None else None
        self._kept[answer_id] = _Kept([*new, *answer.split()], before)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)

"""OpenAI's Responses API, as the embedded target serves it, and the answers that it keeps.

Unlike OpenAI's, its events have no sequence numbers.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Optional

from katydid.model.jsontext import json_bytes
from katydid.target.apis.base import Api, Ask, Spent, limit_of, member, named_event, needed, words_of
from katydid.target.wire.http import RequestError

MOST_KEPT = 100_000
"""Limit of kept answers; the oldest are dropped first."""


class ResponsesApi(Api):
    """See `base.Api`."""

    broken = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","item\n\n'

    def read(self, body: dict[str, object]) -> Ask:
        """See `Api.read`; the input is a string or messages, and answers are kept unless `store` is false."""
        given = body.get("input")
        words = given.split() if isinstance(given, str) else words_of(member(body, "input", list, []))
        return Ask(
            model=needed(body, "model"),
            stream=member(body, "stream", bool, default=False),
            limit=limit_of(body, "max_output_tokens"),
            words=words,
            stores=member(body, "store", bool, default=True),
            previous=member(body, "previous_response_id", str),
        )

    def opening(self, ask: Ask) -> bytes:
        """See `Api.opening`: the response, its item and the item's part, all empty."""
        begun = _response(ask, "in_progress")
        return (
            named_event("response.created", response=begun)
            + named_event("response.in_progress", response=begun)
            + named_event("response.output_item.added", output_index=0, item=_item(ask, "in_progress"))
            + named_event("response.content_part.added", **_place(ask), part=_part(""))
        )

    def content(self, ask: Ask, text: str) -> bytes:
        """See `Api.content`."""
        return named_event("response.output_text.delta", **_place(ask), delta=text)

    def closing(self, ask: Ask, spent: Spent) -> Sequence[bytes]:
        """See `Api.closing`: the ends of the part, of the item, and of the response with its usage."""
        ended = _ended(ask, spent)
        return [
            named_event("response.content_part.done", **_place(ask)),
            named_event("response.output_item.done", output_index=0, item=_item(ask, "completed")),
            named_event(f"response.{ended['status']}", response=ended),
        ]

    def failure(self, message: str) -> Sequence[bytes]:
        """See `Api.failure`: a failed response, after which nothing follows."""
        return [named_event("response.failed", response={"status": "failed", "error": {"message": message}})]

    def whole(self, ask: Ask, text: str, spent: Spent) -> bytes:
        """See `Api.whole`."""
        item = _item(ask, "completed") | {"content": [_part(text)]}
        return json_bytes(_ended(ask, spent) | {"output": [item]})

    def error_body(self, message: str, kind: str) -> bytes:
        """See `Api.error_body`."""
        return json_bytes({"error": {"message": message, "type": kind, "code": kind, "param": None}})


def response_id(identity: str) -> str:
    """Return the id by which a later request can continue from an answer."""
    return f"resp_{identity}"


def _response(ask: Ask, status: str) -> dict[str, object]:
    return {
        "id": response_id(ask.identity),
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": ask.model,
        "output": [],
        "usage": None,
    }


def _ended(ask: Ask, spent: Spent) -> dict[str, object]:
    cached = {} if ask.cached is None else {"input_tokens_details": {"cached_tokens": ask.cached}}
    usage = {
        "input_tokens": ask.prompt_tokens,
        "output_tokens": spent.tokens,
        "total_tokens": ask.prompt_tokens + spent.tokens,
        **cached,
    }
    if ask.reason(spent.tokens) == "stop":
        return _response(ask, "completed") | {"usage": usage}
    return _response(ask, "incomplete") | {"usage": usage, "incomplete_details": {"reason": "max_output_tokens"}}


def _item(ask: Ask, status: str) -> dict[str, object]:
    return {"id": f"msg_{ask.identity}", "type": "message", "role": "assistant", "status": status, "content": []}


def _part(text: str) -> dict[str, object]:
    return {"type": "output_text", "text": text, "annotations": []}


def _place(ask: Ask) -> dict[str, object]:
    return {"item_id": f"msg_{ask.identity}", "output_index": 0, "content_index": 0}


@dataclass(frozen=True, slots=True)
class _Kept:
    words: Sequence[str]
    before: Optional["_Kept"]


class KeptAnswers:
    """The kept answers of one target, from which later requests can continue (`previous_response_id`).

    An entry has the words of an answer and the new words of its request, and points to the entry before it. So a
    conversation takes only the memory of its own words.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def complete(self, ask: Ask) -> Ask:
        """Return the request with the whole conversation before it.

        Raises:
            RequestError: it continues from an answer that is not kept.
        """
        if ask.previous is None:
            return ask
        each = self._kept.get(ask.previous)
        if each is None:
            raise RequestError(f"Previous response with id '{ask.previous}' not found.")
        turns = [ask.words]
        while each is not None:
            turns.append(each.words)
            each = each.before
        return replace(ask, words=[word for words in reversed(turns) for word in words], new_words=len(ask.words))

    def keep(self, ask: Ask, answer_id: str, answer: str) -> None:
        """Keep an answer under its id, if the request (from `complete`) asks for that."""
        if not ask.stores:
            return
        new = ask.words if ask.new_words is None else ask.words[-ask.new_words :] if ask.new_words else []
        before = self._kept.get(ask.previous) if ask.previous is not None else None
        self._kept[answer_id] = _Kept([*new, *answer.split()], before)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

"""Ollama's /api/chat and /api/generate, as the embedded target serves them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from katydid.model.jsontext import json_bytes
from katydid.target.apis.base import Api, Ask, Spent, line, member, needed, words_of


class OllamaApi(Api):
    """/api/chat, or with `generate` /api/generate."""

    stream_kind = "application/x-ndjson"
    broken = b'{"message": {"cont\n'

    def __init__(self, *, generate: bool = False) -> None:
        self._generate = generate

    def read(self, body: dict[str, object]) -> Ask:
        """See `Api.read`; streams unless `stream` is false; a `num_predict` below 1 means no limit."""
        limit = member(member(body, "options", dict, {}), "num_predict", int, 0)
        messages = (
            [{"content": member(body, "prompt", str, "")}] if self._generate else member(body, "messages", list, [])
        )
        return Ask(
            model=needed(body, "model"),
            stream=member(body, "stream", bool, default=True),
            limit=limit if limit > 0 else None,
            words=words_of(messages),
        )

    def content(self, ask: Ask, text: str) -> bytes:
        """See `Api.content`."""
        return line(self._frame(ask, text) | {"done": False})

    def closing(self, ask: Ask, spent: Spent) -> Sequence[bytes]:
        """See `Api.closing`: one line with the usage."""
        return [line(self._last(ask, "", spent))]

    def failure(self, message: str) -> Sequence[bytes]:
        """See `Api.failure`: an error, after which nothing follows."""
        return [line({"error": message})]

    def whole(self, ask: Ask, text: str, spent: Spent) -> bytes:
        """See `Api.whole`."""
        return json_bytes(self._last(ask, text, spent))

    def error_body(self, message: str, kind: str) -> bytes:
        """See `Api.error_body`."""
        del kind
        return json_bytes({"error": message})

    def _frame(self, ask: Ask, text: str) -> dict[str, object]:
        answer = {"response": text} if self._generate else {"message": {"role": "assistant", "content": text}}
        return {"model": ask.model, "created_at": datetime.now(UTC), **answer}

    def _last(self, ask: Ask, text: str, spent: Spent) -> dict[str, object]:
        return self._frame(ask, text) | {
            "done": True,
            "done_reason": ask.reason(spent.tokens),
            "total_duration": spent.prompt_ns + spent.answer_ns,
            "load_duration": 0,
            "prompt_eval_count": ask.prompt_tokens,
            "prompt_eval_duration": spent.prompt_ns,
            "eval_count": spent.tokens,
            "eval_duration": spent.answer_ns,
        }

"""The dialect `ollama`: /api/chat, and /api/generate when `--endpoint` says so. Lines of JSON.

`"done": true` is the proper end and brings the token counts; an error is a line of its own.
"""

import re
from typing import Any

from katydid.core.counting import Shape
from katydid.core.errors import ProtocolError
from katydid.core.jsontext import json_bytes
from katydid.dialects.base import Answer, Generation, Message, bearer_headers
from katydid.dialects.content import text_of
from katydid.dialects.loading import load_object
from katydid.dialects.reading import NdjsonReading, StreamReading


class Ollama:
    """See `base.Dialect`."""

    name = "ollama"
    endpoint = "/api/chat"
    models_endpoint = "/api/tags"

    def headers(self, api_key: str | None) -> dict[str, str]:
        """A bearer token, where a proxy in front of the server wants one."""
        return bearer_headers("application/x-ndjson, application/json", api_key)

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """A chat; `prompt` stands beside it for /api/generate, and each endpoint ignores the other's."""
        request: dict[str, Any] = {
            "model": generation.model,
            "messages": messages,
            "prompt": messages[-1].get("content", ""),
            "stream": stream,
            "options": {
                "num_predict": generation.max_tokens,
                "temperature": generation.temperature,
                "seed": generation.seed,
            },
        }
        return json_bytes(request | generation.extra)

    def parse_models(self, body: bytes) -> list[str]:
        """The names in `models`."""
        try:
            return [str(model.get("model") or model["name"]) for model in load_object(body)["models"]]
        except (AttributeError, KeyError, TypeError):
            raise ProtocolError("not a list of models") from None

    def reading(self, check: str) -> StreamReading:
        """See `base.Dialect.reading`."""
        return OllamaReading(check)

    def parse_answer(self, body: bytes) -> Answer:
        """The message, or the response of /api/generate."""
        value = load_object(body)
        if "done" not in value:
            raise ProtocolError("not an answer of Ollama's")
        text, other = _parts(value)
        reason = value.get("done_reason") or ("stop" if value["done"] is True else None)
        return Answer(text_of(text), reason, value.get("prompt_eval_count"), value.get("eval_count"), bool(other))


class OllamaReading(NdjsonReading):
    """One streamed answer."""

    shape = Shape(
        start=b"",
        separator=b"\n",
        marker=re.compile(rb'"(?:content|response|thinking)":\s?"'),
        quiet=re.compile(rb'"done":\s?false'),
    )

    def line(self, line: bytes) -> None:
        """See `NdjsonReading.line`."""
        value = load_object(line)
        if error := value.get("error"):
            self.refuse(error)
            return
        if self.full and "done" not in value:
            raise ProtocolError(f"a line without `done`: {line[:160].decode('utf-8', 'replace')}")
        text, other = _parts(value)
        if text or other:
            self.content(line)
        if value.get("done") is True:
            self.done = True
            self.finish_reason = str(value.get("done_reason") or "stop")
            self.usage(value.get("prompt_eval_count"), value.get("eval_count"))


def _parts(value: dict[str, Any]) -> tuple[str, Any]:
    """The visible text of a line, and its reasoning or tool calls."""
    message = value.get("message") or {}
    if not isinstance(message, dict):
        raise ProtocolError("a message that is no object")
    text = message.get("content") or value.get("response") or ""
    return text, message.get("thinking") or message.get("tool_calls") or value.get("thinking")

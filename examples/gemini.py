"""An API whose path contains the model, with another path for non-streamed answers: Gemini's.

katydid run examples/gemini.py Ask --api gemini --host http://127.0.0.1:8090 --users 5 --interval 2 --run-time 20s
"""

from typing import Any
from urllib.parse import quote

import orjson

from katydid import Answer, BatchUser, Generation, Message, SseStreamParser, StreamUser, load_object, register


def text_of(value: dict[str, Any]) -> str:
    """Return the text of an event, or of a non-streamed answer."""
    parts = [part for candidate in value.get("candidates") or [] for part in candidate["content"].get("parts") or []]
    return "".join(part.get("text") or "" for part in parts)


def end_of(value: dict[str, Any]) -> str | None:
    """Return why the answer ended, or None if it has not."""
    return next((c["finishReason"] for c in value.get("candidates") or [] if c.get("finishReason")), None)


class GeminiStreamParser(SseStreamParser):
    """Parses one streamed answer."""

    def event(self, name: bytes, data: bytes) -> None:
        """Handle an event: each has a piece of text, the last one also the finish reason and the usage."""
        value = load_object(data)
        if "error" in value:
            self.on_error(value["error"])
            return
        if text_of(value):
            self.content(data)
        if end_of(value):
            usage = value.get("usageMetadata") or {}
            self.usage(usage.get("promptTokenCount"), usage.get("candidatesTokenCount"))
            self.done = True


class Gemini:
    """Builds requests, and chooses the parsers of the answers."""

    name = "gemini"
    endpoint = "/v1beta/models/{model}"
    models_endpoint = "/v1beta/models"

    def path(self, generation: Generation, *, stream: bool) -> str:
        """Return a path with the model and the kind of answer; reports show `endpoint` for all of them."""
        where = f"/v1beta/models/{quote(generation.model)}"
        return f"{where}:streamGenerateContent?alt=sse" if stream else f"{where}:generateContent"

    def headers(self, api_key: str | None) -> dict[str, str]:
        """Return the headers of every request."""
        return {"Content-Type": "application/json"} | ({"x-goog-api-key": api_key} if api_key else {})

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """Return the body of a request; the model and the kind of answer are not in it."""
        contents = [{"role": "user", "parts": [{"text": message["content"]}]} for message in messages]
        settings = {"maxOutputTokens": generation.max_tokens, "temperature": generation.temperature}
        return orjson.dumps({"contents": contents, "generationConfig": settings})

    def parse_models(self, body: bytes) -> list[str]:
        """Return the names of the models, as used in the path."""
        return [model["name"].removeprefix("models/") for model in load_object(body)["models"]]

    def stream_parser(self, check: str) -> SseStreamParser:
        """Return a new parser for one streamed answer."""
        return GeminiStreamParser(check)

    def parse_answer(self, body: bytes) -> Answer:
        """Parse a non-streamed answer."""
        value = load_object(body)
        usage = value.get("usageMetadata") or {}
        tokens = usage.get("promptTokenCount"), usage.get("candidatesTokenCount")
        return Answer(text_of(value), end_of(value), *tokens)

    def meaning(self, name: bytes, data: bytes) -> tuple[str, int | None]:
        """Return what an event contains and the completion tokens so far, for `--record-events`."""
        value = load_object(data)
        if "error" in value:
            return "error", None
        usage = value.get("usageMetadata") or {}
        kind = "text" if text_of(value) else "finish" if end_of(value) else "empty"
        return kind, usage.get("candidatesTokenCount")


register(Gemini())


class Ask(StreamUser):
    """`katydid run gemini.py Ask`: streamed answers."""


class AskWhole(BatchUser):
    """`katydid run gemini.py AskWhole`: non-streamed answers."""

"""An API whose path holds the model, and another path for whole answers: Gemini's.

katydid run examples/gemini.py Ask --api gemini --host http://127.0.0.1:8090 --users 5 --interval 2 --run-time 20s
"""

from typing import Any
from urllib.parse import quote

import orjson

from katydid import Answer, BatchUser, Generation, Message, SseStreamParser, StreamUser, load_object, register


def text_of(value: dict[str, Any]) -> str:
    """The text of an event, or of a whole answer."""
    parts = [part for candidate in value.get("candidates") or [] for part in candidate["content"].get("parts") or []]
    return "".join(part.get("text") or "" for part in parts)


def end_of(value: dict[str, Any]) -> str | None:
    """Why the answer ends."""
    return next((c["finishReason"] for c in value.get("candidates") or [] if c.get("finishReason")), None)


class GeminiStreamParser(SseStreamParser):
    """One streamed answer."""

    def event(self, name: bytes, data: bytes) -> None:
        """Each brings a piece; the last one says why the answer ends, and has the usage."""
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
    """What requests look like, and who reads the answers."""

    name = "gemini"
    endpoint = "/v1beta/models/{model}"
    models_endpoint = "/v1beta/models"

    def path(self, generation: Generation, *, stream: bool) -> str:
        """The model and the kind of answer are in the path; `endpoint` is how reports call all of them."""
        where = f"/v1beta/models/{quote(generation.model)}"
        return f"{where}:streamGenerateContent?alt=sse" if stream else f"{where}:generateContent"

    def headers(self, api_key: str | None) -> dict[str, str]:
        """Of every request."""
        return {"Content-Type": "application/json"} | ({"x-goog-api-key": api_key} if api_key else {})

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """Of a request; neither the model nor the kind of answer is in it."""
        contents = [{"role": "user", "parts": [{"text": message["content"]}]} for message in messages]
        settings = {"maxOutputTokens": generation.max_tokens, "temperature": generation.temperature}
        return orjson.dumps({"contents": contents, "generationConfig": settings})

    def parse_models(self, body: bytes) -> list[str]:
        """Their names, as the path has them."""
        return [model["name"].removeprefix("models/") for model in load_object(body)["models"]]

    def stream_parser(self, check: str) -> SseStreamParser:
        """For one streamed answer."""
        return GeminiStreamParser(check)

    def parse_answer(self, body: bytes) -> Answer:
        """A whole answer."""
        value = load_object(body)
        usage = value.get("usageMetadata") or {}
        tokens = usage.get("promptTokenCount"), usage.get("candidatesTokenCount")
        return Answer(text_of(value), end_of(value), *tokens)

    def meaning(self, name: bytes, data: bytes) -> tuple[str, int | None]:
        """What an event brings, and the completion tokens until then: for `--record-events`."""
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
    """`katydid run gemini.py AskWhole`: whole ones."""

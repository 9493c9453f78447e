"""The dialect `ollama`: /api/chat, or /api/generate with `--endpoint`. Answers are lines of JSON.

The last line has `"done": true` and the token counts. An error is a separate line.
"""

from katydid.dialects.base import Access, Answer, Generation, Message
from katydid.dialects.loading import is_content, load_object, shown, text_of
from katydid.dialects.status import failed_reason
from katydid.dialects.stream_parser import NdjsonStreamParser, StreamParser
from katydid.dialects.usage import TokenDetails, tokens_in
from katydid.model.errors import ProtocolError
from katydid.model.jsontext import json_bytes
from katydid.protocol.counting import Shape


class Ollama(Access):
    """See `base.Dialect`."""

    name = "ollama"
    endpoint = "/api/chat"
    models_endpoint = "/api/tags"
    accept = "application/x-ndjson, application/json"

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """One body for both endpoints: /api/chat ignores `prompt`, /api/generate ignores `messages`."""
        request: dict[str, object] = {
            "model": generation.model,
            "messages": [message | {"content": text_of(message.get("content"))} for message in messages],
            "prompt": text_of(messages[-1].get("content")),
            "stream": stream,
            "options": {
                "num_predict": generation.max_tokens,
                "temperature": generation.temperature,
                "seed": generation.seed,
            },
        }
        return json_bytes(request | generation.extra)

    def with_images(self, message: Message, images: list[str]) -> Message:
        """See `base.Dialect`; the images are a separate member."""
        return message | {"images": [*message.get("images", []), *images]}

    def parse_models(self, body: bytes) -> list[str]:
        """The names in the member `models`."""
        try:
            return [str(model.get("model") or model["name"]) for model in load_object(body)["models"]]
        except (AttributeError, KeyError, TypeError):
            raise ProtocolError("not a list of models") from None

    def stream_parser(self, check: str) -> StreamParser:
        """See `base.Dialect.stream_parser`."""
        return OllamaStreamParser(check)

    def parse_answer(self, body: bytes) -> Answer:
        """The text of `message` (/api/chat) or `response` (/api/generate)."""
        value = load_object(body)
        if "done" not in value:
            raise ProtocolError("not an Ollama answer: no `done`")
        text, thinking, calls = _parts(value)
        reason = value.get("done_reason") or ("stop" if value["done"] is True else None)
        failure = value.get("error") or failed_reason(reason, "done_reason")
        tokens = tokens_in(value, "prompt_eval_count", "eval_count")
        return Answer(text_of(text), reason, *tokens, thinking or calls, failure, details=TokenDetails.of(value))


class OllamaStreamParser(NdjsonStreamParser):
    """One streamed answer."""

    shape = Shape(
        start=b"",
        separator=b"\n",
        texts=frozenset({b"content", b"response", b"thinking"}),
    )

    def line(self, line: bytes) -> None:
        """See `NdjsonStreamParser.line`."""
        value = load_object(line)
        if error := value.get("error"):
            self.on_error(error)
            return
        reason = value.get("done_reason")
        ended = value["done"] is True if "done" in value else bool(reason)
        if self.full and not ended and "done" not in value:
            raise ProtocolError(f"a line without `done`: {shown(line)}")
        text, thinking, calls = _parts(value)
        visible = is_content(text) or calls
        if visible or thinking:
            self.content(line, alone=not ended, visible=visible, text=text)
        if ended:
            self.done = True
            self.finish_reason = str(reason or "stop")
            self.usage(value.get("prompt_eval_count"), value.get("eval_count"), value)
            if failure := failed_reason(reason, "done_reason"):
                self.on_error(failure)


def _parts(value: dict[str, object]) -> tuple[object, bool, bool]:
    """The visible text of a line, whether it has reasoning, and whether it has tool calls."""
    message = value.get("message") or {}
    if not isinstance(message, dict):
        raise ProtocolError("a message that is not an object")
    text = message.get("content")
    thinking = is_content(message.get("thinking")) or is_content(value.get("thinking"))
    return text if is_content(text) else value.get("response"), thinking, bool(message.get("tool_calls"))

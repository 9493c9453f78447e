"""The dialects `openai` (chat completions) and `completions` (text completions), which most servers support.

A complete answer has a `finish_reason` in a choice, then `[DONE]`; an answer with only one of them is broken. Usage
comes in a separate chunk without choices or with an empty one; some vendors put it into the choice or into a member
of their own. An error comes as a separate event, beside the choices, in a choice, or as a `finish_reason`.
"""

from typing import Any

from katydid.dialects.base import Access, Answer, Generation, Message, content_parts
from katydid.dialects.loading import is_content, is_visible, load_object, shown, text_of, told_error
from katydid.dialects.status import failed_reason
from katydid.dialects.stream_parser import DONE, SseStreamParser, StreamParser
from katydid.dialects.usage import TokenDetails, tokens_in
from katydid.model.errors import ProtocolError
from katydid.model.jsontext import json_bytes
from katydid.protocol.counting import Shape

_TEXTS = frozenset({"content", "reasoning_content", "reasoning", "reasoning_details", "refusal", "audio"})
_VISIBLE = ("content", "refusal", "audio")
_CALLS = frozenset({"tool_calls", "function_call"})


class OpenAi(Access):
    """See `base.Dialect`."""

    name = "openai"
    endpoint = "/v1/chat/completions"

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """A chat completion; a streamed one also asks for the usage."""
        request: dict[str, object] = {
            "model": generation.model,
            "messages": messages,
            "max_tokens": generation.max_tokens,
            "temperature": generation.temperature,
            "seed": generation.seed,
            "stream": stream,
        }
        if stream:
            request["stream_options"] = {"include_usage": True}
        return json_bytes(request | generation.extra)

    def with_images(self, message: Message, images: list[str]) -> Message:
        """See `base.Dialect`; the images become data URLs."""
        urls = ({"url": f"data:image/png;base64,{image}"} for image in images)
        return message | {
            "content": [*content_parts(message), *({"type": "image_url", "image_url": url} for url in urls)]
        }

    def forced(self, tokens: int) -> dict[str, object]:
        """See `base.Dialect`; vLLM, SGLang and llama.cpp accept these fields."""
        return {"min_tokens": tokens, "ignore_eos": True}

    def stream_parser(self, check: str) -> StreamParser:
        """See `base.Dialect.stream_parser`."""
        return OpenAiStreamParser(check)

    def parse_answer(self, body: bytes) -> Answer:
        """The first choice's message."""
        value = load_object(body)
        try:
            choice = value["choices"][0]
            message = choice["message"]
            text = text_of(message.get("content"))
            other = bool(text) or _has_content(message)
        except (KeyError, IndexError, TypeError, AttributeError):
            raise ProtocolError("not a chat completion") from None
        usage = value.get("usage") or choice.get("usage") or ("x_groq" in value and _groq_usage(value))
        tokens = tokens_in(usage, "prompt_tokens", "completion_tokens")
        reason = choice.get("finish_reason")
        failure = value.get("error") or choice.get("error") or message.get("error") or failed_reason(reason)
        details = TokenDetails.of(usage, value.get("timings"))
        return Answer(text, reason, *tokens, other, failure, details=details)


class OpenAiStreamParser(SseStreamParser):
    """One streamed chat completion."""

    shape = Shape(
        start=b"data: ",
        separator=b"\n\n",
        texts=frozenset({b"content", b"reasoning_content", b"reasoning", b"refusal"}),
    )

    def event(self, name: bytes, data: bytes) -> None:  # noqa: ARG002 - these events have no names
        """See `SseStreamParser.event`."""
        if data == DONE:
            self.done = self.finish_reason is not None
            if not self.done:
                self.missing = "no finish_reason came before [DONE]"
            return
        chunk = load_object(data)
        choices, usage = chunk.get("choices"), chunk.get("usage")
        if error := chunk.get("error") if choices or usage else told_error(chunk):
            self.on_error(error)
            return
        choice = choices[0] if choices else {}
        if usage is None:
            usage = choice.get("usage") or ("x_groq" in chunk and _groq_usage(chunk)) or None
        if usage is not None:
            self.usage(*tokens_in(usage, "prompt_tokens", "completion_tokens"), usage, chunk.get("timings"))
        if choices:
            self._choice(choice, data, alone=usage is None)
        elif self.full and usage is None and "choices" not in chunk and not isinstance(chunk.get("object"), str):
            raise ProtocolError(f"an event without choices: {shown(data)}")

    def _choice(self, choice: dict[str, Any], data: bytes, *, alone: bool) -> None:
        """Take a choice; `alone`: the event has nothing else to say, such as usage."""
        try:
            delta = choice.get("delta") or {}
            text = delta.get("content")
            plain = bool(text) and text.__class__ is str  # nearly always
            has_content = plain or (delta and _has_content(delta))
            error = choice.get("error") or delta.get("error")
        except (AttributeError, KeyError, TypeError):
            raise ProtocolError("a choice without a delta") from None
        reason = choice.get("finish_reason")
        if has_content:
            seen = plain or _is_seen(delta)
            self.content(data, alone=alone and not reason and not error, visible=seen, text=text)
        self.choice(delta)
        if reason:
            self.finish_reason = str(reason)
        if failure := error or (reason and failed_reason(reason)):
            self.on_error(failure)

    def choice(self, delta: dict[str, object]) -> None:
        """Called with the delta of every choice, for subclasses that need more than its content.

        Raises:
            ProtocolError: the delta is malformed.
        """


class Completions(OpenAi):
    """Text completions, for models without a chat template."""

    name = "completions"
    with_images = None  # type: ignore[assignment]  # a prompt is plain text
    endpoint = "/v1/completions"

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """A completion whose prompt is the text of all messages, joined by blank lines."""
        request = load_object(super().body([], generation, stream=stream))
        del request["messages"]
        said = "\n\n".join(text for message in messages if (text := text_of(message.get("content"))))
        return json_bytes({"prompt": said} | request)

    def stream_parser(self, check: str) -> StreamParser:
        """See `base.Dialect.stream_parser`."""
        return CompletionsStreamParser(check)

    def parse_answer(self, body: bytes) -> Answer:
        """The first choice's text."""
        value = load_object(body)
        try:
            choice = value["choices"][0]
            message = {"content": choice["text"]}
        except (KeyError, IndexError, TypeError):
            raise ProtocolError("not a completion") from None
        return super().parse_answer(json_bytes(value | {"choices": [choice | {"message": message}]}))


class CompletionsStreamParser(OpenAiStreamParser):
    """One streamed completion: a choice has `text` in place of `delta`."""

    shape = Shape(start=b"data: ", separator=b"\n\n", texts=frozenset({b"text"}))
    _learned = None

    def _choice(self, choice: dict[str, object], data: bytes, *, alone: bool) -> None:
        super()._choice(choice | {"delta": {"content": choice.get("text")}}, data, alone=alone)


def _has_content(delta: dict[str, object]) -> bool:
    """Return True if a delta or a message has text, reasoning, audio or tool calls."""
    for key, value in delta.items():
        if value is None or key == "role":  # nearly always
            continue
        if (key in _TEXTS and is_content(value)) or (key in _CALLS and value):
            return True
    return False


def _is_seen(delta: dict[str, object]) -> bool:
    """Return True if a delta has content other than reasoning."""
    return any(is_visible(delta.get(key)) for key in _VISIBLE) or any(delta.get(key) for key in _CALLS)


def _groq_usage(value: dict[str, object]) -> object:
    """The usage in the member `x_groq`, where Groq puts it."""
    groq = value["x_groq"]
    return groq.get("usage") if isinstance(groq, dict) else None

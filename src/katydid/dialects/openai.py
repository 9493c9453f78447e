"""The dialect `openai`: chat completions, as OpenAI, vLLM, llama.cpp, LiteLLM and most gateways speak it.

A proper end is a choice's `finish_reason`, then `[DONE]`; either alone is a broken answer. Usage comes
in a chunk of its own, with no choices or with an empty one.
"""

import re
from typing import Any

from katydid.core.counting import Shape
from katydid.core.errors import ProtocolError
from katydid.core.jsontext import json_bytes
from katydid.dialects.base import Answer, Generation, Message, OpenAiAccess
from katydid.dialects.content import text_of, tokens_in
from katydid.dialects.loading import load_object
from katydid.dialects.reading import SseReading, StreamReading

_DONE = b"[DONE]"
_CONTENT = ("content", "reasoning_content", "reasoning", "tool_calls", "function_call", "refusal")


class OpenAi(OpenAiAccess):
    """See `base.Dialect`."""

    name = "openai"
    endpoint = "/v1/chat/completions"

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """A chat completion; a streamed one asks for its usage too."""
        request: dict[str, Any] = {
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

    def reading(self, check: str) -> StreamReading:
        """See `base.Dialect.reading`."""
        return OpenAiReading(check)

    def parse_answer(self, body: bytes) -> Answer:
        """The first choice's message."""
        value = load_object(body)
        try:
            choice = value["choices"][0]
            message = choice["message"]
            other = any(message.get(key) for key in _CONTENT[1:])
        except (KeyError, IndexError, TypeError, AttributeError):
            raise ProtocolError("not a chat completion") from None
        tokens = tokens_in(value.get("usage"), "prompt_tokens", "completion_tokens")
        return Answer(text_of(message.get("content")), choice.get("finish_reason"), *tokens, other)


class OpenAiReading(SseReading):
    """One streamed chat completion."""

    shape = Shape(
        start=b"data: ",
        separator=b"\n\n",
        marker=re.compile(rb'"delta":\s?\{(?:"role":\s?"assistant",\s?)?"(?:reasoning_|)content":\s?"'),
        quiet=re.compile(rb'\A(?!.*"usage":\s?\{).*"finish_reason":\s?null', re.DOTALL),
    )

    def event(self, name: bytes, data: bytes) -> None:
        """See `SseReading.event`."""
        if data == _DONE:
            self.done = self.finish_reason is not None
            return
        chunk = load_object(data)
        if name == b"error" or chunk.get("error"):
            self.refuse(chunk.get("error") or chunk)
            return
        if (usage := chunk.get("usage")) is not None:
            self._usage(usage)
        choices = chunk.get("choices")
        if choices:
            self._choice(choices, data)
        elif self.full and choices is None and usage is None:
            raise ProtocolError(f"an event without choices: {data[:160].decode('utf-8', 'replace')}")

    def _choice(self, choices: Any, data: bytes) -> None:
        try:
            choice = choices[0]
            delta = choice.get("delta") or {}
            has_content = any(map(delta.get, _CONTENT))
        except (AttributeError, KeyError, TypeError):
            raise ProtocolError("a choice without a delta") from None
        if has_content:
            self.content(data)
        self.choice(delta)
        if reason := choice.get("finish_reason"):
            self.finish_reason = str(reason)

    def choice(self, delta: dict[str, Any]) -> None:
        """What a choice brought; for who wants more of it than whether it has content.

        Raises:
            ProtocolError: it cannot be read.
        """

    def _usage(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self.usage(usage.get("prompt_tokens"), usage.get("completion_tokens"))

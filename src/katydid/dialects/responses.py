"""The dialect `openai-responses`: OpenAI's responses, as vLLM, llama.cpp and LiteLLM speak them too.

Events are named and numbered. `response.completed` is the proper end and brings the usage; so does
`response.incomplete`, where the answer was as long as it may be. There is no end mark, though some
servers send `[DONE]` all the same.
"""

import re
from typing import Any

from katydid.core.counting import Shape
from katydid.core.errors import ProtocolError
from katydid.core.jsontext import json_bytes
from katydid.dialects.base import Answer, Generation, Message, OpenAiAccess, member
from katydid.dialects.content import text_of, tokens_in
from katydid.dialects.loading import load_object
from katydid.dialects.reading import SseReading, StreamReading

_CONTENT = frozenset(
    f"response.{part}.delta"
    for part in (
        "output_text", "refusal", "reasoning", "reasoning_text", "reasoning_summary_text", "function_call_arguments",
        "custom_tool_call_input",
    )
)  # fmt: skip
CALLS = ("function_call", "custom_tool_call")
"""Items that are calls of tools."""
_OTHER = (*CALLS, "reasoning")


class Responses(OpenAiAccess):
    """See `base.Dialect`."""

    name = "openai-responses"
    endpoint = "/v1/responses"

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """A response that the target does not keep; the API has no seed."""
        request: dict[str, Any] = {
            "model": generation.model,
            "input": messages,
            "max_output_tokens": generation.max_tokens,
            "temperature": generation.temperature,
            "stream": stream,
            "store": False,
        }
        return json_bytes(request | generation.extra)

    def reading(self, check: str) -> StreamReading:
        """See `base.Dialect.reading`."""
        return ResponsesReading(check)

    def parse_answer(self, body: bytes) -> Answer:
        """The text of all messages in `output`."""
        value = load_object(body)
        try:
            parts = [part for item in value["output"] for part in item.get("content") or []]
            other = any(item.get("type") in _OTHER for item in value["output"])
            text = "".join(text_of(part.get("text")) for part in parts if part.get("type") == "output_text")
        except (AttributeError, KeyError, TypeError):
            raise ProtocolError("not a response") from None
        tokens = tokens_in(value.get("usage"), "input_tokens", "output_tokens")
        return Answer(text, _reason(value), *tokens, other)


class ResponsesReading(SseReading):
    """One streamed response."""

    shape = Shape(
        start=b"event: response.output_text.delta\ndata: ",
        separator=b"\n\n",
        marker=re.compile(rb'"delta":\s?"'),
    )

    def event(self, name: bytes, data: bytes) -> None:
        """See `SseReading.event`; the type stands in the data too."""
        if data == b"[DONE]":
            return
        value = load_object(data)
        kind = value.get("type")
        if isinstance(kind, str) and kind in _CONTENT:
            if value.get("delta"):
                self.content(data)
        elif kind == "response.output_item.added":
            if member(value, "item", data).get("type") in CALLS:  # a call begins with its function's name
                self.content(data)
        elif kind in {"response.completed", "response.incomplete"}:
            self._end(member(value, "response", data))
        elif kind == "response.failed":
            response = member(value, "response", data)
            self.refuse(response.get("error") or "the response failed")
        elif kind == "error" or name == b"error":
            self.refuse(value.get("error") or value)
        elif self.full and not isinstance(kind, str):
            raise ProtocolError(f"an event without a type: {data[:160].decode('utf-8', 'replace')}")

    def _end(self, response: dict[str, Any]) -> None:
        usage = response.get("usage")
        if isinstance(usage, dict):
            self.usage(usage.get("input_tokens"), usage.get("output_tokens"))
        self.finish_reason = _reason(response)
        self.done = True


def _reason(response: dict[str, Any]) -> str:
    """Why it ended: the reason of an incomplete response, else its status."""
    details = response.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    return str(reason or response.get("status") or "completed")

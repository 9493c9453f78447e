"""The dialect `openai-responses`: OpenAI's Responses API, which vLLM, llama.cpp and LiteLLM support too.

Events are named and numbered. The last event is `response.completed`, or `response.incomplete` if the answer reached
its maximum length; it carries the usage. The API has no end mark, but some servers send `[DONE]` anyway.
"""

from katydid.dialects.base import Access, Answer, Generation, Message, member
from katydid.dialects.loading import is_content, load_object, shown, text_of
from katydid.dialects.status import failed_reason
from katydid.dialects.stream_parser import DONE, SseStreamParser, StreamParser
from katydid.dialects.usage import TokenDetails, tokens_in
from katydid.model.errors import ProtocolError
from katydid.model.jsontext import json_bytes
from katydid.protocol.counting import Shape

_CONTENT = frozenset(
    f"response.{part}.delta"
    for part in (
        "output_text", "refusal", "reasoning", "reasoning_text", "reasoning_summary_text", "function_call_arguments",
        "custom_tool_call_input", "mcp_call_arguments", "code_interpreter_call_code", "audio", "audio.transcript",
        "output_audio", "output_audio_transcript",
    )
)  # fmt: skip
CALLS = ("function_call", "custom_tool_call")
"""Types of items that are tool calls."""
_OTHER = (*CALLS, "reasoning")
_ENDS = frozenset(f"response.{end}" for end in ("completed", "incomplete", "failed", "cancelled"))
_GOING_ON = ("queued", "in_progress")


class Responses(Access):
    """See `base.Dialect`."""

    name = "openai-responses"
    endpoint = "/v1/responses"

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """A request whose answer the server need not store; the API has no seed."""
        request: dict[str, object] = {
            "model": generation.model,
            "input": [_item(message) for message in messages],
            "max_output_tokens": generation.max_tokens,
            "temperature": generation.temperature,
            "stream": stream,
            "store": False,
        }
        return json_bytes(request | generation.extra)

    def kept(self, answer_id: str | None) -> dict[str, object]:
        """See `base.Dialect`."""
        return {"store": True} | ({"previous_response_id": answer_id} if answer_id else {})

    def stream_parser(self, check: str) -> StreamParser:
        """See `base.Dialect.stream_parser`."""
        return ResponsesStreamParser(check)

    def parse_answer(self, body: bytes) -> Answer:
        """The text of all messages in the member `output`."""
        value = load_object(body)
        try:
            parts = [part for item in value["output"] for part in item.get("content") or []]
            other = any(item.get("type") in _OTHER for item in value["output"])
            text = "".join(text_of(part.get("text")) for part in parts if part.get("type") == "output_text")
        except (AttributeError, KeyError, TypeError):
            raise ProtocolError("not a response") from None
        usage = value.get("usage")
        tokens = tokens_in(usage, "input_tokens", "output_tokens")
        return Answer(text, _reason(value), *tokens, other, _failure(value), details=TokenDetails.of(usage))


def _item(message: Message) -> Message:
    """A message with this API's part types; llama.cpp rejects an assistant message without them."""
    content, is_answer = message.get("content"), message.get("role") == "assistant"
    if is_answer and isinstance(content, str):
        return {"type": "message"} | message | {"content": [{"type": "output_text", "text": content}]}
    if not isinstance(content, list):
        return message
    kind = "output_text" if is_answer else "input_text"
    texts = [isinstance(part, dict) and part.get("type") == "text" for part in content]
    parts = [part | {"type": kind} if is_text else part for part, is_text in zip(content, texts, strict=True)]
    return message | {"content": parts}


class ResponsesStreamParser(SseStreamParser):
    """One streamed response."""

    shape = Shape(
        start=b"event: response.output_text.delta\ndata: ",
        separator=b"\n\n",
        texts=frozenset({b"delta"}),
    )

    def event(self, name: bytes, data: bytes) -> None:  # noqa: ARG002 - the type is in the data
        """See `SseStreamParser.event`."""
        if data == DONE:
            return
        value = load_object(data)
        kind = value.get("type")
        if error := value.get("error"):
            self.on_error(error)
        elif isinstance(kind, str):
            self._typed(kind, value, data)
        elif self.full:
            raise ProtocolError(f"an event without a type: {shown(data)}")

    def _typed(self, kind: str, value: dict[str, object], data: bytes) -> None:
        if kind in _CONTENT:
            if is_content(value.get("delta")):
                text = value["delta"] if kind == "response.output_text.delta" else None
                self.content(data, visible=not kind.startswith("response.reasoning"), text=text)
        elif kind == "response.output_item.added":
            if member(value, "item", data).get("type") in CALLS:  # a call begins with its function's name
                self.content(data)
        elif kind in _ENDS:
            self._end(kind, member(value, "response", data))
        elif kind == "error":
            self.on_error(value)

    def is_end(self, data: bytes) -> bool:
        """See `SseStreamParser.is_end`."""
        return b'"response.' in data and load_object(data).get("type") in _ENDS

    def _end(self, kind: str, response: dict[str, object]) -> None:
        """Take the last event: usage, status and errors; without a status, the event's name gives it."""
        usage = response.get("usage")
        self.usage(*tokens_in(usage, "input_tokens", "output_tokens"), usage)
        if failure := _failure({"status": kind.removeprefix("response."), **response}):
            self.on_error(failure)
        self.finish_reason = _reason(response)
        self.answer_id = str(response.get("id") or "") or None
        self.done = True


def _failure(response: dict[str, object]) -> object:
    """The failure that a response reports by its error, status or reason; reaching the maximum length is none."""
    reason = _reason(response)
    return response.get("error") or failed_reason(response.get("status"), "status") or failed_reason(reason, "reason")


def _reason(response: dict[str, object]) -> str | None:
    """Why the response ended: the reason if it is incomplete, else its status; None if it has not ended."""
    details = response.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    ended = reason or response.get("status") or "completed"
    return None if ended in _GOING_ON else str(ended)

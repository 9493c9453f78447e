"""Tool calls in OpenAI's chat completions, streamed and non-streamed, and tools that the server runs itself.

Every event is parsed, whatever `--check` says: a call can only be checked if all of it is read.
"""

from typing import Any

from katydid.dialects.answer_parser import AnswerParser
from katydid.dialects.base import Message
from katydid.dialects.loading import load_object, text_of
from katydid.dialects.openai import OpenAi, OpenAiStreamParser
from katydid.model.errors import ProtocolError
from katydid.protocol.toolcalls import CallAssembler, Tool, ToolCall

PROGRESS = b"tool_progress"
"""The event that reports a tool run by the server: `{"name": ..., "status": "started"}`, later "finished"."""
STARTED, FINISHED = "started", "finished"


def declared(tools: tuple[Tool, ...], *, parallel: bool) -> dict[str, object]:
    """The body fields that declare a request's tools."""
    functions = [
        {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": t.parameters}}
        for t in tools
    ]
    return {"tools": functions, "tool_choice": "auto", "parallel_tool_calls": parallel}


def answered(calls: list[ToolCall], results: list[str]) -> list[Message]:
    """The messages that return the results of a turn's tool calls to the model."""
    asked = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
    ]
    replies = [
        {"role": "tool", "tool_call_id": call.id, "content": result}
        for call, result in zip(calls, results, strict=True)
    ]
    return [{"role": "assistant", "content": None, "tool_calls": asked}, *replies]


class StreamedTurn(OpenAiStreamParser):
    """One streamed turn: its text and its tool calls.

    Attributes:
        progress: (name, status) of each progress event of a tool that the server ran itself, in order.
    """

    def __init__(self) -> None:
        super().__init__("full")
        self.keep_text()
        self.progress: list[tuple[str, str]] = []
        self._assembler = CallAssembler()

    @property
    def calls(self) -> list[ToolCall]:
        """The assembled tool calls."""
        return self._assembler.calls()

    def event(self, name: bytes, data: bytes) -> None:
        """See `SseStreamParser.event`."""
        if name == PROGRESS:
            report = load_object(data)
            self.progress.append((str(report.get("name")), str(report.get("status"))))
            self.content(data)  # the user sees that something happens
            return
        super().event(name, data)

    def choice(self, delta: dict[str, Any]) -> None:
        """See `OpenAiStreamParser.choice`."""
        try:
            for piece in delta.get("tool_calls") or []:
                function = piece.get("function") or {}
                index = piece.get("index")
                self._assembler.add(
                    None if index is None else int(index),
                    piece.get("id"),
                    function.get("name"),
                    function.get("arguments"),
                )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ProtocolError(f"a tool call that cannot be read: {error}") from None


class WholeTurn(AnswerParser):
    """One non-streamed turn."""

    def __init__(self) -> None:
        super().__init__(OpenAi())
        self.text = ""
        self.calls: list[ToolCall] = []
        self.progress: list[tuple[str, str]] = []

    def read(self, body: bytes) -> None:
        """See `AnswerParser.read`."""
        super().read(body)
        message = load_object(body)["choices"][0]["message"]
        self.text = text_of(message.get("content"))
        assembler = CallAssembler()  # the same limits and types apply as to a streamed call
        try:
            for index, call in enumerate(message.get("tool_calls") or []):
                function = call["function"]
                assembler.add(index, call.get("id"), function["name"], function.get("arguments"))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ProtocolError(f"a tool call that cannot be read: {error}") from None
        self.calls = assembler.calls()

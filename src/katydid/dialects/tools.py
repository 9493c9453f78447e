"""Tool calls of OpenAI's chat completions, streamed and whole; and tools that the server runs itself.

Every event is parsed, whatever `--check` says: a call can only be checked when all of it was read.
"""

from typing import Any

from katydid.dialects.answer_parser import AnswerParser
from katydid.dialects.base import Message
from katydid.dialects.loading import load_object, text_of
from katydid.dialects.openai import OpenAi, OpenAiStreamParser
from katydid.model.errors import ProtocolError
from katydid.protocol.toolcalls import CallAssembler, Tool, ToolCall

PROGRESS = b"tool_progress"
"""The event by which a server that runs tools itself tells of it: `{"name": ..., "status": "started"}`, "finished"."""
STARTED, FINISHED = "started", "finished"


def declared(tools: tuple[Tool, ...], *, parallel: bool) -> dict[str, object]:
    """What a request says of its tools."""
    functions = [
        {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": t.parameters}}
        for t in tools
    ]
    return {"tools": functions, "tool_choice": "auto", "parallel_tool_calls": parallel}


def answered(calls: list[ToolCall], results: list[str]) -> list[Message]:
    """The messages that bring the results of a turn's calls back to the model."""
    asked = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
    ]
    told = [
        {"role": "tool", "tool_call_id": call.id, "content": result}
        for call, result in zip(calls, results, strict=True)
    ]
    return [{"role": "assistant", "content": None, "tool_calls": asked}, *told]


class StreamedTurn(OpenAiStreamParser):
    """One streamed turn: its text and its calls.

    Attributes:
        progress: (name, status) of tools that the server ran itself, in order.
    """

    def __init__(self) -> None:
        super().__init__("full")
        self.keep_text()
        self.progress: list[tuple[str, str]] = []
        self._assembler = CallAssembler()

    @property
    def calls(self) -> list[ToolCall]:
        """The calls, put together."""
        return self._assembler.calls()

    def event(self, name: bytes, data: bytes) -> None:
        """See `SseStreamParser.event`."""
        if name == PROGRESS:
            told = load_object(data)
            self.progress.append((str(told.get("name")), str(told.get("status"))))
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
    """One turn in one piece."""

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
        assembler = CallAssembler()  # a call in one piece has the same limits and types as one in many
        try:
            for index, call in enumerate(message.get("tool_calls") or []):
                function = call["function"]
                assembler.add(index, call.get("id"), function["name"], function.get("arguments"))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ProtocolError(f"a tool call that cannot be read: {error}") from None
        self.calls = assembler.calls()

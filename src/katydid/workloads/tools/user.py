"""The workload `tools`: conversations with a fixed number of tool calls, checked call by call.

One iteration is one conversation: a request a turn, each with its row (`kind` is `request`), and a row for
the whole (`kind` is `iteration`), which counts for no rate and no threshold. A wrong call fails its
request, and with it the conversation.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import gevent

from katydid.dialects.base import Message
from katydid.dialects.tools import FINISHED, STARTED, StreamedTurn, WholeTurn, answered, declared
from katydid.engine.measuring import measure_whole
from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.engine.user import PacedUser
from katydid.model.errors import ConfigError
from katydid.model.sample import ErrorClass, Outcome, Sample
from katydid.protocol.toolbox import TOOLBOX, plan, run_tool
from katydid.protocol.toolcalls import ToolCall, wrong_calls
from katydid.transport.exchange import Request
from katydid.workloads.tools import ToolsOptions


class ToolsService(ChatService[ToolsOptions]):
    """A model with tools; OpenAI's chat completions only."""

    makes = False

    def __init__(self, options: ToolsOptions, host: str) -> None:
        super().__init__(options, host)
        if options.api != "openai":
            raise ConfigError(f"--api {options.api}: the workload tools speaks openai only")
        if options.tools_side == "server" and options.tools_answers == "whole":
            raise ConfigError("--tools-side server tells its progress in a stream: leave out --tools-answers whole")
        self.plan = plan(options.tool_calls)

    def opening(self) -> list[Message]:
        """What a conversation begins with."""
        how = "all in one turn" if self.options.tool_turns == "parallel" else "one after the other"
        order = ", then ".join(self.plan)
        task = (
            f"Use the tools {how}, each exactly once per mention, in this order: {order}. Then answer in one sentence."
        )
        return [{"role": "user", "content": f"What are weather, time and prices like in Lisbon? {task}"}]

    def turns(self) -> list[list[str]]:
        """The calls that each turn should bring; the last one brings the answer."""
        if self.options.tools_side == "server":
            return [[]]
        if self.options.tool_turns == "parallel":
            return [self.plan, []]
        return [*([name] for name in self.plan), []]

    @property
    def streams(self) -> bool:  # type: ignore[override]  # here an option says it
        """Whether answers are streamed."""
        return self.options.tools_answers == "stream"

    def turn(self, messages: Sequence[Message], request_id: str) -> Request:
        """The request of one turn."""
        options = self.options
        parallel = options.tool_turns == "parallel"
        extra = declared(TOOLBOX, parallel=parallel) if options.tools_side == "client" else {}
        body = self.body(list(messages), extra, stream=self.streams)
        return self.post(body, request_id)

    def facts(self) -> dict[str, object]:
        """See `service.Service.facts`; the prompts are this workload's own."""
        return {**super().facts(), "prompts": "tools", "tools": [tool.name for tool in TOOLBOX]}


class ToolsUser(PacedUser[ToolsOptions, ToolsService]):
    """Holds conversations, runs the tools that the model calls, and checks every call.

    Columns:
        kind: `request`, or `iteration` for the row of a whole conversation, which counts for no rate.
        turn: of the conversation, from 0.
        tool_calls: that the model made in it.
        conversation_ms: from the start of the first request to the end of the last; of right conversations.
    """

    abstract = True
    workload = "tools"
    service_class = ToolsService
    options_class: ClassVar[type[RunOptions]] = ToolsOptions
    request_type = "TOOLS"
    extra_columns: ClassVar[dict[str, type]] = {
        "kind": str,
        "turn": int,
        "tool_calls": int,
        "conversation_ms": float,
    }

    def iterate(self, scheduled: float) -> None:
        """One conversation."""
        talk = _Conversation(self.service.opening())
        with self.sampled(scheduled, "conversation", counts=False) as whole:
            whole.extra["kind"] = "iteration"
            for turn, expected in enumerate(self.service.turns()):
                last = self._turn(talk, turn, expected, scheduled)
                measure_whole(whole, last, talk.began_ms, self.now_ms())
                if last.outcome is not Outcome.OK:
                    break
                scheduled = time.monotonic()
            whole.extra["tool_calls"] = talk.calls

    def _turn(self, talk: "_Conversation", turn: int, expected: list[str], scheduled: float) -> Sample:
        """One request: ask, check, and run the tools that it calls."""
        with self.sampled(scheduled) as sample:
            sample.extra |= {"kind": "request", "turn": turn}
            parser = self._ask(talk, sample)
            calls = parser.calls
            count = len(calls) or sum(status == STARTED for _, status in parser.progress)
            sample.extra["tool_calls"] = count
            talk.calls += count
            talk.began_ms = sample.start_ms if talk.began_ms is None else talk.began_ms
            if sample.outcome is Outcome.OK and (problem := self._problem(talk, expected, parser)) is not None:
                sample.fail(ErrorClass.WRONG_TOOL_CALLS, problem)
            if sample.outcome is Outcome.OK and not expected and talk.began_ms is not None:
                sample.extra["conversation_ms"] = self.now_ms() - talk.began_ms
        if sample.outcome is Outcome.OK and calls:
            self._run_tools(talk, calls)
        return sample

    def _ask(self, talk: "_Conversation", sample: Sample) -> StreamedTurn | WholeTurn:
        """Send a turn and time its answer."""
        parser = StreamedTurn() if self.service.streams else WholeTurn()
        self.exchange(sample, self.service.turn(talk.messages, sample.request_id), parser)
        return parser

    def _problem(self, talk: "_Conversation", expected: list[str], parser: StreamedTurn | WholeTurn) -> str | None:
        """What is wrong with the calls, the answer, or the progress of tools that the server ran."""
        service = self.service
        if (problem := wrong_calls(parser.calls, expected, TOOLBOX, talk.ids)) is not None:
            return problem
        if not expected and not parser.text:
            return "no text in the final answer"
        if service.options.tools_side == "server":
            wanted = [(name, status) for name in service.plan for status in (STARTED, FINISHED)]
            if parser.progress != wanted:
                told = ", ".join(f"{name} {status}" for name, status in parser.progress) or "nothing"
                return f"the server told of {told}"
        return None

    def _run_tools(self, talk: "_Conversation", calls: list[ToolCall]) -> None:
        """Run the tools, and put their results into the conversation."""
        options = self.options
        if options.tool_latency:
            gevent.sleep(options.tool_latency * len(calls))
        results = [run_tool(call.name, call.parsed(), options.seed) for call in calls]
        talk.messages += answered(calls, results)
        talk.ids |= {call.id for call in calls}


@dataclass
class _Conversation:
    """How far a conversation has come.

    Attributes:
        ids: of all calls until now.
        calls: how many there were.
        began_ms: start of its first request.
    """

    messages: list[Message]
    ids: frozenset[str] = frozenset()
    calls: int = 0
    began_ms: float | None = None

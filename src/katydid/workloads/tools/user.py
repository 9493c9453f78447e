"""The workload `tools`: conversations with a fixed number of tool calls, checked call by call.

One iteration is one conversation. Each turn is a request with its own row (`kind` is `request`); the whole
conversation has another row (`kind` is `iteration`), which counts in no rate and no threshold. A wrong call fails its
request and the conversation.
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
    """A model that calls tools, over OpenAI's chat completions API."""

    makes = False

    def __init__(self, options: ToolsOptions, host: str) -> None:
        super().__init__(options, host)
        if options.api != "openai":
            raise ConfigError(f"--api {options.api}: the workload tools supports only --api openai")
        if options.tools_side == "server" and options.tools_answers == "whole":
            raise ConfigError("--tools-side server needs streamed answers: leave out --tools-answers whole")
        self.plan = plan(options.tool_calls)

    def opening(self) -> list[Message]:
        """Return the first message of a conversation."""
        how = "all in one turn" if self.options.tool_turns == "parallel" else "one after the other"
        order = ", then ".join(self.plan)
        task = (
            f"Use the tools {how}, each exactly once per mention, in this order: {order}. Then answer in one sentence."
        )
        return [{"role": "user", "content": f"What are weather, time and prices like in Lisbon? {task}"}]

    def turns(self) -> list[list[str]]:
        """Return the calls expected in each turn; the last turn has none, but the final answer."""
        if self.options.tools_side == "server":
            return [[]]
        if self.options.tool_turns == "parallel":
            return [self.plan, []]
        return [*([name] for name in self.plan), []]

    @property
    def streams(self) -> bool:  # type: ignore[override]  # an option decides
        """Return True if answers are streamed."""
        return self.options.tools_answers == "stream"

    def turn(self, messages: Sequence[Message], request_id: str) -> Request:
        """Return the request of one turn."""
        options = self.options
        parallel = options.tool_turns == "parallel"
        extra = declared(TOOLBOX, parallel=parallel) if options.tools_side == "client" else {}
        return self.post(self.body(list(messages), extra, stream=self.streams), request_id)

    def facts(self) -> dict[str, object]:
        """See `service.Service.facts`; this workload has its own prompt."""
        return {**super().facts(), "prompts": "tools", "tools": [tool.name for tool in TOOLBOX]}


class ToolsUser(PacedUser[ToolsOptions, ToolsService]):
    """Holds conversations, runs the tools that the model calls, and checks every call.

    Columns:
        kind: `request` for a turn, `iteration` for the row of a whole conversation, which counts in no rate.
        turn: number of the turn, from 0.
        tool_calls: number of calls that the model made.
        conversation_ms: from the start of the first request to the end of the last, for correct conversations.
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
        """Hold one conversation."""
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
        """Send one turn, check its calls, and run the tools that it calls."""
        with self.sampled(scheduled) as sample:
            sample.extra |= {"kind": "request", "turn": turn}
            parser = StreamedTurn() if self.service.streams else WholeTurn()
            self.exchange(sample, self.service.turn(talk.messages, sample.request_id), parser)
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

    def _problem(self, talk: "_Conversation", expected: list[str], parser: StreamedTurn | WholeTurn) -> str | None:
        """Return what is wrong with the calls, the answer, or the reported tool progress; None if nothing is."""
        service = self.service
        if (problem := wrong_calls(parser.calls, expected, TOOLBOX, talk.ids)) is not None:
            return problem
        if not expected and not parser.text:
            return "no text in the final answer"
        if service.options.tools_side == "server":
            wanted = [(name, status) for name in service.plan for status in (STARTED, FINISHED)]
            if parser.progress != wanted:
                progress = ", ".join(f"{name} {status}" for name, status in parser.progress) or "none"
                return f"wrong tool progress from the target: {progress}"
        return None

    def _run_tools(self, talk: "_Conversation", calls: list[ToolCall]) -> None:
        options = self.options
        if options.tool_latency:
            gevent.sleep(options.tool_latency * len(calls))
        results = [run_tool(call.name, call.parsed(), options.seed) for call in calls]
        talk.messages += answered(calls, results)
        talk.ids |= {call.id for call in calls}


@dataclass
class _Conversation:
    """The state of one conversation.

    Attributes:
        ids: ids of all calls so far.
        calls: number of calls so far.
        began_ms: start of the first request.
    """

    messages: list[Message]
    ids: frozenset[str] = frozenset()
    calls: int = 0
    began_ms: float | None = None

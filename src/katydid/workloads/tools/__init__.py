"""The workload `tools`: conversations with tool calls, checked call by call."""

from dataclasses import dataclass

from katydid.engine.options import RunOptions
from katydid.model.options import NOT_NEGATIVE, POSITIVE, at_most, option
from katydid.model.options.quantities import count, duration
from katydid.model.workload import Workload, register
from katydid.workloads.tools.correctness import correctness, correctness_answer, correctness_section


@dataclass(frozen=True, kw_only=True)
class ToolsOptions(RunOptions):
    """Options of the workload `tools`."""

    tool_calls: int = option(2, "tool calls per conversation", kind=count, rule=POSITIVE, most=at_most(1000))
    tool_latency: float = option(0.0, "seconds that each local tool call takes", kind=duration, rule=NOT_NEGATIVE)
    tool_turns: str = option(
        "sequential",
        "sequential = one call per turn; parallel = all calls in one turn",
        choices=("sequential", "parallel"),
    )
    tools_side: str = option(
        "client", "who runs the tools: client = this generator; server = the target, which reports their progress",
        choices=("client", "server"),
    )  # fmt: skip
    tools_answers: str = option("stream", "how turns are answered: streamed, or whole", choices=("stream", "whole"))


register(
    Workload(
        name="tools",
        options=ToolsOptions,
        user="katydid.workloads.tools.user:ToolsUser",
        summarise=correctness,
        answer=correctness_answer,
        sections=(correctness_section,),
    )
)

"""The workload `tools`: conversations with tool calls, checked call by call."""

from katydid.model.workload import Workload, register
from katydid.workloads.tools.correctness import correctness, correctness_section

register(
    Workload(
        name="tools",
        user="katydid.workloads.tools.user:ToolsUser",
        summarise=correctness,
        sections=(correctness_section,),
    )
)

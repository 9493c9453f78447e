"""What an answer of the embedded target does about tools: its calls, its progress, and the faults in them."""

from dataclasses import replace

from katydid.protocol.toolbox import plan
from katydid.target.apis.base import Ask
from katydid.target.apis.tools import TOLD_FAULTS, calls_of, misreported, spoiled
from katydid.target.faults import choose_fault
from katydid.target.settings import TargetSettings


def with_tools(ask: Ask, settings: TargetSettings, number: int) -> tuple[Ask, str | None]:
    """The request with what its answer does about tools, and the fault in that, on which its number decides."""
    if settings.server_tools and ask.stream and ask.toolset is None:
        return _with_progress(ask, settings, number)
    if ask.toolset is None or not (calls := calls_of(ask.toolset, settings.tool_calls, number)):
        return ask, None
    fault = choose_fault(settings.tool_failure_rates, settings.seed, number, "tool fault")
    if fault is not None:
        calls = spoiled(calls, fault, ask.toolset)
    return replace(ask, calls=calls), fault


def _with_progress(ask: Ask, settings: TargetSettings, number: int) -> tuple[Ask, str | None]:
    """Tools that the target runs itself, and tells of."""
    told = tuple(plan(settings.server_tools))
    rates = {name: rate for name, rate in settings.tool_failure_rates.items() if name in TOLD_FAULTS}
    fault = choose_fault(rates, settings.seed, number, "tool fault")
    if fault is not None:
        told = misreported(told, fault)
    return replace(ask, progress=told), fault

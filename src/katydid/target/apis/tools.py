"""Tool calls of the embedded target: the calls that an answer makes or reports, and faults in them.

A conversation gets a fixed number of calls, of the declared tools in their order. The number of results in the
conversation determines the next call.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from katydid.model.jsontext import json_bytes
from katydid.protocol.toolbox import plan
from katydid.target.apis.base import Ask, Call, Tool, Toolset
from katydid.target.faults import PROGRESS_FAULTS, choose_fault
from katydid.target.settings import TargetSettings
from katydid.target.wire.http import RequestError


def read_toolset(body: dict[str, Any], messages: Sequence[object]) -> Toolset | None:
    """Read the tools of a chat completions request; None if it declares none."""
    if not body.get("tools"):
        return None
    try:
        functions = [tool["function"] for tool in body["tools"]]
        tools = tuple(Tool(str(f["name"]), dict(f.get("parameters") or {})) for f in functions)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise RequestError("'tools' must be a list of functions") from None
    return Toolset(tools, _results(messages), body.get("parallel_tool_calls") is not False)


def _results(messages: Sequence[Any]) -> int:
    asked: set[str] = set()
    results = 0
    for message in messages:
        if message.get("role") == "user":
            asked, results = set(), 0
        for call in message.get("tool_calls") or ():
            asked.add(str(call.get("id")))
        if message.get("role") == "tool":
            if str(message.get("tool_call_id")) not in asked:
                raise RequestError(f"'tool_call_id' {message.get('tool_call_id')!r} does not answer any call")
            results += 1
    return results


def calls_of(toolset: Toolset, total: int, number: int) -> tuple[Call, ...]:
    """Return the calls of request `number` in a conversation of `total` calls; empty if it has results for all."""
    left = range(toolset.results, total)
    wanted = left if toolset.parallel else left[:1]
    return tuple(
        Call(f"call_{number}_{k}", tool.name, _arguments(tool, number + k))
        for k in wanted
        for tool in (toolset.tools[k % len(toolset.tools)],)
    )


def spoiled(calls: tuple[Call, ...], fault: str, toolset: Toolset) -> tuple[Call, ...]:
    """Return the calls with a fault in the last one."""
    *rest, last = calls
    match fault:
        case "wrong_name":
            last = replace(last, name=last.name + "_now")
        case "broken_json":
            last = replace(last, arguments=last.arguments[:-1])
        case "missing_id":
            last = replace(last, id="")
        case "wrong_arguments":
            last = replace(last, arguments="{}")
        case "one_call_too_few":
            return tuple(rest)
        case "wrong_order" if rest:
            return (last, *rest)
        case _:
            names = [tool.name for tool in toolset.tools]
            other = toolset.tools[(names.index(last.name) + 1) % len(names)]
            last = Call(last.id, other.name, _arguments(other, 0))
    return (*rest, last)


def misreported(names: tuple[str, ...], fault: str) -> tuple[str, ...]:
    """Return the tools that the server reports to have run, with one of `PROGRESS_FAULTS` in the last one."""
    *rest, last = names
    match fault:
        case "one_call_too_few":
            return tuple(rest)
        case "wrong_order" if rest and last != rest[0]:
            return (last, *rest)
        case _:
            return (*rest, last + "_now")


def _arguments(tool: Tool, number: int) -> str:
    dice = random.Random(f"arguments {number}")  # noqa: S311 - a script, not a secret
    properties = tool.parameters.get("properties") or {}
    return json_bytes({name: _value(schema, dice) for name, schema in properties.items()}).decode()


def _value(schema: dict[str, Any], dice: random.Random) -> object:
    if schema.get("enum"):
        return dice.choice(schema["enum"])
    kinds = {"number": dice.randrange(1, 1000) / 10, "integer": dice.randrange(1, 100), "boolean": True}
    return kinds.get(str(schema.get("type")), dice.choice(("Lisbon", "Ōsaka", 'São "Paulo"')))


def with_tools(ask: Ask, settings: TargetSettings, number: int) -> tuple[Ask, str | None]:
    """Return the request with the tool calls or progress of its answer, and the fault in them, chosen by number."""
    rates = settings.tool_failure_rates
    if settings.server_tools and ask.stream and ask.toolset is None:
        progress = tuple(plan(settings.server_tools))
        rates = {name: rate for name, rate in rates.items() if name in PROGRESS_FAULTS}
        fault = choose_fault(rates, settings.seed, number, "tool fault")
        return replace(ask, progress=misreported(progress, fault) if fault else progress), fault
    if ask.toolset is None or not (calls := calls_of(ask.toolset, settings.tool_calls, number)):
        return ask, None
    fault = choose_fault(rates, settings.seed, number, "tool fault")
    return replace(ask, calls=spoiled(calls, fault, ask.toolset) if fault else calls), fault

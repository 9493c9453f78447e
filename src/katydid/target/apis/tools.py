"""Tool calls of the embedded target: which ones an answer makes or tells of, and what can be wrong with them.

A conversation gets a fixed number of calls, of the tools that the request declares, in their order; which
one is next follows from the results that the conversation already has.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from katydid.model.jsontext import json_bytes
from katydid.protocol.toolbox import plan
from katydid.target.faults import choose_fault
from katydid.target.wire.http import RequestError

if TYPE_CHECKING:
    from katydid.target.apis.base import Ask
    from katydid.target.settings import TargetSettings

TOOL_FAULTS = {
    "wrong_name": "calls a tool that was not declared",
    "broken_json": "cuts the arguments off",
    "missing_id": "gives the call no id",
    "wrong_arguments": "leaves out an argument that is required",
    "one_call_too_few": "answers before the last call was made",
    "wrong_order": "calls the tools in another order",
}

TOLD_FAULTS = ("wrong_name", "one_call_too_few", "wrong_order")
"""Those that a server which runs the tools itself can have: its progress names tools, and nothing else."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A tool of a request."""

    name: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Toolset:
    """What a request says of tools.

    Attributes:
        results: that the conversation has since the user last said something.
        parallel: whether several calls may come in one turn.
    """

    tools: tuple[Declared, ...]
    results: int
    parallel: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A call that an answer makes."""

    id: str
    name: str
    arguments: str


def read_toolset(body: dict[str, Any], messages: Sequence[object]) -> Toolset | None:
    """The tools of a chat completion's request; None where it declares none.

    Raises:
        RequestError: a declaration or a result cannot be understood.
    """
    if not body.get("tools"):
        return None
    try:
        functions = [tool["function"] for tool in body["tools"]]
        tools = tuple(Declared(str(f["name"]), dict(f.get("parameters") or {})) for f in functions)
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
                raise RequestError(f"'tool_call_id' {message.get('tool_call_id')!r} answers no call")
            results += 1
    return results


def calls_of(toolset: Toolset, total: int, number: int) -> tuple[Call, ...]:
    """The calls of request `number`, in a conversation that gets `total` of them; none where it has them all."""
    left = range(toolset.results, total)
    wanted = left if toolset.parallel else left[:1]
    return tuple(
        Call(f"call_{number}_{k}", tool.name, _arguments(tool, number + k))
        for k in wanted
        for tool in (toolset.tools[k % len(toolset.tools)],)
    )


def spoiled(calls: tuple[Call, ...], fault: str, toolset: Toolset) -> tuple[Call, ...]:
    """The calls with a fault in the last of them."""
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
    """The tools that a server ran by its own account, with a fault of `TOLD_FAULTS` in the last of them."""
    *rest, last = names
    match fault:
        case "one_call_too_few":
            return tuple(rest)
        case "wrong_order" if rest and last != rest[0]:
            return (last, *rest)
        case _:
            return (*rest, last + "_now")


def _arguments(tool: Declared, number: int) -> str:
    dice = random.Random(f"arguments {number}")  # noqa: S311 - a script, not a secret
    properties = tool.parameters.get("properties") or {}
    return json_bytes({name: _value(schema, dice) for name, schema in properties.items()}).decode()


def _value(schema: dict[str, Any], dice: random.Random) -> object:
    if schema.get("enum"):
        return dice.choice(schema["enum"])
    kinds = {"number": dice.randrange(1, 1000) / 10, "integer": dice.randrange(1, 100), "boolean": True}
    return kinds.get(str(schema.get("type")), dice.choice(("Lisbon", "Ōsaka", 'São "Paulo"')))


def with_tools(ask: "Ask", settings: "TargetSettings", number: int) -> tuple["Ask", str | None]:
    """The request with what its answer does about tools, and the fault in that, on which its number decides."""
    if settings.server_tools and ask.stream and ask.toolset is None:
        return _with_progress(ask, settings, number)
    if ask.toolset is None or not (calls := calls_of(ask.toolset, settings.tool_calls, number)):
        return ask, None
    fault = choose_fault(settings.tool_failure_rates, settings.seed, number, "tool fault")
    if fault is not None:
        calls = spoiled(calls, fault, ask.toolset)
    return replace(ask, calls=calls), fault


def _with_progress(ask: "Ask", settings: "TargetSettings", number: int) -> tuple["Ask", str | None]:
    """Tools that the target runs itself, and tells of."""
    told = tuple(plan(settings.server_tools))
    rates = {name: rate for name, rate in settings.tool_failure_rates.items() if name in TOLD_FAULTS}
    fault = choose_fault(rates, settings.seed, number, "tool fault")
    if fault is not None:
        told = misreported(told, fault)
    return replace(ask, progress=told), fault

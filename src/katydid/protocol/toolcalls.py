"""Tool calls: assemble them from streamed pieces; check them against the declared tools and the expected calls.

Pure: knows neither the API nor who runs the tools.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

Schema = Mapping[str, Any]
"""JSON Schema. `invalid` supports objects, arrays, strings, numbers, booleans, `enum`, `required` and
`additionalProperties: false`."""

MOST_CALLS = 128
"""Maximum calls per answer: a faulty target must not make us allocate without limit."""
MOST_ARGUMENTS = 1 << 20
"""Maximum characters of one call's arguments."""

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as declared to the model."""

    name: str
    description: str
    parameters: Schema


@dataclass(slots=True)
class ToolCall:
    """One call as the model wrote it; `arguments` is JSON text."""

    id: str = ""
    name: str = ""
    arguments: str = ""

    def parsed(self) -> Any:
        """The parsed arguments. Parsing is strict: NaN, half a surrogate pair and extreme nesting are errors.

        Raises:
            ValueError: the arguments are not JSON.
        """
        return orjson.loads(self.arguments or "{}")


@dataclass(slots=True)
class CallAssembler:
    """Assembles calls from pieces, which may be interleaved; a piece names its call by index or id.

    Some servers send no index (Gemini), or 0 for every call: then a new id together with a name begins a new call. A
    new id without a name does not.
    """

    _calls: list[tuple[int, ToolCall]] = field(default_factory=list)
    _latest: dict[int | None, ToolCall] = field(default_factory=dict)
    """The call that a piece without an id continues, by index."""
    _by_id: dict[tuple[int | None, str], ToolCall] = field(default_factory=dict)

    def add(self, index: int | None, identity: str | None, name: str | None, arguments: str | None) -> None:
        """Take a piece. Ids and names come once, arguments in parts.

        Raises:
            ValueError: there are too many calls, or too long arguments.
        """
        call = self._call_of(index, str(identity or ""), begins=bool(name))
        self._latest[index] = self._latest[None] = call
        call.name = call.name or str(name or "")
        call.arguments += arguments or ""
        if len(call.arguments) > MOST_ARGUMENTS:
            raise ValueError(f"more than {MOST_ARGUMENTS} characters of arguments in one tool call")

    def _call_of(self, index: int | None, identity: str, *, begins: bool) -> ToolCall:
        call = self._latest.get(index)
        if (index, identity) in self._by_id:
            call = self._by_id[index, identity]
        elif begins and call is not None and call.name and (index is None or (call.id and identity)):
            call = None
        if call is None:
            if len(self._calls) >= MOST_CALLS:
                raise ValueError(f"more than {MOST_CALLS} tool calls in one answer")
            call = ToolCall()
            self._calls.append((len(self._calls) if index is None else index, call))
        call.id = call.id or identity
        if call.id:
            self._by_id.setdefault((index, call.id), call)
        return call

    def calls(self) -> list[ToolCall]:
        """The calls, sorted by index, then by arrival."""
        return [call for _, call in sorted(self._calls, key=lambda each: each[0])]


def wrong_calls(
    calls: Sequence[ToolCall], expected: Sequence[str], tools: Sequence[Tool], used: frozenset[str]
) -> str | None:
    """Describe the first fault of a turn's calls; None if they are correct.

    Args:
        calls: the turn's calls.
        expected: names of the tools to be called, in order.
        tools: the declared tools.
        used: call ids of earlier turns.
    """
    schemas = {tool.name: tool.parameters for tool in tools}
    problem = _wrong_choice([call.name for call in calls], list(expected), schemas)
    seen = set(used)
    for call in calls:
        problem = problem or _wrong_call(call, schemas[call.name], seen)
        seen.add(call.id)
    return problem


def _wrong_choice(names: list[str], expected: list[str], schemas: Mapping[str, Schema]) -> str | None:
    for name in names:
        if name not in schemas:
            return f"called {name!r}, which was not declared"
    if len(names) != len(expected):
        return f"calls: {len(names)} ({', '.join(names) or 'none'}), expected: {len(expected)}"
    if names == expected:
        return None
    what = "order" if sorted(names) == sorted(expected) else "tools"
    return f"wrong {what}: called {', '.join(names)}, expected {', '.join(expected)}"


def _wrong_call(call: ToolCall, schema: Schema, seen: set[str]) -> str | None:
    if not call.id:
        return f"the call of {call.name} has no id"
    if call.id in seen:
        return f"the call of {call.name} has the id of another call"
    try:
        arguments = call.parsed()
    except ValueError:
        return f"the arguments of {call.name} are not JSON: {call.arguments[:80]!r}"
    problem = invalid(arguments, schema, "arguments")
    return f"{call.name}: {problem}" if problem else None


def invalid(value: Any, schema: Schema, where: str) -> str | None:
    """Describe why a value does not match a schema; None if it does. `where` names the value in the message."""
    if "enum" in schema and value not in schema["enum"]:
        return f"{where} is {value!r}, not one of {', '.join(map(str, schema['enum']))}"
    kind = schema.get("type")
    if kind is not None:
        fits = isinstance(value, _TYPES[kind]) and not (isinstance(value, bool) and kind != "boolean")
        if not fits:
            return f"{where} is not {'an' if kind[0] in 'aio' else 'a'} {kind}"
    if kind == "object":
        return _invalid_object(value, schema, where)
    if kind == "array" and "items" in schema:
        problems = (invalid(item, schema["items"], f"{where}[{i}]") for i, item in enumerate(value))
        return next((problem for problem in problems if problem), None)
    return None


def _invalid_object(value: dict[str, object], schema: Schema, where: str) -> str | None:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            return f"{where}.{name} is missing"
    if schema.get("additionalProperties") is False and (unknown := sorted(value.keys() - properties.keys())):
        return f"{where}.{unknown[0]} is unknown"
    problems = (invalid(value[n], s, f"{where}.{n}") for n, s in properties.items() if n in value)
    return next((problem for problem in problems if problem), None)

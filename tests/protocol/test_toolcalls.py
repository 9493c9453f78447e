"""Tool calls put together from pieces, and checked."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from katydid.protocol.toolbox import TOOLBOX, plan, run_tool
from katydid.protocol.toolcalls import MOST_ARGUMENTS, MOST_CALLS, CallAssembler, ToolCall, invalid, wrong_calls

TWO = ["get_weather", "get_time"]
WEATHER = json.dumps({"city": "Lisbon", "unit": "celsius"})
TIME = json.dumps({"city": "Lisbon"})


def calls(*changes):
    made = [ToolCall("1", "get_weather", WEATHER), ToolCall("2", "get_time", TIME)]
    for index, name, value in changes:
        setattr(made[index], name, value)
    return made


def wrong(made, expected=TWO, used=frozenset()):
    return wrong_calls(made, expected, TOOLBOX, used)


def test_right_calls_are_right():
    assert wrong(calls()) is None
    assert wrong([], expected=[]) is None


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ([], "calls: 0 (none), expected: 2"),
        (calls()[:1], "calls: 1 (get_weather), expected: 2"),
        (calls()[::-1], "wrong order"),
        (calls((1, "name", "get_weather"), (1, "arguments", WEATHER)), "wrong tools"),
        (calls((0, "name", "get_weather_now")), "'get_weather_now', which was not declared"),
        (calls((0, "id", "")), "the call of get_weather has no id"),
        (calls((1, "id", "1")), "the call of get_time has the id of another call"),
        (calls((0, "arguments", WEATHER[:-1])), "the arguments of get_weather are not JSON"),
        (calls((0, "arguments", "{}")), "arguments.city is missing"),
        (calls((0, "arguments", '{"city": 1, "unit": "celsius"}')), "arguments.city is not a string"),
        (calls((0, "arguments", '{"city": "x", "unit": "kelvin"}')), "not one of celsius, fahrenheit"),
        (calls((1, "arguments", '{"city": "x", "zone": 1}')), "arguments.zone is unknown"),
        (calls((1, "arguments", "[]")), "arguments is not an object"),
    ],
)
def test_what_is_wrong_is_said(made, words):
    assert words in wrong(made)


def test_an_id_of_an_earlier_turn_is_wrong():
    assert "the id of another call" in wrong(calls(), used=frozenset({"2"}))


def test_a_call_without_arguments_has_none():
    assert ToolCall("1", "x", "").parsed() == {}


@pytest.mark.parametrize(
    ("value", "schema", "problem"),
    [
        (True, {"type": "integer"}, "it is not an integer"),
        (True, {"type": "boolean"}, None),
        (1, {"type": "number"}, None),
        (1.5, {"type": "integer"}, "it is not an integer"),
        ([1, "x"], {"type": "array", "items": {"type": "integer"}}, "it[1] is not an integer"),
        ([1], {"type": "array"}, None),
        ([1, 2], {"type": "array", "items": {"type": "integer"}}, None),
        ({"a": 1}, {"type": "object"}, None),
        ("anything", {}, None),
    ],
)
def test_schemas_are_followed(value, schema, problem):
    assert invalid(value, schema, "it") == problem


@given(st.data())
def test_pieces_may_be_cut_and_interleaved_in_any_way(data):
    assembler = CallAssembler()
    queues = {}
    for index, text in enumerate((WEATHER, TIME)):
        cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
        parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        queues[index] = [(f"id{index}", f"name{index}", ""), *((None, None, part) for part in parts)]
    while any(queues.values()):
        index = data.draw(st.sampled_from([i for i, queue in queues.items() if queue]))
        assembler.add(index, *queues[index].pop(0))
    assert assembler.calls() == [ToolCall("id0", "name0", WEATHER), ToolCall("id1", "name1", TIME)]


def test_calls_without_end_are_refused():
    assembler = CallAssembler()
    for index in range(MOST_CALLS):
        assembler.add(index, "x", "y", "")
    with pytest.raises(ValueError, match="tool calls"):
        assembler.add(MOST_CALLS, "x", "y", "")


def test_arguments_without_end_are_refused():
    assembler = CallAssembler()
    assembler.add(0, None, None, "x" * MOST_ARGUMENTS)
    with pytest.raises(ValueError, match="characters"):
        assembler.add(0, None, None, "x")


def test_results_depend_on_nothing_but_seed_and_arguments():
    arguments = {"city": "Lisbon", "unit": "celsius"}
    assert run_tool("get_weather", arguments, 1) == run_tool("get_weather", dict(reversed(arguments.items())), 1)
    assert run_tool("get_weather", arguments, 1) != run_tool("get_weather", arguments, 2)
    for name in plan(4):
        assert json.loads(run_tool(name, {"amount": 2}, 0))


def test_a_plan_uses_the_tools_in_their_order_again_and_again():
    assert plan(4) == ["get_weather", "get_time", "convert_currency", "get_weather"]


UNDECLARED = "called 'get_weather_now', which was not declared"
ORDERED = "wrong order: called get_time, get_weather, expected get_weather, get_time"
OTHERS = "wrong tools: called get_weather, get_weather, expected get_weather, get_time"
UNIT = "get_weather: arguments.unit is 'kelvin', not one of celsius, fahrenheit"


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (calls((0, "name", "get_weather_now")), UNDECLARED),
        (calls()[::-1], ORDERED),
        (calls((1, "name", "get_weather"), (1, "arguments", WEATHER)), OTHERS),
        ([*calls(), ToolCall("3", "get_time", TIME)], "calls: 3 (get_weather, get_time, get_time), expected: 2"),
        (calls((1, "id", "")), "the call of get_time has no id"),
        (calls((1, "id", "1")), "the call of get_time has the id of another call"),
        (calls((1, "arguments", "x" * 90)), f"the arguments of get_time are not JSON: {'x' * 80!r}"),
        (calls((0, "arguments", '{"city": "x", "unit": "kelvin"}')), UNIT),
        (calls((0, "arguments", "{}"), (1, "id", "")), "get_weather: arguments.city is missing"),
    ],
)
def test_the_first_thing_that_is_wrong_is_said_in_one_sentence(made, sentence):
    assert wrong(made) == sentence


@pytest.mark.parametrize(
    ("value", "schema", "problem"),
    [
        (1, {"type": "string"}, "it is not a string"),
        ("1", {"type": "number"}, "it is not a number"),
        (True, {"type": "number"}, "it is not a number"),
        ("x", {"type": "boolean"}, "it is not a boolean"),
        (1.5, {"type": "number"}, None),
        ({}, {"type": "array"}, "it is not an array"),
        ([], {"type": "object"}, "it is not an object"),
        ("c", {"enum": ["a", "b"]}, "it is 'c', not one of a, b"),
        (2, {"enum": [1, 2]}, None),
        (
            [["x"]],
            {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
            "it[0][0] is not a number",
        ),
        (
            {"b": 1, "a": 2, "c": 3},
            {"type": "object", "properties": {"c": {}}, "additionalProperties": False},
            "it.a is unknown",
        ),
        ({"b": 1}, {"type": "object", "additionalProperties": False}, "it.b is unknown"),
        ({"b": 1}, {"type": "object", "additionalProperties": True}, None),
        (
            {"a": {"b": "x"}},
            {"type": "object", "properties": {"a": {"type": "object", "required": ["c"]}}},
            "it.a.c is missing",
        ),
        (
            {"a": 1, "b": 1},
            {"type": "object", "properties": {"a": {}, "b": {"type": "string"}}},
            "it.b is not a string",
        ),
        ({}, {"type": "object", "properties": {"a": {"type": "string"}}}, None),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_place(value, schema, problem):
    assert invalid(value, schema, "it") == problem


@pytest.mark.parametrize("index", [None, 0])
def test_calls_without_an_index_of_their_own_are_told_apart_by_their_ids(index):
    assembler = CallAssembler()
    for number in range(3):
        assembler.add(index, f"c{number}", "f", '{"a":')
        assembler.add(index, None, None, f"{number}}}")
    assembler.add(index, "c0", None, " ")
    assert [(call.id, call.name, call.arguments.strip()) for call in assembler.calls()] == [
        (f"c{number}", "f", f'{{"a":{number}}}') for number in range(3)
    ]


def test_calls_with_neither_index_nor_id_begin_with_a_name():
    assembler = CallAssembler()
    for _ in range(2):
        assembler.add(None, None, "f", "{")
        assembler.add(None, None, None, "}")
    assert assembler.calls() == [ToolCall("", "f", "{}")] * 2


def test_ids_and_names_come_once_and_a_call_may_lack_them():
    assembler = CallAssembler()
    assembler.add(5, None, "first", None)
    assembler.add(5, "id", "second", "{")
    assembler.add(5, "other", None, "}")
    assembler.add(2, None, None, None)
    assert assembler.calls() == [ToolCall(), ToolCall("id", "first", "{}")]


def test_as_many_calls_and_arguments_as_are_kept_are_taken():
    assembler = CallAssembler()
    for index in range(MOST_CALLS):
        assembler.add(index, "x", "y", "")
    assembler.add(0, None, None, "x" * MOST_ARGUMENTS)
    with pytest.raises(ValueError, match=r"^more than 128 tool calls in one answer$"):
        assembler.add(-1, None, None, None)
    with pytest.raises(ValueError, match=r"^more than 1048576 characters of arguments in one tool call$"):
        assembler.add(0, None, None, "x")


@pytest.mark.parametrize("text", ["NaN", '"\\ud800"', "[" * 100_000])
def test_what_only_looks_like_json_is_none(text):
    with pytest.raises(ValueError):
        ToolCall("1", "x", text).parsed()

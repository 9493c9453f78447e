"""Tools of the embedded target: which calls it makes, and what each fault does to them."""

import json

import pytest

from katydid.target.apis.base import Ask
from katydid.target.apis.tools import calls_of, misreported, read_toolset, spoiled, with_tools
from katydid.target.faults import PROGRESS_FAULTS, TOOL_FAULTS
from katydid.target.settings import TargetSettings
from katydid.target.wire.http import RequestError

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
MANY = {
    "properties": {
        "unit": {"enum": ["c", "f"]},
        "amount": {"type": "number"},
        "days": {"type": "integer"},
        "now": {"type": "boolean"},
    }
}
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": schema}}
    for name, schema in (("a", CITY), ("b", MANY))
]
USER = {"role": "user", "content": "go"}


def asked(*ids):
    return {"role": "assistant", "tool_calls": [{"id": each} for each in ids]}


def result(of):
    return {"role": "tool", "tool_call_id": of, "content": "{}"}


def toolset(*messages, **more):
    return read_toolset({"tools": TOOLS, **more}, [USER, *messages])


def test_a_request_without_tools_has_no_toolset():
    assert read_toolset({}, [USER]) is None
    assert read_toolset({"tools": []}, [USER]) is None


@pytest.mark.parametrize(("word", "parallel"), [({}, True), ({"parallel_tool_calls": False}, False)])
def test_calls_may_come_together_unless_the_request_forbids_it(word, parallel):
    found = toolset(**word)
    assert found.parallel is parallel
    assert [call.name for call in calls_of(found, 3, 0)] == (["a", "b", "a"] if parallel else ["a"])


@pytest.mark.parametrize("tools", ["a", [1], [{}], [{"function": {}}], [{"function": {"name": "a", "parameters": 5}}]])
def test_tools_that_are_none_are_refused(tools):
    with pytest.raises(RequestError, match="'tools' must be a list of functions"):
        read_toolset({"tools": tools}, [])


def test_a_conversation_goes_on_after_the_results_that_it_has():
    found = toolset(asked("x", "y"), result("x"), result("y"))
    assert found.results == 2
    assert [call.name for call in calls_of(found, 3, 7)] == ["a"]
    assert calls_of(found, 2, 7) == ()


def test_a_new_question_begins_again():
    assert toolset(asked("x"), result("x"), USER).results == 0


def test_a_result_of_no_call_is_refused():
    with pytest.raises(RequestError, match="'tool_call_id' 'z' does not answer any call"):
        toolset(asked("x"), result("z"))


def test_arguments_fit_what_was_declared_and_are_the_same_every_time():
    one, two = calls_of(toolset(), 2, 0)
    assert calls_of(toolset(), 2, 0) == (one, two)
    assert one.id != two.id
    assert isinstance(json.loads(one.arguments)["city"], str)
    values = json.loads(two.arguments)
    assert values["unit"] in {"c", "f"}
    assert (type(values["amount"]), type(values["days"]), values["now"]) == (float, int, True)


def names(calls):
    return [call.name for call in calls]


def test_every_fault_spoils_the_last_call_alone_in_its_own_way():
    found = toolset()
    right = calls_of(found, 2, 0)
    made = {fault: spoiled(right, fault, found) for fault in TOOL_FAULTS}
    assert names(made["wrong_name"]) == ["a", "b_now"]
    assert made["missing_id"][1].id == ""
    assert made["wrong_arguments"][1].arguments == "{}"
    assert made["one_call_too_few"] == right[:1]
    assert made["wrong_order"] == (right[1], right[0])
    with pytest.raises(ValueError):
        json.loads(made["broken_json"][1].arguments)
    kept = set(TOOL_FAULTS) - {"wrong_order"}
    assert all(made[fault][0] == right[0] for fault in kept)


def test_a_single_call_in_the_wrong_order_is_that_of_the_next_tool():
    found = toolset()
    (call,) = spoiled(calls_of(found, 1, 0), "wrong_order", found)
    assert call.name == "b"


def test_a_server_that_runs_tools_itself_can_misreport_them():
    assert {fault: misreported(("a", "b"), fault) for fault in PROGRESS_FAULTS} == {
        "wrong_name": ("a", "b_now"),
        "one_call_too_few": ("a",),
        "wrong_order": ("b", "a"),
    }
    assert misreported(("a", "a"), "wrong_order") == ("a", "a_now")


def ask(**facts):
    return Ask(**{"model": "m", "stream": True, "limit": None, "words": ["hello"]} | facts)


def test_an_answer_makes_the_calls_of_its_conversation_or_none():
    settings = TargetSettings(tool_calls=2)
    answer, fault = with_tools(ask(toolset=toolset()), settings, 0)
    assert (names(answer.calls), fault) == (["a", "b"], None)
    assert with_tools(ask(), settings, 0) == (ask(), None)
    done = ask(toolset=toolset(asked("x", "y"), result("x"), result("y")))
    assert with_tools(done, settings, 0) == (done, None)


def test_a_fault_is_told_and_done():
    settings = TargetSettings(tool_calls=2, tool_fail=("one_call_too_few=1",))
    answer, fault = with_tools(ask(toolset=toolset()), settings, 0)
    assert (names(answer.calls), fault) == (["a"], "one_call_too_few")


def test_tools_that_the_server_runs_are_told_in_a_stream_alone():
    settings = TargetSettings(server_tools=2)
    assert with_tools(ask(), settings, 0)[0].progress == ("get_weather", "get_time")
    assert with_tools(ask(stream=False), settings, 0)[0].progress == ()
    wrong = TargetSettings(server_tools=2, tool_fail=("broken_json=0.5", "wrong_name=0.5"))
    told = {with_tools(ask(), wrong, number)[1] for number in range(50)}
    assert told == {None, "wrong_name"}

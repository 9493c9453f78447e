"""Turns with tool calls as the wire brings them, streamed and whole, however they are cut and whatever is in them."""

from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from katydid.dialects.tools import StreamedTurn, WholeTurn
from katydid.model.redact import Redactor
from katydid.model.sample import ErrorClass
from katydid.protocol.toolbox import TOOLBOX, run_tool
from katydid.protocol.toolcalls import ToolCall, wrong_calls

CALLS = [
    ToolCall("a", "get_weather", '{"city": "Ōsaka", "unit": "celsius"}'),
    ToolCall("b", "get_time", '{"city": "São \\"Paulo\\""}'),
]


def event(delta, reason=None):
    return b"data: " + orjson.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}) + b"\n\n"


END = event({}, "tool_calls") + b"data: [DONE]\n\n"


def piece(index, **function):
    identity = function.pop("id", None)
    return {"index": index, "function": function} | ({"id": identity} if identity else {})


STREAM = b"".join(
    event({"tool_calls": pieces})
    for pieces in (
        [piece(1, id="b", name="get_time", arguments="")],  # the later index first
        [piece(0, id="a", name="get_weather", arguments=CALLS[0].arguments[:9])],
        [piece(1, arguments=CALLS[1].arguments[:5]), piece(0, arguments=CALLS[0].arguments[9:20])],  # two in one event
        [piece(1, arguments=CALLS[1].arguments[5:])],
        [piece(0, arguments=CALLS[0].arguments[20:])],
    )
)


def streamed(data, cuts=()):
    turn = StreamedTurn()
    edges = [0, *sorted(cuts), len(data)]
    for begin, end in pairwise(edges):
        turn.feed(data[begin:end], 0.0)
    turn.finish()
    return turn


def whole(message):
    turn = WholeTurn()
    turn.feed(orjson.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]}), 0.0)
    turn.finish()
    return turn


@pytest.mark.parametrize("step", [None, 1, 7])
def test_interleaved_calls_are_put_together_however_the_bytes_are_cut(step):
    data = STREAM + END
    turn = streamed(data, range(step, len(data), step) if step else ())
    assert turn.calls == CALLS
    assert turn.verdict() is None


@given(st.lists(st.integers(0, len(STREAM + END)), max_size=30))
def test_interleaved_calls_are_put_together_at_random_cuts(cuts):
    assert streamed(STREAM + END, cuts).calls == CALLS


def test_a_whole_turn_brings_the_same_calls():
    made = [{"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}} for c in CALLS]
    turn = whole({"content": None, "tool_calls": made})
    assert turn.calls == CALLS
    assert turn.verdict() is None


def test_progress_of_tools_that_the_server_runs_is_kept_in_order():
    told = b"".join(
        b'event: tool_progress\ndata: {"name": "get_time", "status": "%b"}\n\n' % s for s in (b"started", b"finished")
    )
    turn = streamed(told + event({"content": "Noon."}) + END)
    assert turn.progress == [("get_time", "started"), ("get_time", "finished")]
    assert (turn.text, turn.verdict()) == ("Noon.", None)


def call(**change):
    return {"index": 0, "id": "1", "function": {"name": "get_time", "arguments": '{"city": "x"}'}} | change


def function(**change):
    return call(function={"name": "get_time", "arguments": '{"city": "x"}'} | change)


AMOUNT = '{{"amount": {}, "source": "EUR", "target": "EUR"}}'
STRANGE = {
    "an id that is a list": call(id=["a"]),
    "a name that is a list": function(name=["a"]),
    "a name that is a number": function(name=5),
    "arguments that are an object": function(arguments={"city": "x"}),
    "arguments that are a number": function(arguments=5),
    "arguments nested without end": function(arguments="[" * 100_000),
    "an argument's name with half a surrogate pair": function(arguments='{"city": "x", "\\ud800": 1}'),
    "no function": call(function=None),
    "a function that is a list": call(function=[]),
    "a text": "x",
    "nothing": None,
}


def problem(turn):
    """What is said of a turn that should have called get_time once."""
    if (verdict := turn.verdict()) is not None:
        return verdict[1]
    return wrong_calls(turn.calls, ["get_time"], TOOLBOX, frozenset())


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("way", ["streamed", "whole"])
def test_a_strange_call_is_a_problem_in_words_that_a_file_can_keep(way, strange):
    message = {"content": None, "tool_calls": [strange]}
    said = problem(streamed(event(message) + END) if way == "streamed" else whole(message))
    if strange == call(id=["a"]):
        assert said is None  # ids are opaque: only whether they differ matters
    else:
        assert Redactor(()).text(said).encode()


def test_a_huge_amount_has_a_result_like_others():
    huge = ToolCall("1", "convert_currency", AMOUNT.format("1" + "0" * 300))
    assert wrong_calls([huge], ["convert_currency"], TOOLBOX, frozenset()) is None
    assert run_tool(huge.name, huge.parsed(), 0)


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1" + "0" * 4000])
def test_an_amount_that_no_float_can_be_is_no_json(amount):
    made = ToolCall("1", "convert_currency", AMOUNT.format(amount))
    assert "are not JSON" in wrong_calls([made], ["convert_currency"], TOOLBOX, frozenset())


@pytest.mark.parametrize("content", [[{"type": "text", "text": "Noon."}], 5, {"text": "Noon."}])
def test_content_in_parts_is_content(content):
    assert streamed(event({"content": content}) + END).text
    assert whole({"content": content}).text


def test_calls_that_cannot_be_read_are_malformed():
    turn = whole({"content": None, "tool_calls": 5})
    assert turn.verdict()[0] is ErrorClass.MALFORMED

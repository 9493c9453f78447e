"""The tools of the workload `tools`: what they declare, and results that no version may change."""

import json
import zlib

import pytest

from katydid.protocol import toolbox
from katydid.protocol.toolbox import TOOLBOX, plan, run_tool
from katydid.protocol.toolcalls import invalid

CURRENCIES = ["EUR", "USD", "JPY"]


def test_what_is_declared_to_the_model_is_the_same_for_every_version():
    declared = {tool.name: (tool.description, tool.parameters["properties"]) for tool in TOOLBOX}
    assert declared == {
        "get_weather": (
            "The weather in a city right now.",
            {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
        ),
        "get_time": ("The local time in a city.", {"city": {"type": "string"}}),
        "convert_currency": (
            "Convert an amount of money.",
            {
                "amount": {"type": "number"},
                "source": {"type": "string", "enum": CURRENCIES},
                "target": {"type": "string", "enum": CURRENCIES},
            },
        ),
    }


@pytest.mark.parametrize("tool", TOOLBOX, ids=lambda tool: tool.name)
def test_every_argument_is_required_and_no_other_is_allowed(tool):
    schema = tool.parameters
    assert schema["type"] == "object"
    assert schema["required"] == list(schema["properties"])
    examples = {"string": "x", "number": 1}
    right = {n: s.get("enum", [examples[s["type"]]])[0] for n, s in schema["properties"].items()}
    assert invalid(right, schema, "it") is None
    assert invalid(right | {"more": 1}, schema, "it") == "it.more is unknown"
    for name in right:
        assert invalid({n: v for n, v in right.items() if n != name}, schema, "it") == f"it.{name} is missing"


@pytest.mark.parametrize(
    ("name", "arguments", "seed", "result"),
    [
        ("get_weather", {"city": "Oslo", "amount": 100}, 0, {"temperature": 24, "sky": "cloudy"}),
        ("get_weather", {"city": "Oslo", "amount": 100}, 1, {"temperature": 8, "sky": "clear"}),
        ("get_weather", {}, 0, {"temperature": 8, "sky": "clear"}),
        ("get_weather", {}, 2, {"temperature": -10, "sky": "clear"}),
        ("get_time", {"city": "Oslo", "amount": 100}, 0, {"time": "16:20"}),
        ("get_time", {"city": "Oslo", "amount": 100}, 2, {"time": "02:33"}),
        ("convert_currency", {"city": "Oslo", "amount": 100}, 0, {"amount": 127.1}),
        ("convert_currency", {"city": "Oslo", "amount": 100}, 2, {"amount": 80.7}),
        ("convert_currency", {}, 1, {"amount": 0.0}),
    ],
)
def test_a_result_is_the_same_on_every_machine_and_in_every_version(name, arguments, seed, result):
    assert json.loads(run_tool(name, arguments, seed)) == result


@pytest.mark.parametrize("seed", range(60))
def test_results_are_what_a_tool_could_say(seed):
    """The formula stands here once more, in words: a checksum of seed, name and arguments draws the result."""

    def draw(name, arguments):
        return zlib.crc32(json.dumps([seed, name, arguments], sort_keys=True).encode())

    city, money = {"city": "Lima"}, {"amount": 12.5, "source": "EUR", "target": "USD"}
    weather = json.loads(run_tool("get_weather", city, seed))
    drawn = draw("get_weather", city)
    assert weather == {"temperature": range(-10, 35)[drawn % 45], "sky": ["clear", "cloudy", "rain"][drawn % 3]}
    hours, minutes = json.loads(run_tool("get_time", city, seed))["time"].split(":")
    drawn = draw("get_time", city)
    assert (hours, minutes) == (f"{drawn % 24:02d}", f"{drawn // 24 % 60:02d}")
    rate = draw("convert_currency", money) % 1000 / 1000 + 0.5
    assert json.loads(run_tool("convert_currency", money, seed)) == {"amount": round(12.5 * rate, 2)}


def test_no_calls_need_no_tools():
    assert plan(0) == []


def test_a_schema_asks_for_all_of_its_properties_and_no_others():
    assert toolbox._schema(city={"type": "string"}, days={"type": "integer"}) == {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
        "additionalProperties": False,
    }


def test_an_amount_beyond_every_number_is_none():
    assert [run_tool("convert_currency", {"amount": 1.7e308}, seed) for seed in range(20)].count('{"amount": null}') > 0

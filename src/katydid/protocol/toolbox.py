"""The tools that the workload `tools` declares and runs: local, the same for every version.

A result depends only on the tool, the seed and the arguments.
"""

import math
import zlib
from collections.abc import Mapping
from typing import Any

from katydid.model.jsontext import json_text
from katydid.protocol.toolcalls import Schema, Tool


def _schema(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


TOOLBOX = (
    Tool(
        "get_weather",
        "The weather in a city right now.",
        _schema(city={"type": "string"}, unit={"type": "string", "enum": ["celsius", "fahrenheit"]}),
    ),
    Tool("get_time", "The local time in a city.", _schema(city={"type": "string"})),
    Tool(
        "convert_currency",
        "Convert an amount of money.",
        _schema(
            amount={"type": "number"},
            source={"type": "string", "enum": ["EUR", "USD", "JPY"]},
            target={"type": "string", "enum": ["EUR", "USD", "JPY"]},
        ),
    ),
)


def plan(calls: int) -> list[str]:
    """The names of the tools in a conversation with `calls` calls, in order."""
    return [TOOLBOX[i % len(TOOLBOX)].name for i in range(calls)]


def run_tool(name: str, arguments: Mapping[str, Any], seed: int) -> str:
    """The result of a call, as JSON text."""
    draw = zlib.crc32(json_text([seed, name, arguments], indent=None, ascii_only=True, sort_keys=True).encode())
    match name:
        case "get_weather":
            result: dict[str, object] = {"temperature": draw % 45 - 10, "sky": ("clear", "cloudy", "rain")[draw % 3]}
        case "get_time":
            result = {"time": f"{draw % 24:02}:{draw // 24 % 60:02}"}
        case _:
            amount = float(arguments.get("amount", 0)) * (0.5 + draw % 1000 / 1000)
            result = {"amount": round(amount, 2) if math.isfinite(amount) else None}
    return json_text(result, indent=None, ascii_only=True)

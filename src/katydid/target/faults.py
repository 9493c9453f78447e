"""The faults that the embedded target can inject, and the seeded choice of which request gets which."""

import random
from collections.abc import Mapping

STATUS_FAULTS = {"http_400": 400, "http_429": 429, "http_500": 500, "http_503": 503}

FAULTS = {
    **dict.fromkeys(STATUS_FAULTS, "answers with this status"),
    "reset": "resets the connection in the middle of the answer",
    "truncated": "ends the HTTP message properly, but without finish reason and end mark, or after half of the JSON",
    "cut": "closes the connection in the middle of the answer",
    "error_event": "answers with status 200, sends an error in the middle, and ends the HTTP message properly",
    "empty": "answers without any content",
    "too_few": "answers with only one content chunk",
    "malformed": "sends an unparseable event in the middle of the answer",
    "hang": "never answers",
    "stall": "stops sending in the middle of the answer",
}

TOOL_FAULTS = {
    "wrong_name": "calls an undeclared tool",
    "broken_json": "cuts off the arguments",
    "missing_id": "gives the call no id",
    "wrong_arguments": "leaves out required arguments",
    "one_call_too_few": "answers without making the last call",
    "wrong_order": "calls the tools in the wrong order",
}
PROGRESS_FAULTS = ("wrong_name", "one_call_too_few", "wrong_order")
"""Faults that are possible if the server runs the tools itself, since its progress contains only names of tools."""
BRIDGE_FAULTS = {
    "leak": "an answer quotes another session's last message",
    "cross_stream": "an answer is another session's last answer",
    "lose_message": "a message is answered, but neither kept nor counted",
    "reorder_history": "two messages of a history are swapped",
    "wrong_members": "a user is missing from a room's list of members",
    "lose_safety_under_load": "the safety answer does not come while other sessions are busy",
}


def choose_fault(rates: Mapping[str, float], seed: int, number: int, purpose: str = "fault") -> str | None:
    """Choose the fault of request `number`, or None; the same for the same seed."""
    if not rates:
        return None
    drawn = _dice(purpose, seed, number).random()
    for name, rate in rates.items():
        drawn -= rate
        if drawn < 0:
            return name
    return None


def delays(ttft: float, interval: float, count: int, *, jitter: float, seed: int, number: int) -> list[float]:
    """Return when each of `count` chunks is due, in seconds from the start of service, in ascending order."""
    if not jitter:
        return [ttft + i * interval for i in range(count)]
    dice = _dice("jitter", seed, number)
    due, now = [], 0.0
    for i in range(count):
        now += (interval if i else ttft) * (1 + jitter * (2 * dice.random() - 1))
        due.append(now)
    return due


def _dice(purpose: str, seed: int, number: int) -> random.Random:
    return random.Random(f"{purpose}:{seed}:{number}")  # noqa: S311 - a script, not a secret

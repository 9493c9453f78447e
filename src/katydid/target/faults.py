"""The faults that the embedded target can be told to have, and which request gets which, by a seed."""

import random
from collections.abc import Mapping

STATUS_FAULTS = {"http_400": 400, "http_429": 429, "http_500": 500, "http_503": 503}

FAULTS = {
    **dict.fromkeys(STATUS_FAULTS, "answers with this status"),
    "reset": "resets the connection in the middle of the answer",
    "truncated": "ends the answer in form, but without finish reason and end mark, or half of the JSON",
    "cut": "closes the connection in the middle of the answer",
    "error_event": "says 200, then an error in the middle, and ends in form",
    "empty": "answers without any content",
    "too_few": "answers with one content chunk only",
    "malformed": "sends an event in the middle that cannot be parsed",
    "hang": "never answers",
    "stall": "falls silent in the middle of the answer",
}


def choose_fault(rates: Mapping[str, float], seed: int, number: int, purpose: str = "fault") -> str | None:
    """The fault of request `number`, the same at every start; None for most."""
    if not rates:
        return None
    drawn = _dice(purpose, seed, number).random()
    for name, rate in rates.items():
        drawn -= rate
        if drawn < 0:
            return name
    return None


def delays(ttft: float, interval: float, count: int, *, jitter: float, seed: int, number: int) -> list[float]:
    """When each of `count` chunks is due, in seconds from the start of service; ascending."""
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

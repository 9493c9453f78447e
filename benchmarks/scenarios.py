"""The scenarios in which the clients are compared."""

from dataclasses import dataclass
from typing import Any

MODEL = "katydid-small"
SECONDS = 30
"""How long a client loads the target; measurements are taken in the middle."""


@dataclass(frozen=True)
class Scenario:
    """One column of the table.

    Attributes:
        streams: number of concurrent requests.
        target: settings of the embedded target.
        interval: interval of Katydid's users: a little more than an answer takes.
        requests: number of requests, for tools that need one: about as many as they send in SECONDS.
        stream: True if answers are streamed.
    """

    name: str
    title: str
    streams: int
    target: dict[str, Any]
    interval: float
    requests: int
    stream: bool = True


_PACED = {"ttft": 0.2, "chunk_interval": 0.02, "chunks": 100}

SCENARIOS = (
    Scenario("burst", "64 streams, 200 chunks as fast as they come", 64,
             {"ttft": 0.0, "chunk_interval": 0.0, "chunks": 200}, 0.001, 4_000),
    Scenario("paced200", "200 streams, 100 chunks 20 ms apart", 200, _PACED, 2.25, 2_000),
    Scenario("paced500", "500 streams, 100 chunks 20 ms apart", 500, _PACED, 2.3, 4_500),
    Scenario("paced1000", "1,000 streams, 100 chunks 20 ms apart", 1000, _PACED, 2.4, 9_000),
    Scenario("paced1600", "1,600 streams, 100 chunks 20 ms apart", 1600, _PACED, 2.4, 14_000),
    Scenario("requests", "64 connections, answers in one piece", 64, {"ttft": 0.0, "duration": 0.0, "chunks": 1},
             0.001, 20_000, stream=False),
)  # fmt: skip

"""What the Locust drivers share: the question, and where they write what they measured."""

import json
import os
import time
from pathlib import Path

from locust import events

PATH = "/v1/chat/completions"
STREAM = os.environ["BENCH_STREAM"] == "1"
BODY = json.dumps(
    {"model": "katydid-small", "stream": STREAM, "messages": [{"role": "user", "content": "How are you?"}]}
)
CONTENT = b'"content":"'
"""What only a chunk with content has: the role comes with a null."""

_times: list[str] = []


def headers(identity: str) -> dict[str, str]:
    """Of a request that the target's log can be searched for."""
    return {"Content-Type": "application/json", "X-Request-Id": identity}


def note_first(identity: str, began: float) -> None:
    """The first content is here."""
    _times.append(f"{identity} {(time.perf_counter() - began) * 1000:.4f}\n")


@events.test_stop.add_listener
def _write(**_: object) -> None:
    Path(os.environ["BENCH_OUT"]).write_text("".join(_times))

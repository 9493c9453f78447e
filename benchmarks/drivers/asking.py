"""Shared by the Locust drivers: the request, and the file with their measurements."""

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
"""Only chunks with content match; the chunk with the role has a null."""

_times: list[str] = []


def headers(identity: str) -> dict[str, str]:
    """Return headers with an id that is also in the target's log."""
    return {"Content-Type": "application/json", "X-Request-Id": identity}


def note_first(identity: str, began: float) -> None:
    """Record the TTFT of a request."""
    _times.append(f"{identity} {(time.perf_counter() - began) * 1000:.4f}\n")


@events.test_stop.add_listener
def _write(**_: object) -> None:
    Path(os.environ["BENCH_OUT"]).write_text("".join(_times))

"""A model of somebody else's that calls tools: Python's `http.server`, four slots, 0.2 s an answer, calls told by id.

It calls the first CALLS declared tools, one an answer, and then says something; a call is one piece without an index,
as Gemini's compatible API sends it. Who finds no slot waits.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from serving import serving

SLOTS, SERVICE_S, CALLS = 4, 0.2, 2
OF_A_TYPE = {"string": "Oslo", "integer": 3, "number": 1.5, "boolean": True, "array": [], "object": {}}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.slots = threading.Semaphore(SLOTS)
        self.answered = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._send("application/json", json.dumps({"data": [{"id": "foreign-1"}]}).encode())

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.slots:
            time.sleep(SERVICE_S)
        self.server.answered += 1
        delta, why = self._next(asked)
        events = ({"delta": delta, "finish_reason": None}, {"delta": {}, "finish_reason": why})
        lines = [json.dumps({"id": "f", "choices": [{"index": 0, **event}]}) for event in events]
        self._send("text/event-stream", "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode())

    def _next(self, asked: dict) -> tuple[dict, str]:
        """What this answer says, and why it ends."""
        results = sum(message["role"] == "tool" for message in asked["messages"])
        tools = asked.get("tools", [])[:CALLS]
        if results >= len(tools):
            return {"role": "assistant", "content": "That is all."}, "stop"
        function = tools[results]["function"]
        asked_for = function["parameters"]["properties"].items()
        values = {name: kind.get("enum", [OF_A_TYPE[kind["type"]]])[0] for name, kind in asked_for}
        call = {"name": function["name"], "arguments": json.dumps(values)}
        return {"tool_calls": [{"id": f"call-{results}", "type": "function", "function": call}]}, "tool_calls"

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Not on the test's terminal."""


@contextmanager
def foreign_tools() -> Iterator[_Server]:
    """The server."""
    with serving(_Server()) as server:
        yield server

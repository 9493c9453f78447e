"""A server that shares nothing with Katydid, as a program: `paced_server.py PORT FACTOR`, OpenAI's API, streamed.

A first token after 0.1 s and seven more, 0.02 s apart, all times FACTOR and a jitter that is drawn anew at each start.
"""

import json
import random
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FIRST, BETWEEN, TOKENS, JITTER = 0.1, 0.02, 8, 0.1


class Answers(BaseHTTPRequestHandler):
    """A client."""

    protocol_version = "HTTP/1.1"
    factor = 1.0

    def do_GET(self):
        """The list of models."""
        self._send("application/json", json.dumps({"object": "list", "data": [{"id": "small"}]}).encode())

    def do_POST(self):
        """A streamed answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._send("text/event-stream", None)
        for number in range(TOKENS):
            pause = BETWEEN if number else FIRST
            time.sleep(self.factor * pause * (1.0 + JITTER * random.random()))
            end = "stop" if number == TOKENS - 1 else None
            choice = {"index": 0, "delta": {"content": "word "}, "finish_reason": end}
            self._event(json.dumps({"id": "a", "object": "chat.completion.chunk", "choices": [choice]}))
        self._event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, kind, body):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if body is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body or b"")

    def _event(self, text):
        data = f"data: {text}\n\n".encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def log_message(self, *_):
        """Nothing is logged."""


if __name__ == "__main__":
    Answers.factor = float(sys.argv[2])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answers).serve_forever()

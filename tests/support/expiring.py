"""A target whose keys expire: `python expiring.py` prints its port. Shares nothing with us.

`/token` gives a key that is good for a while, `canary-key-N`; `canary-key-0` is so from its first use on.
"""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LASTS = 1.2
"""Seconds."""
until = {}
"""By key, when it expires."""
CHUNK = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def issue(number):
    until[f"canary-key-{number}"] = time.monotonic() + LASTS
    return f"canary-key-{number}".encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/token":
            self._say(200, "text/plain", issue(len(until) + 1))
        else:
            self._say(404, "text/plain", b"")

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if given == "canary-key-0" and given not in until:
            issue(0)
        if until.get(given, 0.0) > time.monotonic():
            self._say(200, "text/event-stream", *[CHUNK] * 4, END)
        else:
            said = {"error": {"message": f"{given} has expired"}}
            self._say(401, "application/json", json.dumps(said).encode())

    def _say(self, status, kind, *body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(sum(map(len, body))))
        self.end_headers()
        for piece in body:
            self.wfile.write(piece)
            time.sleep(0.01)  # each is a read of its own

    def log_message(self, *_):
        """Not on the tests' terminal."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()

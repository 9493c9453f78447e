"""A server of two APIs that Katydid does not know: embeddings as OpenAI has them, and answers as Gemini has them."""

import json
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from serving import serving

WORDS = ("one ", "two ", "three ", "four")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked = []
        self.delay = 0.0


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        models = {"/v1/models": {"data": [{"id": "e5"}]}, "/v1beta/models": {"models": [{"name": "models/flash 2"}]}}
        self._say(models.get(self.path))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "X-Katydid-Preflight" not in self.headers:
            self.server.asked.append((self.path, body))
            time.sleep(self.server.delay)
        whole = {"promptTokenCount": 5, "candidatesTokenCount": len(WORDS)}
        if self.path == "/v1/embeddings":
            vectors = [{"index": i, "embedding": [0.1, 0.2]} for i, _ in enumerate(body["input"])]
            self._say({"data": vectors, "usage": {"prompt_tokens": 4 * len(vectors)}})
        elif self.path == "/v1beta/models/flash%202:generateContent":
            self._say({**_piece("".join(WORDS), "STOP"), "usageMetadata": whole})
        elif self.path == "/v1beta/models/flash%202:streamGenerateContent?alt=sse":
            self._begin("text/event-stream")
            for word in WORDS:
                self.wfile.write(b"data: " + json.dumps(_piece(word)).encode() + b"\r\n\r\n")
                time.sleep(0.01)
            self.wfile.write(b"data: " + json.dumps({**_piece("", "STOP"), "usageMetadata": whole}).encode() + b"\n\n")
        else:
            self._say(None)

    def _begin(self, kind, status=200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()

    def _say(self, value):
        self._begin("application/json", 200 if value is not None else 404)
        self.wfile.write(json.dumps(value or {"error": {"message": "no such path"}}).encode())

    def log_message(self, *_):
        """Not on the test's terminal."""


def _piece(text, reason=None):
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": reason} if reason else {})]}


@contextmanager
def outsiders():
    """The server; `asked` are paths and bodies of its requests, `delay` is what each answer takes."""
    with serving(_Server()) as server:
        yield server

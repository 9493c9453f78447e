"""Talking to the embedded target byte by byte, so that a test sees what is really on the wire."""

import json
import socket
import time
from dataclasses import dataclass, field

ASK = {"model": "katydid-small", "messages": [{"role": "user", "content": "one two three"}]}
CHAT, OLLAMA, GENERATE = "/v1/chat/completions", "/api/chat", "/api/generate"


def request(method, path, body=b"", headers=(), version="1.1"):
    """The bytes of a request."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/{version}", "Host: here", *headers]
    if data:
        lines.append(f"Content-Length: {len(data)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def post(path=CHAT, *, headers=(), version="1.1", **changes):
    """The bytes of a request for generated text; a change to None leaves the member out."""
    body = {k: v for k, v in (ASK | changes).items() if v is not None}
    return request("POST", path, body, headers, version)


@dataclass
class Reply:
    """An answer as it arrived. `end`: `complete`, or how it broke: `eof`, `reset`, `silence`."""

    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    pieces: list = field(default_factory=list)
    end: str = "complete"

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def events(self):
        """Server-sent events; the end mark as it stands."""
        texts = [part.removeprefix("data: ") for part in self.body.decode().split("\n\n") if part]
        return [text if text == "[DONE]" else json.loads(text) for text in texts]

    @property
    def lines(self):
        return [json.loads(line) for line in self.body.decode().splitlines()]


class Line:
    """One connection."""

    def __init__(self, target, timeout=5.0):
        self.sock = socket.create_connection(("127.0.0.1", target.port), timeout)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def ask(self, data):
        self.send(data)
        return self.read()

    def closed(self, timeout=5.0):
        """Whether the other side closes within the time."""
        self.sock.settimeout(timeout)
        try:
            return self.sock.recv(1) == b""
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True

    def read(self):
        """The next answer, as far as it gets."""
        reply = Reply()
        try:
            self._read_head(reply)
            self._read_body(reply)
        except TimeoutError:
            reply.end = "silence"
        except ConnectionResetError:
            reply.end = "reset"
        except EOFError:
            framed = "content-length" in reply.headers or "transfer-encoding" in reply.headers
            reply.end = "eof" if framed or not reply.status else "complete"
        return reply

    def _more(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.buffer += data

    def _until(self, mark):
        while mark not in self.buffer:
            self._more()
        found, _, self.buffer = self.buffer.partition(mark)
        return found

    def _exactly(self, size):
        while len(self.buffer) < size:
            self._more()
        found, self.buffer = self.buffer[:size], self.buffer[size:]
        return found

    def _read_head(self, reply):
        first, *lines = self._until(b"\r\n\r\n").decode().split("\r\n")
        reply.status = int(first.split()[1])
        reply.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    def _read_body(self, reply):
        if "content-length" in reply.headers:
            length = int(reply.headers["content-length"])
            while len(self.buffer) < length:
                reply.body = self.buffer
                self._more()
            reply.body = self._exactly(length)
            return
        if "transfer-encoding" not in reply.headers:
            while True:
                reply.body, self.buffer = reply.body + self.buffer, b""
                self._more()
        while size := int(self._until(b"\r\n"), 16):
            piece = self._exactly(size + 2)
            reply.pieces.append(piece[:-2])
            reply.body += piece[:-2]
        self._exactly(2)


def ask(target, data, timeout=5.0):
    """One request on a connection of its own."""
    with Line(target, timeout) as line:
        return line.ask(data)


def get(target, path):
    return ask(target, request("GET", path)).json


def the_log(target, count, seconds=5.0):
    """The target's log once it has so many lines."""
    until = time.monotonic() + seconds
    while len(lines := target.log()) < count and time.monotonic() < until:
        time.sleep(0.01)
    assert len(lines) == count
    return lines


def eventually(condition, seconds=5.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.005)

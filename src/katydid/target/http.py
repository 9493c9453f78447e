"""HTTP/1.1 from the server's side: requests out of bytes, answers into bytes. Does no I/O."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from katydid.core.errors import LimitError, ProtocolError

MAX_HEAD = 64 * 1024
MAX_BODY = 16 * 1024 * 1024

LAST_CHUNK = b"0\r\n\r\n"


@dataclass(slots=True)
class HttpRequest:
    """One request; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    keep_alive: bool
    body: bytes = b""

    def json(self) -> dict[str, Any]:
        """The body as an object.

        Raises:
            ProtocolError: it is none.
        """
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise ProtocolError("the body is not JSON") from None
        if not isinstance(value, dict):
            raise ProtocolError("the body is not a JSON object")
        return value


class RequestReader:
    """Cuts requests out of the bytes of one connection."""

    def __init__(self) -> None:
        self._buffer = b""
        self._request: HttpRequest | None = None
        self._length = 0

    def feed(self, data: bytes) -> list[HttpRequest]:
        """The requests that are complete with these bytes.

        Raises:
            ProtocolError: they are no requests, or too large.
        """
        self._buffer += data
        requests = []
        while (request := self._next()) is not None:
            requests.append(request)
        return requests

    @property
    def begun(self) -> bool:
        """Whether a request has begun that is not complete yet."""
        return bool(self._buffer) or self._request is not None

    def _next(self) -> HttpRequest | None:
        if self._request is None:
            head, mark, rest = self._buffer.partition(b"\r\n\r\n")
            if not mark:
                if len(head) > MAX_HEAD:
                    raise LimitError(f"a head of more than {MAX_HEAD} bytes")
                return None
            self._request, self._length = _parse_head(head)
            self._buffer = rest
        if len(self._buffer) < self._length:
            return None
        request, self._request = self._request, None
        request.body, self._buffer = self._buffer[: self._length], self._buffer[self._length :]
        return request


def _parse_head(head: bytes) -> tuple[HttpRequest, int]:
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise ProtocolError(f"not a request: {first[:40]!r}")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = headers.get("content-length", "0")
    if not length.isdigit() or "transfer-encoding" in headers:
        raise ProtocolError("a request body needs a Content-Length")
    if int(length) > MAX_BODY:
        raise LimitError(f"a body of more than {MAX_BODY} bytes")
    connection = headers.get("connection", "").lower()
    keep_alive = "close" not in connection and (words[2] != "HTTP/1.0" or "keep-alive" in connection)
    path = words[1].partition("?")[0]
    return HttpRequest(words[0], path, headers, keep_alive), int(length)


def answer(status: int, body: bytes, *, keep_alive: bool, kind: str = "application/json", headers: str = "") -> bytes:
    """A whole answer. `headers` are more lines, each with its CRLF."""
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n{headers}{_connection(keep_alive)}\r\n"
    ).encode("latin-1") + body


def stream_head(kind: str, *, keep_alive: bool) -> bytes:
    """The head of a chunked answer."""
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nCache-Control: no-cache\r\n"
        f"Transfer-Encoding: chunked\r\n{_connection(keep_alive)}\r\n"
    ).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked answer."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _connection(keep_alive: bool) -> str:
    return "Connection: keep-alive\r\n" if keep_alive else "Connection: close\r\n"

"""HTTP/1.1 from the server's side: parses requests, and formats answers (RFC 9112). Does no I/O, and knows no APIs."""

from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

import orjson

from katydid.model.errors import ProtocolError

MAX_HEAD = 64 * 1024
MAX_BODY = 16 * 1024 * 1024
_MAX_CHUNK_LINE = 4096

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


class RequestError(ProtocolError):
    """A request that cannot be served; `status` is the status of its answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class HttpRequest:
    """One request; header names in lower case.

    Attributes:
        keep_alive: True if the client lets the connection carry another request.
        modern: True for HTTP/1.1, in which the answer may be chunked.
    """

    method: str
    path: str
    headers: dict[str, str]
    keep_alive: bool
    modern: bool
    body: bytes = b""

    @property
    def api_key(self) -> str:
        """The key: a bearer token, Anthropic's `x-api-key` or Azure's `api-key`; empty if there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return token
        return self.headers.get("x-api-key") or self.headers.get("api-key", "")

    def json(self) -> dict[str, object]:
        """Return the body as a JSON object.

        Raises:
            RequestError: it is not a JSON object.
        """
        return json_object(self.body, "the body")


def json_object(text: str | bytes, what: str) -> dict[str, object]:
    """Parse a JSON object.

    Raises:
        RequestError: it is not one; the message says `what` it is.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise RequestError(f"{what} is not JSON") from None
    if not isinstance(value, dict):
        raise RequestError(f"{what} is not a JSON object")
    return value


class RequestReader:
    """Parses requests from the bytes of one connection, which may be split anywhere.

    Attributes:
        pending: a request whose head is complete, but not its body.
        wants_continue: True if the client waits for `100 Continue` before it sends the body; the caller clears it.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._body: _SizedBody | _ChunkedBody | None = None
        self.pending: HttpRequest | None = None
        self.wants_continue = False

    def feed(self, data: bytes) -> list[HttpRequest]:
        """Take bytes, and return the requests that they complete.

        Raises:
            RequestError: a request is invalid or too large.
        """
        self._buffer += data
        requests = []
        while (request := self._next()) is not None:
            requests.append(request)
        return requests

    @property
    def begun(self) -> bool:
        """Return True if a request has begun and is not complete."""
        return bool(self._buffer) or self.pending is not None

    def _next(self) -> HttpRequest | None:
        if self.pending is None and not self._read_head():
            return None
        if self._body is None or self.pending is None:
            return None
        body = self._body.take(self._buffer)
        if body is None:
            return None
        request, self.pending, self._body = self.pending, None, None
        request.body = body
        self.wants_continue = False
        return request

    def _read_head(self) -> bool:
        while self._buffer.startswith(b"\r\n"):
            del self._buffer[:2]  # some clients send an empty line after a body (RFC 9112, 2.2)
        end = self._buffer.find(b"\r\n\r\n", 0, MAX_HEAD)
        if end < 0:
            if len(self._buffer) >= MAX_HEAD:
                raise RequestError(f"the request's head has more than {MAX_HEAD} bytes", 431)
            return False
        head = self._buffer[:end].decode("latin-1")
        del self._buffer[: end + 4]
        self.pending = request = _parse_head(head)
        self._body = _body_of(request.headers)
        self.wants_continue = request.modern and request.headers.get("expect", "").lower() == "100-continue"
        return True


def _parse_head(head: str) -> HttpRequest:
    first, *lines = head.split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or words[2] not in {"HTTP/1.1", "HTTP/1.0"}:
        raise RequestError(f"not a request: {first[:40]!r}")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise RequestError(f"not a header: {line[:40]!r}")
        headers[name.strip().lower()] = value.strip()
    modern = words[2] == "HTTP/1.1"
    connection = headers.get("connection", "").lower()
    keep_alive = "close" not in connection and (modern or "keep-alive" in connection)
    return HttpRequest(words[0], words[1].partition("?")[0], headers, keep_alive, modern)


def _body_of(headers: dict[str, str]) -> "_SizedBody | _ChunkedBody":
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"].lower() != "chunked":
            raise RequestError(f"Transfer-Encoding {headers['transfer-encoding'][:40]!r}", 501)
        return _ChunkedBody()
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit():
        raise RequestError(f"Content-Length {length[:40]!r}")
    if len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY:
        raise RequestError(f"the request's body has more than {MAX_BODY} bytes", 413)
    return _SizedBody(int(length))


class _SizedBody:
    """A body with a Content-Length."""

    def __init__(self, length: int) -> None:
        self._length = length

    def take(self, buffer: bytearray) -> bytes | None:
        """Remove the body from the buffer and return it; None while it is incomplete."""
        if len(buffer) < self._length:
            return None
        body = bytes(buffer[: self._length])
        del buffer[: self._length]
        return body


class _ChunkedBody:
    """A chunked body (RFC 9112, 7.1)."""

    def __init__(self) -> None:
        self._body = bytearray()
        self._left = 0  # bytes of the current chunk
        self._last = False

    def take(self, buffer: bytearray) -> bytes | None:
        """See `_SizedBody.take`."""
        while True:
            if self._left and not self._take_chunk(buffer):
                return None
            end = buffer.find(b"\r\n", 0, _MAX_CHUNK_LINE)
            if end < 0:
                if len(buffer) >= _MAX_CHUNK_LINE:
                    raise RequestError("a chunk's head without an end")
                return None
            line = bytes(buffer[:end])
            del buffer[: end + 2]
            if not self._last:
                self._begin_chunk(line)
            elif not line:
                return bytes(self._body)  # after the trailers, which are ignored

    def _begin_chunk(self, line: bytes) -> None:
        digits = line.partition(b";")[0].strip()
        try:
            self._left = int(digits, 16) if digits.isalnum() else -1
        except ValueError:
            self._left = -1
        if self._left < 0:
            raise RequestError(f"a chunk of size {line[:20]!r}")
        if len(self._body) + self._left > MAX_BODY:
            raise RequestError(f"the request's body has more than {MAX_BODY} bytes", 413)
        self._last = self._left == 0

    def _take_chunk(self, buffer: bytearray) -> bool:
        size = self._left
        if len(buffer) < size + 2:
            return False
        if buffer[size : size + 2] != b"\r\n":
            raise RequestError("a chunk is longer than it said")
        self._body += buffer[:size]
        del buffer[: size + 2]
        self._left = 0
        return True


def answer(
    status: int, body: bytes, *, server: str, keep_alive: bool, kind: str = "application/json", headers: str = ""
) -> bytes:
    """Return a whole answer. `headers` are additional header lines, each ending with CRLF."""
    head = _head(status, kind, server, keep_alive, headers)
    return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)


def stream_head(kind: str, *, server: str, keep_alive: bool, chunked: bool) -> bytes:
    """Return the head of a streamed answer; without chunked encoding, it ends when the connection closes."""
    framing = b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"\r\n"
    return _head(200, kind, server, keep_alive, "Cache-Control: no-cache\r\n") + framing


def chunk(data: bytes) -> bytes:
    """Return one chunk of a chunked answer."""
    return b"%x\r\n%b\r\n" % (len(data), data)


@lru_cache(maxsize=256)
def _head(status: int, kind: str, server: str, keep_alive: bool, headers: str) -> bytes:
    connection = "keep-alive" if keep_alive else "close"
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nServer: {server}\r\nContent-Type: {kind}\r\n"
        f"Connection: {connection}\r\n{headers}"
    ).encode("latin-1")

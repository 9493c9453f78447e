"""HTTP/1.1 from the server's side: parses requests, and formats answers (RFC 9112). Does no I/O, and knows no APIs."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

import orjson

from katydid.model.errors import ProtocolError
from katydid.protocol.chunked import chunk_size

MAX_HEAD = 64 * 1024
MAX_BODY = 16 * 1024 * 1024
_MAX_CHUNK_LINE = 4096
_TOO_LONG = f"the request's body has more than {MAX_BODY} bytes"

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"

Waiting = Generator[None, None, bytes]
"""Yields while more bytes are needed, and returns them."""


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
        """Return the body as a JSON object; see `json_object`."""
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
        self._parser = self._parse()
        self.pending: HttpRequest | None = None
        self.wants_continue = False

    def feed(self, data: bytes) -> list[HttpRequest]:
        """Take bytes, and return the requests that they complete.

        Raises:
            RequestError: a request is invalid or too large.
        """
        self._buffer += data
        return list(iter(lambda: next(self._parser, None), None))

    @property
    def begun(self) -> bool:
        """Return True if a request has begun and is not complete."""
        return bool(self._buffer.strip(b"\r\n")) or self.pending is not None

    def _parse(self) -> Iterator[HttpRequest | None]:
        """Yield one request after the other; None if more bytes are needed, as from the generators below."""
        while True:
            head = yield from self._until(b"\r\n\r\n", MAX_HEAD, "the request's head", 431)
            if not (head := head.lstrip(b"\r\n")):
                continue  # some clients send an empty line after a body (RFC 9112, 2.2)
            self.pending = request = _parse_head(head.decode("latin-1"))
            self.wants_continue = request.modern and request.headers.get("expect", "").lower() == "100-continue"
            request.body = yield from self._body(request.headers)
            self.pending, self.wants_continue = None, False
            yield request

    def _body(self, headers: dict[str, str]) -> Waiting:
        if (coding := headers.get("transfer-encoding")) is not None:
            if coding.lower() != "chunked":
                raise RequestError(f"Transfer-Encoding {coding[:40]!r}", 501)
            return (yield from self._chunks())
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            raise RequestError(f"Content-Length {length[:40]!r}")
        if len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY:
            raise RequestError(_TOO_LONG, 413)
        return (yield from self._exactly(int(length)))

    def _chunks(self) -> Waiting:
        """Take a chunked body (RFC 9112, 7.1)."""
        body = bytearray()
        while size := _size((yield from self._until(b"\r\n", _MAX_CHUNK_LINE, "a chunk's head"))):
            if len(body) + size > MAX_BODY:
                raise RequestError(_TOO_LONG, 413)
            body += yield from self._exactly(size)
            if (yield from self._exactly(2)) != b"\r\n":
                raise RequestError("a chunk is longer than it said")
        while (yield from self._until(b"\r\n", _MAX_CHUNK_LINE, "a trailer")):
            pass  # trailers are ignored
        return bytes(body)

    def _exactly(self, size: int) -> Waiting:
        while len(self._buffer) < size:
            yield None
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _until(self, end: bytes, most: int, what: str, status: int = 400) -> Waiting:
        """Take the bytes before `end`, and remove both."""
        while (at := self._buffer.find(end, 0, most)) < 0:
            if len(self._buffer) >= most:
                raise RequestError(f"{what} has more than {most} bytes", status)
            yield None
        data = bytes(self._buffer[:at])
        del self._buffer[: at + len(end)]
        return data


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


def _size(line: bytes) -> int:
    try:
        return chunk_size(line)
    except ProtocolError as error:
        raise RequestError(str(error)) from None


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

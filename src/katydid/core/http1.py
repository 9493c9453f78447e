"""HTTP/1.1 messages without I/O: a request as bytes, a response out of bytes in any split.

Does not know who is at the other end of the line, nor what a body means. It is liberal in what it
takes, since gateways are liberal in what they send, and bounded in what it holds.
RFC 9112 says how messages are framed.
"""

import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from katydid.core import chunked
from katydid.core.errors import ConfigError, LimitError, ProtocolError

MAX_HEAD = 64 * 1024
"""Bytes of a response's head; servers' own limits are 8 to 32 KiB."""
MAX_HEADERS = 1000
MAX_BODY = 256 * 1024 * 1024
"""Bytes of a body as received: a stream without an end must not fill the memory with its times."""
MAX_DECODED = 64 * 1024 * 1024
"""Bytes that a compressed body may unpack to: no text is that long, and a bomb is."""
MOST_HEADS = 64
"""Heads that are remembered: a server that puts nothing of its own into each writes the same one all second long."""
_MAX_CHUNK_LINE = 4096
_NO_BODY = frozenset({204, 304})


class NoResponseError(ProtocolError):
    """The peer closed before it sent a byte."""


class TruncatedError(ProtocolError):
    """The peer closed in the middle of its message."""


def request_bytes(method: str, target: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A request, with Content-Length where there is a body.

    Raises:
        ConfigError: a header has a line break or is not Latin-1, which could smuggle another header in.
    """
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or method in {"POST", "PUT", "PATCH"}:
        lines.append(f"Content-Length: {len(body)}")
    if any("\r" in line or "\n" in line for line in lines):
        raise ConfigError("a header or path of the request has a line break in it: remove it")
    try:
        head = "\r\n".join(lines).encode("latin-1")
    except UnicodeEncodeError:
        raise ConfigError("a header or path of the request has characters outside Latin-1: remove them") from None
    return head + b"\r\n\r\n" + body


class ResponseReader:
    """Reads one response.

    Attributes:
        status, reason, headers: once the head is complete; names in lower case, duplicates joined.
        complete: the message has come to its end.
        keep_alive: whether the connection may carry another message after it.
        leftover: bytes that came after the end.
        body_bytes: of the body as received, before any decoding.
        between_chunks: the next byte begins a chunk whose body needs no decoding.

    Raises:
        ProtocolError: from `feed` and `eof`, with what is wrong.
    """

    __slots__ = (
        "_buffer",
        "_chunked",
        "_decode",
        "_decoded",
        "_left",
        "_method",
        "_received",
        "_stage",
        "between_chunks",
        "body_bytes",
        "complete",
        "head_done",
        "headers",
        "keep_alive",
        "leftover",
        "reason",
        "status",
    )

    def __init__(self, method: str = "POST") -> None:
        self._method = method
        self._buffer = b""
        self.head_done = False
        self._received = False
        self._chunked = False
        self._left: int | None = None  # bytes of the body or chunk to come; None = until the peer closes
        self._stage = "size"  # of a chunked body: size, data, end, trailer
        self._decode: Any = None
        self._decoded = 0
        self.status: int | None = None
        self.reason = ""
        self.headers: Mapping[str, str] = {}
        self.complete = False
        self.keep_alive = False
        self.leftover = b""
        self.body_bytes = 0
        self.between_chunks = False

    def feed(self, data: bytes) -> bytes:
        """The body bytes that these bytes bring, without their framing."""
        if not self.head_done:
            data = self.take_head(data)
        return self.take_body(data)

    def take_head(self, data: bytes) -> bytes:
        """The bytes behind the head; none while it is not complete."""
        self._received = self._received or bool(data)
        self._buffer += data
        if not self._read_head():
            return b""
        data, self._buffer = self._buffer, b""
        return data

    def take_body(self, data: bytes) -> bytes:
        """The body bytes that the bytes behind the head bring."""
        if self.complete or not data:
            self.leftover += data
            return b""
        body = self._dechunk(data) if self._chunked else self._plain(data)
        if not body:
            return b""
        self.pass_over(len(body))
        return self._unpack(body) if self._decode is not None else body

    def pass_over(self, size: int) -> None:
        """Count body bytes; also those that somebody else has taken, as whole chunks `between_chunks`."""
        self.body_bytes += size
        if self.body_bytes > MAX_BODY:
            raise LimitError(f"a body of more than {MAX_BODY} bytes")

    def eof(self) -> None:
        """The peer closed: the end of a body without a length, the breaking-off of any other."""
        if self.complete:
            return
        if self.head_done and self._left is None and not self._chunked:
            self.complete = True
            self.keep_alive = False
        elif not self._received:
            raise NoResponseError("closed without an answer")
        else:
            raise TruncatedError("closed in the middle of the message")

    # The head

    def _read_head(self) -> bool:
        while not self.head_done:
            head, rest = _split_head(self._buffer)
            if head is None:
                if len(self._buffer) > MAX_HEAD:
                    raise LimitError(f"a head of more than {MAX_HEAD} bytes")
                return False
            self._buffer = rest
            self._parse_head(head)
        return True

    def _parse_head(self, head: bytes) -> None:
        if len(head) > MAX_HEAD:
            raise LimitError(f"a head of more than {MAX_HEAD} bytes")
        known = _head(head)
        if 100 <= known.status < 200:
            return  # an interim response; the real one follows
        self.status, self.reason, self.headers, self.keep_alive = known
        self.head_done = True
        self._choose_framing()

    def _choose_framing(self) -> None:
        headers = self.headers
        encoding = headers.get("content-encoding", "").strip().lower()
        if encoding in {"gzip", "x-gzip"}:
            self._decode = zlib.decompressobj(zlib.MAX_WBITS | 16)
        elif encoding == "deflate":
            self._decode = _Inflate()
        elif encoding not in {"", "identity"}:
            raise ProtocolError(f"content encoding {encoding[:20]!r}, which nobody asked for")
        if self._method == "HEAD" or self.status in _NO_BODY:
            self.complete = True
        elif "chunked" in headers.get("transfer-encoding", "").lower():
            self._chunked = True  # wins over Content-Length (RFC 9112, 6.3)
            self.between_chunks = self._decode is None
        elif "content-length" in headers:
            self._left = _content_length(headers["content-length"])
            self.complete = self._left == 0
        else:
            self.keep_alive = False

    # The body

    def _plain(self, data: bytes) -> bytes:
        if self._left is None:
            return data
        body = data[: self._left]
        self._left -= len(body)
        if self._left == 0:
            self.complete = True
            self.leftover = data[len(body) :]
        return body

    def _dechunk(self, data: bytes) -> bytes:
        if self._buffer:
            data, self._buffer = self._buffer + data, b""
        parts: list[bytes] = []
        position, size = 0, len(data)
        while position < size and not self.complete:
            if self._stage == "size":
                position, body, self.complete = chunked.fastest(data, position, size)
                parts.append(body)
                if self.complete or position == size:
                    continue
            if self._stage == "data":
                body = data[position : position + (self._left or 0)]
                parts.append(body)
                position += len(body)
                self._left = (self._left or 0) - len(body)
                if self._left == 0:
                    self._stage = "end"
            else:
                position = self._take_line(data, position)
        if self.complete:
            self.leftover = data[position:]
        self.between_chunks = not (self.complete or self._stage != "size" or self._buffer or self._decode)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _take_line(self, data: bytes, position: int) -> int:
        """Take a line of the chunked framing, or keep what is there of it; where to go on."""
        line_end = data.find(b"\n", position)
        if line_end < 0:
            self._buffer = data[position:]
            if len(self._buffer) > _MAX_CHUNK_LINE:
                raise LimitError("a chunk's head without an end")
            return len(data)
        self.complete = self._end_of_line(data[position:line_end].rstrip(b"\r"))
        return line_end + 1

    def _end_of_line(self, line: bytes) -> bool:
        """Take a line of the chunked framing; True at the end of the message."""
        if self._stage == "size":
            self._left = chunked.chunk_size(line)
            self._stage = "data" if self._left else "trailer"
        elif self._stage == "end":
            if line:
                raise ProtocolError("a chunk is longer than it said")
            self._stage = "size"
        else:
            return not line  # trailers are skipped up to the empty line
        return False

    def _unpack(self, body: bytes) -> bytes:
        try:
            plain: bytes = self._decode.decompress(body, MAX_DECODED - self._decoded + 1)
        except zlib.error:
            raise ProtocolError("a compressed body that cannot be unpacked") from None
        self._decoded += len(plain)
        if self._decoded > MAX_DECODED:
            raise LimitError(f"a compressed body of more than {MAX_DECODED} bytes")
        return plain


class _Inflate:
    """`deflate`, which the standard wants in zlib's wrapper and some servers send without it."""

    def __init__(self) -> None:
        self._head = b""
        self._inner: Any = None

    def decompress(self, data: bytes, most: int) -> bytes:
        if self._inner is None:
            self._head += data
            if len(self._head) < 2:
                return b""
            data, wrapped = self._head, self._head[0] & 15 == 8 and int.from_bytes(self._head[:2], "big") % 31 == 0
            self._inner = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        plain: bytes = self._inner.decompress(data, most)
        return plain


class _Head(NamedTuple):
    """What a response's head says."""

    status: int
    reason: str
    headers: Mapping[str, str]
    keep_alive: bool


def _split_head(buffer: bytes) -> tuple[bytes | None, bytes]:
    """Head and rest, at the first empty line, whether lines end with CRLF or with LF alone."""
    at = buffer.find(b"\r\n\r\n")
    bare = buffer.find(b"\n\n", 0, at if at >= 0 else len(buffer))
    if bare >= 0:
        return buffer[:bare], buffer[bare + 2 :]
    return (None, buffer) if at < 0 else (buffer[:at], buffer[at + 4 :])


@lru_cache(MOST_HEADS)
def _head(head: bytes) -> _Head:
    first, *lines = head.decode("latin-1").replace("\r\n", "\n").split("\n")
    version, status, reason = _status_line(first)
    headers = _headers(lines)
    connection = headers.get("connection", "").lower()
    keep_alive = "close" not in connection and (version != "1.0" or "keep-alive" in connection)
    return _Head(status, reason, headers, keep_alive)


def _status_line(line: str) -> tuple[str, int, str]:
    version, _, rest = line.strip().partition(" ")
    code, _, reason = rest.strip().partition(" ")
    if not version.startswith("HTTP/1.") or len(code) != 3 or not code.isascii() or not code.isdigit():
        raise ProtocolError(f"not an HTTP/1 answer: {line[:40]!r}")
    return version.removeprefix("HTTP/"), int(code), reason


def _headers(lines: list[str]) -> dict[str, str]:
    if len(lines) > MAX_HEADERS:
        raise LimitError(f"more than {MAX_HEADERS} headers")
    headers: dict[str, str] = {}
    last = ""
    for line in lines:
        if line[:1] in {" ", "\t"} and last:
            headers[last] += " " + line.strip()  # obsolete folding (RFC 9112, 5.2)
            continue
        name, colon, value = line.partition(":")
        if not colon:
            raise ProtocolError(f"not a header: {line[:40]!r}")
        last = name.strip().lower()
        value = value.strip()
        headers[last] = f"{headers[last]}, {value}" if last in headers else value
    return headers


def _content_length(value: str) -> int:
    lengths = {length.strip() for length in value.split(",")}
    length = lengths.pop()
    if lengths or not length.isascii() or not length.isdigit():
        raise ProtocolError(f"Content-Length {value[:40]!r}")
    return int(length)

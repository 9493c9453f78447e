"""An incremental parser for HTTP/1.1 responses, sans I/O (RFC 9112).

It does not interpret bodies. It accepts deviations from the standard that gateways produce, and limits what it buffers.
"""

from collections.abc import Mapping

from katydid.model.errors import LimitError, ProtocolError
from katydid.protocol import chunked
from katydid.protocol.heads import MAX_HEAD, content_length, is_interim, read_head, split_head
from katydid.protocol.unpacking import Unpacker

MAX_BODY = 256 * 1024 * 1024
"""Maximum bytes of a body as received: the times of an endless stream must not fill the memory."""
_MAX_CHUNK_LINE = 4096
_NO_BODY = frozenset({204, 304})


SHORTEST_RACE = 0.005
"""Seconds: even without network delay, the close of an idle connection has to be scheduled, sent and read."""


def lost_to_idle_close(passed: float, connect_seconds: float) -> bool:
    """Return True if a kept connection that ended before the first byte of a response was closed as idle.

    A server closes a connection after its keep-alive timeout. If the next request is already on its way, the server
    never sees it, and every HTTP client resends it on a new connection (RFC 9110, 9.2.2; RFC 9112, 9.3.1). If the
    connection closes later, the server had the request, and the request has failed.

    Args:
        passed: seconds from handing the request's first byte to the kernel to the end of the connection.
        connect_seconds: the time that connecting took: at least one round trip.
    """
    return passed <= max(SHORTEST_RACE, 2.0 * connect_seconds)


def when(passed: float) -> str:
    """When a connection ended without a response, to append to the error message."""
    return f", {passed:.3g} s after the request was sent"


class NoResponseError(ProtocolError):
    """The peer closed the connection before it sent a byte."""


class TruncatedError(ProtocolError):
    """The peer closed the connection in the middle of its message."""


class ResponseReader:
    """Parses one response, received in any pieces.

    Attributes:
        status, reason, headers: set once the head is complete; header names in lower case, duplicates joined.
        complete: the whole message has been received.
        keep_alive: the connection may be reused after it.
        leftover: bytes received after the end of the message.
        body_bytes: size of the body as received, before decompression.
        between_chunks: the next byte begins a chunk, and the body is not compressed.

    Raises:
        ProtocolError: from `feed` and `eof`: the response is malformed.
    """

    __slots__ = (
        "_buffer",
        "_chunked",
        "_left",
        "_method",
        "_received",
        "_stage",
        "_unpacker",
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
        self._left: int | None = None  # bytes of the body or chunk still to come; None = until the peer closes
        self._stage = "size"  # next part of a chunked body: size, data, end, trailer
        self._unpacker: Unpacker | None = None
        self.status: int | None = None
        self.reason = ""
        self.headers: Mapping[str, str] = {}
        self.complete = False
        self.keep_alive = False
        self.leftover = b""
        self.body_bytes = 0
        self.between_chunks = False

    def feed(self, data: bytes) -> bytes:
        """Take received bytes; return the body bytes in them, without framing."""
        if not self.head_done:
            data = self.take_head(data)
        return self.take_body(data)

    def take_head(self, data: bytes) -> bytes:
        """Take bytes of the head; return the bytes after it, none while the head is incomplete."""
        self._received = self._received or bool(data)
        self._buffer += data
        if not self._read_head():
            return b""
        data, self._buffer = self._buffer, b""
        return data

    def take_body(self, data: bytes) -> bytes:
        """Take bytes after the head; return the body bytes in them, without framing."""
        if self.complete or not data:
            self.leftover += data
            return b""
        body = self._dechunk(data) if self._chunked else self._plain(data)
        if not body:
            return b""
        self.pass_over(len(body))
        return self._unpacker.feed(body) if self._unpacker else body

    def pass_over(self, size: int) -> None:
        """Count body bytes, also those of whole chunks that the caller took itself `between_chunks`."""
        self.body_bytes += size
        if self.body_bytes > MAX_BODY:
            raise LimitError(f"a body of more than {MAX_BODY} bytes")

    def eof(self) -> None:
        """The peer closed the connection: a body without a length is complete, any other message is truncated."""
        if self.complete:
            return
        until_close = self._left is None and not self._chunked
        all_there = self._stage == "trailer"  # the last chunk has arrived, the final empty line has not
        if self.head_done and (until_close or all_there):
            self.complete = True
            self.keep_alive = False
        elif not self._received:
            raise NoResponseError("closed without an answer")
        elif not self.head_done and not b"HTTP/".startswith(self._buffer.lstrip(b"\r\n")[:5]):
            raise ProtocolError(f"not an HTTP/1 answer: {self._buffer[:40].decode('latin-1')!r}")
        else:
            raise TruncatedError("closed in the middle of the message")

    # The head

    def _read_head(self) -> bool:
        begin = 0
        while not self.head_done:
            head, begin = split_head(self._buffer, begin)
            if head is None:
                if len(self._buffer) - begin > MAX_HEAD:
                    raise LimitError(f"a head of more than {MAX_HEAD} bytes")
                break
            self._parse_head(head)
        self._buffer = self._buffer[begin:]
        return self.head_done

    def _parse_head(self, head: bytes) -> None:
        if len(head) > MAX_HEAD:
            raise LimitError(f"a head of more than {MAX_HEAD} bytes")
        known = read_head(head)
        if is_interim(known.status):
            return  # the final response follows
        self.status, self.reason, self.headers, self.keep_alive, self._chunked, encoding = known
        self.head_done = True
        if encoding:
            self._unpacker = Unpacker(encoding)
        if self._method == "HEAD" or self.status in _NO_BODY:
            self.complete = True
        elif self._chunked:
            self.between_chunks = self._unpacker is None
        elif "content-length" in self.headers:
            self._left = content_length(self.headers["content-length"])
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
        self.between_chunks = not (self.complete or self._stage != "size" or self._buffer or self._unpacker)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _take_line(self, data: bytes, position: int) -> int:
        """Take a line of the chunk framing, or keep it if it is incomplete; return where to continue."""
        line_end = data.find(b"\n", position)
        if line_end < 0:
            self._buffer = data[position:]
            if len(self._buffer) > _MAX_CHUNK_LINE:
                raise LimitError(f"a chunk's size line of more than {_MAX_CHUNK_LINE} bytes")
            return len(data)
        self.complete = self._end_of_line(data[position:line_end].rstrip(b"\r"))
        return line_end + 1

    def _end_of_line(self, line: bytes) -> bool:
        """Take a line of the chunk framing; return True at the end of the message."""
        if self._stage == "size":
            self._left = chunked.chunk_size(line)
            self._stage = "data" if self._left else "trailer"
        elif self._stage == "end":
            if line:
                raise ProtocolError("a chunk is longer than its size line says")
            self._stage = "size"
        else:
            return not line  # trailers are skipped up to the empty line
        return False

"""The heads of HTTP/1.1 messages (RFC 9112, 3 to 5): write a request's head, parse a response's head."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from katydid.model.errors import ConfigError, LimitError, ProtocolError
from katydid.protocol.unpacking import codings

MAX_HEAD = 64 * 1024
"""Maximum bytes of a response's head; servers themselves limit heads to 8 to 32 KiB."""
MAX_HEADERS = 1000
SWITCHING_PROTOCOLS = 101
MOST_HEADS = 64
"""Parsed heads that are cached: a server without per-response headers sends the same head until its Date changes."""


def request_bytes(method: str, target: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of a request; a Content-Length is added if it has a body, or a method that expects one.

    Raises:
        ConfigError: a header or the path has a line break (header injection), or is not Latin-1.
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


class Head(NamedTuple):
    """A parsed response head.

    Attributes:
        headers: names in lower case, duplicates joined.
        keep_alive: the connection may be reused.
        chunked: the body is chunked, even if there is a Content-Length (RFC 9112, 6.3).
        encoding: the codings applied to the body; see `unpacking.codings`.
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    keep_alive: bool
    chunked: bool
    encoding: tuple[str, ...]


def split_head(buffer: bytes, begin: int) -> tuple[bytes | None, int]:
    """Split off the head that begins at `begin`: up to the first empty line, with CRLF or bare LF line ends.

    Returns:
        (head, position after it); (None, begin) if the head is not complete.
    """
    at = buffer.find(b"\r\n\r\n", begin)
    bare = buffer.find(b"\n\n", begin, at if at >= 0 else len(buffer))
    if bare >= 0:
        return buffer[begin:bare], bare + 2
    return (None, begin) if at < 0 else (buffer[begin:at], at + 4)


@lru_cache(MOST_HEADS)
def read_head(head: bytes) -> Head:
    """Parse a response's head, given without the empty line that ends it.

    Raises:
        ProtocolError: it is not an HTTP/1 head.
        LimitError: it has more than `MAX_HEADERS` headers.
    """
    first, *lines = head.decode("latin-1").replace("\r\n", "\n").split("\n")
    version, status, reason = _status_line(first)
    headers = _headers(lines)
    connection = headers.get("connection", "").lower()
    keep_alive = "close" not in connection and (version != "1.0" or "keep-alive" in connection)
    chunked = "chunked" in headers.get("transfer-encoding", "").lower()
    return Head(status, reason, headers, keep_alive, chunked, codings(headers.get("content-encoding", "")))


def is_interim(status: int) -> bool:
    """Return True if the final response to the same request is still to come (RFC 9110, 15.2).

    Raises:
        ProtocolError: the status is 101, which ends HTTP on this connection.
    """
    if status == SWITCHING_PROTOCOLS:
        raise ProtocolError("the target switched to another protocol (101) without being asked")
    return 100 <= status < 200


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
            continue  # old devices and scripts send such lines; they cannot affect the framing
        last = name.strip().lower()
        value = value.strip()
        headers[last] = f"{headers[last]}, {value}" if last in headers else value
    return headers


@lru_cache(MOST_HEADS)
def content_length(value: str) -> int:
    """Parse a Content-Length; the same number repeated is valid (RFC 9112, 6.3).

    Raises:
        ProtocolError: it is not a number, or has different numbers.
    """
    lengths = {length.strip() for length in value.split(",")}
    length = lengths.pop()
    if lengths or not length.isascii() or not length.isdigit():
        raise ProtocolError(f"invalid Content-Length {value[:40]!r}")
    return int(length)

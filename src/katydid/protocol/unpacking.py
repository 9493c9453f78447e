"""Decompress response bodies (RFC 9110, 8.4) as they arrive, up to a limit."""

import zlib
from typing import Any

from katydid.model.errors import LimitError, ProtocolError

MAX_DECODED = 64 * 1024 * 1024
"""Maximum decompressed bytes of a body: no answer is that long, but a decompression bomb is."""
_CODINGS = frozenset({
    "aes128gcm", "br", "compress", "dcb", "dcz", "deflate", "exi", "gzip", "pack200-gzip", "x-compress", "x-gzip",
    "zstd",
})  # fmt: skip
"""IANA's HTTP Content Coding Registry without `identity`, and with the aliases of RFC 9110."""
_AT_ONCE = 16 * 1024
"""Bytes to decompress per step: the bytes after each gzip member are copied, and members may be tiny."""


def codings(value: str) -> tuple[str, ...]:
    """Parse a Content-Encoding: the codings in the order in which they were applied.

    Unknown words (`none`, `utf-8`) are ignored: frameworks send them to keep a proxy from compressing.
    """
    words = (word.strip().lower() for word in value.split(","))
    return tuple(word for word in words if word in _CODINGS)


class Unpacker:
    """Decompresses one body.

    Args:
        done: the codings in the order in which they were applied.

    Raises:
        ProtocolError: a coding is not supported; our requests do not ask for it.
    """

    def __init__(self, done: tuple[str, ...]) -> None:
        self._layers = [_layer(coding) for coding in reversed(done)]
        self._sizes = [0] * len(done)

    def feed(self, body: bytes) -> bytes:
        """Take bytes of the body; return them decompressed.

        Raises:
            ProtocolError: they are not valid in that encoding.
            LimitError: the decompressed body exceeds `MAX_DECODED` bytes.
        """
        for number, layer in enumerate(self._layers):
            parts = []
            for begin in range(0, len(body), _AT_ONCE):
                try:
                    plain = layer.decompress(body[begin : begin + _AT_ONCE], MAX_DECODED - self._sizes[number] + 1)
                except zlib.error:
                    raise ProtocolError("the compressed body is corrupt") from None
                parts.append(plain)
                self._sizes[number] += len(plain)
                if self._sizes[number] > MAX_DECODED:
                    raise LimitError(f"the compressed body unpacks to more than {MAX_DECODED} bytes")
            body = b"".join(parts)
        return body


def _layer(coding: str) -> Any:
    if coding in {"gzip", "x-gzip"}:
        return _Gunzip()
    if coding == "deflate":
        return _Inflate()
    raise ProtocolError(f"content encoding {coding!r} was not requested")


class _Gunzip:
    """`gzip`: one or several members; some servers begin a new one at each flush (RFC 1952, 2.2)."""

    def __init__(self) -> None:
        self._inner = self._new()
        self._members = 0
        self._begun = False
        """True inside a member."""
        self._over = False
        """True after the last member, when only padding follows."""

    def _new(self) -> Any:
        return zlib.decompressobj(zlib.MAX_WBITS | 16)

    def decompress(self, data: bytes, most: int) -> bytes:
        parts = []
        while data and not self._over:
            if self._members and not self._begun and data[0] != 0x1F:
                self._over = True
                break
            self._begun = True
            part = self._inner.decompress(data, most)
            parts.append(part)
            most -= len(part)
            data = self._inner.unused_data
            if not self._inner.eof or most <= 0:
                break
            self._members, self._begun, self._inner = self._members + 1, False, self._new()
        return b"".join(parts)


class _Inflate:
    """`deflate`: zlib format in the standard; some servers send raw deflate."""

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

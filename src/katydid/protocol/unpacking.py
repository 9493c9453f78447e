"""Compressed bodies (RFC 9110, 8.4), unpacked as they arrive and only so far."""

import zlib
from typing import Any

from katydid.model.errors import LimitError, ProtocolError

MAX_DECODED = 64 * 1024 * 1024
"""Bytes that a compressed body may unpack to: no text is that long, and a bomb is."""
_CODINGS = frozenset({
    "aes128gcm", "br", "compress", "dcb", "dcz", "deflate", "exi", "gzip", "pack200-gzip", "x-compress", "x-gzip",
    "zstd",
})  # fmt: skip
"""IANA's HTTP Content Coding Registry, without `identity`, and with the names that RFC 9110 has beside it."""
_AT_ONCE = 16 * 1024
"""Bytes that are unpacked at a time: what is left over of each member is copied, and members may be tiny."""


def codings(value: str) -> tuple[str, ...]:
    """What a Content-Encoding says was done to a body, in that order.

    A word that is not a coding (`none`, `utf-8`) does nothing: frameworks write such to keep a proxy from compressing.
    """
    words = (word.strip().lower() for word in value.split(","))
    return tuple(word for word in words if word in _CODINGS)


class Unpacker:
    """Unpacks one body.

    Args:
        done: codings that were applied to it, in that order.

    Raises:
        ProtocolError: one of them was not asked for.
    """

    def __init__(self, done: tuple[str, ...]) -> None:
        self._layers = [_layer(coding) for coding in reversed(done)]
        self._sizes = [0] * len(done)

    def feed(self, body: bytes) -> bytes:
        """What these bytes of the body unpack to.

        Raises:
            ProtocolError: they are not of that encoding.
            LimitError: the whole is more than `MAX_DECODED` bytes.
        """
        for number, layer in enumerate(self._layers):
            parts = []
            for begin in range(0, len(body), _AT_ONCE):
                try:
                    plain = layer.decompress(body[begin : begin + _AT_ONCE], MAX_DECODED - self._sizes[number] + 1)
                except zlib.error:
                    raise ProtocolError("a compressed body that cannot be unpacked") from None
                parts.append(plain)
                self._sizes[number] += len(plain)
                if self._sizes[number] > MAX_DECODED:
                    raise LimitError(f"a compressed body of more than {MAX_DECODED} bytes")
            body = b"".join(parts)
        return body


def _layer(coding: str) -> Any:
    if coding in {"gzip", "x-gzip"}:
        return _Gunzip()
    if coding == "deflate":
        return _Inflate()
    raise ProtocolError(f"content encoding {coding!r}, which nobody asked for")


class _Gunzip:
    """`gzip`: a member, or several behind each other, as servers write them that flush so (RFC 1952, 2.2)."""

    def __init__(self) -> None:
        self._inner = self._new()
        self._members = 0
        self._begun = False
        """Whether a member has begun and not ended."""
        self._over = False
        """What comes now is not a member, but padding."""

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

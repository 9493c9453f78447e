"""Compressed bodies (RFC 9110, 8.4), unpacked as they arrive and only so far."""

import zlib
from typing import Any

from katydid.core.errors import LimitError, ProtocolError

MAX_DECODED = 64 * 1024 * 1024
"""Bytes that a compressed body may unpack to: no text is that long, and a bomb is."""


class Unpacker:
    """Unpacks one body.

    Args:
        encoding: by its name, in lower case.

    Raises:
        ProtocolError: the encoding is none that we asked for.
    """

    def __init__(self, encoding: str) -> None:
        self._inner: Any
        if encoding in {"gzip", "x-gzip"}:
            self._inner = zlib.decompressobj(zlib.MAX_WBITS | 16)
        elif encoding == "deflate":
            self._inner = _Inflate()
        else:
            raise ProtocolError(f"content encoding {encoding[:20]!r}, which nobody asked for")
        self._size = 0

    def feed(self, body: bytes) -> bytes:
        """What these bytes of the body unpack to.

        Raises:
            ProtocolError: they are not of that encoding.
            LimitError: the whole is more than `MAX_DECODED` bytes.
        """
        try:
            plain: bytes = self._inner.decompress(body, MAX_DECODED - self._size + 1)
        except zlib.error:
            raise ProtocolError("a compressed body that cannot be unpacked") from None
        self._size += len(plain)
        if self._size > MAX_DECODED:
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

"""Decode chunked transfer coding in bulk (RFC 9112, 7.1). Knows only chunks, not the message around them.

A streaming server sends one chunk per event. Decoding them step by step would cost more than parsing the events, so
complete chunks in the simplest form are taken in bulk; the reader in `http1` decodes the rest. `unwrap` is the
specification; `_skim.c` does the same in C and is used if it was compiled.
"""

import contextlib
import re
from collections.abc import Callable

from katydid.model.errors import ProtocolError

_HEX = re.compile(rb"[0-9A-Fa-f]{1,16}")
_PLAIN_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_LAST = b"0\r\n\r\n"


def chunk_size(line: bytes) -> int:
    """Parse the size in a chunk's first line, ignoring extensions.

    Raises:
        ProtocolError: the line has no valid size.
    """
    digits = line.partition(b";")[0].strip()
    if not _HEX.fullmatch(digits):
        raise ProtocolError(f"invalid chunk size {line[:20]!r}")
    return int(digits, 16)


def unwrap(data: bytes, position: int, most: int, /) -> tuple[int, bytes, bool]:
    """Take complete chunks without extensions, and the end of the body if it follows without trailers.

    Args:
        data: bytes of a chunked body as received.
        position: where a chunk begins.
        most: maximum number of chunks; after that many, the end is not looked for.

    Returns:
        (position, body, ended): where to continue, the content of the chunks, and whether the body ends there.
    """
    bodies: list[bytes] = []
    while len(bodies) < most:
        line = _PLAIN_SIZE.match(data, position)
        size = int(line[1], 16) if line else 0
        if not line or not size or data[line.end() + size : line.end() + size + 2] != b"\r\n":
            ended = data.startswith(_LAST, position)
            return position + len(_LAST) * ended, b"".join(bodies), ended
        bodies.append(data[line.end() : line.end() + size])
        position = line.end() + size + 2
    return position, b"".join(bodies), False


compiled: Callable[[bytes, int, int], tuple[int, bytes, bool]] | None = None
"""The C implementation; None if it was not compiled."""
with contextlib.suppress(ImportError):
    from katydid.protocol._skim import unwrap as compiled

fastest = compiled or unwrap

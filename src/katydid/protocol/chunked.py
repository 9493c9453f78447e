"""Chunked transfer coding, a block at a time (RFC 9112, 7.1). Knows no message around the chunks.

A server that streams sends a chunk an event. Reading each of them step by step would cost more than the
events themselves, so whole chunks in their plainest form are taken in bulk; the reader in `http1` takes
whatever is not. `unwrap` is the specification of that, and `_skim.c` the same in C, taken where it could be compiled.
"""

import contextlib
import re
from collections.abc import Callable

from katydid.model.errors import ProtocolError

_HEX = re.compile(rb"[0-9A-Fa-f]{1,16}")
_PLAIN_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_LAST = b"0\r\n\r\n"


def chunk_size(line: bytes) -> int:
    """The size that a chunk's first line names, its extensions left aside.

    Raises:
        ProtocolError: it names none.
    """
    digits = line.partition(b";")[0].strip()
    if not _HEX.fullmatch(digits):
        raise ProtocolError(f"a chunk of size {line[:20]!r}")
    return int(digits, 16)


def unwrap(data: bytes, position: int, most: int, /) -> tuple[int, bytes, bool]:
    """Take the chunks that are there whole and plain, and the end of the body where it follows without trailers.

    Args:
        data: of a chunked body, as it came over the wire.
        position: where a chunk begins.
        most: chunks to take; the end is not looked for behind that many.

    Returns:
        (position, body, ended): where to go on, what was in the chunks, and whether the body ends there.
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
"""The twin in C; None where it is not there."""
with contextlib.suppress(ImportError):
    from katydid.protocol._skim import unwrap as compiled

fastest = compiled or unwrap

"""Chunked transfer coding, a block at a time (RFC 9112, 7.1). Knows no message around the chunks.

A server that streams sends a chunk an event. Reading each of them step by step would cost more than the
events themselves, so whole chunks in their plainest form are taken in bulk; the reader in `http1` takes
whatever is not.
"""

import re

from katydid.core.errors import ProtocolError

_HEX = re.compile(rb"[0-9A-Fa-f]{1,16}")


def chunk_size(line: bytes) -> int:
    """The size that a chunk's first line names, its extensions left aside.

    Raises:
        ProtocolError: it names none.
    """
    digits = line.partition(b";")[0].strip()
    if not _HEX.fullmatch(digits):
        raise ProtocolError(f"a chunk of size {line[:20]!r}")
    return int(digits, 16)


def only_chunk(data: bytes) -> bytes:
    """The body where the data is one whole plain chunk, as of an event that arrives alone; else empty."""
    line_end = data.find(b"\r\n")
    if line_end < 0 or len(data) != line_end + 4 + _SIZES[data[:line_end]] or data[-2:] != b"\r\n":
        return b""
    return data[line_end + 2 : -2]


def take_chunk(data: bytes, position: int, parts: list[bytes]) -> int:
    """Take a chunk that is there whole and plain; where to go on, 0 for nowhere."""
    line_end = data.find(b"\r\n", position)
    size = _SIZES[data[position:line_end]] if line_end >= 0 else 0
    end = line_end + 2 + size
    if not size or data[end : end + 2] != b"\r\n":
        return 0
    parts.append(data[line_end + 2 : end])
    return end + 2


def take_chunks(data: bytes, position: int, parts: list[bytes]) -> tuple[int, bool]:
    """Take all such chunks at once; where to go on, and whether that worked.

    Cut at every CRLF, a block of them is size, body, size, body, …: all of that, and the test that each
    body has its size, runs in C. A body with a CRLF in it or an extension fails the test.
    """
    pieces = data[position:].split(b"\r\n")
    pieces.pop()  # what follows the last CRLF is no whole chunk
    if len(pieces) % 2:
        pieces.pop()
    sizes, bodies = pieces[::2], pieces[1::2]
    lengths = list(map(len, bodies))
    if 0 in lengths:  # the last chunk, or nothing like a chunk
        last = lengths.index(0)
        sizes, bodies, lengths = sizes[:last], bodies[:last], lengths[:last]
    if lengths != list(map(_SIZES.__getitem__, sizes)):
        return position, False
    parts += bodies
    return position + sum(lengths) + sum(map(len, sizes)) + 4 * len(bodies), True


class _Sizes(dict[bytes, int]):
    """Chunk sizes by their text, each worked out once; 0 for what needs a closer look."""

    def __missing__(self, line: bytes) -> int:
        if len(line) > 8 or not _HEX.fullmatch(line):
            return 0
        if len(self) > 100_000:
            self.clear()
        size = self[line] = int(line, 16)
        return size


_SIZES = _Sizes()

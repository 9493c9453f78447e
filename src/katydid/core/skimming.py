"""Content events of a chunked body counted where they lie, framing and all. Knows no API and no rule of its own.

A server that streams puts each event into an HTTP chunk of its own, and nearly all of them look alike but for
their text (`core.counting` learns how). Such chunks need neither be unwrapped nor cut into events: this is the
path that almost every chunk of a run takes. `skim` is its specification, and `_skim.c` the same in C, taken
where it could be compiled; whatever neither knows is left to the parsers.
"""

import contextlib
import re
from collections.abc import Callable

_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")

ChunkRule = tuple[bytes, bytes, bytes, int]
"""What the chunks look like: the last arguments of `skim`."""


def skim(  # noqa: PLR0917 - as its twin in C: one flat call a read
    data: bytes, position: int, head: bytes, marker: bytes, ending: bytes, line_ends: int, /
) -> tuple[int, int, int]:
    """Pass over the chunks that are one content event each.

    Args:
        data: of a chunked body, as it came over the wire.
        position: where a chunk begins.
        head: what an event begins with.
        marker: what stands right before its text, which is not empty.
        ending: what it ends with.
        line_ends: how many an event has.

    Returns:
        (position, events, size): of the first chunk that is something else, or not there whole; how many were
        passed over, and the bytes of their bodies.
    """
    events = size = 0
    while line := _CHUNK_LINE.match(data, position):
        begin = line.end()
        end = begin + int(line[1], 16)
        body = data[begin:end]
        if data[end : end + 2] != b"\r\n" or not _is_content(body, head, marker, ending, line_ends):
            break
        events += 1
        size += len(body)
        position = end + 2
    return position, events, size


def _is_content(body: bytes, head: bytes, marker: bytes, ending: bytes, line_ends: int) -> bool:
    text = body.find(marker) + len(marker)
    return (
        text >= len(marker)
        and len(body) >= len(head) + len(ending)
        and body.startswith(head)
        and body.endswith(ending)
        and body[text : text + 1] not in {b'"', b""}
        and body.find(marker, text) < 0
        and b"\r" not in body
        and body.count(b"\n") == line_ends
    )


compiled: Callable[[bytes, int, bytes, bytes, bytes, int], tuple[int, int, int]] | None = None
"""The twin in C; None where it is not there."""
with contextlib.suppress(ImportError):
    from katydid.core._skim import skim as compiled

fastest = compiled or skim

"""Count the content events of a chunked body in place, without removing the chunk framing. Knows no API.

A streaming server sends each event as one HTTP chunk, and nearly all of them differ only in their text
(`protocol.counting` learns the rule). These chunks need neither dechunking nor parsing: almost every chunk of a run
takes this path. `skim` and `run` are the specification; `_skim.c` does the same in C and is used if it was compiled.
Chunks that do not match are left to the parsers.
"""

import contextlib
import re
from collections.abc import Callable
from functools import lru_cache

_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")

STRING, NUMBER, TEXT = b"\x01", b"\x02", b"\x03"
"""Holes of a rule: a JSON string without escapes; an integer of at most 18 digits; a JSON string that is not empty."""
MOST_HOLES = 24
_HOLES = {
    STRING: rb'[^"\\\x00-\x1f]*+',
    NUMBER: rb"-?+(?:0|[1-9][0-9]{0,17}+)",
    TEXT: rb'(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})++',
}

ChunkRule = bytes
"""The bytes of an event with holes (STRING, NUMBER, TEXT) in it."""


def skim(data: bytes, position: int, rule: ChunkRule, /) -> tuple[int, int, int]:
    """Skip the chunks that are one content event each.

    Args:
        data: bytes of a chunked body as received.
        position: where a chunk begins.
        rule: the form of an event.

    Returns:
        (position, events, size): the position of the first chunk that does not match or is incomplete, the number
        of chunks skipped, and the bytes of their bodies.
    """
    event = _pattern(rule)
    events = size = 0
    while line := _CHUNK_LINE.match(data, position):
        begin = line.end()
        end = begin + int(line[1], 16)
        if end == begin or data[end : end + 2] != b"\r\n" or not event.fullmatch(data, begin, end):
            break
        events += 1
        size += end - begin
        position = end + 2
    return position, events, size


def run(data: bytes, position: int, rule: ChunkRule, /) -> tuple[int, int]:
    """Skip consecutive content events in data without chunk framing.

    Args:
        data: events.
        position: where an event begins.
        rule: the form of an event.

    Returns:
        (position, events): the position of the first event that does not match or is incomplete, and the number of
        events skipped.
    """
    event = _pattern(rule)
    events = 0
    while found := event.match(data, position):
        events += 1
        position = found.end()
    return position, events


@lru_cache(64)
def _pattern(rule: ChunkRule) -> re.Pattern[bytes]:
    parts = re.split(rb"([\x01-\x03])", rule)
    return re.compile(b"".join(_HOLES.get(part) or re.escape(part) for part in parts))


compiled: Callable[[bytes, int, bytes], tuple[int, int, int]] | None = None
compiled_run: Callable[[bytes, int, bytes], tuple[int, int]] | None = None
"""The C implementations; None if they were not compiled."""
with contextlib.suppress(ImportError):
    from katydid.protocol import _skim

    compiled, compiled_run = _skim.skim, _skim.run

fastest = compiled or skim
fastest_run = compiled_run or run

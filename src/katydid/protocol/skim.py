"""Content events of a chunked body counted where they lie, framing and all. Knows no API and no rule of its own.

A server that streams puts each event into an HTTP chunk of its own, and nearly all of them look alike but for
their text (`protocol.counting` learns how). Such chunks need neither be unwrapped nor cut into events: this is the
path that almost every chunk of a run takes. `skim` and `run` are its specification, and `_skim.c` the same in C,
taken where it could be compiled; whatever neither knows is left to the parsers.
"""

import contextlib
import re
from collections.abc import Callable
from functools import lru_cache

_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")

STRING, NUMBER, TEXT = b"\x01", b"\x02", b"\x03"
"""Holes of a rule: a JSON text without escapes; a whole number of at most 18 digits; a JSON text that is not empty."""
MOST_HOLES = 24
_HOLES = {
    STRING: rb'[^"\\\x00-\x1f]*+',
    NUMBER: rb"-?+(?:0|[1-9][0-9]{0,17}+)",
    TEXT: rb'(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})++',
}

ChunkRule = bytes
"""What the chunks look like: an event with holes in it."""


def skim(data: bytes, position: int, rule: ChunkRule, /) -> tuple[int, int, int]:
    """Pass over the chunks that are one content event each.

    Args:
        data: of a chunked body, as it came over the wire.
        position: where a chunk begins.
        rule: what an event looks like.

    Returns:
        (position, events, size): of the first chunk that is something else, or not there whole; how many were
        passed over, and the bytes of their bodies.
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
    """Pass over content events that follow each other, without any framing.

    Args:
        data: events.
        position: where one begins.
        rule: what an event looks like.

    Returns:
        (position, events): of what is something else, or not there whole; how many were passed over.
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
"""The twins in C; None where they are not there."""
with contextlib.suppress(ImportError):
    from katydid.protocol import _skim

    compiled, compiled_run = _skim.skim, _skim.run

fastest = compiled or skim
fastest_run = compiled_run or run

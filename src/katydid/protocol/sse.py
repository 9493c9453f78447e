"""An incremental parser for server-sent events, following the WHATWG rules for event streams.

Knows neither sockets nor what an event means. Nearly every server writes events of a single `data: …` line with LF;
a block of these is split at once. A block with anything else (comments, other fields, several data lines) is parsed
line by line.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from itertools import repeat
from typing import Protocol

from katydid.model.errors import LimitError

MAX_EVENT = 1024 * 1024
"""Maximum bytes of one event: a thousand times what a token needs, yet small enough to buffer for every user."""

BOM = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8; a stream may begin with it."""
_MESSAGE = b"message"


SseEvent = tuple[bytes, bytes]
"""One event: its data (UTF-8 as received, lines joined by LF) and its name. A plain tuple: named fields would add a
tenth to the cost of an event."""


class EventParser(Protocol):
    """The interface that this parser and `ndjson`'s share."""

    plain: bool
    """All lines so far ended with LF alone, so their events may be counted by their bytes."""
    rest: bytes
    """The bytes of an unfinished event."""

    def take_back(self) -> bytes:
        """Remove the bytes of an unfinished event from the parser and return them."""


class SseParser:
    """Parses the bytes of one stream, split anywhere. Lines may end with LF, CRLF or bare CR.

    Raises:
        LimitError: from `feed`, if an event exceeds `max_event` bytes.
    """

    __slots__ = ("_max_event", "_skip_lf", "_started", "plain", "rest")

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self.rest = b""
        self._max_event = max_event
        self._started = False
        self._skip_lf = False
        self.plain = True

    def take_back(self) -> bytes:
        """See `EventParser.take_back`."""
        pending, self.rest = self.rest, b""
        return pending

    def feed(self, data: bytes) -> list[SseEvent]:
        """Take bytes; return the events that they complete."""
        if b"\r" in data or self._skip_lf:
            data = self._with_lf_only(data)
        buffer = self.rest + data
        if not self._started:
            if len(buffer) < len(BOM) and BOM.startswith(buffer):
                self.rest = buffer
                return []
            self._started = True
            buffer = buffer.removeprefix(BOM)
        end = buffer.rfind(b"\n\n") + 2
        whole, self.rest = (buffer[:end], buffer[end:]) if end > 1 else (b"", buffer)
        if len(self.rest) > self._max_event:
            raise LimitError(f"an event of more than {self._max_event} bytes")
        return _plain_events(whole) or _any_events(whole)

    def close(self) -> SseEvent | None:
        """The last event if no blank line ended it (the standard discards it), else None."""
        rest, self.rest = self.rest, b""
        return _event(rest.split(b"\n")) if rest else None

    def _with_lf_only(self, data: bytes) -> bytes:
        self.plain = False
        if self._skip_lf and data:
            data = data.removeprefix(b"\n")
            self._skip_lf = False
        if data.endswith(b"\r"):
            self._skip_lf = True
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _plain_events(whole: bytes) -> list[SseEvent]:
    """The events of a block, if each is a single data line; else an empty list."""
    data = whole[6:-2].split(b"\n\ndata: ")
    if not whole.startswith(b"data: ") or whole.count(b"\n") != 2 * len(data):
        return []
    return list(zip(data, repeat(_MESSAGE)))


def _any_events(whole: bytes) -> list[SseEvent]:
    return [event for block in whole.split(b"\n\n") if (event := _event(block.split(b"\n")))]


def _event(lines: list[bytes]) -> SseEvent | None:
    data: list[bytes] = []
    name = _MESSAGE
    for line in lines:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value or _MESSAGE
        elif field == b"error":  # llama.cpp's extension; ignoring it would hide a failure
            data.append(value)
            name = field
        # `id` and `retry` are for reconnecting, which a load generator must not do by itself. A line that begins
        # with a colon is a comment. Other fields are ignored, as the standard requires.
    return (b"\n".join(data), name) if data else None

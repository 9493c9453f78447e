"""Server-sent events: bytes in, in any split; events out. By the WHATWG rules for event streams.

Knows nothing of what an event means, and nothing of sockets. Nearly every server writes events of one
`data: …` line with LF; such are cut apart all at once. Where anything else comes up (comments, other
fields, several data lines), events are read line by line.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from itertools import repeat
from typing import Protocol

from katydid.model.errors import LimitError

MAX_EVENT = 1024 * 1024
"""Bytes of one event: a thousand times what a token needs, and little enough to hold for every user."""

BOM = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8, which may stand at the very beginning."""
_MESSAGE = b"message"


SseEvent = tuple[bytes, bytes]
"""One dispatched event: its data, UTF-8 as it came, its lines joined by LF; and its name. A plain tuple, since a
tenth of all that an event costs would be to give its parts names."""


class EventParser(Protocol):
    """What the parsers of event streams and of lines (`ndjson`) have in common."""

    plain: bool
    rest: bytes
    """Of an unfinished event."""

    def take_back(self) -> bytes:
        """The bytes of an unfinished event, which the parser then forgets."""


class SseParser:
    """An incremental parser. Bare CR and CRLF end lines as LF does.

    Raises:
        LimitError: from `feed`, when one event grows beyond `max_event` bytes.
    """

    __slots__ = ("_max_event", "_skip_lf", "_started", "plain", "rest")

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self.rest = b""
        self._max_event = max_event
        self._started = False
        self._skip_lf = False
        self.plain = True
        """Whether all lines until now ended with LF alone."""

    @property
    def pending(self) -> bool:
        """Whether bytes of an event wait that was never ended; at the end of a stream they are discarded."""
        return bool(self.rest.strip(b"\n"))

    def take_back(self) -> bytes:
        """The bytes of an unfinished event, which the parser then forgets."""
        pending, self.rest = self.rest, b""
        return pending

    def feed(self, data: bytes) -> list[SseEvent]:
        """The events that are complete with these bytes."""
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
        """The last event where no blank line ended it; the standard has it discarded. None where there is none."""
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
    """The events, where each is one data line and nothing else; else none."""
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
        elif field == b"error":  # llama.cpp's own; to ignore it would be to take a failure for silence
            data.append(value)
            name = field
        # `id` and `retry` are for reconnecting, which a load generator must not do by itself; a line
        # that begins with a colon is a comment; other fields are ignored, as the standard demands.
    return (b"\n".join(data), name) if data else None

"""Server-sent events: bytes in, in any split; events out. By the WHATWG rules for event streams.

Knows nothing of what an event means, and nothing of sockets. Nearly every server writes plain
`data: …` blocks with LF; those are cut out of the buffer whole. Whatever else comes up in a block
(comments, other fields, several data lines) is read line by line.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from typing import NamedTuple

from katydid.core.errors import LimitError

MAX_EVENT = 1024 * 1024
"""Bytes of one event: a thousand times what a token needs, and little enough to hold for every user."""

_BOM = b"\xef\xbb\xbf"


class SseEvent(NamedTuple):
    """One dispatched event; `data` is UTF-8 as it came, its lines joined by LF."""

    data: bytes
    name: bytes = b"message"


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
        if not self.rest and (events := _plain_events(data)):
            self._started = True
            return events
        buffer = self.rest + data
        if not self._started:
            if len(buffer) < len(_BOM) and _BOM.startswith(buffer):
                self.rest = buffer
                return []
            self._started = True
            buffer = buffer.removeprefix(_BOM)
        *blocks, self.rest = buffer.split(b"\n\n")
        if len(self.rest) > self._max_event:
            raise LimitError(f"an event of more than {self._max_event} bytes")
        return [event for block in blocks if (event := _event(block)) is not None]

    def _with_lf_only(self, data: bytes) -> bytes:
        self.plain = False
        if self._skip_lf and data:
            data = data.removeprefix(b"\n")
            self._skip_lf = False
        if data.endswith(b"\r"):
            self._skip_lf = True
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _plain_events(block: bytes) -> list[SseEvent]:
    """The events of a block without CR that is whole events of one data line each, and nothing else; else none."""
    if not block.startswith(b"data: ") or not block.endswith(b"\n\n"):
        return []
    data = block[6:-2].split(b"\n\ndata: ")
    if block.count(b"\n") != 2 * len(data):
        return []
    return [SseEvent(each) for each in data]


def _event(block: bytes) -> SseEvent | None:
    # The common block is one line; a leading LF belongs to an empty line in front of it.
    block = block.lstrip(b"\n")
    if block.startswith(b"data: ") and b"\n" not in block:
        return SseEvent(block[6:])
    return _event_of_lines(block.split(b"\n"))


def _event_of_lines(lines: list[bytes]) -> SseEvent | None:
    data: list[bytes] = []
    name = b"message"
    for line in lines:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value or b"message"
        # `id` and `retry` are for reconnecting, which a load generator must not do by itself; a line
        # that begins with a colon is a comment; other fields are ignored, as the standard demands.
    return SseEvent(b"\n".join(data), name) if data else None

"""An incremental parser for newline-delimited JSON. Splits lines without parsing them."""

from katydid.model.errors import LimitError

MAX_LINE = 1024 * 1024
"""Maximum bytes of one line; see `sse.MAX_EVENT`."""


class NdjsonParser:
    """Splits the bytes of one stream, received in any pieces, into lines.

    Raises:
        LimitError: from `feed`, if a line exceeds `max_line` bytes.
    """

    __slots__ = ("_max_line", "rest")

    plain = True
    """See `sse.EventParser`. Always True: here a CR is only white space at a line's end."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self.rest = b""
        self._max_line = max_line

    def take_back(self) -> bytes:
        """See `sse.EventParser.take_back`."""
        pending, self.rest = self.rest, b""
        return pending

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes; return the lines that they complete, without blank ones."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > self._max_line:
            raise LimitError(f"a line of more than {self._max_line} bytes")
        return [stripped for line in lines if (stripped := line.strip())]

    def close(self) -> bytes | None:
        """The last line if no newline ended it, which is common; else None."""
        rest, self.rest = self.rest.strip(), b""
        return rest or None

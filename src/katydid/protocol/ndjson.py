"""Newline-delimited JSON: bytes in, in any split; lines out. Knows nothing of what a line says."""

from katydid.model.errors import LimitError

MAX_LINE = 1024 * 1024
"""Bytes of one line; see `sse.MAX_EVENT`."""


class NdjsonParser:
    """An incremental parser.

    Raises:
        LimitError: from `feed`, when one line grows beyond `max_line` bytes.
    """

    __slots__ = ("_max_line", "rest")

    plain = True
    """As in `sse.SseParser`: here a CR is only white space at a line's end."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self.rest = b""
        self._max_line = max_line

    def take_back(self) -> bytes:
        """The bytes of an unfinished line, which the parser then forgets."""
        pending, self.rest = self.rest, b""
        return pending

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete with these bytes, without blank ones."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > self._max_line:
            raise LimitError(f"a line of more than {self._max_line} bytes")
        return [stripped for line in lines if (stripped := line.strip())]

    def close(self) -> bytes | None:
        """The last line where no newline follows it, as is usual; None where there is none."""
        rest, self.rest = self.rest.strip(), b""
        return rest or None

"""A message and its answer over a WebSocket: one is said as soon as it is open, and the first answer ends it."""

from collections.abc import Callable

from katydid.core.sample import ErrorClass
from katydid.dialects.closing import classify_close
from katydid.scenarios.answers import WholeAnswer


class MessagePart:
    """See `transport.websocket.Part`.

    Args:
        message: JSON, as it is sent.
        new: makes an answer to be filled; what is heard without a text is none.

    Attributes:
        answer: the last message that was heard.
    """

    def __init__(self, message: bytes, new: Callable[[], WholeAnswer]) -> None:
        self._message = message.decode()
        self._new = new
        self.answer = new()
        self.due: float | None = None
        self.done = False

    def begin(self, at: float) -> None:
        """See `Part.begin`."""
        self.due = at

    def say(self, now: float, *, held: bool) -> str:
        """See `Part.say`."""
        del now, held
        self.due = None
        return self._message

    def hear(self, message: str | bytes, at: float) -> None:
        """See `Part.hear`."""
        self.answer = self._new()
        self.answer.feed(message.encode() if isinstance(message, str) else message, at)
        self.answer.finish()
        self.done = self.answer.verdict() is not None or self.answer.field("text") is not None

    def closed(self, code: int, reason: str) -> tuple[ErrorClass, str] | None:
        """See `Part.closed`."""
        return None if self.done else classify_close(code, reason)

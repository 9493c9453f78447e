"""The seam between a speech service's messages and what is made of them."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol

from katydid.dialects.loading import load_object
from katydid.model.errors import ProtocolError
from katydid.model.jsontext import json_bytes

SAMPLE_RATE = 16_000
"""Hz; with 16-bit samples of one channel what every one of these services takes."""


class MessageKind(Enum):
    """What a message of the service is."""

    PARTIAL = auto()
    """Text that may still change."""
    SEGMENT = auto()
    """Text that is settled, of audio up to a pause; more follows."""
    FINAL = auto()
    """The last text."""
    STATUS = auto()
    ERROR = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the service.

    Attributes:
        text: what was recognised; of an ERROR what went wrong.
        appends: a PARTIAL adds to the text before instead of replacing it.
        pending: how many wait in the service's queue, as it counts them.
        processing_ms: what the service says that the stream took it.
        rtf: the real-time factor that it says it had, ready-made.
    """

    kind: MessageKind
    text: str = ""
    appends: bool = False
    pending: int | None = None
    processing_ms: float | None = None
    rtf: float | None = None


class SpeechDialect(Protocol):
    """One service's messages.

    Attributes:
        name: as in `--api`.
        endpoint: the path where nobody names another.
        final_by_close: the last text counts as final when the service closes normally.
    """

    name: str
    endpoint: str
    final_by_close: bool

    def start(self, request_id: str) -> str:
        """The message before the audio."""

    def stop(self) -> str:
        """The message after it."""

    def read(self, message: str | bytes, *, stopped: bool) -> Said:
        """What a message says; `stopped`: our own end has been sent.

        Raises:
            ProtocolError: it is not one of this service's.
        """


def json_object(message: str | bytes) -> dict[str, Any]:
    """A message as a JSON object.

    Raises:
        ProtocolError: it is not.
    """
    if isinstance(message, bytes):
        raise ProtocolError(f"a binary message of {len(message)} bytes where JSON was expected")
    return load_object(message.encode())


def json_text(**members: object) -> str:
    """A JSON message."""
    return json_bytes(members).decode()

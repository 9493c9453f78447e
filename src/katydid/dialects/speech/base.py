"""The interface of a speech dialect, and the content of one message."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol

from katydid.dialects.loading import load_object
from katydid.model.errors import ProtocolError
from katydid.model.jsontext import json_bytes

SAMPLE_RATE = 16_000
"""Hz. Every service takes this rate, as 16-bit mono samples."""


class MessageKind(Enum):
    """The kind of a message from the service."""

    PARTIAL = auto()
    """Text that may still change."""
    SEGMENT = auto()
    """Settled text of the audio up to a pause; more follows."""
    FINAL = auto()
    """The last text."""
    STATUS = auto()
    ERROR = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Said:
    """One message from the service.

    Attributes:
        text: the recognised text; of an ERROR, the error message.
        appends: the text of a PARTIAL is added to the earlier text instead of replacing it.
        pending: the length of the target's queue, as the target reports it.
        processing_ms: the processing time of the stream that the target reports.
        rtf: the real-time factor that the target reports.
    """

    kind: MessageKind
    text: str = ""
    appends: bool = False
    pending: int | None = None
    processing_ms: float | None = None
    rtf: float | None = None


class SpeechDialect(Protocol):
    """One speech API.

    Attributes:
        name: the value of `--api`.
        endpoint: the default path.
        final_by_close: when the service closes normally, the last settled text is the final result.
    """

    name: str
    endpoint: str
    final_by_close: bool

    def start(self, request_id: str) -> str:
        """The message to send before the audio."""

    def stop(self) -> str:
        """The message to send after the audio."""

    def read(self, message: str | bytes, *, stopped: bool) -> Said:
        """Parse a message; `stopped` is True once our stop message has been sent.

        Raises:
            ProtocolError: it is not a message of this API.
        """


def json_object(message: str | bytes) -> dict[str, Any]:
    """Parse a message as a JSON object.

    Raises:
        ProtocolError: it is not a JSON object.
    """
    if isinstance(message, bytes):
        raise ProtocolError(f"a binary message of {len(message)} bytes where JSON was expected")
    return load_object(message.encode())


def json_text(**members: object) -> str:
    """A JSON message."""
    return json_bytes(members).decode()

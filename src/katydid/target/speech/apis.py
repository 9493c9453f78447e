"""Speech APIs from the server's side: the meaning of a client's text messages, and the format of results.

Audio is 16-bit PCM, mono, in binary messages. Does no I/O.
"""

from enum import Enum, auto
from typing import Protocol

import orjson

from katydid.model.jsontext import json_bytes
from katydid.target.wire.http import RequestError


class Word(Enum):
    """The meaning of a client's text message."""

    START = auto()
    STOP = auto()
    OTHER = auto()


class SpeechApi(Protocol):
    """One API.

    Attributes:
        closes: True if the server closes the connection after the final result.
    """

    closes: bool

    def read(self, message: str) -> Word:
        """Return the meaning of a client's text message.

        Raises:
            RequestError: it is not a JSON object.
        """

    def partial(self, text: str) -> str:
        """Return the message of a result that may still change."""

    def final(self, text: str, processing_ms: float) -> str:
        """Return the message of the final result."""

    def status(self, pending: int) -> str | None:
        """Return the message with the number of queued chunks; None if the API has no such message."""
        del pending
        return None

    def error(self, message: str) -> str:
        """Return an error message."""
        return _json(error=message)


def _object(message: str) -> dict[str, object]:
    try:
        value = orjson.loads(message)
    except orjson.JSONDecodeError:
        raise RequestError("a text message is not JSON") from None
    if not isinstance(value, dict):
        raise RequestError("a text message is not a JSON object")
    return value


def _json(**members: object) -> str:
    return json_bytes(members).decode()


class GenericApi(SpeechApi):
    """Katydid's own API: `{"type": "start"}`, audio, `{"type": "stop"}`; results of types partial and final."""

    closes = True

    def read(self, message: str) -> Word:
        """See `SpeechApi.read`."""
        return {"start": Word.START, "stop": Word.STOP}.get(str(_object(message).get("type")), Word.OTHER)

    def partial(self, text: str) -> str:
        """See `SpeechApi.partial`."""
        return _json(type="partial", text=text)

    def final(self, text: str, processing_ms: float) -> str:
        """See `SpeechApi.final`."""
        return _json(type="final", text=text, processing_ms=processing_ms)

    def status(self, pending: int) -> str | None:
        """See `SpeechApi.status`."""
        return _json(type="queue_status", pending=pending)

    def error(self, message: str) -> str:
        """See `SpeechApi.error`."""
        return _json(type="error", message=message)


class FunAsrApi(SpeechApi):
    """FunASR's runtime server: `is_speaking`, results by `mode`; the connection stays open after the final result."""

    closes = False

    def read(self, message: str) -> Word:
        """See `SpeechApi.read`."""
        speaking = _object(message).get("is_speaking")
        return Word.OTHER if speaking is None else Word.START if speaking else Word.STOP

    def partial(self, text: str) -> str:
        """See `SpeechApi.partial`."""
        return _json(mode="2pass-online", text=text, wav_name="katydid", is_final=False)

    def final(self, text: str, processing_ms: float) -> str:
        """See `SpeechApi.final`; FunASR does not report its processing time, and its `is_final` stays false."""
        del processing_ms
        return _json(mode="2pass-offline", text=text, wav_name="katydid", is_final=False)


class VoskApi(SpeechApi):
    """The Vosk server: results are `{"partial": …}` and `{"text": …}`; `{"eof": 1}` ends the audio."""

    closes = True

    def read(self, message: str) -> Word:
        """See `SpeechApi.read`."""
        value = _object(message)
        return Word.STOP if value.get("eof") else Word.START if "config" in value else Word.OTHER

    def partial(self, text: str) -> str:
        """See `SpeechApi.partial`."""
        return _json(partial=text)

    def final(self, text: str, processing_ms: float) -> str:
        """See `SpeechApi.final`; Vosk does not report its processing time."""
        del processing_ms
        return _json(text=text)


SPEECH_APIS: dict[str, SpeechApi] = {"/speech": GenericApi(), "/funasr": FunAsrApi(), "/vosk": VoskApi()}
"""All paths of speech APIs."""

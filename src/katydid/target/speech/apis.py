"""Speech APIs from the server's side: the meaning of a client's text messages, and the format of results.

Audio is 16-bit PCM, mono, in binary messages. Does no I/O.
"""

from collections.abc import Callable
from dataclasses import dataclass

Message = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechApi:
    """One API.

    Attributes:
        closes: True if the server closes the connection after the final result.
        stops: takes a client's text message, and returns True if it ends the audio.
        partial: makes a result that may still change.
        final: makes the final result, from the text and the processing time in milliseconds.
        status: makes the message with the number of queued chunks; None if the API has no such message.
        error: makes an error message.
    """

    closes: bool
    stops: Callable[[Message], bool]
    partial: Callable[[str], Message]
    final: Callable[[str, float], Message]
    status: Callable[[int], Message] | None = None
    error: Callable[[str], Message] = lambda message: {"error": message}


def _funasr_result(mode: str, text: str) -> Message:
    return {"mode": mode, "text": text, "wav_name": "katydid", "is_final": False}  # FunASR's `is_final` stays false


GENERIC = SpeechApi(
    closes=True,
    stops=lambda message: message.get("type") == "stop",
    partial=lambda text: {"type": "partial", "text": text},
    final=lambda text, processing_ms: {"type": "final", "text": text, "processing_ms": processing_ms},
    status=lambda pending: {"type": "queue_status", "pending": pending},
    error=lambda message: {"type": "error", "message": message},
)
"""Katydid's own API: `{"type": "start"}`, audio, `{"type": "stop"}`; results of types partial and final."""
FUNASR = SpeechApi(
    closes=False,
    stops=lambda message: message.get("is_speaking") is False,
    partial=lambda text: _funasr_result("2pass-online", text),
    final=lambda text, _: _funasr_result("2pass-offline", text),
)
"""FunASR's runtime server: `is_speaking`, results by `mode`; the connection stays open after the final result."""
VOSK = SpeechApi(
    closes=True,
    stops=lambda message: bool(message.get("eof")),
    partial=lambda text: {"partial": text},
    final=lambda text, _: {"text": text},
)
"""The Vosk server: results are `{"partial": …}` and `{"text": …}`; `{"eof": 1}` ends the audio."""

SPEECH_APIS = {"/speech": GENERIC, "/funasr": FUNASR, "/vosk": VOSK}
"""All paths of speech APIs."""

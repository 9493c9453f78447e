"""The speech dialect `vosk`: Vosk server sends `{"partial": …}`, at pauses and at the end `{"text": …}`, then closes.

A settled text may still be on its way when our stop message is sent, so the last one before the close is final.
"""

from katydid.dialects.speech.base import SAMPLE_RATE, MessageKind, Said, json_object, json_text
from katydid.dialects.status import in_words


class VoskDialect:
    """See `base.SpeechDialect`."""

    name = "vosk"
    endpoint = "/"
    final_by_close = True

    def start(self, request_id: str) -> str:
        """See `SpeechDialect.start`; Vosk has no stream ids."""
        del request_id
        return json_text(config={"sample_rate": SAMPLE_RATE})

    def stop(self) -> str:
        """See `SpeechDialect.stop`."""
        return json_text(eof=1)

    def read(self, message: str | bytes, *, stopped: bool) -> Said:
        """See `SpeechDialect.read`."""
        del stopped
        value = json_object(message)
        if value.get("error"):
            return Said(MessageKind.ERROR, in_words(value["error"]))
        if isinstance(value.get("text"), str):
            return Said(MessageKind.SEGMENT, value["text"])
        if isinstance(value.get("partial"), str):
            return Said(MessageKind.PARTIAL, value["partial"])
        return Said(MessageKind.OTHER)

"""The speech dialects `funasr` and `vosk`, whose messages are fixed by one server program each."""

from typing import Any

from katydid.dialects.speech.base import SAMPLE_RATE, MessageKind, Said, json_object, json_text
from katydid.dialects.status import in_words


class _ServerDialect:
    endpoint = "/"

    def read(self, message: str | bytes, *, stopped: bool) -> Said:
        """See `SpeechDialect.read`."""
        value = json_object(message)
        return Said(MessageKind.ERROR, in_words(error)) if (error := value.get("error")) else self._said(value, stopped)

    def _said(self, value: dict[str, Any], stopped: bool) -> Said:
        raise NotImplementedError


class FunAsrDialect(_ServerDialect):
    """The speech dialect `funasr`: FunASR's runtime server (websocket_protocol.md of its repository), in two-pass mode.

    During speech, each `2pass-online` message has the new words. At a pause and after the end, a `2pass-offline`
    message has the whole segment, recognised again with better quality. `is_final` is not reliable: servers leave it
    false in the last message too.
    """

    name = "funasr"
    final_by_close = False

    def start(self, request_id: str) -> str:
        """See `SpeechDialect.start`; chunks of 600 ms, as in FunASR's own client."""
        return json_text(
            mode="2pass",
            wav_name=request_id,
            wav_format="pcm",
            audio_fs=SAMPLE_RATE,
            chunk_size=[5, 10, 5],
            chunk_interval=10,
            is_speaking=True,
        )

    def stop(self) -> str:
        """See `SpeechDialect.stop`."""
        return json_text(is_speaking=False)

    def _said(self, value: dict[str, Any], stopped: bool) -> Said:
        """The first offline result after our stop message is the final one."""
        mode, text = str(value.get("mode") or ""), value.get("text")
        if not isinstance(text, str):
            return Said(MessageKind.OTHER)
        if stopped and (mode.endswith("offline") or value.get("is_final") is True):
            return Said(MessageKind.FINAL, text)
        if mode.endswith("offline"):
            return Said(MessageKind.SEGMENT, text)
        return Said(MessageKind.PARTIAL, text, appends=True)


class VoskDialect(_ServerDialect):
    """The speech dialect `vosk`: Vosk sends `{"partial": …}`, at pauses and at the end `{"text": …}`, then closes.

    A settled text may still be on its way when our stop message is sent, so the last one before the close is final.
    """

    name = "vosk"
    final_by_close = True

    def start(self, request_id: str) -> str:  # noqa: ARG002 - Vosk has no stream ids
        """See `SpeechDialect.start`."""
        return json_text(config={"sample_rate": SAMPLE_RATE})

    def stop(self) -> str:
        """See `SpeechDialect.stop`."""
        return json_text(eof=1)

    def _said(self, value: dict[str, Any], stopped: bool) -> Said:  # noqa: ARG002 - each message says what it is
        for name, kind in (("text", MessageKind.SEGMENT), ("partial", MessageKind.PARTIAL)):
            if isinstance(value.get(name), str):
                return Said(kind, value[name])
        return Said(MessageKind.OTHER)

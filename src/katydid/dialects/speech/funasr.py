"""The speech dialect `funasr`: FunASR's runtime server (websocket_protocol.md of its repository), in two-pass mode.

During speech, each `2pass-online` message has the new words. At a pause and after the end, a `2pass-offline` message
has the whole segment, recognised again with better quality. `is_final` is not reliable: servers leave it false in the
last message too.
"""

from katydid.dialects.speech.base import SAMPLE_RATE, MessageKind, Said, json_object, json_text
from katydid.dialects.status import in_words


class FunAsrDialect:
    """See `base.SpeechDialect`."""

    name = "funasr"
    endpoint = "/"
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

    def read(self, message: str | bytes, *, stopped: bool) -> Said:
        """See `SpeechDialect.read`; the first offline result after our stop message is the final one."""
        value = json_object(message)
        if value.get("error"):
            return Said(MessageKind.ERROR, in_words(value["error"]))
        mode, text = str(value.get("mode") or ""), value.get("text")
        if not isinstance(text, str):
            return Said(MessageKind.OTHER)
        if stopped and (mode.endswith("offline") or value.get("is_final") is True):
            return Said(MessageKind.FINAL, text)
        if mode.endswith("offline"):
            return Said(MessageKind.SEGMENT, text)
        return Said(MessageKind.PARTIAL, text, appends=True)

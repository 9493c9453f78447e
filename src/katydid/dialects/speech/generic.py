"""JSON messages with a type, whatever their fields are called.

By default `{"type": "start", …}`, binary audio, `{"type": "stop"}`; back come `{"type": "partial", "text": …}`,
`{"type": "final", "text": …, "processing_ms": …}`, `{"type": "queue_status", "pending": …}` and
`{"type": "error", "message": …}`.
"""

from typing import Any

from katydid.dialects.content import text_of
from katydid.dialects.speech.base import SAMPLE_RATE, MessageKind, Said, json_object, json_text
from katydid.dialects.status import in_words
from katydid.model.errors import ConfigError
from katydid.model.values import amount, whole

DEFAULTS = {
    "type": "type",
    "text": "text",
    "pending": "pending",
    "processing": "processing_ms",
    "message": "message",
    "start": "start",
    "stop": "stop",
    "partial": "partial",
    "segment": "segment",
    "final": "final",
    "status": "queue_status",
    "error": "error",
}
"""Names of fields (the first five; a dot goes into an object) and values of the type."""


class GenericDialect:
    """See `base.SpeechDialect`.

    Args:
        fields: other names than DEFAULTS, as in `text=result.transcript,final=FinalTranscript`.

    Raises:
        ConfigError: one of them is not such a name.
    """

    name = "generic"
    endpoint = "/speech"
    final_by_close = False

    def __init__(self, fields: str | None = None) -> None:
        self._names = names = DEFAULTS | _parse(fields)
        kinds = ("partial", "segment", "final", "status", "error")
        self._kinds = {names[kind]: MessageKind[kind.upper()] for kind in kinds}

    def start(self, request_id: str) -> str:
        """See `SpeechDialect.start`."""
        kind = {self._names["type"]: self._names["start"]}
        return json_text(**kind, sample_rate=SAMPLE_RATE, format="pcm16", request_id=request_id)

    def stop(self) -> str:
        """See `SpeechDialect.stop`."""
        return json_text(**{self._names["type"]: self._names["stop"]})

    def read(self, message: str | bytes, *, stopped: bool) -> Said:
        """See `SpeechDialect.read`; what a stream is told after its end is told by its type alone."""
        del stopped
        value = json_object(message)
        kind = self._kinds.get(str(_find(value, self._names["type"])), MessageKind.OTHER)
        text = _find(value, self._names["message" if kind is MessageKind.ERROR else "text"])
        pending, processing = _find(value, self._names["pending"]), _find(value, self._names["processing"])
        return Said(
            kind,
            in_words(text) if kind is MessageKind.ERROR and text is not None else text_of(text),
            pending=whole(pending),
            processing_ms=amount(processing),
        )


def _parse(fields: str | None) -> dict[str, str]:
    given = {}
    for part in (fields or "").split(","):
        if not part.strip():
            continue
        name, equals, value = (word.strip() for word in part.partition("="))
        if name not in DEFAULTS or not equals or not value:
            raise ConfigError(f"--speech-fields {part.strip()!r}: give NAME=FIELD, NAME one of {', '.join(DEFAULTS)}")
        given[name] = value
    return given


def _find(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value

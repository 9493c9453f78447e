"""The speech dialect `generic`: JSON messages with a type; `--speech-fields` renames the fields.

By default Katydid sends `{"type": "start", …}`, binary audio and `{"type": "stop"}`. The service sends
`{"type": "partial", "text": …}`, `{"type": "final", "text": …, "processing_ms": …}`,
`{"type": "queue_status", "pending": …}` and `{"type": "error", "message": …}`. A message of any other type that has a
member `error` is an error too.
"""

from collections.abc import Mapping

from katydid.dialects.loading import FieldPath, text_of
from katydid.dialects.speech.base import SAMPLE_RATE, MessageKind, Said, json_object, json_text
from katydid.dialects.status import in_words
from katydid.model.errors import ConfigError
from katydid.model.values import amount, whole

FIELDS = {
    "type": "type",
    "text": "text",
    "pending": "pending",
    "processing": "processing_ms",
    "rtf": "",
    "message": "message",
}
"""Field paths (`FieldPath`) by what they hold. `processing` may have a unit, as in `decode_s:s`."""
KINDS = {
    "error": MessageKind.ERROR,
    "final": MessageKind.FINAL,
    "segment": MessageKind.SEGMENT,
    "status": MessageKind.STATUS,
    "partial": MessageKind.PARTIAL,
}
"""Message kinds, in the order in which they are tried: a message that settles a segment may have a partial's type."""
DEFAULTS = FIELDS | {name: name for name in ("start", "stop", *KINDS)} | {"status": "queue_status"}
"""All names that `--speech-fields` accepts: field paths, and for each kind its type value or `FIELD:VALUE`, as in
`is_final:true`."""
BY_CLOSE = "close"
"""As the value of `final`: the last segment before the service closes normally is the final result."""
UNITS = {"ms": 1.0, "s": 1000.0, "us": 0.001, "ns": 1e-6}
"""Milliseconds per unit."""
_RAW_LIMIT = 200
"""Maximum characters of an error message without text, which is shown as received."""


class GenericDialect:
    """See `base.SpeechDialect`.

    Args:
        fields: names that replace DEFAULTS, as in
            `text=result.transcript,final=FinalTranscript,processing=decode_s:s`.

    Raises:
        ConfigError: a name or a unit is invalid.
    """

    name = "generic"
    endpoint = "/speech"

    def __init__(self, fields: str | None = None) -> None:
        self._names = names = DEFAULTS | _parse(fields)
        self.final_by_close = names["final"] == BY_CLOSE
        processing, self._unit = _with_unit(names["processing"])
        self._paths = {name: FieldPath(names[name]) for name in FIELDS} | {"processing": FieldPath(processing)}
        self._kinds = [(kind, names[name], _Condition(names[name])) for name, kind in KINDS.items()]

    def start(self, request_id: str) -> str:
        """See `SpeechDialect.start`."""
        kind = {self._names["type"]: self._names["start"]}
        return json_text(**kind, sample_rate=SAMPLE_RATE, format="pcm16", request_id=request_id)

    def stop(self) -> str:
        """See `SpeechDialect.stop`."""
        return json_text(**{self._names["type"]: self._names["stop"]})

    def read(self, message: str | bytes, *, stopped: bool) -> Said:
        """See `SpeechDialect.read`; the meaning of a message does not depend on `stopped`."""
        del stopped
        value = json_object(message)
        found = {name: path.find(value) for name, path in self._paths.items()}
        kind = self._kind(value, found["type"])
        if kind is MessageKind.ERROR:
            error = found["message"]
            return Said(kind, str(message).strip()[:_RAW_LIMIT] if error is None else in_words(error))
        processing = amount(found["processing"])
        return Said(
            kind,
            text_of(found["text"]),
            pending=whole(found["pending"]),
            processing_ms=None if processing is None else processing * self._unit,
            rtf=amount(found["rtf"]),
        )

    def _kind(self, value: Mapping[str, object], named: object) -> MessageKind:
        for kind, word, condition in self._kinds:
            if str(named) == word or condition.holds(value):
                return kind
        return MessageKind.ERROR if value.get("error") else MessageKind.OTHER


class _Condition:
    """The condition `FIELD:VALUE` on a message. The value is written as in JSON, a string without quotes."""

    def __init__(self, text: str) -> None:
        path, colon, self._value = text.partition(":")
        self._path = FieldPath(path if colon else "")

    def holds(self, message: Mapping[str, object]) -> bool:
        found = self._path.find(message)
        if isinstance(found, bool):
            return str(found).lower() == self._value
        return found is not None and str(found) == self._value


def _with_unit(field: str) -> tuple[str, float]:
    """Split a field into its path and its unit in milliseconds."""
    path, colon, unit = field.partition(":")
    if colon and unit not in UNITS:
        raise ConfigError(f"--speech-fields processing={field}: {unit!r} is not a unit: use one of {', '.join(UNITS)}")
    return path, UNITS.get(unit, 1.0)


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

"""Collect what the messages of one speech stream report, for its sample. Knows no clock: callers pass times."""

from katydid.dialects.loading import WRONG_SHAPE
from katydid.dialects.speech.base import MessageKind, Said, SpeechDialect
from katydid.dialects.status import classify_close, classify_text
from katydid.model.errors import ProtocolError
from katydid.model.sample import ErrorClass

NORMAL = 1000


class SpeechParser:
    """Parser of one stream's messages.

    Attributes:
        text: the text recognised so far.
        stopped: True once our stop message has been sent; the sender sets it.
        first_text_at: arrival of the first recognised text.
        final_at: arrival of the final result.
        partials: messages with text before the final one.
        revisions: messages that changed words shown earlier.
        pending_max: the longest queue that the target reported.
        processing_ms: the processing time that the target reported.
        rtf: the real-time factor that the target reported.
        failure: error class and detail, once something failed.
    """

    def __init__(self, dialect: SpeechDialect) -> None:
        self._dialect = dialect
        self._settled = self.text = ""
        self._settled_at: float | None = None
        self._settled_had_text = False
        self.stopped = False
        self.first_text_at: float | None = None
        self.final_at: float | None = None
        self.partials = 0
        self.revisions = 0
        self.pending_max: int | None = None
        self.processing_ms: float | None = None
        self.rtf: float | None = None
        self.failure: tuple[ErrorClass, str] | None = None

    @property
    def over(self) -> bool:
        """True once the final result or a failure has arrived."""
        return self.final_at is not None or self.failure is not None

    def hear(self, message: str | bytes, at: float) -> None:
        """Take a message that arrived at `at`."""
        try:
            said = self._dialect.read(message, stopped=self.stopped)
        except (ProtocolError, *WRONG_SHAPE) as error:
            why = str(error) if isinstance(error, ProtocolError) else f"does not match the API: {message[:160]!r}"
            self.failure = ErrorClass.MALFORMED, f"malformed message: {why}"
            return
        if said.pending is not None:
            self.pending_max = max(self.pending_max or 0, said.pending)
        if said.processing_ms is not None:
            self.processing_ms = said.processing_ms
        if said.rtf is not None:
            self.rtf = said.rtf
        match said.kind:
            case MessageKind.ERROR:
                self.failure = classify_text(said.text) or ErrorClass.SERVER_ERROR_EVENT, said.text
            case MessageKind.PARTIAL | MessageKind.SEGMENT | MessageKind.FINAL:
                self._show(said, at)

    def closed(self, code: int, reason: str) -> tuple[ErrorClass, str] | None:
        """The service closed the connection: return the failure; None if it ends its streams that way."""
        if self._dialect.final_by_close and code == NORMAL and self.stopped and self._settled_at is not None:
            self.final_at = self._settled_at
            self.partials -= self._settled_had_text  # it was the final result, not a partial
            return None
        return classify_close(code, reason)

    def _show(self, said: Said, at: float) -> None:
        if said.text and self.first_text_at is None:
            self.first_text_at = at
        before = self.text
        self.text = before + said.text if said.appends else f"{self._settled} {said.text}".strip()
        self.revisions += not self.text.startswith(before)
        if said.kind is MessageKind.FINAL:
            self.final_at = at
            return
        self.partials += bool(said.text)
        if said.kind is MessageKind.SEGMENT:
            self._settled, self._settled_at = self.text, at
            self._settled_had_text = bool(said.text)

"""From a speech service's messages to what a sample says of them. Knows no clock: times come with the messages."""

from katydid.dialects.loading import WRONG_SHAPE
from katydid.dialects.speech.base import MessageKind, Said, SpeechDialect
from katydid.dialects.status import classify_close, classify_text
from katydid.model.errors import ProtocolError
from katydid.model.sample import ErrorClass

NORMAL = 1000


class SpeechParser:
    """What has been heard of one stream.

    Attributes:
        first_text_at: arrival of the first recognised text.
        final_at: arrival of the final result.
        partials: messages with text before the final one.
        revisions: messages that changed words which had been shown.
        pending_max: longest queue that the service told of.
        processing_ms: what it says that the stream took it; `rtf` where it says that ready-made.
        failure: what the service said or did wrong.
    """

    def __init__(self, dialect: SpeechDialect) -> None:
        self._dialect = dialect
        self._settled = self._shown = ""
        self._settled_at: float | None = None
        self._settled_had_text = False
        self.stopped = False
        """Whether our own end has been sent; set by who sends it."""
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
        """Whether nothing more is waited for."""
        return self.final_at is not None or self.failure is not None

    @property
    def text(self) -> str:
        """What is recognised so far."""
        return self._shown

    def hear(self, message: str | bytes, at: float) -> None:
        """A message that arrived at `at`."""
        try:
            said = self._dialect.read(message, stopped=self.stopped)
        except (ProtocolError, *WRONG_SHAPE) as error:
            why = str(error) if isinstance(error, ProtocolError) else f"not as the API has it: {message[:160]!r}"
            self.failure = ErrorClass.MALFORMED, f"a message cannot be read: {why}"
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
        """The service has closed first: the failure that this is; None where that is its way to end."""
        if self._dialect.final_by_close and code == NORMAL and self.stopped and self._settled_at is not None:
            self.final_at = self._settled_at
            self.partials -= self._settled_had_text  # that one was no partial
            return None
        return classify_close(code, reason)

    def _show(self, said: Said, at: float) -> None:
        if said.text and self.first_text_at is None:
            self.first_text_at = at
        before = self._shown
        self._shown = before + said.text if said.appends else f"{self._settled} {said.text}".strip()
        if not self._shown.startswith(before):
            self.revisions += 1
        if said.kind is MessageKind.FINAL:
            self.final_at = at
            return
        self.partials += bool(said.text)
        if said.kind is MessageKind.SEGMENT:
            self._settled, self._settled_at = self._shown, at
            self._settled_had_text = bool(said.text)

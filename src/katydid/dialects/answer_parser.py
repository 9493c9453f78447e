"""What one whole, non-streamed answer has told: its text, its tokens, and whether it is one at all.

Fed by the transport like a stream's parser, so it never raises: what cannot be read is a malformed answer. The
body is read once, when it is complete.
"""

from katydid.dialects.base import Answer, Dialect
from katydid.dialects.loading import WRONG_SHAPE, load_object, shown, told_error
from katydid.dialects.status import classify_text, in_words
from katydid.model.errors import ProtocolError
from katydid.model.sample import DETAIL_LIMIT, ErrorClass

BODY_LIMIT = 64 * 2**20
"""Bytes of an answer that are kept: no model writes that much, and a thousand users must not exhaust the memory."""


class AnswerParser:
    """One answer.

    Args:
        dialect: knows what the body means.

    Attributes:
        answer: None until the message is complete, or where it is not an answer.
        error_text: what the server said in an error of its own, after it had said 200.
        malformed: why the body cannot be read.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._parts: list[bytes] = []
        self._size = 0
        self.answer: Answer | None = None
        self.error_text: str | None = None
        self.malformed: str | None = None

    def feed(self, data: bytes, at: float) -> None:  # noqa: ARG002 - a sink is told the time
        """Take body bytes."""
        self._size += len(data)
        if self._size <= BODY_LIMIT:
            self._parts.append(data)

    def finish(self) -> None:
        """The message is complete: read it."""
        if self._size > BODY_LIMIT:
            self.malformed = f"an answer of {self._size} bytes, of which only {BODY_LIMIT} are read"
            return
        body = b"".join(self._parts)
        try:
            self.read(body)
        except (ProtocolError, *WRONG_SHAPE) as error:
            self.error_text = _error_of(body)
            if self.error_text is None:
                known = isinstance(error, ProtocolError)
                self.malformed = (str(error) if known else f"not as the API has it: {shown(body)}")[:DETAIL_LIMIT]

    def read(self, body: bytes) -> None:
        """Take the whole body.

        Raises:
            ProtocolError: it is not an answer.
        """
        self.answer = self._dialect.parse_answer(body)
        self.error_text = self.answer.failure

    def verdict(self) -> tuple[ErrorClass, str] | None:
        """What is wrong with the answer, most telling first; None for a proper one."""
        if self.error_text is not None:
            return classify_text(self.error_text) or ErrorClass.SERVER_ERROR_EVENT, self.error_text
        if self.malformed is not None:
            return ErrorClass.MALFORMED, self.malformed
        if self.answer is None or not self.answer.has_content:
            return ErrorClass.EMPTY, "no content in the answer"
        if self.answer.finish_reason is None:
            return ErrorClass.TRUNCATED, "the answer does not say why it ended"
        return None


def _error_of(body: bytes) -> str | None:
    try:
        return error_in(load_object(body))
    except ProtocolError:
        return None


def error_in(value: dict[str, object]) -> str | None:
    """The error that an answer names although its status was 200."""
    error = told_error(value)
    if isinstance(error, dict):
        error = error.get("message") or error
    return in_words(error) if error else None

"""Parse one non-streamed answer: its text, its tokens and its errors.

The transport feeds it like a stream's parser, so it never raises: what cannot be parsed is a malformed answer. The body
is parsed once, when it is complete.
"""

from katydid.dialects.base import Answer, Dialect
from katydid.dialects.loading import WRONG_SHAPE, load_object, shown, told_error
from katydid.dialects.status import classify_text, in_words
from katydid.model.errors import ProtocolError
from katydid.model.sample import DETAIL_LIMIT, ErrorClass

BODY_LIMIT = 64 * 2**20
"""Maximum bytes kept of an answer: more than any model writes, and a thousand users must not exhaust the memory."""


class AnswerParser:
    """Parser of one answer.

    Args:
        dialect: parses the body.

    Attributes:
        answer: None until the response is complete, or if it is not an answer.
        error_text: the server's error message inside a 200 response.
        malformed: why the body cannot be parsed.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._parts: list[bytes] = []
        self._size = 0
        self.answer: Answer | None = None
        self.error_text: str | None = None
        self.malformed: str | None = None

    def feed(self, data: bytes, at: float) -> None:  # noqa: ARG002 - part of the sink's interface
        """Take body bytes."""
        self._size += len(data)
        if self._size <= BODY_LIMIT:
            self._parts.append(data)

    def finish(self) -> None:
        """The response is complete: parse it."""
        if self._size > BODY_LIMIT:
            self.malformed = f"an answer of {self._size} bytes, which is more than {BODY_LIMIT}"
            return
        body = b"".join(self._parts)
        try:
            self.read(body)
        except (ProtocolError, *WRONG_SHAPE) as error:
            self.error_text = _error_of(body)
            if self.error_text is None:
                known = isinstance(error, ProtocolError)
                self.malformed = (str(error) if known else f"does not match the API: {shown(body)}")[:DETAIL_LIMIT]

    def read(self, body: bytes) -> None:
        """Parse the whole body.

        Raises:
            ProtocolError: it is not an answer of this API.
        """
        self.answer = self._dialect.parse_answer(body)
        self.error_text = self.answer.failure

    def verdict(self) -> tuple[ErrorClass, str] | None:
        """The error class and detail of the answer's most important fault; None for a valid answer."""
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
    """The error message in an answer with status 200; None if it reports none."""
    error = told_error(value)
    if isinstance(error, dict):
        error = error.get("message") or error
    return in_words(error) if error else None

"""Parsers of a scenario's answers, fed by the transport: their text, and the fields at the scenario's paths."""

from collections.abc import Mapping

from katydid.dialects.answer_parser import error_in
from katydid.dialects.loading import FieldPath, load_object
from katydid.dialects.status import classify_text
from katydid.dialects.stream_parser import SseStreamParser
from katydid.model.errors import ProtocolError
from katydid.model.sample import DETAIL_LIMIT, ErrorClass

MOST_BYTES = 16 * 1024 * 1024
"""Limit of a whole answer: more than any history needs, and small enough to keep in memory."""


class WholeAnswer:
    """An answer that is one JSON object.

    Attributes:
        text: the whole body, for searches.
        mixed: True if parts of several answers are in it; never for a whole answer.
    """

    mixed = False

    def __init__(self, read: Mapping[str, FieldPath]) -> None:
        self._read = read
        self._parts: list[bytes] = []
        self._size = 0
        self._value: dict[str, object] = {}
        self.text = ""
        self.error_text: str | None = None
        self.malformed: str | None = None

    def feed(self, data: bytes, _at: float) -> None:
        """Take body bytes."""
        self._size += len(data)
        if self._size <= MOST_BYTES:
            self._parts.append(data)
        else:
            self.malformed = f"the answer is larger than {MOST_BYTES} bytes"

    def finish(self) -> None:
        """The message is complete."""
        body = b"".join(self._parts)
        self.text = body.decode("utf-8", "replace")
        if self.malformed is None:
            try:
                self._value = load_object(body)
            except ProtocolError as error:
                self.malformed = str(error)[:DETAIL_LIMIT]
            else:
                self.error_text = error_in(self._value)

    def field(self, name: str) -> object:
        """Return a field; None if the scenario does not read it, or the answer does not have it."""
        path = self._read.get(name)
        return None if path is None else path.find(self._value)

    def verdict(self) -> tuple[ErrorClass, str] | None:
        """See `engine.measuring.Facts`; the conversation checks the content."""
        if self.error_text is not None:
            return classify_text(self.error_text) or ErrorClass.SERVER_ERROR_EVENT, self.error_text
        return None if self.malformed is None else (ErrorClass.MALFORMED, self.malformed)


class StreamedAnswer(SseStreamParser):
    """An answer of server-sent events. Texts are joined; other fields are those of the first event that has them.

    Attributes:
        mixed: True if events carry different answer ids.
    """

    def __init__(self, read: Mapping[str, FieldPath], done: str) -> None:
        super().__init__("full")
        self._read = {name: path for name, path in read.items() if name != "text"}
        self._text = read.get("text", FieldPath(""))
        self._end_mark = done.encode()
        self._found: dict[str, object] = {}
        self._texts: list[str] = []
        self.mixed = False

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._texts)

    def event(self, name: bytes, data: bytes) -> None:  # noqa: ARG002 - scenarios ignore event names
        """See `SseStreamParser.event`."""
        if data.strip() == self._end_mark:
            self.done = True
            return
        value = load_object(data)
        if error := value.get("error"):
            self.on_error(error)
            return
        for field, path in self._read.items():
            if (found := path.find(value)) is not None:
                self.mixed |= field == "id" and self._found.get("id", found) != found
                self._found.setdefault(field, found)
        text = self._text.find(value)
        if isinstance(text, str) and text:
            self._texts.append(text)
            self.content(data)

    def is_end(self, data: bytes) -> bool:
        """See `SseStreamParser.is_end`."""
        return data == self._end_mark

    def field(self, name: str) -> object:
        """See `WholeAnswer.field`."""
        return self.text if name == "text" else self._found.get(name)


ScenarioAnswer = WholeAnswer | StreamedAnswer

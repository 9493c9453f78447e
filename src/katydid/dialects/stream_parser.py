"""Reads one streamed answer: its content chunks and their times, its end, its errors.

The transport calls `feed` from its read callback, so a parser never raises: what it cannot read makes the answer
malformed. A content chunk has visible text, reasoning or tool calls, unlike roles, empty deltas, usage and pings.

With `--check count`, blocks of plain content events are only counted (`protocol.counting`). Unusual events, and all
events with `--check full`, are parsed. Both give the same result.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from katydid.dialects.loading import WRONG_SHAPE, error_in_event, shown, tells_error, text_of
from katydid.dialects.status import classify_text, in_words
from katydid.dialects.usage import NOTHING_SAID, TokenDetails, later
from katydid.model.errors import ProtocolError
from katydid.model.formatting import plural
from katydid.model.sample import DETAIL_LIMIT, ErrorClass, Gaps
from katydid.protocol.counting import ContentRule, Shape
from katydid.protocol.ndjson import NdjsonParser
from katydid.protocol.skim import ChunkRule
from katydid.protocol.sse import BOM, EventParser, SseParser

BEGINNING = 4096
"""Bytes kept from the beginning of a body without content: it may not be an answer, but say what it is."""
FEWEST_CHUNKS = 3
"""Minimum chunks of a valid answer in `count`, unless shorter ones are asked for ("more than 2 chunks = success")."""


class StreamParser(ABC):
    """Parser of one answer; each dialect subclasses it. Times are in seconds, as passed to `feed`.

    Attributes:
        chunks: number of content chunks.
        first_at, last_at: arrival of the first and the last content chunk.
        visible_at: arrival of the first chunk that a user sees, which is not reasoning.
        first_bound: the first chunk arrived in one read with others, so its time is an upper bound.
        gaps: the gaps between consecutive content chunks.
        done: the answer is complete; later content is ignored.
        done_at: arrival of its end.
        missing: why an end is not a proper one, if known.
        error_text: the server's error message inside a 200 response.
        malformed: what could not be parsed, cut short.
        fewest_chunks: minimum chunks of a valid answer, in `count`.
        details: the server's breakdown of the token counts.
        answer_id: the server's id of the answer, in an API whose servers store answers.
        shape: the form of the dialect's plain content events; None if it has no fixed form.
    """

    shape: ClassVar[Shape | None] = None
    _learned: ClassVar[ContentRule | None] = None  # learned from any answer of the dialect; verified at every use
    _parser: EventParser

    def __init__(self, check: str) -> None:
        self._rule = None if check == "full" else self._learned
        self.full = check == "full"
        self.fewest_chunks = FEWEST_CHUNKS
        self.chunks = 0
        self.first_at: float | None = None
        self.last_at: float | None = None
        self.visible_at: float | None = None
        self.first_bound = False
        self.gaps = Gaps()
        self.done = False
        self.done_at: float | None = None
        self.missing: str | None = None
        self.finish_reason: str | None = None
        self.prompt_tokens: int | None = None
        self.completion_tokens: int | None = None
        self.details: TokenDetails = NOTHING_SAID
        self.error_text: str | None = None
        self.malformed: str | None = None
        self.answer_id: str | None = None
        self._texts: list[str] | None = None  # see keep_text
        self._at = 0.0
        self._fresh = 0  # content chunks in the block being read
        self._failed = False
        self._beginning = b""
        self._strange = 0  # content events that do not match the rule

    @abstractmethod
    def read(self, data: bytes) -> None:
        """Take body bytes: split them into events, and call `content`, `on_error`, … for each.

        Raises:
            ProtocolError: they are not events.
        """

    def end(self) -> None:  # noqa: B027 - most dialects have nothing to do here
        """The response is complete; handle a last event that needs no terminator."""

    def feed(self, data: bytes, at: float) -> None:
        """Take the body bytes of one read, which arrived at `at`."""
        if self._failed:
            return
        self._at = at
        if not self.chunks and len(self._beginning) < BEGINNING:
            self._beginning += data[:BEGINNING]
        try:
            if self._rule is None or not self._parser.plain:
                self.read(data)
            else:
                self._count_block(data, self._rule)
        except (ProtocolError, *WRONG_SHAPE) as error:  # the start of the next event is unknown
            self._failed = True
            self._misread(error, data)
        self._flush()

    def finish(self) -> None:
        """The response is complete."""
        try:
            self.end()
        except (ProtocolError, *WRONG_SHAPE) as error:
            self._misread(error, self._parser.rest)
        self._flush()

    def keep_text(self) -> None:
        """Parse every event and keep the answer's `text`; call it before the first byte."""
        self._rule, self._texts = None, []

    @property
    def text(self) -> str:
        """The visible text, if it is kept."""
        return "".join(self._texts or ())

    @property
    def plain(self) -> ChunkRule | None:
        """The rule for chunks that need only be counted, if they come next; None if everything must be parsed."""
        rule = self._rule
        if rule is None or self.done or self._failed or self._parser.rest or not self._parser.plain:
            return None
        return rule.chunk

    def note(self, reads: list[float], chunks: int, first: int, *, plain: bool = True) -> None:
        """Count content chunks.

        Args:
            reads: arrival times of the reads that brought them, in order; at least one.
            chunks: how many chunks they brought together.
            first: how many the first read brought.
            plain: they match `plain` and were not parsed.
        """
        if self.visible_at is None and plain and self._rule is not None and self._rule.visible:
            self.visible_at = reads[0]
        last_at = self.last_at
        if chunks == 1 and last_at is not None:  # nearly always: one chunk in one read
            self.gaps.apart.append(reads[0] - last_at)
        else:
            self.gaps.add(reads, chunks, last_at)
        if last_at is None:
            self.first_at = reads[0]
            self.first_bound = first > 1
        elif self.chunks == 1:
            self.first_bound = reads[0] == self.first_at
        self.chunks += chunks
        self.last_at = reads[-1]

    def _count_block(self, data: bytes, rule: ContentRule) -> None:
        """Count the content events of a block; parse what is before and after them."""
        if pending := self._parser.take_back():
            data = pending + data
        begin, end, count = rule.find(data)
        if not count:
            self.read(data)
            return
        if begin:
            self.read(data[:begin])
        self._count(count, visible=rule.visible)
        if end < len(data):
            self.read(data[end:])

    def _count(self, chunks: int, *, visible: bool) -> None:
        if not self.done:
            self._fresh += chunks
            if visible and self.visible_at is None:
                self.visible_at = self._at

    def _flush(self) -> None:
        """Note the block's chunks together, since they arrived together."""
        if self.done and self.done_at is None:
            self.done_at = self._at
        if self._fresh:
            self.note([self._at], self._fresh, self._fresh, plain=False)
            self._fresh = 0

    # Called by dialects for each event

    def content(self, event: bytes, *, alone: bool = True, visible: bool = True, text: object = None) -> None:
        """Note one content chunk.

        Args:
            event: the event's data.
            alone: the event has nothing else, so events that differ only in their text need not be parsed.
            visible: the user sees it; False for reasoning alone.
            text: the visible text, as the server wrote it.
        """
        self._count(1, visible=visible)
        if self._texts is not None:
            self._texts.append(text_of(text))
        elif alone and not self.full and self.shape and not (self._rule and self._rule.fits(event)):
            self._strange += 1
            if self._rule is None or self._strange.bit_count() == 1 < self._strange:  # not for a single exception
                if (rule := self.shape.learn(event)) is not None:
                    rule.visible = visible
                self._rule = type(self)._learned = rule or self._rule  # noqa: SLF001 - our own class

    def usage(self, prompt: object, completion: object, *said: object) -> None:
        """Note the server's token counts: the last one holds, unless it is 0 after a larger one.

        Args:
            prompt: the count of the prompt's tokens as the server wrote it, of whatever type.
            completion: the same of the answer's.
            said: objects that may have details of them (`dialects.usage`).
        """
        self.prompt_tokens = later(self.prompt_tokens, prompt)
        self.completion_tokens = later(self.completion_tokens, completion)
        for each in said:
            if each:
                self.details = self.details.with_usage(each)

    def on_error(self, error: object) -> None:
        """The server reports an error inside the answer."""
        if self.error_text is None:
            self.error_text = in_words(error)

    def on_malformed(self, text: str) -> None:
        """Something in the answer cannot be parsed."""
        if self.malformed is None:
            self.malformed = text[:DETAIL_LIMIT]

    def _misread(self, error: Exception, data: bytes) -> None:
        """The dialect failed to parse this data: the target's fault."""
        self.on_malformed(str(error) if isinstance(error, ProtocolError) else f"does not match the API: {shown(data)}")

    def verdict(self) -> tuple[ErrorClass, str] | None:
        """The error class and detail of the answer's most important fault; None for a valid answer."""
        if self.error_text is not None:
            return classify_text(self.error_text) or ErrorClass.SERVER_ERROR_EVENT, self.error_text
        if self.malformed is not None:
            return ErrorClass.MALFORMED, self.malformed
        if self.chunks == 0:
            return ErrorClass.EMPTY, "no content in the answer"
        if not self.done:
            how = f": {self.missing}" if self.missing else ""
            return ErrorClass.TRUNCATED, f"the answer ended early, after {plural(self.chunks, 'content chunk')}{how}"
        if not self.full and self.chunks < self.fewest_chunks:
            return ErrorClass.TOO_FEW_CHUNKS, f"only {plural(self.chunks, 'content chunk')}"
        return None


DONE = b"[DONE]"
"""The end mark of most streams."""
ERROR = b"error"
"""The name of error events."""
_BRACE = ord("{")
_MARKS = frozenset({b"[", b" ", b"\t"})
"""First bytes of data that may be an end mark instead of a JSON object."""
_FIELDS = (b":", b"data", b"event", b"id", b"retry")
"""Beginnings of the lines of an event stream."""


class SseStreamParser(StreamParser):
    """Parser of an answer in server-sent events."""

    def __init__(self, check: str) -> None:
        super().__init__(check)
        self._parser: SseParser = SseParser()
        self._events = 0  # number of events parsed

    @abstractmethod
    def event(self, name: bytes, data: bytes) -> None:
        """Handle an event; the white space around an end mark has been removed.

        Raises:
            ProtocolError: the event is malformed.
        """

    def is_end(self, data: bytes) -> bool:
        """Return True if an event is the end of the answer; it then counts even without its final blank line."""
        return data == DONE

    def read(self, data: bytes) -> None:
        """See `StreamParser.read`."""
        for text, name in self._parser.feed(data):
            if not text:  # some servers send these as keep-alives
                continue
            self._events += 1
            try:
                if name != ERROR and text[0] == _BRACE:  # nearly always
                    self.event(name, text)
                else:
                    self._take(name, text)
            except (ProtocolError, *WRONG_SHAPE) as error:
                self._misread(error, text)

    def end(self) -> None:
        """Handle an unfinished last event if it is the end or an error; report a body that is not an event stream."""
        if (event := self._parser.close()) is not None:
            text, name = event
            if name == ERROR or tells_error(text) or self._ends(text.strip()):
                self._events += 1
                self._take(name, text)
        if not self._events and not self.chunks and (beginning := self._beginning.strip()):
            self._take_foreign(beginning)

    def _ends(self, data: bytes) -> bool:
        try:
            return self.is_end(data)
        except (ProtocolError, *WRONG_SHAPE):  # it was truncated
            return False

    def _take(self, name: bytes, data: bytes) -> None:
        if data[:1] in _MARKS:
            data = data.strip()
        if name == ERROR:
            self.on_error(error_in_event(data))
        else:
            self.event(name, data)

    def _take_foreign(self, beginning: bytes) -> None:
        """Report a body without any event: as an error if it is one, else as malformed."""
        lines = beginning.removeprefix(BOM).split(b"\n")
        if all(not line.strip() or line.startswith(_FIELDS) for line in lines):
            return  # an event stream without events
        if tells_error(beginning):
            self.on_error(error_in_event(beginning))
        elif classify_text(words := shown(beginning)):
            self.on_error(words)
        else:
            self.on_malformed(f"not an event stream: {words}")


class NdjsonStreamParser(StreamParser):
    """Parser of an answer in lines of JSON."""

    def __init__(self, check: str) -> None:
        super().__init__(check)
        self._parser: NdjsonParser = NdjsonParser()

    @abstractmethod
    def line(self, line: bytes) -> None:
        """Handle a line.

        Raises:
            ProtocolError: the line is malformed.
        """

    def read(self, data: bytes) -> None:
        """See `StreamParser.read`."""
        for line in self._parser.feed(data):
            try:
                self.line(line)
            except (ProtocolError, *WRONG_SHAPE) as error:
                self._misread(error, line)

    def end(self) -> None:
        """Handle a last line without a newline."""
        if (rest := self._parser.close()) is not None:
            self.line(rest)

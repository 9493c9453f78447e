"""Reads one streamed answer: its content chunks and their times, its end, its errors.

The transport calls `feed` from its read callback, so a parser never raises: what it cannot read makes the answer
malformed. A content chunk has visible text, reasoning or tool calls; a role, an empty delta, usage and pings are none.

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
from katydid.model.gaps import Gaps
from katydid.model.sample import DETAIL_LIMIT, ErrorClass
from katydid.protocol.counting import ContentRule, Shape
from katydid.protocol.ndjson import NdjsonParser
from katydid.protocol.skim import ChunkRule
from katydid.protocol.sse import BOM, EventParser, SseParser

BEGINNING = 4096
"""Bytes of a body that are kept while no content came, since they may be no answer but say what they are."""
FEWEST_CHUNKS = 3
"""That an answer needs in `count` where nobody asks for shorter ones (origin: "more than 2 chunks = success")."""


class StreamParser(ABC):
    """One answer. Times are the seconds that `feed` is given; a dialect subclasses this.

    Attributes:
        chunks: content chunks.
        first_at, last_at: arrival of the first and the last of them.
        visible_at: arrival of the first one that a user sees: one that is no reasoning.
        first_bound: the read that brought the first brought others too, so its time is an upper bound.
        gaps: between consecutive ones.
        done: the answer has come to its proper end; what follows extends nothing.
        done_at: arrival of that end.
        missing: what the end lacks to be a proper one, where that is known.
        error_text: what the server said in an error of its own, after it had said 200.
        malformed: what could not be read, cut short.
        fewest_chunks: that a proper answer has, in `count`.
        details: what the server says of the tokens beside how many they are.
        answer_id: by which the server knows the answer, of an API whose servers keep answers.
        shape: what the dialect's plain content events look like; None where nothing is known of them.
    """

    shape: ClassVar[Shape | None] = None
    _learned: ClassVar[ContentRule | None] = None  # from any answer of the dialect; checked at every use
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
        self._texts: list[str] | None = None  # kept where somebody wants them
        self._at = 0.0
        self._fresh = 0  # content chunks of the block that is being read
        self._failed = False
        self._beginning = b""
        self._strange = 0  # events of content that the rule does not fit

    @abstractmethod
    def read(self, data: bytes) -> None:
        """Take body bytes: cut them into events and call `content`, `on_error`, … for what they mean.

        Raises:
            ProtocolError: they are no events.
        """

    def end(self) -> None:  # noqa: B027 - most dialects have nothing to do here
        """The message is complete; a dialect whose last event needs no mark takes it here."""

    def feed(self, data: bytes, at: float) -> None:
        """Take the body bytes of one read that arrived at `at`."""
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
        except (ProtocolError, *WRONG_SHAPE) as error:  # there is no telling where the next event begins
            self._failed = True
            self._misread(error, data)
        self._flush()

    def finish(self) -> None:
        """The message is complete."""
        try:
            self.end()
        except (ProtocolError, *WRONG_SHAPE) as error:
            self._misread(error, self._parser.rest)
        self._flush()

    def keep_text(self) -> None:
        """Read every event, and keep the `text` of the answer; before its first byte."""
        self._rule, self._texts = None, []

    @property
    def text(self) -> str:
        """What a user sees of the answer, where it is kept."""
        return "".join(self._texts or ())

    @property
    def plain(self) -> ChunkRule | None:
        """What the next chunks look like if they are plain content, and need only be counted; None if all is read."""
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
        """Count the content events of a block, and read what is before and behind them."""
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
        """Note the block's chunks together: they have one time."""
        if self.done and self.done_at is None:
            self.done_at = self._at
        if self._fresh:
            self.note([self._at], self._fresh, self._fresh, plain=False)
            self._fresh = 0

    # What a dialect says of an event

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
            if self._rule is None or self._strange.bit_count() == 1 < self._strange:  # not for the odd one between
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
        """An error that came inside the answer."""
        if self.error_text is None:
            self.error_text = in_words(error)

    def on_malformed(self, text: str) -> None:
        """Something that cannot be read."""
        if self.malformed is None:
            self.malformed = text[:DETAIL_LIMIT]

    def _misread(self, error: Exception, data: bytes) -> None:
        """A dialect could not read this: that the target wrote it so is the target's doing."""
        self.on_malformed(str(error) if isinstance(error, ProtocolError) else f"not as the API has it: {shown(data)}")

    def verdict(self) -> tuple[ErrorClass, str] | None:
        """What is wrong with the answer, most telling first; None for a proper one."""
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
"""The name of the events that tell one."""
_BRACE = ord("{")
_MARKS = frozenset({b"[", b" ", b"\t"})
"""What data begins with that may be an end mark and no JSON object."""
_FIELDS = (b":", b"data", b"event", b"id", b"retry")
"""How the lines of an event stream begin."""


class SseStreamParser(StreamParser):
    """An answer in server-sent events."""

    def __init__(self, check: str) -> None:
        super().__init__(check)
        self._parser: SseParser = SseParser()
        self._events = 0  # that were read

    @abstractmethod
    def event(self, name: bytes, data: bytes) -> None:
        """Say what an event means; white space around an end mark is none of it.

        Raises:
            ProtocolError: it cannot be read.
        """

    def is_end(self, data: bytes) -> bool:
        """Whether an event is the proper end, so that it counts without the blank line that should end it too."""
        return data == DONE

    def read(self, data: bytes) -> None:
        """See `StreamParser.read`."""
        for text, name in self._parser.feed(data):
            if not text:  # some servers keep a connection alive with these
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
        """The last event, where nothing ended it, is read if it is the end or an error; then see what this was."""
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
        except (ProtocolError, *WRONG_SHAPE):  # it was cut off
            return False

    def _take(self, name: bytes, data: bytes) -> None:
        if data[:1] in _MARKS:
            data = data.strip()
        if name == ERROR:
            self.on_error(error_in_event(data))
        else:
            self.event(name, data)

    def _take_foreign(self, beginning: bytes) -> None:
        """A body without an event in it: what it says, if it is an error, and else how it begins."""
        lines = beginning.removeprefix(BOM).split(b"\n")
        if all(not line.strip() or line.startswith(_FIELDS) for line in lines):
            return  # an event stream in which nothing happens
        if tells_error(beginning):
            self.on_error(error_in_event(beginning))
        elif classify_text(words := shown(beginning)):
            self.on_error(words)
        else:
            self.on_malformed(f"not an event stream: {words}")


class NdjsonStreamParser(StreamParser):
    """An answer in lines of JSON."""

    def __init__(self, check: str) -> None:
        super().__init__(check)
        self._parser: NdjsonParser = NdjsonParser()

    @abstractmethod
    def line(self, line: bytes) -> None:
        """Say what a line means.

        Raises:
            ProtocolError: it cannot be read.
        """

    def read(self, data: bytes) -> None:
        """See `StreamParser.read`."""
        for line in self._parser.feed(data):
            try:
                self.line(line)
            except (ProtocolError, *WRONG_SHAPE) as error:
                self._misread(error, line)

    def end(self) -> None:
        """The last line needs no newline."""
        if (rest := self._parser.close()) is not None:
            self.line(rest)

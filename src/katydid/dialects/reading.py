"""What one streamed answer has told so far: content chunks and their times, its end, its errors.

Fed by the transport from its read callback, so it never raises. A content chunk brings visible text,
reasoning or tool calls; a role, an empty delta, usage and pings do not count as one. Which is which
says the dialect, in `event` or `line`.

With `--check count` blocks of plain content events are only counted (see `core.counting`); what is
unusual, and everything with `--check full`, goes through the parser. Both ways give the same.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol

import orjson

from katydid.core.counting import ContentRule, Shape
from katydid.core.errors import ProtocolError
from katydid.core.gaps import Gaps
from katydid.core.jsontext import json_bytes
from katydid.core.ndjson import NdjsonParser
from katydid.core.sample import DETAIL_LIMIT, ErrorClass
from katydid.core.skimming import ChunkRule
from katydid.core.sse import SseParser
from katydid.dialects.status import classify_text

FEWEST_CHUNKS = 2
"""In `count` an answer needs more content chunks than this (origin: "more than 2 chunks = success")."""


class EventParser(Protocol):
    """What `core.sse` and `core.ndjson` have in common."""

    plain: bool
    rest: bytes
    """Of an unfinished event."""

    def take_back(self) -> bytes:
        """The bytes of an unfinished event, which the parser then forgets."""


class StreamReading(ABC):
    """One answer. Times are the seconds that `feed` is given; a dialect subclasses this.

    Attributes:
        chunks: content chunks.
        first_at, last_at: arrival of the first and the last of them.
        first_bound: the read that brought the first brought others too, so its time is an upper bound.
        gaps: between consecutive ones.
        done: the answer has come to its proper end; what follows extends nothing.
        error_text: what the server said in an error of its own, after it had said 200.
        malformed: what could not be read, cut short.
        shape: what the dialect's plain content events look like; None where nothing is known of them.
    """

    shape: ClassVar[Shape | None] = None
    _learned: ClassVar[ContentRule | None] = None  # from any answer of the dialect; checked at every use
    _parser: EventParser

    def __init__(self, check: str) -> None:
        self._rule = None if check == "full" else self._learned
        self.full = check == "full"
        self.chunks = 0
        self.first_at: float | None = None
        self.last_at: float | None = None
        self.first_bound = False
        self.gaps = Gaps()
        self.done = False
        self.finish_reason: str | None = None
        self.prompt_tokens: int | None = None
        self.completion_tokens: int | None = None
        self.error_text: str | None = None
        self.malformed: str | None = None
        self._at = 0.0
        self._fresh = 0  # content chunks of the block that is being read
        self._given_up = False

    @abstractmethod
    def read(self, data: bytes) -> None:
        """Take body bytes: cut them into events and call `content`, `refuse`, … for what they mean.

        Raises:
            ProtocolError: they are no events.
        """

    def end(self) -> None:  # noqa: B027 - most dialects have nothing to do here
        """The message is complete; a dialect whose last event needs no mark takes it here."""

    def feed(self, data: bytes, at: float) -> None:
        """Take the body bytes of one read that arrived at `at`."""
        if self._given_up:
            return
        self._at = at
        try:
            if self._rule is None or not self._parser.plain:
                self.read(data)
            else:
                self._count_block(data, self._rule)
        except ProtocolError as error:  # of the parser: there is no telling where the next event begins
            self._given_up = True
            self.malform(str(error))
        self._settle()

    def finish(self) -> None:
        """The message is complete."""
        try:
            self.end()
        except ProtocolError as error:
            self.malform(str(error))
        self._settle()

    @property
    def plain(self) -> ChunkRule | None:
        """What the next chunks look like if they are plain content, and need only be counted; None if all is read."""
        rule = self._rule
        if rule is None or self.done or self._given_up or self._parser.rest or not self._parser.plain:
            return None
        return rule.chunk

    def note(self, reads: list[float], chunks: int, first: int) -> None:
        """Count content chunks.

        Args:
            reads: arrivals of the reads that brought any, in their order; at least one.
            chunks: how many all of them brought.
            first: how many the first of them brought.
        """
        self.gaps.add(reads, chunks, self.last_at)
        if self.last_at is None:
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
        self._count(count)
        if end < len(data):
            self.read(data[end:])

    def _count(self, chunks: int) -> None:
        if not self.done:
            self._fresh += chunks

    def _settle(self) -> None:
        """Note the block's chunks together: they have one time."""
        if self._fresh:
            self.note([self._at], self._fresh, self._fresh)
            self._fresh = 0

    # What a dialect says of an event

    def content(self, event: bytes) -> None:
        """One chunk with content, in this event."""
        self._count(1)
        if self.shape and not self.full and (self._rule is None or self._rule.marker not in event):
            self._rule = type(self)._learned = self.shape.learn(event) or self._rule  # noqa: SLF001 - our own class

    def usage(self, prompt: Any, completion: Any) -> None:
        """Tokens, as the server counts them."""
        if isinstance(prompt, int):
            self.prompt_tokens = prompt
        if isinstance(completion, int):
            self.completion_tokens = completion

    def refuse(self, error: Any) -> None:
        """An error that came inside the answer."""
        if self.error_text is None:
            self.error_text = error if isinstance(error, str) else json_bytes(error).decode()

    def malform(self, text: str) -> None:
        """Something that cannot be read."""
        if self.malformed is None:
            self.malformed = text[:DETAIL_LIMIT]

    # The judgement

    def verdict(self) -> tuple[ErrorClass, str] | None:
        """What is wrong with the answer, most telling first; None for a proper one."""
        if self.error_text is not None:
            return classify_text(self.error_text) or ErrorClass.SERVER_ERROR_EVENT, self.error_text
        if self.malformed is not None:
            return ErrorClass.MALFORMED, self.malformed
        if self.chunks == 0:
            return ErrorClass.EMPTY, "no content in the answer"
        if not self.done:
            return ErrorClass.TRUNCATED, f"the answer broke off after {self.chunks} content chunks"
        if not self.full and self.chunks <= FEWEST_CHUNKS:
            return ErrorClass.TOO_FEW_CHUNKS, f"only {self.chunks} content chunks"
        return None


def load_object(data: bytes) -> dict[str, Any]:
    """A JSON object out of an event.

    Raises:
        ProtocolError: it is none.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        try:  # orjson takes no invalid UTF-8, which servers that cut tokens apart do send
            value = orjson.loads(data.decode("utf-8", "replace"))
        except orjson.JSONDecodeError:
            raise ProtocolError(f"not JSON: {_shown(data)}") from None
    if not isinstance(value, dict):
        raise ProtocolError(f"not a JSON object: {_shown(data)}")
    return value


def _shown(data: bytes) -> str:
    return data[:DETAIL_LIMIT].decode("utf-8", "replace")


class SseReading(StreamReading):
    """An answer in server-sent events."""

    def __init__(self, check: str) -> None:
        super().__init__(check)
        self._parser: SseParser = SseParser()

    @abstractmethod
    def event(self, name: bytes, data: bytes) -> None:
        """Say what an event means.

        Raises:
            ProtocolError: it cannot be read.
        """

    def read(self, data: bytes) -> None:
        """See `StreamReading.read`."""
        for text, name in self._parser.feed(data):
            if not text:  # some servers keep a connection alive with these
                continue
            try:
                self.event(name, text)
            except ProtocolError as error:
                self.malform(str(error))


class NdjsonReading(StreamReading):
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
        """See `StreamReading.read`."""
        for line in self._parser.feed(data):
            try:
                self.line(line)
            except ProtocolError as error:
                self.malform(str(error))

    def end(self) -> None:
        """The last line needs no newline."""
        if (rest := self._parser.close()) is not None:
            self.line(rest)

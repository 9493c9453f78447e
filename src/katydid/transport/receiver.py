"""Receive one response: parse its bytes, fill in the exchange and feed the sink. Knows no socket and no clock."""

from typing import cast

from katydid.model.errors import ProtocolError
from katydid.model.sample import ErrorClass
from katydid.protocol import chunked, skim
from katydid.protocol.http1 import NoResponseError, ResponseReader, TruncatedError
from katydid.protocol.skim import ChunkRule
from katydid.transport.exchange import CountingSink, Exchange, Sink

BODY_LIMIT = 64 * 1024
"""Maximum bytes kept of a response that is not 2xx: enough for any error message."""


class Receiver:
    """Takes one response as it arrives.

    A 2xx body goes to the sink; any other is kept in `exchange.body`.
    """

    __slots__ = ("_counter", "_http", "_opened", "_sink", "_streaming", "done", "exchange", "touched")

    def __init__(self, method: str, sink: Sink, exchange: Exchange) -> None:
        self._http = ResponseReader(method)
        self._sink = sink
        self._counter = cast("CountingSink", sink) if hasattr(sink, "plain") else None
        self._opened = False
        self._streaming = False
        self.exchange = exchange
        self.done = False
        self.touched = False
        """True once anything has been received."""

    @property
    def reusable(self) -> bool:
        """True if the connection may carry another request."""
        return self._http.complete and self.exchange.error is None and self._http.keep_alive and not self._http.leftover

    def feed(self, data: bytes, at: float) -> None:
        """Take the bytes of one read."""
        self.touched = True
        http = self._http
        try:
            if not self._opened:
                data = http.take_head(data)
                if not http.head_done:
                    return
                self._open()
            counter = self._counter
            if counter and http.between_chunks and not self.done and (plain := counter.plain):
                data = self._skim(data, at, plain, counter)
                if not data:
                    return
            body = http.take_body(data)
        except ProtocolError as error:
            self.fail(ErrorClass.MALFORMED, f"the target's HTTP is malformed: {error}")
            return
        if body:
            self._take(body, at)
        if http.complete:
            self._complete(at)

    @property
    def plain(self) -> ChunkRule | None:
        """The rule for chunks that may come next and need only be counted (`count`); None if all must be parsed."""
        return self._counter.plain if self._counter and self._http.between_chunks and not self.done else None

    def count(self, reads: list[float], chunks: int, first: int, size: int) -> None:
        """Count plain chunks that the caller skipped; see `CountingSink.note`. `size` is the bytes of their bodies."""
        if chunks and self._counter:
            self._counter.note(reads, chunks, first)
            try:
                self._http.pass_over(size)
            except ProtocolError as error:
                self.fail(ErrorClass.MALFORMED, f"the target's HTTP is malformed: {error}")

    def eof(self, at: float) -> None:
        """The peer closed the connection."""
        if self.done:
            return
        try:
            self._http.eof()
        except NoResponseError:
            self.fail(ErrorClass.TRUNCATED, "the target closed the connection without an answer")
        except TruncatedError:
            self.fail(ErrorClass.TRUNCATED, "the target closed the connection in the middle of its answer")
        except ProtocolError as error:
            self.fail(ErrorClass.MALFORMED, f"the target's HTTP is malformed: {error}")
        else:
            self._complete(at)

    def fail(self, error: ErrorClass, detail: str) -> None:
        """End the exchange with an error; what was received so far is kept."""
        self.exchange.fail(error, detail)
        self.exchange.received = self._http.body_bytes
        self.done = True

    def _open(self) -> None:
        self._opened = True
        status = self._http.status or 0
        self.exchange.status = status
        self.exchange.headers = self._http.headers
        self._streaming = 200 <= status < 300
        if not self._streaming:
            self._counter = None

    def _skim(self, data: bytes, at: float, plain: ChunkRule, counter: CountingSink) -> bytes:
        """Count plain chunks, return the rest for the parsers. Another chunk before them (a role) is parsed first."""
        position, events, size = skim.fastest(data, 0, plain)
        if not events:
            position, body, _ = chunked.fastest(data, 0, 1)
            if not body:
                return data
            self._http.pass_over(len(body))
            self._sink.feed(body, at)
            if after := self.plain:
                position, events, size = skim.fastest(data, position, after)
        if events:
            counter.note([at], events, events)
            self._http.pass_over(size)
        return data[position:]

    def _take(self, body: bytes, at: float) -> None:
        if self._streaming:
            self._sink.feed(body, at)
        elif len(self.exchange.body) < BODY_LIMIT:
            self.exchange.body = (self.exchange.body + body)[:BODY_LIMIT]

    def _complete(self, at: float) -> None:
        if self._streaming:
            self._sink.finish()
        self.exchange.ended = at
        self.exchange.received = self._http.body_bytes
        self.done = True

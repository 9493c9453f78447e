"""From the bytes of one response to its exchange and its sink. Knows no socket and no clock."""

from katydid.core.errors import ProtocolError
from katydid.core.http1 import NoResponseError, ResponseReader, TruncatedError
from katydid.core.sample import ErrorClass
from katydid.transport.exchange import Exchange, Sink

BODY_LIMIT = 64 * 1024
"""Bytes kept of an answer that is not the one asked for: enough for any error's text."""


class Receiver:
    """Takes one response as it arrives.

    A 2xx body goes to the sink; any other is kept in `exchange.body`.
    """

    __slots__ = ("_http", "_opened", "_sink", "_streaming", "done", "exchange", "lag_ns", "last_read", "touched")

    def __init__(self, method: str, sink: Sink, exchange: Exchange) -> None:
        self._http = ResponseReader(method)
        self._sink = sink
        self._opened = False
        self._streaming = False
        self.exchange = exchange
        self.done = False
        self.touched = False
        """Whether anything has been received."""
        self.last_read = 0.0
        self.lag_ns = 0
        """How far behind the kernel the latest read was, at worst."""

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another request."""
        return self._http.complete and self.exchange.error is None and self._http.keep_alive and not self._http.leftover

    def feed(self, data: bytes, at: float) -> None:
        """Take what one read brought."""
        self.touched = True
        self.last_read = at
        http = self._http
        try:
            body = http.feed(data)
        except ProtocolError as error:
            self.fail(ErrorClass.MALFORMED, f"the target's HTTP is malformed: {error}")
            return
        if not self._opened:
            if http.status is None:
                return
            self._open()
        if body:
            self._take(body, at)
        if http.complete:
            self._complete(at)

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
        """End the exchange; what was received until now stays."""
        self.exchange.fail(error, detail)
        self.exchange.received = self._http.body_bytes
        self.done = True

    def _open(self) -> None:
        self._opened = True
        status = self._http.status or 0
        self.exchange.status = status
        self.exchange.headers = self._http.headers
        self._streaming = 200 <= status < 300

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

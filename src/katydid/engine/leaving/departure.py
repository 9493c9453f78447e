"""A client that disconnects in the middle of its request.

At that moment, an exception is thrown into the client's greenlet from the event loop, as if the greenlet were killed,
whatever it is waiting for. So the transport closes the connection at once, with a RST if data was left unread.
"""

import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent import GreenletExit

from katydid.load.leaving import Leaving
from katydid.transport.exchange import Exchange, Sink


class _HangUp(GreenletExit):  # type: ignore[misc]  # gevent has no types
    """Thrown into the greenlet that disconnects."""


class Departure:
    """The departure of one request's client; `chunks` returns the number of content chunks so far.

    Attributes:
        left_ms: milliseconds from the request's start to the disconnect; None if the request ended first.
    """

    def __init__(self, leaving: Leaving, chunks: Callable[[], int]) -> None:
        self._leaving = leaving
        self._chunks = chunks
        self._loop: Any = gevent.get_hub().loop
        self._due: Any = None
        self._began = 0.0
        self._sink: Sink
        self._throw: Callable[[], object] = lambda: None
        self.left_ms: float | None = None

    def sink(self, sink: Sink) -> Sink:
        """Take the place of a sink, if the number of chunks decides when the client leaves."""
        self._sink = sink
        return sink if self._leaving.chunks is None else self

    def during(self, send: Callable[[Exchange], None], exchange: Exchange) -> None:
        """Call `send`, and disconnect when it is time.

        `send` fills in the exchange; of it, only `started` is read here.
        """
        hang_up = _HangUp()
        greenlet: Any = gevent.getcurrent()
        self._throw = lambda: greenlet.throw(hang_up)
        self._began = time.monotonic()
        if self._leaving.seconds is not None:
            self._arm(exchange, self._leaving.seconds)
        try:
            send(exchange)
        except _HangUp as reason:
            if reason is not hang_up:
                raise
            self.left_ms = (time.monotonic() - (exchange.started or self._began)) * 1000.0
        finally:
            self._throw = lambda: None
            self._disarm()

    def feed(self, data: bytes, at: float) -> None:
        """See `Sink.feed`. Disconnect once there are enough chunks."""
        self._sink.feed(data, at)
        if self._due is None and self._chunks() >= (self._leaving.chunks or 0):
            self._due = self._loop.run_callback(self._throw)

    def finish(self) -> None:
        """See `Sink.finish`."""
        self._sink.finish()

    def _arm(self, exchange: Exchange, seconds: float) -> None:
        self._disarm()
        self._due = self._loop.timer(max(0.0, seconds))
        self._due.start(self._look, exchange, update=True)

    def _look(self, exchange: Exchange) -> None:
        """Disconnect, or wait again: the time counts from the first byte sent, which connecting may have delayed."""
        left = (exchange.started or self._began) + (self._leaving.seconds or 0.0) - time.monotonic()
        if left > 0.0:
            self._arm(exchange, left)
        else:
            self._throw()

    def _disarm(self) -> None:
        if self._due is not None:
            self._due.stop()
            if hasattr(self._due, "close"):
                self._due.close()
            self._due = None

"""A client that hangs up in the middle of its request.

It is thrown out of whatever it waits for, in the hub's callback that finds that it is time, as a greenlet that is
killed is: so the transport closes the connection at once, with a RST where something was left unread.
"""

import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent import GreenletExit

from katydid.load.leaving import Leaving
from katydid.transport.exchange import Exchange, Sink


class _HangUp(GreenletExit):  # type: ignore[misc]  # gevent has no types
    """Thrown into the greenlet that leaves."""


class Departure:
    """One request's.

    Args:
        leaving: when the client leaves.
        chunks: content chunks until now.

    Attributes:
        left_ms: from the request's start to the hanging up; None where the request ended first.
    """

    def __init__(self, leaving: Leaving, chunks: Callable[[], int]) -> None:
        self._leaving = leaving
        self._chunks = chunks
        self._loop: Any = gevent.get_hub().loop
        self._due: Any = None
        self._began = 0.0
        self.left_ms: float | None = None
        self._throw: Callable[[], object] = lambda: None

    def sink(self, sink: Sink) -> Sink:
        """What the answer is fed to: the chunks are counted where they decide."""
        return sink if self._leaving.chunks is None else _Counting(self, sink)

    def during(self, talk: Callable[[Exchange], None], exchange: Exchange) -> None:
        """Talk, and hang up when it is time.

        Only reads of the exchange when that started; `talk` fills it in.
        """
        hang_up = _HangUp()
        greenlet: Any = gevent.getcurrent()
        self._throw = lambda: greenlet.throw(hang_up)
        self._began = time.monotonic()
        if self._leaving.seconds is not None:
            self._arm(exchange, self._leaving.seconds)
        try:
            talk(exchange)
        except _HangUp as reason:
            if reason is not hang_up:
                raise
            self.left_ms = (time.monotonic() - (exchange.started or self._began)) * 1000.0
        finally:
            self._throw = lambda: None
            self._disarm()

    def heard(self) -> None:
        """More of the answer has come."""
        if self._leaving.chunks is not None and self._chunks() >= self._leaving.chunks and self._due is None:
            self._due = self._loop.run_callback(self._throw)

    def _arm(self, exchange: Exchange, seconds: float) -> None:
        self._disarm()
        self._due = self._loop.timer(max(0.0, seconds))
        self._due.start(self._look, exchange, update=True)

    def _look(self, exchange: Exchange) -> None:
        """Time counts from the first byte that was sent, which the connection's set-up delays."""
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


class _Counting:
    """A sink whose chunks are looked at one read at a time, and not passed over."""

    def __init__(self, departure: Departure, sink: Sink) -> None:
        self._departure = departure
        self._sink = sink

    def feed(self, data: bytes, at: float) -> None:
        """See `Sink.feed`."""
        self._sink.feed(data, at)
        self._departure.heard()

    def finish(self) -> None:
        """See `Sink.finish`."""
        self._sink.finish()

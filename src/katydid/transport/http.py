"""The client `fast`: HTTP/1.1 over our own connections, in one pool for all users of a process.

The pool hands out the most recently used connection, so that no more are open than requests are in flight. It never
retries a request that the target may have processed. Only if a kept connection was closed as idle while the request
was being sent (`resending`) does it resend the request, once, on a new connection, and records that.
"""

import time
from dataclasses import replace
from functools import lru_cache
from socket import socket
from typing import Any

import gevent

from katydid.model.sample import ErrorClass
from katydid.protocol.heads import request_bytes
from katydid.protocol.http1 import lost_to_idle_close, when
from katydid.transport import clock
from katydid.transport.connection import Connection
from katydid.transport.dialing import TlsLayer, destination, dial, tls_context
from katydid.transport.exchange import (
    REQUEST_ID,
    VERIFIED,
    Exchange,
    Headers,
    Request,
    Sink,
    Timeouts,
    TimestampSource,
    TlsSettings,
    with_agent,
)
from katydid.transport.failure import classify
from katydid.transport.intake import on_turn
from katydid.transport.receiver import Receiver

_NO_TIME = 0.05
"""Connect times below this many seconds are not deducted from the request's timeout."""
MOST_HEADS = 256
"""Request heads that are cached: a run has about as many as prompts, and formatting one costs 3 µs per request."""


LONG_BODY = 16 * 1024
"""Bodies of this many bytes or more are sent without copying them."""


class HttpClient:
    """Sends requests to one target.

    Args:
        url: the target's URL; its path is a prefix of every request's.
        timeouts: the timeouts of a request.
        tls: the certificates to trust, and our own.

    Raises:
        ConfigError: the URL, a proxy in the environment or a certificate file is unusable.
    """

    def __init__(self, url: str, timeouts: Timeouts, tls: TlsSettings = VERIFIED) -> None:
        self._to = destination(url)
        self._timeouts = timeouts
        self._context = tls_context(tls) if self._to.tls else None
        self._idle: list[Connection] = []
        self._open = 0
        self._head = lru_cache(MOST_HEADS)(self._write_head)
        self.timestamp_source: TimestampSource = "kernel" if clock.available() else "user"
        self._turns: Any = None

    @property
    def open_connections(self) -> int:
        """The number of open connections, including idle ones."""
        return self._open

    def send(self, request: Request, sink: Sink, exchange: Exchange) -> None:
        """See `exchange.Client.send`."""
        payload = self._payload(request)
        if self._idle:
            connection = self._idle.pop()
            receiver = Receiver(request.method, sink, exchange)
            self._converse(connection, payload, receiver)
            if not _died_unanswered(receiver):
                return
            if not lost_to_idle_close(_passed(exchange), connection.connect_seconds):
                exchange.detail += when(_passed(exchange))
                return
            exchange.resent = True
            exchange.error, exchange.detail = None, ""
        fresh = self._connect(exchange)
        if fresh is not None:
            receiver = Receiver(request.method, sink, exchange)
            self._converse(fresh, payload, receiver, exchange.connect_seconds or 0.0)
            if _died_unanswered(receiver):
                exchange.detail += when(_passed(exchange))

    def connect_ahead(self, seconds: float) -> bool:
        """See `exchange.Client.connect_ahead`."""
        began = time.monotonic()
        try:
            sock, tls = self._dial(seconds)
        except OSError:
            return False
        self._open += 1
        self._idle.append(Connection(sock, tls, self._forget, time.monotonic() - began))
        return True

    def close(self) -> None:
        """Close idle connections. Those in use go back to the pool, and the client can still be used."""
        if self._turns is not None:
            self._turns.stop()
            self._turns.close()
            self._turns = None
        while self._idle:
            self._idle[-1].close()

    def _payload(self, request: Request) -> tuple[bytes, ...]:
        """The request in consecutive pieces; a long body is a piece of its own, so that it is not copied."""
        head = self._head(request.method, request.path, request.headers, len(request.body))
        named = f"{REQUEST_ID}: {request.request_id}\r\n" if request.request_id else ""
        if len(request.body) >= LONG_BODY:
            return b"%b%b\r\n" % (head, named.encode("latin-1")), request.body
        return (b"%b%b\r\n%b" % (head, named.encode("latin-1"), request.body),)

    def _write_head(self, method: str, path: str, headers: Headers, size: int) -> bytes:
        """The head of a request with a body of `size` bytes, without the empty line that ends it."""
        named = {"Host": self._to.authority, **with_agent(dict(headers))}
        if self._to.proxy and not self._to.tunnelled and self._to.proxy.authorization:
            named["Proxy-Authorization"] = self._to.proxy.authorization
        whole = request_bytes(method, self._to.request_target(path), named, bytes(size))
        return whole[: len(whole) - size - len("\r\n")]

    def _dial(self, seconds: float) -> tuple[socket, TlsLayer | None]:
        if self._turns is None:
            self._turns = gevent.get_hub().loop.prepare(ref=False)
            self._turns.start(on_turn)
        return dial(self._to, self._context, seconds)

    def _connect(self, exchange: Exchange) -> Connection | None:
        began = time.monotonic()
        try:
            sock, tls = self._dial(self._timeouts.total)
        except OSError as error:
            exchange.fail(*classify(error, connecting=True))
            return None
        exchange.connect_seconds = time.monotonic() - began
        self._open += 1
        return Connection(sock, tls, self._forget, exchange.connect_seconds)

    def _converse(
        self, connection: Connection, payload: tuple[bytes, ...], receiver: Receiver, spent: float = 0.0
    ) -> None:
        """Send a request and wait for its response; `spent` is the connection's setup time, part of the timeout."""
        timeouts = self._timeouts
        if spent > _NO_TIME:
            timeouts = replace(timeouts, total=max(0.0, timeouts.total - spent))
        connection.converse(payload, receiver, timeouts)
        if not connection.closed:
            self._idle.append(connection)

    def _forget(self, connection: Connection) -> None:
        self._open -= 1
        if connection in self._idle:
            self._idle.remove(connection)


def _died_unanswered(receiver: Receiver) -> bool:
    """Return True if the connection was closed or reset before the first byte of a response."""
    return not receiver.touched and receiver.exchange.error in {ErrorClass.RESET, ErrorClass.TRUNCATED}


def _passed(exchange: Exchange) -> float:
    now = time.monotonic()
    return now - (exchange.started or now)

"""The client `fast`: HTTP/1.1 over our own connections, one pool for all users of a process.

The pool hands out the connection that was used last, so that as few are open as requests are in
flight. It never retries a request that the target may have worked on; only where a kept connection was
closed in the moment of sending (`resending`) is the request sent again, once, on a new one, and says so.
"""

import time
from functools import lru_cache
from socket import socket
from typing import Any

import gevent

from katydid.model.sample import ErrorClass
from katydid.protocol.heads import request_bytes
from katydid.protocol.resending import lost_to_idle_close, when
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

MOST_HEADS = 256
"""Heads of requests that are kept: a run has about as many as prompts, and writing one costs 3 µs a request."""


LONG_BODY = 16 * 1024
"""Bytes from which on a body is sent from where it lies."""


class HttpClient:
    """Sends requests to one target.

    Args:
        url: of the target; a path in it comes before every request's.
        timeouts: of every request.
        tls: whom to trust, and our own certificate.

    Raises:
        ConfigError: the URL, a proxy of the environment or a certificate file is unusable.
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
        """Connections that are open now, idle ones included."""
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
            self._converse(fresh, payload, receiver)
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
        """Close idle connections; those in use close themselves when their request has ended. More may follow."""
        if self._turns is not None:
            self._turns.stop()
            self._turns.close()
            self._turns = None
        while self._idle:
            self._idle[-1].close()

    def _payload(self, request: Request) -> tuple[bytes, ...]:
        """The request in pieces that follow on each other; a long body is not copied behind its head."""
        head = self._head(request.method, request.path, request.headers, len(request.body))
        named = f"{REQUEST_ID}: {request.request_id}\r\n" if request.request_id else ""
        if len(request.body) >= LONG_BODY:
            return b"%b%b\r\n" % (head, named.encode("latin-1")), request.body
        return (b"%b%b\r\n%b" % (head, named.encode("latin-1"), request.body),)

    def _write_head(self, method: str, path: str, headers: Headers, size: int) -> bytes:
        """The head of a request with so many bytes in its body, without the empty line that ends it."""
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

    def _converse(self, connection: Connection, payload: tuple[bytes, ...], receiver: Receiver) -> None:
        connection.converse(payload, receiver, self._timeouts)
        if not connection.closed:
            self._idle.append(connection)

    def _forget(self, connection: Connection) -> None:
        self._open -= 1
        if connection in self._idle:
            self._idle.remove(connection)


def _died_unanswered(receiver: Receiver) -> bool:
    """Whether the connection was closed or reset before any byte of an answer."""
    return not receiver.touched and receiver.exchange.error in {ErrorClass.RESET, ErrorClass.TRUNCATED}


def _passed(exchange: Exchange) -> float:
    now = time.monotonic()
    return now - (exchange.started or now)

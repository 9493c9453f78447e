"""A connection that sends its request a byte at a time, and takes for ever: what a slow-loris attack does."""

import ssl
import time

import gevent.socket

from katydid.model.sample import ErrorClass
from katydid.transport.dialing import Destination, TlsLayer, dial, send_all
from katydid.transport.exchange import Exchange
from katydid.transport.failure import classify

CONNECT_TIME = 30.0
"""Seconds that a connection may take to come about."""
REQUEST = b"GET / HTTP/1.1\r\nHost: "


def drip(to: Destination, context: ssl.SSLContext | None, period: float, exchange: Exchange) -> None:
    """Connect and send a byte each `period` seconds; returns when the target has had enough, or the request is out.

    Raises nothing but what kills the greenlet; what ended it is told in `exchange`.
    """
    began = time.monotonic()
    try:
        sock, tls = dial(to, context, CONNECT_TIME)
    except OSError as error:
        exchange.fail(*classify(error, connecting=True))
        return
    try:
        exchange.started = time.monotonic()
        exchange.connect_seconds = exchange.started - began
        for index in range(len(REQUEST)):
            send_all(sock, time.monotonic() + CONNECT_TIME, _wire(tls, REQUEST[index : index + 1]))
            if _answered(sock, period):
                exchange.fail(ErrorClass.TRUNCATED, "the target closed the connection that sent so slowly")
                return
    except OSError as error:
        exchange.fail(*classify(error, connecting=False))
    finally:
        sock.close()


def _wire(tls: TlsLayer | None, data: bytes) -> bytes:
    return tls.encrypt(data) if tls else data


def _answered(sock: gevent.socket.socket, period: float) -> bool:
    """Wait; whether the target closes or answers meanwhile, which is the end of an incomplete request."""
    try:
        gevent.socket.wait_read(sock.fileno(), period)
    except TimeoutError:
        return False
    return True

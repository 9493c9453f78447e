"""Connections that send a byte at a time."""

import time

from katydid.model.sample import ErrorClass as E
from katydid.transport.dialing import destination
from katydid.transport.exchange import Exchange
from katydid.workloads.resilience.zombies import REQUEST, drip
from rawserver import raw_server


def dripped(script, period):
    exchange = Exchange()
    with raw_server(script) as url:
        drip(destination(url), None, period, exchange)
    return exchange


def test_bytes_come_one_by_one():
    pieces = []

    def script(peer):
        while data := peer.sock.recv(100):
            pieces.append(data)
            if len(pieces) == 4:
                return

    assert dripped(script, 0.05).error is E.TRUNCATED
    assert b"".join(pieces) == REQUEST[:4]
    assert [len(piece) for piece in pieces] == [1] * 4


def test_a_server_that_does_not_wait_is_told_from_one_that_does():
    assert dripped(lambda peer: peer.sock.recv(1), 5.0).error is E.TRUNCATED
    assert dripped(lambda peer: peer.wait_for_close(), 0.001).error is None


def test_nobody_there():
    exchange, began = Exchange(), time.monotonic()
    drip(destination("http://127.0.0.1:1"), None, 60.0, exchange)
    assert exchange.error is E.CONNECT
    assert time.monotonic() - began < 5

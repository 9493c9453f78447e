"""Long bodies: sent from where they lie, whole also where the target takes them in small bites, and timed."""

import time

import pytest

from katydid.transport import dialing, open_client
from katydid.transport.exchange import Exchange, Request, Timeouts
from rawserver import raw_server

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Sink:
    def feed(self, data, at):
        pass

    def finish(self):
        pass


@pytest.mark.parametrize("gathers", [True, False])
@pytest.mark.parametrize("size", [10, 16 * 1024 - 1, 16 * 1024, 12_000_000])
def test_a_body_arrives_whole_and_its_sending_is_timed(size, gathers, monkeypatch):
    monkeypatch.setattr(dialing, "_GATHERS", gathers)
    arrived = []

    def script(peer):
        for _ in range(2):
            time.sleep(0.05)  # the kernel's buffers fill up meanwhile
            arrived.append(peer.request())
            peer.send(OK)

    body = bytes(range(256)) * (size // 256 + 1)
    body = body[:size]
    with raw_server(script) as url:
        client = open_client("fast", url, Timeouts(20.0, 20.0))
        for number in range(2):
            exchange = Exchange()
            client.send(Request("POST", "/x", (("A", "b"),), body, f"id-{number}"), Sink(), exchange)
            assert (exchange.status, exchange.error) == (200, None)
            assert exchange.send_seconds >= (0.02 if size > 1_000_000 else 0.0)
        client.close()
    for number, request in enumerate(arrived):
        head, _, sent = request.partition(b"\r\n\r\n")
        assert sent == body
        assert f"Content-Length: {size}".encode() in head
        assert f"X-Request-Id: id-{number}".encode() in head

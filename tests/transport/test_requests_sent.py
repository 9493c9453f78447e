"""What a client puts on the wire for a request: the headers that all share, the id and the length that are its own."""

import time
from types import SimpleNamespace

import pytest

from katydid.model.sample import ErrorClass
from katydid.transport import open_client
from katydid.transport.exchange import Exchange, Request, Timeouts
from rawserver import raw_server
from talking import CLIENTS

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
SHARED = (("Content-Type", "application/json"), ("Authorization", "Bearer k"))
NOBODY = SimpleNamespace(feed=lambda data, at: None, finish=lambda: None)


@pytest.mark.parametrize("kind", CLIENTS)
def test_requests_with_the_same_headers_keep_their_own_ids_bodies_and_lengths(kind):
    heard = []

    def script(peer):
        while asked := peer.request():
            heard.append(asked)
            peer.send(EMPTY)

    with raw_server(script) as url:
        client = open_client(kind, url, Timeouts())
        for body, name in ((b'{"a": 1}', "first"), (b'{"a": 1}', "second"), (b'{"longer": 1}', "third")):
            client.send(Request("POST", "/x", SHARED, body, name), NOBODY, Exchange())
        client.send(Request("GET", "/y", SHARED), NOBODY, Exchange())
        client.close()
    told = [head_and_body(request) for request in heard]
    assert [headers.get("x-request-id") for _, headers, _ in told] == ["first", "second", "third", None]
    assert [body for _, _, body in told] == [b'{"a": 1}', b'{"a": 1}', b'{"longer": 1}', b""]
    assert [headers.get("content-length") for _, headers, _ in told] == ["8", "8", "13", None]
    assert [line for line, _, _ in told] == ["POST /x HTTP/1.1"] * 3 + ["GET /y HTTP/1.1"]
    assert all(headers["authorization"] == "Bearer k" for _, headers, _ in told)


@pytest.mark.parametrize("idle", [0.6, 5.0])
def test_a_request_on_a_kept_connection_has_timeouts_of_its_own(idle):
    def script(peer):
        peer.request()
        peer.send(EMPTY)
        peer.request()
        peer.wait_for_close()

    with raw_server(script) as url:
        client = open_client("fast", url, Timeouts(total=0.7, idle=idle))
        client.send(Request("GET", "/", ()), NOBODY, Exchange())
        time.sleep(0.4)
        began, exchange = time.monotonic(), Exchange()
        client.send(Request("GET", "/", ()), NOBODY, exchange)
        took = time.monotonic() - began
        client.close()
    assert exchange.error is (ErrorClass.IDLE_TIMEOUT if idle < 0.7 else ErrorClass.TIMEOUT)
    assert 0.5 < took < 5.0, "not counted from the request before, and not for ever"


def test_a_request_that_is_long_in_sending_is_not_called_idle_meanwhile():
    def script(peer):
        peer.request()
        peer.send(EMPTY)
        time.sleep(1.3)  # the first request's timer comes while the second is being sent
        peer.request()
        peer.send(EMPTY)

    with raw_server(script) as url:
        client = open_client("fast", url, Timeouts(total=10.0, idle=1.0))
        client.send(Request("GET", "/", ()), NOBODY, Exchange())
        exchange = Exchange()
        client.send(Request("POST", "/", (), b"x" * 16_000_000), NOBODY, exchange)
        client.close()
    assert (exchange.error, exchange.status) == (None, 200), exchange.detail


def head_and_body(request):
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    return first, {name.lower(): value for name, value in pairs}, body

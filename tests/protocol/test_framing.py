"""A WebSocket's bytes mean the same, however the network splits them."""

import re

import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from katydid.protocol.websocket_frames import MESSAGE_LIMIT, Broken, Closed, Framing, Opened, Refused
from socketserving import token_for


def opened():
    """A framing that has said hello, and the answer that opens it."""
    framing = Framing("here:80", "/speech?lang=en", {"X-Request-Id": "r1"})
    hello = framing.hello()
    key = re.search(rb"Sec-WebSocket-Key: (\S+)", hello)[1]
    token = token_for(key)
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return framing, hello, answer + b"Sec-WebSocket-Accept: " + token + b"\r\n\r\n"


SERVER = Connection(ConnectionType.SERVER)
LONG = "word " * 100
STREAM = b"".join(
    SERVER.send(event)
    for event in (
        TextMessage(data="one"),
        TextMessage(data="two, ", message_finished=False),
        Ping(payload=b"are you there"),
        TextMessage(data="and three"),
        BytesMessage(data=b"\x00\xff"),
        TextMessage(data=LONG),
        TextMessage(data="größer"),
        CloseConnection(code=1013, reason="later"),
    )
)
HEARD = [Opened(), "one", "two, and three", b"\x00\xff", LONG, "größer", Closed(1013, "later")]


def feed(framing, data, size):
    heard = []
    for start in range(0, len(data), size):
        heard += framing.feed(data[start : start + size])
    return heard


def test_the_request_is_what_was_asked_for():
    _, hello, _ = opened()
    assert hello.startswith(b"GET /speech?lang=en HTTP/1.1\r\nHost: here:80\r\n")
    assert b"X-Request-Id: r1\r\n" in hello


@pytest.mark.parametrize("size", [1_000_000, 4096, 7, 1], ids=["whole", "pages", "sevens", "byte by byte"])
def test_messages_in_any_split(size):
    framing, _, answer = opened()
    assert feed(framing, answer + STREAM, size) == HEARD
    assert framing.is_over
    assert framing.answer.count(b"\x8a") >= 1, "the ping is answered"


def test_a_message_of_many_pieces():
    framing, _, answer = opened()
    sent = Connection(ConnectionType.SERVER).send(TextMessage(data="word " * 30_000))
    assert feed(framing, answer + sent, 1500) == [Opened(), "word " * 30_000]


@pytest.mark.parametrize("size", [1_000_000, 1])
def test_a_refusal_in_any_split(size):
    framing, _, _ = opened()
    refusal = b"HTTP/1.1 503 Busy\r\nRetry-After: 5\r\nContent-Length: 4\r\n\r\nfull"
    (heard,) = feed(framing, refusal, size)
    assert heard == Refused(503, {"retry-after": "5", "content-length": "4"}, b"full")


def test_a_refusal_without_an_end_ends_with_the_connection():
    framing, _, _ = opened()
    assert framing.feed(b"HTTP/1.1 502 Bad\r\n\r\nno upstream") == []
    assert framing.feed(b"") == [Refused(502, {}, b"no upstream")]


def test_a_connection_that_just_ends_is_1006():
    framing, _, answer = opened()
    framing.feed(answer)
    assert framing.feed(b"") == [Closed(1006, "")]


def test_after_a_close_the_end_says_nothing_more():
    framing, _, answer = opened()
    feed(framing, answer + STREAM, 100)
    assert framing.feed(b"") == []


def test_a_message_may_be_as_large_as_the_limit_and_no_larger():
    framing, _, answer = opened()
    server = Connection(ConnectionType.SERVER)
    framing.feed(answer)
    assert framing.feed(server.send(TextMessage(data="x" * MESSAGE_LIMIT))) == ["x" * MESSAGE_LIMIT]
    (heard,) = framing.feed(server.send(TextMessage(data="x" * (MESSAGE_LIMIT + 1))))
    assert heard == Broken("a message of more than 1024 KiB")


@pytest.mark.parametrize("garbage", [b"\xff" * 20, b"\x81\x02\xff\xfe", b"\x83\x00", b"\x09\x00", b"\x80\x01a"])
def test_frames_that_are_none_are_malformed(garbage):
    framing, _, answer = opened()
    framing.feed(answer)
    (heard,) = framing.feed(garbage)
    assert isinstance(heard, Broken)


@pytest.mark.parametrize("garbage", [b"\x00\x01\x02\r\n\r\n", b"SSH-2.0-OpenSSH\r\n\r\n"])
def test_what_is_no_http_is_malformed(garbage):
    framing, _, _ = opened()
    (heard,) = framing.feed(garbage)
    assert isinstance(heard, Broken)

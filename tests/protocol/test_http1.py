"""HTTP/1.1 without I/O."""

import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from katydid.model.errors import ConfigError, LimitError, ProtocolError
from katydid.protocol.heads import request_bytes
from katydid.protocol.http1 import NoResponseError, ResponseReader, TruncatedError


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n"
GZIPPED = gzip.compress(b"hello world")
RAW_DEFLATE = zlib.compress(b"hello world", wbits=-15)

# name, bytes, status, body, keep-alive
WHOLE = [
    ("a length", OK + b"Content-Length: 5\r\n\r\nhello", 200, b"hello", True),
    ("no body", OK + b"Content-Length: 0\r\n\r\n", 200, b"", True),
    ("chunks", CHUNKED + b"\r\n" + chunked(b"he", b"llo"), 200, b"hello", True),
    ("chunks with extensions", CHUNKED + b"\r\n5;a=b\r\nhello\r\n0;x\r\n\r\n", 200, b"hello", True),
    ("chunks with a trailer", CHUNKED + b"\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n", 200, b"hello", True),
    ("chunks of one byte", CHUNKED + b"\r\n" + chunked(*(bytes([c]) for c in b"hello")), 200, b"hello", True),
    ("upper-case and padded sizes", CHUNKED + b"\r\n00A \r\n0123456789\r\n0\r\n\r\n", 200, b"0123456789", True),
    ("line feeds alone", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", 200, b"hi", True),
    ("line feeds alone in chunks", CHUNKED + b"\r\n2\nhi\n0\n\n", 200, b"hi", True),
    ("both framings: chunks win", CHUNKED + b"Content-Length: 99\r\n\r\n" + chunked(b"hi"), 200, b"hi", True),
    ("the same length twice", OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", True),
    ("asked to close", OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", False),
    (
        "two Connection headers",
        OK + b"Connection: x\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nhi",
        200,
        b"hi",
        False,
    ),
    ("HTTP/1.0", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", False),
    ("HTTP/1.0, kept", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", True),
    (
        "HTTP/1.0 with chunks",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hi"),
        200,
        b"hi",
        False,
    ),
    ("no reason phrase", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", True),
    ("an empty reason phrase", b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", True),
    (
        "interim responses",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nX: y\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nhi",
        200,
        b"hi",
        True,
    ),
    ("no content", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    ("not modified, with a length", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, b"", True),
    ("an error", b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", 503, b"busy", True),
    ("a folded header", OK + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", True),
    ("a line without a colon", OK + b"X-Buffering no\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", True),
    ("no space after a colon", OK + b"Content-Length:2\r\n\r\nhi", 200, b"hi", True),
    (
        "gzip",
        OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(GZIPPED) + GZIPPED,
        200,
        b"hello world",
        True,
    ),
    (
        "gzip in chunks",
        CHUNKED + b"Content-Encoding: gzip\r\n\r\n" + chunked(GZIPPED[:9], GZIPPED[9:]),
        200,
        b"hello world",
        True,
    ),
    (
        "deflate",
        OK
        + b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(zlib.compress(b"hi"))
        + zlib.compress(b"hi"),
        200,
        b"hi",
        True,
    ),
    (
        "raw deflate",
        OK + b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(RAW_DEFLATE) + RAW_DEFLATE,
        200,
        b"hello world",
        True,
    ),
    ("identity", OK + b"Content-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", True),
]
IDS = [row[0] for row in WHOLE]


def read(pieces):
    reader = ResponseReader()
    return reader, b"".join(reader.feed(piece) for piece in pieces)


@pytest.mark.parametrize(("_name", "message", "status", "body", "keep"), WHOLE, ids=IDS)
@pytest.mark.parametrize("size", [1, 2, 7, 100_000])
def test_a_message_is_read_in_any_pieces(_name, message, status, body, keep, size):
    reader, found = read([message[i : i + size] for i in range(0, len(message), size)])
    assert (reader.status, found, reader.complete, reader.keep_alive, reader.leftover) == (
        status,
        body,
        True,
        keep,
        b"",
    )


@pytest.mark.parametrize(("_name", "message", "status", "body", "keep"), WHOLE, ids=IDS)
def test_bytes_after_the_end_are_left_over(_name, message, status, body, keep):
    reader, found = read([message + b"HTTP/1.1 200"])
    assert (found, reader.complete, reader.leftover) == (body, True, b"HTTP/1.1 200")


@pytest.mark.parametrize(("_name", "message", "status", "body", "keep"), WHOLE, ids=IDS)
def test_a_message_that_breaks_off_anywhere_is_truncated(_name, message, status, body, keep):
    in_chunks = b"chunked" in message.lower()
    last = message.index(b"\n", message.rindex(b"\n0") + 1) if in_chunks else len(message)
    for size in range(1, last + 1):
        reader, _ = read([message[:size]])
        if not reader.complete:
            with pytest.raises(TruncatedError):
                reader.eof()


@pytest.mark.parametrize("end", [b"0\r\n", b"0\r\n\r", b"0;x\r\n", b"0\r\nX-Sum: 1\r\n", b"0\r\nX-S"])
def test_a_message_whose_last_chunk_has_come_is_whole_whatever_its_last_line_is(end):
    reader, body = read([CHUNKED + b"\r\n2\r\nhi\r\n" + end])
    reader.eof()
    assert (body, reader.complete, reader.keep_alive) == (b"hi", True, False)


@given(st.data())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_split_gives_the_same_body(data):
    _, message, status, body, keep = data.draw(st.sampled_from(WHOLE))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(message)), max_size=6)))
    reader, found = read([message[a:b] for a, b in zip([0, *cuts], [*cuts, len(message)], strict=True)])
    assert (reader.status, found, reader.complete, reader.keep_alive) == (status, body, True, keep)


def test_a_body_without_a_length_ends_when_the_peer_closes():
    reader, body = read([OK + b"\r\nhel", b"lo"])
    assert not reader.complete
    reader.eof()
    assert (body, reader.complete, reader.keep_alive) == (b"hello", True, False)


def test_nothing_at_all_is_no_response():
    with pytest.raises(NoResponseError):
        ResponseReader().eof()


def test_body_bytes_are_counted_as_received():
    reader, _ = read([OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(GZIPPED) + GZIPPED])
    assert reader.body_bytes == len(GZIPPED)


def test_headers_are_lower_case_and_duplicates_joined():
    reader, _ = read([OK + b"X-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n"])
    assert reader.headers["x-a"] == "1, 2"


def test_a_head_request_has_no_body():
    reader = ResponseReader("HEAD")
    reader.feed(OK + b"Content-Length: 5\r\n\r\n")
    assert reader.complete


@pytest.mark.parametrize(
    "message",
    [
        b"SMTP ready\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        CHUNKED + b"\r\nxyz\r\n",
        CHUNKED + b"\r\n-1\r\n",
        CHUNKED + b"\r\n1_0\r\n",
        CHUNKED + b"\r\n2\r\nhixx\r\n",
        OK + b"Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
        OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    ],
)
def test_what_is_no_http_is_refused(message):
    with pytest.raises(ProtocolError):
        read([message])


@pytest.mark.parametrize(
    "message",
    [
        OK + b"X: " + b"a" * 70_000,
        OK + b"X: 1\r\n" * 1001 + b"\r\n",
        CHUNKED + b"\r\n" + b"1" * 5000,
    ],
)
def test_what_has_no_end_is_refused(message):
    with pytest.raises(LimitError):
        read([message])


def test_a_head_that_is_too_long_is_refused_also_when_it_comes_with_its_end():
    with pytest.raises(LimitError, match="a head of more than 65536 bytes"):
        ResponseReader().feed(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n")


@pytest.mark.parametrize("framing", [b"", b"Content-Length: 1000\r\n"])
def test_a_body_without_an_end_is_refused(monkeypatch, framing):
    monkeypatch.setattr("katydid.protocol.http1.MAX_BODY", 100)
    reader = ResponseReader()
    reader.feed(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n" + b"x" * 100)
    with pytest.raises(LimitError, match="a body of more than 100 bytes"):
        reader.feed(b"x")


def test_a_decompression_bomb_is_refused(monkeypatch):
    monkeypatch.setattr("katydid.protocol.unpacking.MAX_DECODED", 1000)
    bomb = gzip.compress(b"0" * 100_000)
    with pytest.raises(LimitError):
        read([OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb])


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_no_bytes_whatever_raise_anything_but_a_protocol_error(data):
    reader = ResponseReader()
    try:
        reader.feed(OK + data)
        reader.eof()
    except ProtocolError:
        pass


def test_a_request_has_its_length_and_headers():
    assert (
        request_bytes("POST", "/x", {"Host": "h"}, b"hi")
        == b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"
    )
    assert request_bytes("GET", "/x", {"Host": "h"}) == b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X\n": "a"}, {"X": "世"}])
def test_a_header_cannot_smuggle_another_one_in(headers):
    with pytest.raises(ConfigError):
        request_bytes("GET", "/", headers)


def test_a_head_that_came_before_is_read_as_the_first_time():
    first, again = ResponseReader(), ResponseReader()
    wire = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    assert first.feed(wire) == again.feed(wire) == b"ok"
    assert first.headers == again.headers == {"content-length": "2", "connection": "close"}
    assert first.complete
    assert again.complete
    assert not again.keep_alive
    other = ResponseReader()
    assert other.feed(wire.replace(b"close", b"stays")) == b"ok"
    assert other.keep_alive


def test_the_last_word_of_http_on_a_connection_is_none_that_was_asked_for():
    with pytest.raises(ProtocolError, match="101"):
        ResponseReader().feed(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")


def test_interim_responses_may_be_any_number_and_come_in_any_split():
    reader = ResponseReader()
    message = b"HTTP/1.1 102 Processing\r\n\r\n" * 5000 + OK + b"Content-Length: 2\r\n\r\nhi"
    body = b"".join(reader.feed(message[at : at + 1000]) for at in range(0, len(message), 1000))
    assert (reader.status, body, reader.complete, reader.leftover) == (200, b"hi", True, b"")


def test_a_thousand_members_of_a_gzip_are_one_body():
    packed = b"".join(gzip.compress(b"%d," % number) for number in range(1000))
    for size in (1, 1000, len(packed)):
        reader = ResponseReader()
        reader.feed(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed))
        body = b"".join(reader.feed(packed[at : at + size]) for at in range(0, len(packed), size))
        assert body == b"".join(b"%d," % number for number in range(1000))
        assert reader.complete


def test_a_bomb_of_many_members_is_refused(monkeypatch):
    monkeypatch.setattr("katydid.protocol.unpacking.MAX_DECODED", 1000)
    with pytest.raises(LimitError):
        ResponseReader().feed(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"0" * 300) * 4)

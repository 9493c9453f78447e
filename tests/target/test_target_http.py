"""Requests out of bytes, in any split; and what is on the wire between a client and the target."""

import json

import pytest
from wire import ASK, Line, ask, post, request

from katydid.target.wire.http import MAX_BODY, MAX_HEAD, RequestError, RequestReader

CHUNKED = (
    b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nSome: trailer\r\n\r\n"
)
SIZED = b"POST /a?b=c HTTP/1.1\r\nContent-Length: 11\r\n\r\nhello world"


def bodies(reader, *parts):
    return [found.body for part in parts for found in reader.feed(part)]


@pytest.mark.parametrize("data", [CHUNKED, SIZED])
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_request_is_the_same_in_any_split(data, size):
    reader, twice = RequestReader(), data * 2
    parts = [twice[i : i + size] for i in range(0, len(twice), size)]
    assert bodies(reader, *parts) == [b"hello world"] * 2
    assert not reader.begun


def test_the_path_is_without_its_query_and_header_names_are_lower_case():
    (found,) = RequestReader().feed(b"GET /a?b=c HTTP/1.1\r\nX-Request-ID:  Abc \r\n\r\n")
    assert (found.method, found.path, found.headers) == ("GET", "/a", {"x-request-id": "Abc"})


def test_a_request_whose_body_is_missing_is_pending():
    reader = RequestReader()
    assert reader.feed(SIZED[:-1]) == []
    assert reader.pending.path == "/a"


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [
        ("1.1", "", True), ("1.1", "close", False), ("1.1", "Close", False),
        ("1.0", "", False), ("1.0", "Keep-Alive", True),
    ],
)  # fmt: skip
def test_who_keeps_the_connection(version, connection, kept):
    header = f"Connection: {connection}\r\n" if connection else ""
    (found,) = RequestReader().feed(f"GET / HTTP/{version}\r\n{header}\r\n".encode())
    assert found.keep_alive is kept


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nContent-Length: \u00b2\r\n\r\n".encode("latin-1"), 400),
        (b"GET / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1), 413),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEAD, 431),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEAD + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", 400),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % (MAX_BODY + 1), 413),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 5000, 400),
    ],
)
def test_what_is_no_request_or_too_large_is_refused(data, status):
    with pytest.raises(RequestError) as refused:
        RequestReader().feed(data)
    assert refused.value.status == status


def test_the_largest_body_is_taken():
    head = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % MAX_BODY
    block = b"x" * 65536
    assert [len(body) for body in bodies(RequestReader(), head, *[block] * (MAX_BODY // 65536))] == [MAX_BODY]


# On the wire


def test_a_connection_carries_one_request_after_the_other(quick):
    with Line(quick) as line:
        for stream in (True, False, True):
            reply = line.ask(post(stream=stream))
            assert (reply.status, reply.end) == (200, "complete")
            assert reply.headers["connection"] == "keep-alive"


def test_requests_sent_at_once_are_answered_in_order(quick):
    with Line(quick) as line:
        line.send(post(stream=True) + post(stream=False) + request("GET", "/health"))
        assert [line.read().headers["content-type"] for _ in range(3)] == [
            "text/event-stream", "application/json", "application/json",
        ]  # fmt: skip


@pytest.mark.parametrize("stream", [True, False])
def test_connection_close_is_honoured(quick, stream):
    with Line(quick) as line:
        reply = line.ask(post(stream=stream, headers=["Connection: close"]))
        assert (reply.status, reply.headers["connection"]) == (200, "close")
        assert line.closed()


def test_http_1_0_gets_a_stream_without_chunks_that_ends_with_the_connection(quick):
    reply = ask(quick, post(stream=True, version="1.0"))
    assert "transfer-encoding" not in reply.headers
    assert reply.headers["connection"] == "close"
    assert reply.events[-1] == "[DONE]"


def test_http_1_0_keeps_the_connection_where_it_asks_to(quick):
    with Line(quick) as line:
        for _ in range(2):
            assert line.ask(post(stream=False, version="1.0", headers=["Connection: keep-alive"])).end == "complete"


def test_a_chunked_request_body_is_read(quick):
    body = json.dumps(ASK).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert ask(quick, head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)).status == 200


def test_who_waits_for_100_continue_gets_it(quick):
    with Line(quick) as line:
        head, _, body = post(stream=False, headers=["Expect: 100-continue"]).partition(b"\r\n\r\n")
        line.send(head + b"\r\n\r\n")
        assert line._until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
        assert line.ask(body).status == 200


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEAD, 431),
    ],
)
def test_bytes_that_are_no_request_get_a_status_and_the_connection_is_closed(quick, data, status):
    with Line(quick) as line:
        reply = line.ask(data)
        assert (reply.status, reply.headers["connection"]) == (status, "close")
        assert reply.json["error"]["message"]
        assert line.closed()
    assert ask(quick, post()).status == 200, "others are served on"

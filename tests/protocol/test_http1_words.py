"""HTTP/1.1 without I/O: what is said of a message that is refused, and the edges of what is taken."""

import gzip
import tracemalloc
import zlib

import pytest

from katydid.model.errors import ConfigError, LimitError, ProtocolError
from katydid.protocol import heads, http1, unpacking
from katydid.protocol.heads import request_bytes
from katydid.protocol.http1 import NoResponseError, ResponseReader, TruncatedError

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def read(*pieces, method="POST"):
    reader = ResponseReader(method)
    return reader, b"".join(reader.feed(piece) for piece in pieces)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (b"SMTP " + b"x" * 60 + b"\r\n\r\n", f"not an HTTP/1 answer: {'SMTP ' + 'x' * 35!r}"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "not an HTTP/1 answer: 'HTTP/1.1 20 OK'"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "not an HTTP/1 answer: 'HTTP/1.1 2000 OK'"),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", "not an HTTP/1 answer: 'HTTP/1.1 2x0 OK'"),
        (b"HTTP/2.0 200 OK\r\n\r\n", "not an HTTP/1 answer: 'HTTP/2.0 200 OK'"),
        ("HTTP/1.1 2²0\r\n\r\n".encode("latin-1"), "not an HTTP/1 answer: 'HTTP/1.1 2²0'"),
        (OK + b"Content-Length: 1x\r\n\r\n", "invalid Content-Length '1x'"),
        (OK + b"Content-Length: 1, 2\r\n\r\n", "invalid Content-Length '1, 2'"),
        (OK + b"Content-Length: -" + b"1" * 60 + b"\r\n\r\n", f"invalid Content-Length {'-' + '1' * 39!r}"),
        ("HTTP/1.1 200 OK\r\nContent-Length: ²\r\n\r\n".encode("latin-1"), "invalid Content-Length '²'"),
        (
            OK + b"Content-Encoding: gzip, Compress\r\n\r\n",
            "content encoding 'compress' was not requested",
        ),
        (CHUNKED + b"2\r\nhixx\r\n", "a chunk is longer than its size line says"),
        (CHUNKED + b"2\r\nhi \r\n", "a chunk is longer than its size line says"),
        (b"\r\n\r\n", "not an HTTP/1 answer: ''"),
        (b"\n\n", "not an HTTP/1 answer: ''"),
        (CHUNKED + b"g" * 30 + b"\r\n", f"invalid chunk size {b'g' * 20!r}"),
        (OK + b"Content-Encoding: gzip\r\n\r\nabcd", "the compressed body is corrupt"),
    ],
)
def test_what_is_no_http_is_quoted_in_part(message, said):
    with pytest.raises(ProtocolError) as refused:
        read(message)
    assert str(refused.value) == said
    assert not isinstance(refused.value, LimitError)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (OK + b"X: 1\r\n" * 1001 + b"\r\n", "more than 1000 headers"),
        (OK + b"X: " + b"a" * 65536, "a head of more than 65536 bytes"),
        (CHUNKED + b"0" * 4097, "a chunk's size line of more than 4096 bytes"),
    ],
)
def test_what_has_no_end_is_told_with_its_limit(message, said):
    with pytest.raises(LimitError) as refused:
        read(message)
    assert str(refused.value) == said


def test_just_as_much_as_the_limits_is_taken():
    reader, _ = read(OK + b"X: 1\r\n" * 1000 + b"\r\n")
    assert reader.headers["x"].count("1") == 1000
    head = OK + b"X: " + b"a" * (65536 - len(OK) - 3)
    assert read(head)[0].status is None
    assert len(read(head + b"\r\n\r\n")[0].headers["x"]) == 65536 - len(OK) - 3
    assert read(CHUNKED + b"0" * 4096)[0].complete is False


def test_a_body_of_just_the_limit_is_taken(monkeypatch):
    monkeypatch.setattr("katydid.protocol.http1.MAX_BODY", 10)
    assert read(OK + b"Content-Length: 10\r\n\r\n" + b"x" * 10)[1] == b"x" * 10
    with pytest.raises(LimitError, match=r"^a body of more than 10 bytes$"):
        read(CHUNKED + b"6\r\nabcdef\r\n", b"5\r\nabcde\r\n")


def test_an_unpacked_body_of_just_the_limit_is_taken(monkeypatch):
    monkeypatch.setattr("katydid.protocol.unpacking.MAX_DECODED", 1000)
    head = OK + b"Content-Encoding: gzip\r\n\r\n"
    assert len(read(head + gzip.compress(b"0" * 1000))[1]) == 1000
    with pytest.raises(LimitError, match=r"^the compressed body unpacks to more than 1000 bytes$"):
        read(head + gzip.compress(b"0" * 1001))


def test_what_a_body_unpacks_to_is_summed_over_its_pieces(monkeypatch):
    monkeypatch.setattr("katydid.protocol.unpacking.MAX_DECODED", 1000)
    packed = zlib.compressobj()
    first = packed.compress(b"0" * 600) + packed.flush(zlib.Z_SYNC_FLUSH)
    second = packed.compress(b"0" * 600) + packed.flush()
    with pytest.raises(LimitError):
        read(OK + b"Content-Encoding: deflate\r\n\r\n", first, second)


def test_what_is_refused_is_not_unpacked_further_than_to_the_limit(monkeypatch):
    monkeypatch.setattr("katydid.protocol.unpacking.MAX_DECODED", 1_000_000)
    packed = zlib.compressobj()
    first = packed.compress(b"0" * 900_000) + packed.flush(zlib.Z_SYNC_FLUSH)
    bomb = packed.compress(b"0" * 3_000_000) + packed.flush()
    reader, _ = read(OK + b"Content-Encoding: deflate\r\n\r\n", first)
    tracemalloc.start()
    try:
        with pytest.raises(LimitError):
            reader.feed(bomb)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 500_000, "100,001 bytes are left to unpack"


def test_deflate_unpacks_no_more_than_it_is_asked_for():
    assert len(unpacking._Inflate().decompress(zlib.compress(b"0" * 1000), 10)) == 10


def test_the_limits_are_these():
    assert (heads.MAX_HEAD, heads.MAX_HEADERS) == (65536, 1000)
    assert (http1.MAX_BODY, unpacking.MAX_DECODED) == (268_435_456, 67_108_864)


@pytest.mark.parametrize(
    ("fed", "error", "said"),
    [
        ([], NoResponseError, "closed without an answer"),
        ([b""], NoResponseError, "closed without an answer"),
        ([b"H"], TruncatedError, "closed in the middle of the message"),
        ([b"H", b""], TruncatedError, "closed in the middle of the message"),
        ([b"\r\nHTTP/1.1 20"], TruncatedError, "closed in the middle of the message"),
        ([b"SSH-2.0-x\r\n"], ProtocolError, r"not an HTTP/1 answer: 'SSH-2.0-x\r\n'"),
        ([b"\x15\x03\x01"], ProtocolError, r"not an HTTP/1 answer: '\x15\x03\x01'"),
        ([OK + b"Content-Length: 5\r\n\r\nhell"], TruncatedError, "closed in the middle of the message"),
        ([CHUNKED + b"5\r\nhello\r\n"], TruncatedError, "closed in the middle of the message"),
    ],
)
def test_a_peer_that_closes_too_early_is_told_apart(fed, error, said):
    reader, _ = read(*fed)
    with pytest.raises(error) as broken:
        reader.eof()
    assert str(broken.value) == said


def test_the_end_of_a_complete_message_changes_nothing():
    reader, _ = read(OK + b"Content-Length: 0\r\n\r\n")
    reader.eof()
    assert (reader.complete, reader.keep_alive) == (True, True)


def test_a_reader_begins_with_nothing():
    reader = ResponseReader()
    assert (reader.status, reader.reason, reader.headers, reader.leftover) == (None, "", {}, b"")
    assert (reader.complete, reader.keep_alive, reader.body_bytes) == (False, False, 0)
    assert (reader.head_done, reader.between_chunks) == (False, False)


GZIP_CHUNKED = CHUNKED.removesuffix(b"\r\n") + b"Content-Encoding: gzip\r\n\r\n"
GZIPPED = [b"%x\r\n%b\r\n" % (len(part), part) for part in (gzip.compress(b"hi")[:9], gzip.compress(b"hi")[9:])]


@pytest.mark.parametrize(
    ("fed", "between"),
    [
        ([CHUNKED[:-1]], False),
        ([CHUNKED], True),
        ([CHUNKED, b"2\r\nhi\r\n"], True),
        ([CHUNKED, b"2\r\nhi\r\n2\r\nho\r\n"], True),
        ([CHUNKED, b"2\r\nhi\r\n2"], False),
        ([CHUNKED, b"2\r\nhi\r\n2\r\nh"], False),
        ([CHUNKED, b"2\r\nhi\r\n2\r\nho"], False),
        ([CHUNKED, b"2\r\nhi\r\n2\r\nh", b"o\r\n"], True),
        ([CHUNKED, b"2", b"\r\nhi\r\n"], True),
        ([CHUNKED, b"2\r\nhi\r\n0\r\n"], False),
        ([CHUNKED, b"2\r\nhi\r\n0\r\n\r\n"], False),
        ([GZIP_CHUNKED], False),
        ([GZIP_CHUNKED, GZIPPED[0]], False),
        ([GZIP_CHUNKED, GZIPPED[0] + GZIPPED[1]], False),
        ([OK + b"Content-Length: 9\r\n\r\n"], False),
        ([OK + b"\r\n"], False),
    ],
)
def test_somebody_else_may_take_chunks_only_where_one_begins_and_nothing_is_to_be_unpacked(fed, between):
    assert read(*fed)[0].between_chunks is between


@pytest.mark.parametrize("cut", range(len(b"7\r\n2\r\nhi\r\n\r\n0\r\n\r\n")))
def test_a_body_that_looks_like_a_chunk_is_a_body_wherever_it_is_cut(cut):
    wire = b"7\r\n2\r\nhi\r\n\r\n0\r\n\r\n"
    reader, body = read(CHUNKED, wire[:cut], wire[cut : cut + 7], wire[cut + 7 :])
    assert (body, reader.complete, reader.leftover) == (b"2\r\nhi\r\n", True, b"")


def test_status_and_reason_are_those_of_the_final_response():
    reader, _ = read(b"HTTP/1.1 103 Early\r\nA: 1\r\n\r\nHTTP/1.1 404 Not  Found \r\nB: 2\r\n\r\n")
    assert (reader.status, reader.reason, reader.headers) == (404, "Not  Found", {"b": "2"})


@pytest.mark.parametrize(("code", "final"), [(b"100", False), (b"199", False), (b"200", True), (b"099", True)])
def test_only_codes_from_100_to_199_are_interim(code, final):
    assert (read(b"HTTP/1.1 " + code + b" X\r\nContent-Length: 0\r\n\r\n")[0].status is not None) is final


def test_bytes_after_the_end_pile_up():
    reader, body = read(OK + b"Content-Length: 2\r\n\r\nhi", b"more", b"!")
    assert (body, reader.leftover, reader.body_bytes) == (b"hi", b"more!", 2)
    reader, _ = read(OK + b"\r\n", method="HEAD")
    assert reader.feed(b"next") == b""
    assert reader.leftover == b"next"


@pytest.mark.parametrize("code", [b"204", b"304"])
def test_codes_without_a_body_have_none_whatever_the_head_says(code):
    reader, body = read(b"HTTP/1.1 " + code + b" X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello")
    assert (body, reader.complete, reader.leftover) == (b"", True, b"5\r\nhello")


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: Keep-Alive, Upgrade\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: CLOSE\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", True),
        (b"HTTP/1.0 200 OK\r\nConnection: close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
    ],
)
def test_whether_the_connection_may_be_used_again(head, kept):
    assert read(head + b"Content-Length: 0\r\n\r\n")[0].keep_alive is kept


def test_a_body_without_a_length_ends_the_connection():
    assert read(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nx")[0].keep_alive is False


def test_folded_and_repeated_headers_are_joined():
    reader, _ = read(OK + b"A: 1\r\n\t2\r\n 3 \r\nB:x\r\nb: y\r\nC : z\r\n\r\n")
    assert reader.headers == {"a": "1 2 3", "b": "x, y", "c": "z"}
    assert read(OK + b" a: 1\r\n\r\n")[0].headers == {"a": "1"}, "nothing stands before it to be folded into"


@pytest.mark.parametrize("name", [b"gzip", b"x-gzip", b" GZIP "])
def test_gzip_by_any_of_its_names(name):
    assert read(OK + b"Content-Encoding: " + name + b"\r\n\r\n" + gzip.compress(b"hello"))[1] == b"hello"


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("packed", [zlib.compress(b"hello" * 9), zlib.compress(b"hello" * 9, wbits=-15)])
def test_deflate_with_and_without_its_wrapper_in_any_pieces(packed, size):
    pieces = [packed[i : i + size] for i in range(0, len(packed), size)]
    assert read(OK + b"Content-Encoding: deflate\r\n\r\n", *pieces)[1] == b"hello" * 9


def test_a_head_ends_at_its_first_empty_line_of_either_kind():
    assert read(b"HTTP/1.1 200 OK\n\nhi\r\n\r\nx")[1] == b"hi\r\n\r\nx"
    assert read(b"HTTP/1.1 200 OK\n\nhi\n\nx")[1] == b"hi\n\nx"
    assert read(b"HTTP/1.1 204 No Content\n\n")[0].complete, "no byte follows"
    assert read(b"HTTP/1.1 200 OK\r\n\r\nhi\n\nx")[1] == b"hi\n\nx"


def test_a_request_with_an_empty_body_says_so_where_one_is_usual():
    for method in ("POST", "PUT", "PATCH"):
        assert request_bytes(method, "/", {}) == f"{method} / HTTP/1.1\r\nContent-Length: 0\r\n\r\n".encode()
    assert request_bytes("DELETE", "/", {}) == b"DELETE / HTTP/1.1\r\n\r\n"
    assert request_bytes(
        "DELETE", "/", {"A": "ü"}, b"x"
    ) == "DELETE / HTTP/1.1\r\nA: ü\r\nContent-Length: 1\r\n\r\nx".encode("latin-1")


@pytest.mark.parametrize(
    ("target", "headers", "said"),
    [
        ("/\r\nX: 1", {}, "a header or path of the request has a line break in it: remove it"),
        ("/", {"A": "1\n"}, "a header or path of the request has a line break in it: remove it"),
        ("/", {"A": "1\r"}, "a header or path of the request has a line break in it: remove it"),
        ("/世", {}, "a header or path of the request has characters outside Latin-1: remove them"),
    ],
)
def test_what_cannot_be_sent_is_told_with_what_to_do(target, headers, said):
    with pytest.raises(ConfigError) as refused:
        request_bytes("GET", target, headers)
    assert str(refused.value) == said


def test_a_deflate_without_wrapper_that_half_looks_like_one_is_unpacked():
    packed = zlib.compress(b"999", wbits=-15)
    assert int.from_bytes(packed[:2], "big") % 31 == 0, "the check sum of a wrapper, by chance"
    assert read(OK + b"Content-Encoding: deflate\r\n\r\n" + packed)[1] == b"999"


def test_a_headers_value_may_have_colons():
    assert read(OK + b"Location: http://h:1/\r\n\r\n")[0].headers == {"location": "http://h:1/"}


def test_a_trailer_of_one_letter_is_no_empty_line():
    reader, body = read(CHUNKED + b"2\r\nhi\r\n0\r\nX\r\n\r\n")
    assert (body, reader.complete, reader.leftover) == (b"hi", True, b"")


def test_a_body_of_one_byte_is_a_body():
    reader, body = read(OK + b"Content-Length: 1\r\n\r\nx")
    assert (body, reader.complete, reader.leftover) == (b"x", True, b"")


def test_a_size_of_many_digits_is_read_in_full():
    reader, body = read(CHUNKED, b"000000003\r\na\r\n", b"\r\n0\r\n\r\n")
    assert (body, reader.complete) == (b"a\r\n", True)

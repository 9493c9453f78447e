"""WebSocket by its standard (RFC 6455), from the client's side: bytes in, what they say out.

The cases are those of the public conformance suite (Autobahn's, by its chapters), in bytes of our own. Each is
fed whole, byte by byte and in any split, and must say the same.
"""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, closing, frame, pieces
from katydid.protocol.websocket_frames import MESSAGE_LIMIT, Broken, Closed, Framing, Opened, Refused
from socketserving import token_for

BROKEN = Broken("")
"""Whatever the reason."""


def text(payload, **more):
    return frame(TEXT, payload, **more)


def sized(number):
    """A text and a binary message of a size."""
    return [
        (f"1.1 a text of {number} bytes", text("*" * number), ["*" * number]),
        (f"1.2 {number} bytes", frame(BINARY, b"\xfe" * number), [b"\xfe" * number]),
        (f"1.1 a text of {number} bytes in three frames", pieces(TEXT, "", "*" * number, ""), ["*" * number]),
    ]


FRAMES = [case for number in (0, 1, 125, 126, 127, 128, 1000, 65535, 65536) for case in sized(number)]

CONTROL = [
    ("2.1 a ping without a payload", frame(PING), [], [b""]),
    ("2.2 a ping with a text", frame(PING, "Hello"), [], [b"Hello"]),
    ("2.3 a ping with bytes", frame(PING, b"\x00\xff\xfe\xfd"), [], [b"\x00\xff\xfe\xfd"]),
    ("2.4 a ping as long as it may be", frame(PING, b"\xfe" * 125), [], [b"\xfe" * 125]),
    ("2.5 a longer ping", frame(PING, b"\xfe" * 126), [BROKEN], []),
    ("2.7 a pong that nobody asked for", frame(PONG), [], []),
    ("2.8 such a pong with a payload", frame(PONG, "unsolicited") + text("on"), ["on"], []),
    ("2.9 such a pong, then a ping", frame(PONG, "unsolicited") + frame(PING, "payload"), [], [b"payload"]),
    ("2.10 ten pings", b"".join(frame(PING, str(n)) for n in range(10)), [], [b"%d" % n for n in range(10)]),
    ("a longer pong", frame(PONG, b"\xfe" * 126), [BROKEN], []),
    ("a ping between two texts", text("a") + frame(PING, "p") + text("b"), ["a", "b"], [b"p"]),
]

RESERVED = [
    ("3.1 RSV3 on a text", text("x", rsv=1), [BROKEN]),
    ("3.2 RSV2 on the second text", text("first") + text("x", rsv=2) + frame(PING), ["first", BROKEN]),
    ("3.3 RSV2 and RSV3, after a text", text("first") + text("x", rsv=3), ["first", BROKEN]),
    ("3.4 RSV1, as a compressed text that was not agreed upon", text("first") + text("x", rsv=4), ["first", BROKEN]),
    ("3.5 RSV1 and RSV3 on bytes", frame(BINARY, b"x", rsv=5), [BROKEN]),
    ("3.6 RSV1 and RSV2 on a ping", frame(PING, b"x", rsv=6), [BROKEN]),
    ("3.7 all of them on a close", frame(CLOSE, b"", rsv=7), [BROKEN]),
    *(
        (f"4 the reserved opcode {opcode}", text("first") + frame(opcode, payload) + frame(PING), ["first", BROKEN])
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
        for payload in (b"", b"reserved")
    ),
]

FRAGMENTS = [
    ("5.1 a ping in two frames", pieces(PING, "frag", "ment"), [BROKEN]),
    ("5.2 a pong in two frames", pieces(PONG, "frag", "ment"), [BROKEN]),
    ("a close in two frames", pieces(CLOSE, "", ""), [BROKEN]),
    ("5.3 a text in two frames", pieces(TEXT, "fragment1", "fragment2"), ["fragment1fragment2"]),
    ("bytes in three frames", pieces(BINARY, b"\xff", b"\x00", b"\xfe"), [b"\xff\x00\xfe"]),
    ("5.6 a ping in between", pieces(TEXT, "a", "b", between=frame(PING, "p")), ["ab"]),
    ("5.9 a continuation of nothing", frame(CONTINUATION, "x") + text("lost"), [BROKEN]),
    ("5.10 a continuation after a whole message", text("a") + frame(CONTINUATION, "x"), ["a", BROKEN]),
    ("5.12 an unfinished continuation of nothing", frame(CONTINUATION, "x", fin=False) + text("lost"), [BROKEN]),
    ("5.15 a continuation after the last one", pieces(TEXT, "a", "b") + frame(CONTINUATION, "x"), ["ab", BROKEN]),
    ("5.18 a text within a text", frame(TEXT, "a", fin=False) + text("b"), [BROKEN]),
    ("bytes within a text", frame(TEXT, "a", fin=False) + frame(BINARY, b"b"), [BROKEN]),
    (
        "5.19 many frames, with pings between them",
        pieces(TEXT, "f1", "f2", "f3", "f4", "f5", between=frame(PING, "pongme")),
        ["f1f2f3f4f5"],
    ),
    ("frames of nothing, then of something", pieces(TEXT, *[""] * 50, "end"), ["end"]),
    ("an unfinished message", frame(TEXT, "a", fin=False), []),
]

GOOD_TEXTS = {
    "6.1 nothing": b"",
    "6.2 words of many scripts": "Hello-µ@ßöäüàá-UTF-8!! κόσμε 世界 🦗".encode(),
    "6.7 the first of one byte": b"\x00",
    "6.7 the first of two bytes": b"\xc2\x80",
    "6.7 the first of three bytes": b"\xe0\xa0\x80",
    "6.7 the first of four bytes": b"\xf0\x90\x80\x80",
    "6.9 the last of one byte": b"\x7f",
    "6.9 the last of two bytes": b"\xdf\xbf",
    "6.9 the last of three bytes": b"\xef\xbf\xbf",
    "6.9 the last of four bytes": b"\xf4\x8f\xbf\xbf",
    "6.11 before the surrogates": b"\xed\x9f\xbf",
    "6.11 after the surrogates": b"\xee\x80\x80",
    "6.11 the replacement character": b"\xef\xbf\xbd",
    "6.22 noncharacters": "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF)).encode(),
    "6.23 specials": "\ufff9\ufffa\ufffb\ufffc".encode(),
    "a byte order mark, which is text": "\ufeffhello".encode(),
}
KOSME = "κόσμε".encode()
BAD_TEXTS = {
    "6.3 a surrogate after good text": KOSME + b"\xed\xa0\x80edited",
    "6.4 beyond U+10FFFF after good text": KOSME + b"\xf4\x90\x80\x80edited",
    "6.8 the first of five bytes": b"\xf8\x88\x80\x80\x80",
    "6.8 the first of six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "6.10 the last of five bytes": b"\xfb\xbf\xbf\xbf\xbf",
    "6.10 the last of six bytes": b"\xfd\xbf\xbf\xbf\xbf\xbf",
    "6.10 beyond the last of four bytes": b"\xf7\xbf\xbf\xbf",
    "6.11 the first beyond U+10FFFF": b"\xf4\x90\x80\x80",
    "6.12 a continuation byte alone": b"\x80",
    "6.12 the last of them": b"\xbf",
    "6.12 all of them": bytes(range(0x80, 0xC0)),
    "6.13 starts of two bytes, alone": b" ".join(bytes([b]) for b in range(0xC0, 0xE0)),
    "6.13 starts of three bytes, alone": b" ".join(bytes([b]) for b in range(0xE0, 0xF0)),
    "6.13 starts of four bytes, alone": b" ".join(bytes([b]) for b in range(0xF0, 0xF8)),
    "6.14 the last byte of two missing": b"\xc3",
    "6.14 the last byte of three missing": b"\xe0\xa0",
    "6.14 the last byte of four missing": b"\xf0\x90\x80",
    "6.15 several unfinished ones": b"\xc0\xe0\x80\xf0\x80\x80",
    "6.16 an impossible byte": b"\xfe",
    "6.16 the other one": b"\xff",
    "6.16 both": b"\xfe\xfe\xff\xff",
    "6.17 a slash in two bytes": b"\xc0\xaf",
    "6.17 a slash in three bytes": b"\xe0\x80\xaf",
    "6.17 a slash in four bytes": b"\xf0\x80\x80\xaf",
    "6.18 the longest too long of two bytes": b"\xc1\xbf",
    "6.18 the longest too long of three bytes": b"\xe0\x9f\xbf",
    "6.18 the longest too long of four bytes": b"\xf0\x8f\xbf\xbf",
    "6.19 NUL in two bytes": b"\xc0\x80",
    "6.19 NUL in three bytes": b"\xe0\x80\x80",
    "6.20 the first surrogate": b"\xed\xa0\x80",
    "6.20 the last surrogate": b"\xed\xbf\xbf",
    "6.21 a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
}


def each_byte(data):
    """A text with a frame a byte."""
    return pieces(TEXT, *[data[at : at + 1] for at in range(len(data))] or [b""])


UTF8 = [
    *((name, text(data), [data.decode()]) for name, data in GOOD_TEXTS.items()),
    *((f"{name}, a frame a byte", each_byte(data), [data.decode()]) for name, data in GOOD_TEXTS.items()),
    *((name, text(data) + text("lost"), [BROKEN]) for name, data in BAD_TEXTS.items()),
    *((f"{name}, a frame a byte", each_byte(data) + text("lost"), [BROKEN]) for name, data in BAD_TEXTS.items()),
    ("6.4 a wrong byte in an endless text", frame(TEXT, KOSME, fin=False) + frame(0, b"\xff", fin=False), [BROKEN]),
    ("bytes need not be UTF-8", frame(BINARY, b"\xff\xfe\x80"), [b"\xff\xfe\x80"]),
]  # fmt: skip

CLOSES = [
    ("7.1.1 a text, then a close", text("a") + closing(1000), ["a", Closed(1000, "")]),
    ("7.1.2 two closes", closing(1000) + closing(1000), [Closed(1000, "")]),
    ("7.1.3 a ping after the close", closing(1000) + frame(PING), [Closed(1000, "")]),
    ("7.1.4 a text after the close", closing(1000) + text("lost"), [Closed(1000, "")]),
    ("7.1.5 a close within a message", frame(TEXT, "a", fin=False) + closing(1000), [Closed(1000, "")]),
    ("7.1.6 much, then a close", text("x" * 262_144) + closing(1000), ["x" * 262_144, Closed(1000, "")]),
    ("7.3.1 a close without a payload", frame(CLOSE), [Closed(1005, "")]),
    ("7.3.2 a close of one byte", frame(CLOSE, b"\x03"), [BROKEN]),
    ("7.3.4 a close with a reason", closing(1000, "Hello World!"), [Closed(1000, "Hello World!")]),
    ("7.3.5 a reason as long as it may be", closing(1000, "*" * 123), [Closed(1000, "*" * 123)]),
    ("7.3.6 a longer reason", closing(1000, "*" * 124), [BROKEN]),
    ("7.5.1 a reason that is not UTF-8", closing(1000, KOSME + b"\xed\xa0\x80"), [BROKEN]),
    ("a reason of many scripts", closing(1011, "größer 世界"), [Closed(1011, "größer 世界")]),
    *(
        (f"7.7 the code {code}", closing(code, "why"), [Closed(code, "why")])
        for code in (
            1000,
            1001,
            1002,
            1003,
            1007,
            1008,
            1009,
            1010,
            1011,
            1012,
            1013,
            1014,
            3000,
            3999,
            4000,
            4429,
            4999,
        )
    ),
    ("a bad gateway without a reason", closing(1014), [Closed(1014, "")]),
    ("a bad gateway with a long reason, then more", closing(1014, "*" * 123) + text("lost"), [Closed(1014, "*" * 123)]),
    ("a bad gateway after much else", text("x" * 70_000) + closing(1014, "up"), ["x" * 70_000, Closed(1014, "up")]),
    ("a bad gateway whose reason is not UTF-8", closing(1014, b"\xff"), [BROKEN]),
    *(
        (f"7.9 the code {code}, which is none", closing(code), [BROKEN])
        for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    ),
]

LENGTHS = [
    ("a masked text", text("hello", mask=b"\x01\x02\x03\x04"), [BROKEN]),
    ("a masked ping", text("a") + frame(PING, "p", mask=b"\x00\x00\x00\x01"), ["a", BROKEN]),
    ("a length in two bytes that needs one", b"\x81\x7e\x00\x05hello", [BROKEN]),
    ("a length in eight bytes that needs two", b"\x81\x7f" + bytes(6) + b"\x01\x00" + b"x" * 256, [BROKEN]),
    ("a length of more than 63 bits", b"\x82\x7f\xff" + b"\xff" * 7, [BROKEN]),
    ("9.1 a text as large as we hold", text("x" * MESSAGE_LIMIT), ["x" * MESSAGE_LIMIT]),
    ("a text that is larger", text("a") + text("x" * (MESSAGE_LIMIT + 1)), ["a", BROKEN]),
    ("9.3 one that is larger in frames of 64 KiB", pieces(TEXT, *["x" * 65536] * 17), [BROKEN]),
    ("9.4 bytes as many as we hold, in frames", pieces(BINARY, *[b"x" * 65536] * 16), [b"x" * MESSAGE_LIMIT]),
    ("9.7 a thousand small texts", text("hi") * 1000, ["hi"] * 1000),
    ("10.1.1 a text in frames of 1300", pieces(TEXT, *["x" * 1300] * 51), ["x" * 66_300]),
]

CASES = [*FRAMES, *[case[:3] for case in CONTROL], *RESERVED, *FRAGMENTS, *UTF8, *CLOSES, *LENGTHS]
IDS = [case[0] for case in CASES]
SMALL = [case for case in CASES if len(case[1]) < 10_000]

UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
HELLO = UPGRADE + b"Sec-WebSocket-Accept: %b\r\n\r\n"


def greeted():
    """A framing that has said hello, and the token that answers it."""
    framing = Framing("here:80", "/", {})
    key = re.search(rb"Sec-WebSocket-Key: (\S+)", framing.hello())[1]
    return framing, token_for(key)


def hear(framing, parts):
    """What is said, with no reason given for what breaks it."""
    return [BROKEN if isinstance(each, Broken) else each for part in parts for each in framing.feed(part)]


def opened():
    framing, token = greeted()
    assert framing.feed(HELLO % token) == [Opened()]
    return framing


def answers(framing):
    """Our own frames, unmasked: (opcode, payload)."""
    data, found = framing.answer, []
    while data:
        opcode, size, mask = data[0] & 15, data[1] & 127, data[2:6]
        found.append((opcode, bytes(byte ^ mask[at % 4] for at, byte in enumerate(data[6 : 6 + size]))))
        data = data[6 + size :]
    return found


@pytest.mark.parametrize(("_name", "data", "said"), CASES, ids=IDS)
def test_whole_byte_by_byte_and_in_packets(_name, data, said):
    for size in (len(data), 1448, *([1] if len(data) < 10_000 else [])):
        assert hear(opened(), [data[at : at + size] for at in range(0, len(data), size)]) == said, size


@given(st.sampled_from(SMALL), st.lists(st.integers(0, 10_000), max_size=8))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_in_any_split_also_in_one_with_the_handshake(case, cuts):
    _, data, said = case
    framing, token = greeted()
    whole = HELLO % token + data
    cuts = sorted(min(cut, len(whole)) for cut in cuts)
    assert hear(framing, [whole[a:b] for a, b in pairwise([0, *cuts, len(whole)]) if a < b]) == [Opened(), *said]


@pytest.mark.parametrize(("_name", "data", "_said", "pongs"), CONTROL, ids=[case[0] for case in CONTROL])
@pytest.mark.parametrize("step", [100_000, 1])
def test_pings_are_answered_with_what_they_brought_and_broken_frames_with_a_close(_name, data, _said, pongs, step):
    framing = opened()
    heard = hear(framing, [data[at : at + step] for at in range(0, len(data), step)])
    close = [(CLOSE, b"\x03\xea")] if BROKEN in heard else []
    assert answers(framing) == [*((PONG, payload) for payload in pongs), *close]


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1014, 3000, 4999])
def test_a_close_is_answered_with_its_code(code):
    framing = opened()
    framing.feed(closing(code, "why"))
    assert not framing.is_open
    assert framing.is_over or code == 1014  # ours is sent before wsproto knows of theirs
    assert [payload[:2] for opcode, payload in answers(framing) if opcode == CLOSE] == [code.to_bytes(2)]


def test_nothing_is_answered_after_our_own_close_and_the_targets_close_ends_it():
    framing = opened()
    framing.close()
    assert framing.feed(frame(PING, "p") + closing(1000)) == [Closed(1000, "")]
    assert framing.is_over
    assert framing.answer == b""


@pytest.mark.parametrize("data", [b"", frame(TEXT, "a", fin=False), b"\x81", text("whole")[:3]])
def test_a_connection_that_ends_without_a_close_is_1006(data):
    framing = opened()
    framing.feed(data) if data else None
    assert framing.feed(b"") == [Closed(1006, "")]


@pytest.mark.parametrize("data", [frame(3), closing(1000), closing(999)])
def test_after_a_close_or_what_breaks_it_nothing_more_is_heard(data):
    framing = opened()
    framing.feed(data)
    assert framing.feed(text("lost") + frame(PING)) == []
    assert framing.feed(b"") == []


HANDSHAKES = {
    "a proper one": (UPGRADE, True),
    "with names and values in any case": (b"HTTP/1.1 101 OK\r\nuPGRADE: WebSocket\r\nconnection: UPGRADE\r\n", True),
    "with several connection options": (UPGRADE.replace(b"n: U", b"n: keep-alive, U"), True),
    "without Upgrade": (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n", False),
    "upgraded to something else": (UPGRADE.replace(b"websocket", b"h2c"), False),
    "without Connection": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n", False),
    "with an extension that we did not offer": (
        UPGRADE + b"Sec-WebSocket-Extensions: permessage-deflate\r\n",
        False,
    ),
    "with a header that is not ASCII": (UPGRADE.replace(b"n: U", b"n: \x81, U"), False),
    "with a protocol that we did not offer": (UPGRADE + b"Sec-WebSocket-Protocol: chat\r\n", False),
}


@pytest.mark.parametrize("step", [100_000, 1])
@pytest.mark.parametrize("name", HANDSHAKES)
def test_a_handshake(name, step):
    head, good = HANDSHAKES[name]
    framing, token = greeted()
    answer = head + b"Sec-WebSocket-Accept: " + token + b"\r\n\r\n"
    assert hear(framing, [answer[at : at + step] for at in range(0, len(answer), step)]) == [
        Opened() if good else BROKEN
    ]


@pytest.mark.parametrize("accept", [b"", b"Sec-WebSocket-Accept: bm90IHRoaXM=\r\n"])
def test_a_handshake_that_does_not_answer_our_key_is_none(accept):
    framing, _ = greeted()
    assert hear(framing, [UPGRADE + accept + b"\r\n"]) == [BROKEN]


@pytest.mark.parametrize("step", [100_000, 1])
@pytest.mark.parametrize("status", [200, 301, 400, 401, 404, 429, 500, 503])
def test_any_other_answer_is_a_refusal_told_once(status, step):
    framing, _ = greeted()
    answer = b"HTTP/1.1 %d Words\r\nContent-Length: 2\r\n\r\nno" % status
    heard = hear(framing, [answer[at : at + step] for at in range(0, len(answer), step)])
    assert heard == [Refused(status, {"content-length": "2"}, b"no")]
    assert framing.feed(b"") == []


def test_a_refusal_is_told_also_where_garbage_follows_it():
    framing, _ = greeted()
    answer = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nfull\xff\xff\r\n\r\n"
    assert hear(framing, [answer]) == [Refused(503, {"content-length": "4"}, b"full")]


@pytest.mark.parametrize("step", [1_000_000, 1000])
def test_a_head_without_an_end_is_given_up(step):
    framing, _ = greeted()
    head = b"HTTP/1.1 101 OK\r\n" + b"X: a\r\n" * 100_000
    assert hear(framing, [head[at : at + step] for at in range(0, len(head), step)]) == [BROKEN]

"""Server-sent events: bytes in, events out, by the standard."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from katydid.model.errors import LimitError
from katydid.protocol.sse import SseParser

BOM = b"\xef\xbb\xbf"
M = b"message"

CASES = [
    ("one event", b"data: a\n\n", [(b"a", M)]),
    ("two events", b"data: a\n\ndata: b\n\n", [(b"a", M), (b"b", M)]),
    ("CRLF", b"data: a\r\n\r\ndata: b\r\n\r\n", [(b"a", M), (b"b", M)]),
    ("CR", b"data: a\r\rdata: b\r\r", [(b"a", M), (b"b", M)]),
    ("mixed line ends", b"data: a\n\r\ndata: b\r\rdata: c\r\n\n", [(b"a", M), (b"b", M), (b"c", M)]),
    ("several data lines", b"data: a\ndata: b\ndata\ndata: c\n\n", [(b"a\nb\n\nc", M)]),
    ("no space", b"data:a\n\n", [(b"a", M)]),
    ("only the first space goes", b"data:  a \n\n", [(b" a ", M)]),
    ("a tab stays", b"data:\ta\n\n", [(b"\ta", M)]),
    ("a colon in the value", b"data: a:b\n\n", [(b"a:b", M)]),
    ("a name", b"event: x\ndata: a\n\n", [(b"a", b"x")]),
    ("a name after the data", b"data: a\nevent: x\n\n", [(b"a", b"x")]),
    ("an empty name", b"event:\ndata: a\n\n", [(b"a", M)]),
    ("a name does not outlive its event", b"event: x\n\ndata: a\n\n", [(b"a", M)]),
    ("comments", b": hi\n\n:\n\n: x\ndata: a\n:y\n\n", [(b"a", M)]),
    ("id and retry", b"id: 1\nretry: 10\ndata: a\n\n", [(b"a", M)]),
    ("unknown fields", b"foo: b\ndatas: c\nDATA: d\ndata: a\n\n", [(b"a", M)]),
    ("a field with a leading space", b" data: x\ndata: a\n\n", [(b"a", M)]),
    ("empty data", b"data:\n\ndata\n\ndata: \n\n", [(b"", M), (b"", M), (b"", M)]),
    ("no data", b"event: x\n\nid: 1\n\nretry: 5\n\n", []),
    ("two empty data lines", b"data\ndata\n\n", [(b"\n", M)]),
    ("a byte order mark in front", BOM + b"data: a\n\n", [(b"a", M)]),
    ("two byte order marks", BOM + BOM + b"data: x\ndata: a\n\n", [(b"a", M)]),
    ("a byte order mark later", b"data: a\n\n" + BOM + b"data: b\n\n", [(b"a", M)]),
    ("a beginning like a byte order mark", b"\xef\xbb\n\ndata: a\n\n", [(b"a", M)]),
    ("an unfinished event", b"data: a\n\ndata: b\n", [(b"a", M)]),
    ("empty lines in front", b"\n\n\ndata: a\n\n", [(b"a", M)]),
    (
        "other separators are text",
        "data: a\u2028b\x0bc\x0cd\u0085e\n\n".encode(),
        [("a\u2028b\x0bc\x0cd\u0085e".encode(), M)],
    ),
    ("NUL is text", b"data: a\0b\n\n", [(b"a\0b", M)]),
    ("invalid UTF-8 is kept", b"data: \xff\n\n", [(b"\xff", M)]),
    ("nothing", b"", []),
    # The cases of the public suites (web-platform-tests, eventsource/format-*) that are about parsing, in our bytes
    (
        "all that may be taken for a data field",
        b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:3\ndata:4\n\n",
        [(b"\0\n 2\n1\n3\n\n4", M)],
    ),
    ("leading spaces", b"data:\ttest\rdata: \ndata:test\n\n", [(b"\ttest\n\ntest", M)]),
    ("line ends of all kinds in one event", b"data:test\r\ndata\ndata:test\r\n\r", [(b"test\n\ntest", M)]),
    ("fields without a colon", b"event\ndata\nid\nretry\n\n", [(b"", M)]),
    ("the last of several names", b"event: x\nevent: y\ndata: a\n\n", [(b"a", b"y")]),
    ("a name is taken back", b"event: x\nevent:\ndata: a\n\n", [(b"a", M)]),
    ("a name with spaces", b"event:  x \ndata: a\n\n", [(b"a", b" x ")]),
    ("a comment that looks like a field", b":data: x\n:event: y\ndata: a\n\n", [(b"a", M)]),
    ("a long comment", b":" + b"x" * 5000 + b"\ndata: a\n\n", [(b"a", M)]),
    ("a field that only begins like one", b"dat: x\ndataa: y\nevent2: z\ndata: a\n\n", [(b"a", M)]),
    ("a field that only ends like one", b"Xdata: x\n\ndata: a\n\n", [(b"a", M)]),
    ("only a byte order mark", BOM, []),
    ("a byte order mark and an empty line", BOM + b"\n\ndata: a\n\n", [(b"a", M)]),
    ("an end mark", b"data: a\n\ndata: [DONE]\n\n", [(b"a", M), (b"[DONE]", M)]),
    ("CR at the very end", b"data: a\r\n\r", [(b"a", M)]),
    ("CR, then CRLF", b"data: a\r\r\ndata: b\n\n", [(b"a", M), (b"b", M)]),
    ("LF, then CR", b"data: a\n\rdata: b\n\n", [(b"a", M), (b"b", M)]),
    ("a retry that is not a number", b"retry: x\nretry: 1.5\ndata: a\n\n", [(b"a", M)]),
    ("an id with NUL", b"id: a\0b\ndata: a\n\n", [(b"a", M)]),
    ("an empty line too many", b"data: a\n\n\ndata: b\n\n", [(b"a", M), (b"b", M)]),
    ("two lines after one", b"data: a\n\ndata: b\ndata: c\n\n", [(b"a", M), (b"b\nc", M)]),
    ("two lines before one", b"data: a\ndata: b\n\ndata: c\n\n", [(b"a\nb", M), (b"c", M)]),
    ("a name among plain events", b"data: a\n\nevent: x\ndata: b\n\ndata: c\n\n", [(b"a", M), (b"b", b"x"), (b"c", M)]),
    ("a comment among plain events", b"data: a\n\n:x\n\ndata: c\n\n", [(b"a", M), (b"c", M)]),
    ("JSON over lines", b'data: {"a":\ndata: 1}\n\n', [(b'{"a":\n1}', M)]),
]
IDS = [name for name, _, _ in CASES]


def parse(pieces):
    parser = SseParser()
    return [tuple(event) for piece in pieces for event in parser.feed(piece)]


@pytest.mark.parametrize(("_name", "stream", "events"), CASES, ids=IDS)
def test_whole(_name, stream, events):
    assert parse([stream]) == events


@pytest.mark.parametrize(("_name", "stream", "events"), CASES, ids=IDS)
def test_byte_by_byte(_name, stream, events):
    assert parse([stream[i : i + 1] for i in range(len(stream))]) == events


@pytest.mark.parametrize(("_name", "stream", "events"), CASES, ids=IDS)
def test_byte_by_byte_with_empty_reads(_name, stream, events):
    assert parse([piece for i in range(len(stream)) for piece in (b"", stream[i : i + 1])]) == events


def by_the_standard(stream):
    """The standard's algorithm, written down as it stands there: slow, and obviously right."""
    stream = stream.removeprefix(BOM)
    events, data, name = [], [], b""
    lines = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:-1]
    for line in lines:
        if not line:
            joined = b"".join(data).removesuffix(b"\n")
            if data:
                events.append((joined, name or M))
            data, name = [], b""
        elif not line.startswith(b":"):
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data.append(value + b"\n")
            elif field == b"event":
                name = value
    return events


ALPHABET = [
    b"data: ",
    b"data:",
    b"data",
    b"event: ",
    b":",
    b"x",
    b" ",
    b"\n",
    b"\n\n",
    b"\r",
    b"\r\n",
    b"\r\n\r\n",
    BOM,
]


@given(st.lists(st.sampled_from(ALPHABET), max_size=25), st.lists(st.integers(0, 80), max_size=6))
@settings(max_examples=500, deadline=None, derandomize=True)
def test_any_stream_in_any_split_is_what_the_standard_says(parts, cuts):
    stream = b"".join(parts)
    cuts = sorted(min(cut, len(stream)) for cut in cuts)
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert parse(pieces) == by_the_standard(stream)


def test_an_endless_event_is_refused():
    parser = SseParser(max_event=100)
    parser.feed(b"data: " + b"1" * 90)
    with pytest.raises(LimitError):
        parser.feed(b"2" * 10)


def test_many_events_in_one_read_are_not_one_long_event():
    assert len(SseParser(max_event=100).feed(b"data: 12345678\n\n" * 1000)) == 1000


def test_an_event_without_its_blank_line_is_the_rest():
    parser = SseParser()
    parser.feed(b"data: a\n\n\n")
    assert not parser.rest.strip()
    parser.feed(b"data: b\n")
    assert parser.rest.strip() == b"data: b"


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_byte_order_mark_alone_is_no_event_that_was_never_ended(cut):
    parser = SseParser()
    parser.feed(BOM[:cut])
    parser.feed(BOM[cut:])
    assert not parser.rest


def test_an_event_of_just_the_limit_is_taken_and_a_refusal_names_it():
    parser = SseParser(max_event=10)
    assert parser.feed(b"data: 1234") == []
    assert parser.feed(b"\n\n") == [(b"1234", M)]
    with pytest.raises(LimitError, match=r"^an event of more than 10 bytes$"):
        parser.feed(b"data: 12345")


def test_a_whole_mebibyte_fits_into_an_event_unless_told_otherwise():
    parser = SseParser()
    assert parser.feed(b"x" * 1024 * 1024) == []
    with pytest.raises(LimitError):
        parser.feed(b"x")


def test_what_is_taken_back_is_forgotten():
    parser = SseParser()
    parser.feed(b"data: a\n\ndata: b")
    assert (parser.take_back(), parser.take_back(), parser.rest) == (b"data: b", b"", b"")
    assert parser.feed(b"data: c\n\n") == [(b"c", M)]


def test_lines_that_end_with_lf_alone_are_plain_until_another_one_comes():
    parser = SseParser()
    assert parser.plain
    parser.feed(b"data: a\n\n")
    assert parser.plain
    parser.feed(b"data: b\r\n\r\n")
    assert parser.plain is False
    parser.feed(b"data: c\n\n")
    assert parser.plain is False


def test_a_cr_at_the_end_of_a_read_takes_the_lf_of_the_next_one_alone_with_it():
    parser = SseParser()
    assert parser.feed(b"data: a\r") == []
    assert parser.feed(b"\n\ndata: b\n\n") == [(b"a", M), (b"b", M)]
    assert parser.feed(b"data: c\n") == []
    assert parser.feed(b"\n") == [(b"c", M)]

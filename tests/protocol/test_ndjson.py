"""Lines of JSON: bytes in, lines out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from katydid.model.errors import LimitError
from katydid.protocol.ndjson import NdjsonParser


def parse(pieces):
    parser = NdjsonParser()
    lines = [line for piece in pieces for line in parser.feed(piece)]
    last = parser.close()
    return lines + ([last] if last is not None else [])


@given(st.lists(st.sampled_from([b"{}", b'{"a":1}', b"\n", b"\r\n", b" ", "ü".encode()]), max_size=20), st.data())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_split_gives_the_lines_that_are_not_blank(parts, data):
    stream = b"".join(parts)
    cut = data.draw(st.integers(0, len(stream)))
    expected = [line.strip() for line in stream.split(b"\n") if line.strip()]
    assert parse([stream[:cut], stream[cut:]]) == expected


def test_an_endless_line_is_refused():
    parser = NdjsonParser(max_line=10)
    with pytest.raises(LimitError):
        parser.feed(b"x" * 11)


def test_closing_gives_the_last_line_once():
    parser = NdjsonParser()
    parser.feed(b"a\nb")
    assert parser.close() == b"b"
    assert parser.close() is None


def test_a_line_of_just_the_limit_is_taken():
    parser = NdjsonParser(max_line=10)
    assert parser.feed(b"x" * 10) == []
    assert parser.feed(b"\n") == [b"x" * 10]


def test_a_refusal_names_the_limit():
    with pytest.raises(LimitError, match=r"^a line of more than 10 bytes$"):
        NdjsonParser(max_line=10).feed(b"a\n" + b"x" * 11)


def test_what_is_taken_back_is_forgotten():
    parser = NdjsonParser()
    parser.feed(b"a\nhalf")
    assert (parser.take_back(), parser.take_back(), parser.close()) == (b"half", b"", None)


def test_a_blank_last_line_is_none():
    parser = NdjsonParser()
    parser.feed(b"a\n  ")
    assert parser.close() is None


def test_a_whole_mebibyte_fits_into_a_line_unless_told_otherwise():
    parser = NdjsonParser()
    assert parser.feed(b"x" * 1024 * 1024) == []
    with pytest.raises(LimitError):
        parser.feed(b"x")

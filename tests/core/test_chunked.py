"""Chunks in bulk; whole messages of them are in test_http1."""

import pytest

from katydid.core.chunked import _SIZES, chunk_size, only_chunk, take_chunk, take_chunks
from katydid.core.errors import ProtocolError


@pytest.mark.parametrize(("line", "size"), [(b"5", 5), (b"1F;name=value", 31), (b" a ", 10), (b"0", 0)])
def test_a_chunks_size(line, size):
    assert chunk_size(line) == size


@pytest.mark.parametrize("line", [b"", b"g", b"-1", b"0x5", b"1" * 17, b";a=b"])
def test_a_line_that_names_no_size(line):
    with pytest.raises(ProtocolError, match="a chunk of size"):
        chunk_size(line)


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"3\r\nabc\r\n", b"abc"),
        (b"3\r\nabc\r\n0", b""),
        (b"3\r\nabc", b""),
        (b"3\r\nabcxx", b""),
        (b"3;a=b\r\nabc\r\n", b""),
        (b"0\r\n\r\n", b""),
        (b"3", b""),
    ],
)
def test_a_whole_plain_chunk_alone(data, body):
    assert only_chunk(data) == body


def test_chunks_are_taken_up_to_the_first_that_is_not_plain():
    parts: list[bytes] = []
    data = b"1\r\na\r\n2\r\nbc\r\n2;x\r\nde\r\n"
    position = take_chunk(data, 0, parts)
    assert (position, parts) == (6, [b"a"])
    assert take_chunks(data, position, parts) == (position, False)
    assert take_chunk(data, position, parts) == 13
    assert take_chunk(data, 13, parts) == 0
    assert parts == [b"a", b"bc"]


def test_plain_chunks_are_taken_at_once_and_the_last_chunk_is_left():
    parts: list[bytes] = []
    data = b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"
    assert take_chunks(data, 0, parts) == (13, True)
    assert parts == [b"a", b"bc"]


def test_a_chunk_that_is_longer_than_it_says_is_not_taken():
    assert take_chunks(b"1\r\nabc\r\n", 0, []) == (0, False)


def test_a_target_that_sends_chunks_of_every_size_does_not_fill_the_memory_with_them():
    for size in range(1, 100_100):
        assert _SIZES[b"%x" % size] == size
    assert len(_SIZES) <= 100_001

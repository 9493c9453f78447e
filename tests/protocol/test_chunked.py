"""Chunks in bulk, in Python and in C; whole messages of them are in test_http1."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from katydid.model.errors import ProtocolError
from katydid.protocol import chunked
from katydid.protocol.chunked import chunk_size

TWINS = [chunked.unwrap, *([chunked.compiled] if chunked.compiled else [])]
twins = pytest.mark.parametrize("unwrap", TWINS, ids=["python", "c"][: len(TWINS)])


@pytest.mark.parametrize(("line", "size"), [(b"5", 5), (b"1F;name=value", 31), (b" a ", 10), (b"0", 0)])
def test_a_chunks_size(line, size):
    assert chunk_size(line) == size


@pytest.mark.parametrize("line", [b"", b"g", b"-1", b"0x5", b"1" * 17, b";a=b"])
def test_a_line_that_names_no_size(line):
    with pytest.raises(ProtocolError, match="invalid chunk size"):
        chunk_size(line)


ALONE = {
    "a plain chunk": (b"3\r\nabc\r\n", (8, b"abc", False)),
    "digits as the standard allows": (b"00000A\r\n0123456789\r\n", (20, b"0123456789", False)),
    "a size of two digits": (b"1a\r\n" + bytes(26) + b"\r\n", (32, bytes(26), False)),
    "the beginning of another": (b"3\r\nabc\r\n0", (8, b"abc", False)),
    "a body that has line ends": (b"6\r\na\r\nb\r\n\r\n", (11, b"a\r\nb\r\n", False)),
    "the end alone": (b"0\r\n\r\n", (5, b"", True)),
    "the end, and more behind it": (b"1\r\na\r\n0\r\n\r\nHTTP", (11, b"a", True)),
    "a trailer": (b"1\r\na\r\n0\r\nX: y\r\n\r\n", (6, b"a", False)),
    "an end that is not whole": (b"1\r\na\r\n0\r\n\r", (6, b"a", False)),
    "a last chunk with more noughts": (b"00\r\n\r\n", (0, b"", False)),
    "not there whole": (b"3\r\nabc\r", (0, b"", False)),
    "longer than it says": (b"1\r\nabc\r\n", (0, b"", False)),
    "shorter than it says": (b"3\r\nabxx", (0, b"", False)),
    "an extension": (b"3;a=b\r\nabc\r\n", (0, b"", False)),
    "a size of nine digits": (b"000000003\r\nabc\r\n", (0, b"", False)),
    "LF alone": (b"3\nabc\n", (0, b"", False)),
    "no size": (b"\r\nabc\r\n", (0, b"", False)),
    "a size alone": (b"3", (0, b"", False)),
    "a size beyond all that is there": (b"ffffffff\r\nabc\r\n", (0, b"", False)),
    "nothing": (b"", (0, b"", False)),
}


@twins
@pytest.mark.parametrize(("data", "taken"), ALONE.values(), ids=ALONE)
def test_whole_plain_chunks_are_taken(unwrap, data, taken):
    assert unwrap(data, 0, len(data)) == taken


@twins
def test_chunks_are_taken_up_to_the_first_that_is_not_plain(unwrap):
    data = b"1\r\na\r\n2\r\nbc\r\n2;x\r\nde\r\n"
    assert unwrap(data, 0, 9) == (13, b"abc", False)
    assert unwrap(data, 6, 9) == (13, b"bc", False)
    assert unwrap(data, 13, 9) == (13, b"", False)


@twins
def test_no_more_chunks_are_taken_than_asked_for_and_the_end_is_left_with_the_others(unwrap):
    data = b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"
    assert unwrap(data, 0, 1) == (6, b"a", False)
    assert unwrap(data, 0, 2) == (13, b"abc", False)
    assert unwrap(data, 0, 3) == (18, b"abc", True)


@pytest.mark.skipif(chunked.compiled is None, reason="no compiler here")
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((b"", 0), TypeError),
        ((bytearray(), 0, 1), TypeError),
        ((b"", 0.5, 1), TypeError),
        ((b"a", 2, 1), ValueError),
        ((b"a", -1, 1), ValueError),
    ],
)
def test_c_refuses_what_it_cannot_read(arguments, error):
    with pytest.raises(error):
        chunked.compiled(*arguments)


pieces = st.sampled_from(
    [b"1", b"3", b"0", b"0a", b";x", b"\r\n", b"\n", b"\r", b"abc", b"1\r\na\r\n", b"3\r\nabc\r\n", b"0\r\n\r\n"]
)


@pytest.mark.skipif(chunked.compiled is None, reason="no compiler here")
@given(st.lists(pieces | st.binary(max_size=4), max_size=8).map(b"".join), st.integers(0, 40), st.integers(0, 4))
@example(b"1\r\na\r\n0\r\n\r\n", 0, 1)
def test_both_twins_take_the_same(data, position, most):
    position = min(position, len(data))
    assert chunked.compiled(data, position, most) == chunked.unwrap(data, position, most)

"""Gaps between chunks: those of chunks that came in one read are counted, and enter every figure as 0."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from katydid.model.sample import Gaps

READS = st.lists(st.tuples(st.floats(0.0, 10.0), st.integers(1, 5)), min_size=1, max_size=40)
"""Reads: seconds since the one before, and the chunks that it brought."""


def taken(reads, cuts):
    """Gaps of these reads, handed over in blocks that begin at `cuts`."""
    gaps, last_at = Gaps(), None
    edges = sorted({0, len(reads), *(cut % len(reads) for cut in cuts)})
    for begin, end in pairwise(edges):
        block = reads[begin:end]
        times, chunks = [at for at, _ in block], [number for _, number in block]
        gaps.add(times, sum(chunks), last_at)
        last_at = times[-1]
    return gaps


@given(steps=READS, cuts=st.lists(st.integers(0, 100), max_size=5))
def test_however_they_are_handed_over_they_are_those_of_the_single_chunks(steps, cuts):
    at, reads = 0.0, []
    for step, number in steps:
        at += step
        reads.append((at, number))
    singly = [at for at, number in reads for _ in range(number)]
    plain = sorted(later - earlier for earlier, later in pairwise(singly))
    gaps = taken(reads, cuts)
    assert len(gaps) == len(plain)
    assert sorted(gaps.apart + [0.0] * gaps.together) == plain
    if plain:
        mean, p99, most = gaps.statistics()
        assert mean == pytest.approx(sum(plain) / len(plain))
        assert (p99, most) == (plain[math.ceil(0.99 * len(plain)) - 1], plain[-1])


def test_a_single_chunk_has_no_gap_and_no_statistics():
    gaps = taken([(1.0, 1)], [])
    assert not gaps
    with pytest.raises(ValueError, match=r"^no gaps, no statistics of them$"):
        gaps.statistics()


def test_a_burst_has_gaps_of_nothing():
    assert taken([(1.0, 200)], []).statistics() == (0.0, 0.0, 0.0)

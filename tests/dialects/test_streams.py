"""Every recorded answer means the same, however the network splits it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from katydid.dialects import DIALECTS, dialect
from katydid.model.sample import Gaps
from streams import IDS, STREAMS, Stream


def read(stream: Stream, pieces: list[bytes], check: str = "count"):
    parser = dialect(stream.api).stream_parser(check)
    for number, piece in enumerate(pieces):
        parser.feed(piece, float(number))
    parser.finish()
    return parser


def outcome(parser):
    problem = parser.verdict()
    return problem and problem[0], parser.chunks, parser.completion_tokens


@pytest.mark.parametrize("stream", STREAMS, ids=IDS)
def test_read_whole(stream):
    assert outcome(read(stream, [stream.body])) == (stream.error, stream.chunks, stream.tokens)


@pytest.mark.parametrize("stream", STREAMS, ids=IDS)
def test_read_byte_by_byte(stream):
    pieces = [stream.body[i : i + 1] for i in range(len(stream.body))]
    assert outcome(read(stream, pieces)) == (stream.error, stream.chunks, stream.tokens)


@given(st.data())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_read_in_any_split(data):
    stream = data.draw(st.sampled_from(STREAMS))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream.body)), max_size=8)))
    pieces = [stream.body[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream.body)], strict=True)]
    assert outcome(read(stream, pieces)) == (stream.error, stream.chunks, stream.tokens)


@given(st.binary(max_size=300), st.sampled_from(list(DIALECTS)), st.sampled_from(["count", "full"]))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_no_bytes_whatever_make_it_raise(body, api, check):
    assert outcome(read(Stream(api, "", body, None, 0), [body], check))[0] is not None


@pytest.mark.parametrize("stream", STREAMS, ids=IDS)
def test_full_checks_agree_with_counting_but_for_short_answers(stream):
    error = None if stream.error == "too_few_chunks" else stream.error
    assert outcome(read(stream, [stream.body], "full")) == (error, stream.chunks, stream.tokens)


SHORT = [s for s in STREAMS if s.error and s.error.value == "too_few_chunks"]


@pytest.mark.parametrize("stream", SHORT, ids=[s.name for s in SHORT])
def test_a_short_answer_is_right_where_every_event_is_checked(stream):
    assert read(stream, [stream.body], "full").verdict() is None


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("openai", b'data: {"id":"x"}\n\n'),
        ("ollama", b'{"model":"m"}\n'),
        ("anthropic", b'data: {"id":"x"}\n\n'),
        ("openai-responses", b'data: {"id":"x"}\n\n'),
        ("generic-sse", b'data: {"text":true}\n\n'),
    ],
)
def test_an_event_of_no_known_shape_is_malformed_where_every_event_is_checked(api, body):
    stream = next(s for s in STREAMS if s.api == api and s.name == "proper")
    assert read(stream, [body, stream.body], "full").verdict()[0] == "malformed"
    assert read(stream, [body, stream.body], "count").verdict() is None


def proper(api):
    return next(s for s in STREAMS if s.api == api and s.name == "proper")


def test_times_are_those_of_the_reads_that_brought_content():
    body = proper("openai").body
    events = [event + b"\n\n" for event in body.split(b"\n\n") if event]
    parser = read(proper("openai"), events)  # read at 0 (role), 1, 2, 3 (content), 4 …
    assert (parser.first_at, parser.last_at, parser.gaps) == (1.0, 3.0, Gaps([1.0, 1.0]))
    assert not parser.first_bound


def test_a_first_read_with_several_chunks_gives_an_upper_bound():
    parser = read(proper("openai"), [proper("openai").body])
    assert parser.first_bound
    assert parser.gaps.statistics() == (0.0, 0.0, 0.0)


def test_one_content_chunk_in_the_first_read_is_exact_even_with_the_role_in_it():
    body = proper("openai").body
    end = body.index(b" big")
    first_event_end = body.rindex(b"\n\n", 0, end) + 2
    parser = read(proper("openai"), [body[:first_event_end], body[first_event_end:]])
    assert (parser.first_at, parser.first_bound) == (0.0, False)

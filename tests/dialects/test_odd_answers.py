"""Answers with values of other types than their API says: every row is kept, and nothing raises.

Each API has one proper answer here, streamed and whole. The tests put an odd value into each place of it.
"""

import copy

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from katydid.dialects import dialect
from katydid.dialects.answer_parser import AnswerParser
from katydid.dialects.event_kinds import EventCutter
from katydid.dialects.speech import speech_dialect
from katydid.dialects.speech.transcript import SpeechParser
from katydid.dialects.tools import StreamedTurn, WholeTurn
from katydid.engine.measuring import judge, measure_stream
from katydid.model.sample import Blame, Outcome, Sample
from katydid.runs.rows import RowBuffer, decode, sample_schema
from katydid.transport.exchange import Exchange
from katydid.workloads.session.answers import StreamedAnswer, WholeAnswer


def chat(delta, finish=None, **more):
    return "", {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def openai_call(arguments):
    return {"tool_calls": [{"index": 0, "id": "1", "function": {"name": "f", "arguments": arguments}}]}


def typed(kind, **members):
    return kind, {"type": kind, **members}


STREAMED = {
    "openai": [
        *(chat({"role": "assistant", "content": text}) for text in "abc"),
        chat(openai_call("{}")),
        chat({}, "stop"),
        ("", {"id": "c", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}}),
    ],
    "openai-responses": [
        typed("response.output_item.added", item={"type": "function_call"}),
        *(typed("response.output_text.delta", item_id="i", delta=text) for text in "abc"),
        typed(
            "response.completed",
            response={"status": "completed", "usage": {"input_tokens": 9, "output_tokens": 5}},
        ),
    ],
    "anthropic": [
        typed(
            "message_start", message={"usage": {"input_tokens": 9, "cache_read_input_tokens": 1, "output_tokens": 0}}
        ),
        typed("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(typed("content_block_delta", index=0, delta={"type": "text_delta", "text": text}) for text in "abc"),
        typed("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 5}),
        typed("message_stop"),
    ],
    "ollama": [
        *(("", {"message": {"role": "assistant", "content": text}, "done": False}) for text in "abc"),
        ("", {"message": {"content": ""}, "done": True, "prompt_eval_count": 9, "eval_count": 5}),
    ],
    "generic-sse": [
        *(("", {"content": text}) for text in "abc"),
        ("", {"usage": {"prompt_tokens": 9, "completion_tokens": 5}}),
    ],
}
WHOLE = {
    "openai": {
        "choices": [{"message": {"content": "x", **openai_call("{}")}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 5},
    },
    "openai-responses": {
        "status": "completed",
        "error": None,
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "x"}]}],
        "usage": {"input_tokens": 9, "output_tokens": 5},
    },
    "anthropic": {
        "type": "message",
        "content": [{"type": "text", "text": "x"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 9, "output_tokens": 5},
    },
    "ollama": {"message": {"content": "x"}, "done": True, "prompt_eval_count": 9, "eval_count": 5},
    "generic-sse": {"content": "x", "usage": {"prompt_tokens": 9, "completion_tokens": 5}},
}
ODD = [
    b"9223372036854775808",
    b"18446744073709551615",
    b"1e400",
    b"1e300",
    b"-1",
    b"-0.0",
    b"12.5",
    b"9" * 6000,
    b"true",
    b"false",
    b"null",
    b'"12"',
    b'"n/a"',
    b'""',
    b'"\\ud83d"',
    b"[]",
    b"[1]",
    b"[[[]]]",
    b"{}",
    b'{"a":[null]}',
    b'{"message":{"message":7}}',
    b"[" * 400 + b"]" * 400,
    b'{"text":' * 300 + b"1" + b"}" * 300,
]
HOLE = "the odd value goes here"


def places(value, path=()):
    """The paths of all values in a JSON value."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*path, key))


def put(value, path, odd):
    """The JSON of a value, with an odd one in one place of it."""
    if not path:
        return odd
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = HOLE
    return orjson.dumps(value).replace(orjson.dumps(HOLE), odd)


def framed(api, name, data):
    if api == "ollama":
        return data + b"\n"
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + data + b"\n\n"


def streamed_bodies(api, odd, path_of=lambda _: True):
    """The streamed answer of an API, with the odd value in each place of each event in turn."""
    events = STREAMED[api]
    for number, (name, value) in enumerate(events):
        for path in filter(path_of, places(value)):
            body = [framed(api, n, orjson.dumps(v)) for n, v in events]
            body[number] = framed(api, name, put(value, path, odd))
            yield b"".join(body) + (b"data: [DONE]\n\n" if api in {"openai", "generic-sse"} else b"")


def is_count(path):
    return str(path[-1] if path else "").endswith(("tokens", "eval_count"))


def judged(parser, body):
    """The row of an answer with this body."""
    sample = Sample(request_id="r", user=0, iteration=0, worker="local", name="n", scheduled_ms=0.0)
    exchange = Exchange(started=0.0, status=200)
    parser.feed(body, 1.0)
    parser.finish()
    if isinstance(parser, AnswerParser):
        if parser.answer is not None:
            sample.prompt_tokens, sample.completion_tokens = (
                parser.answer.prompt_tokens,
                parser.answer.completion_tokens,
            )
    else:
        measure_stream(sample, exchange, parser)
    judge(sample, exchange, parser)
    return sample


def kept(samples):
    """What the rows hold once they are written; the buffer has had nothing to null."""
    buffer = RowBuffer(sample_schema())
    for sample in samples:
        buffer.append(sample)
    rows = decode(buffer.drain()).to_pylist()
    assert not buffer.nulled
    return rows


@pytest.mark.parametrize("api", STREAMED)
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.decode()[:24])
def test_an_odd_count_in_a_stream_is_null_and_the_answer_is_good(api, odd):
    samples = [judged(dialect(api).stream_parser("count"), body) for body in streamed_bodies(api, odd, is_count)]
    rows = kept(samples)
    assert len(rows) == len(samples) >= 2
    assert {row["outcome"] for row in rows} == {"ok"}
    tokens = {row[column] for row in rows for column in ("prompt_tokens", "completion_tokens")}
    assert tokens <= {None, 0, 1, 5, 9, 10}


@pytest.mark.parametrize("api", WHOLE)
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.decode()[:24])
def test_an_odd_count_in_a_whole_answer_is_null_and_the_answer_is_good(api, odd):
    bodies = [put(WHOLE[api], path, odd) for path in places(WHOLE[api]) if is_count(path) or path == ("usage",)]
    rows = kept([judged(AnswerParser(dialect(api)), body) for body in bodies])
    assert len(rows) == len(bodies)
    assert {row["outcome"] for row in rows} == {"ok"}
    assert {row["prompt_tokens"] for row in rows} <= {None, 0, 9}


def readers(api):
    """Everything that reads a stream of an API."""
    yield from (dialect(api).stream_parser(check) for check in ("count", "full"))
    if api == "openai":
        yield StreamedTurn()
        yield StreamedAnswer({}, "[DONE]")


@pytest.mark.parametrize("api", STREAMED)
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.decode()[:24])
def test_no_value_anywhere_in_a_stream_makes_a_reader_raise(api, odd):
    samples = [judged(reader, body) for body in streamed_bodies(api, odd) for reader in readers(api)]
    rows = kept(samples)
    assert len(rows) == len(samples) > 8
    assert {row["blame"] for row in rows} <= {None, Blame.TARGET}


@pytest.mark.parametrize("api", STREAMED)
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.decode()[:24])
def test_no_value_anywhere_makes_the_keeper_of_events_raise(api, odd):
    for body in streamed_bodies(api, odd):
        cutter = EventCutter(api)
        tokens = [tokens for _, tokens, _ in cutter.feed(body) + cutter.finish()]
        assert all(each is None or 0 <= each < 2**63 for each in tokens)


@pytest.mark.parametrize("api", WHOLE)
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.decode()[:24])
def test_no_value_anywhere_in_a_whole_answer_makes_a_reader_raise(api, odd):
    bodies = [put(WHOLE[api], path, odd) for path in places(WHOLE[api])]
    samples = [judged(AnswerParser(dialect(api)), body) for body in bodies]
    if api == "openai":
        samples += [judged(WholeTurn(), body) for body in bodies]
    rows = kept(samples)
    assert len(rows) == len(samples)
    assert {row["blame"] for row in rows} <= {None, Blame.TARGET}
    for body in bodies:
        answer = WholeAnswer({})
        answer.feed(body, 0.0)
        answer.finish()
        assert answer.verdict() is None or isinstance(answer.verdict()[1], str)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "error", "x"]), inner, max_size=2)
    ),
    max_leaves=6,
)


@given(st.sampled_from(list(STREAMED)), st.sampled_from(["count", "full"]), st.data())
@settings(max_examples=500, deadline=None, derandomize=True)
def test_no_values_whatever_in_two_places_make_a_reader_raise(api, check, data):
    events = STREAMED[api]
    body = b""
    for name, value in events:
        path = data.draw(st.sampled_from(list(places(value))))
        written = orjson.dumps(data.draw(JSON), option=orjson.OPT_PASSTHROUGH_SUBCLASS, default=str) if path else None
        body += framed(api, name, put(value, path, written) if written is not None else orjson.dumps(value))
    (row,) = kept([judged(dialect(api).stream_parser(check), body)])
    assert row["blame"] in {None, Blame.TARGET}
    assert row["outcome"] in {Outcome.OK, Outcome.FAILED}


SPOKEN = {
    "generic": [
        {"type": "queue_status", "pending": 3},
        {"type": "partial", "text": "a"},
        {"type": "final", "text": "b", "processing_ms": 10},
        {"type": "error", "message": "x"},
    ],
    "funasr": [{"mode": "2pass-online", "text": "a"}, {"mode": "2pass-offline", "text": "b", "is_final": True}],
    "vosk": [{"partial": "a"}, {"text": "b"}, {"error": "x"}],
}
SPEECH_COLUMNS = {"pending": int, "processing": float}


@pytest.mark.parametrize("api", SPOKEN)
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.decode()[:24])
def test_no_value_anywhere_in_a_speech_services_message_makes_a_reader_raise(api, odd):
    buffer = RowBuffer(sample_schema(SPEECH_COLUMNS))
    sent = 0
    for message in SPOKEN[api]:
        for path in places(message):
            parser = SpeechParser(speech_dialect(api))
            parser.stopped = True
            parser.hear(put(message, path, odd).decode(), 1.0)
            assert parser.failure is None or parser.failure[0].blame is Blame.TARGET
            assert isinstance(parser.text, str)
            row = Sample(request_id="r", user=0, iteration=0, worker="local", name="n", scheduled_ms=0.0)
            row.extra = {"pending": parser.pending_max, "processing": parser.processing_ms}
            if parser.failure is not None:
                row.fail(*parser.failure)
            buffer.append(row)
            sent += 1
    assert decode(buffer.drain()).num_rows == sent
    assert not buffer.nulled

"""Failures that an answer of 200 tells, wherever its API or its server puts them; and what is none."""

import orjson
import pytest

from katydid.dialects import dialect
from katydid.dialects.answer_parser import AnswerParser
from katydid.model.sample import ErrorClass as E

STOP = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def chunk(text, **choice):
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None, **choice}]}


def typed(kind, **members):
    return {"type": kind, **members}


TEXT = {
    "openai": [chunk(text) for text in "abc"],
    "anthropic": [typed("content_block_delta", index=0, delta={"type": "text_delta", "text": text}) for text in "abc"],
    "openai-responses": [typed("response.output_text.delta", delta=text) for text in "abc"],
    "ollama": [{"message": {"content": text}, "done": False} for text in "abc"],
    "generic-sse": [{"content": text} for text in "abc"],
}
END = {
    "openai": [STOP],
    "anthropic": [typed("message_delta", delta={"stop_reason": "end_turn"}), typed("message_stop")],
    "openai-responses": [typed("response.completed", response={"status": "completed"})],
    "ollama": [{"done": True}],
    "generic-sse": [],
}
BOOM = {"code": 502, "message": "the provider went away"}
LIMITED = {"code": "rate_limit_exceeded", "message": "slow down"}


def ended(kind, **response):
    return typed(f"response.{kind}", response=response)


TOLD = [
    ("openai", chunk("d", error=BOOM), E.SERVER_ERROR_EVENT, "the provider went away"),
    ("openai", chunk("", finish_reason="error", error="boom"), E.SERVER_ERROR_EVENT, "boom"),
    ("openai", chunk("", delta={"error": LIMITED}), E.RATE_LIMITED, "slow down"),
    ("openai", chunk("d") | {"error": BOOM}, E.SERVER_ERROR_EVENT, "the provider went away"),
    ("openai", {"object": "error", "message": "boom", "code": 500}, E.SERVER_ERROR_EVENT, "boom"),
    ("openai", {"type": "error", "message": "slow down", "code": 429}, E.RATE_LIMITED, "slow down"),
    ("openai", {"detail": "boom"}, E.SERVER_ERROR_EVENT, "boom"),
    ("openai", chunk("", finish_reason="error"), E.SERVER_ERROR_EVENT, "finish_reason 'error'"),
    ("openai", chunk("", finish_reason="abort"), E.SERVER_ERROR_EVENT, "finish_reason 'abort'"),
    ("openai", chunk("", finish_reason="ABORT"), E.SERVER_ERROR_EVENT, "'ABORT'"),
    ("anthropic", TEXT["anthropic"][0] | {"error": BOOM}, E.SERVER_ERROR_EVENT, "the provider went away"),
    ("anthropic", typed("message_delta", delta={"stop_reason": "error"}), E.SERVER_ERROR_EVENT, "stop_reason 'error'"),
    ("openai-responses", ended("failed", status="failed", error=LIMITED), E.RATE_LIMITED, "slow down"),
    ("openai-responses", ended("failed"), E.SERVER_ERROR_EVENT, "status 'failed'"),
    ("openai-responses", ended("completed", status="failed", error=BOOM), E.SERVER_ERROR_EVENT, "went away"),
    ("openai-responses", ended("completed", status="completed", error=BOOM), E.SERVER_ERROR_EVENT, "went away"),
    ("openai-responses", ended("completed", status="cancelled"), E.SERVER_ERROR_EVENT, "status 'cancelled'"),
    ("openai-responses", ended("cancelled"), E.SERVER_ERROR_EVENT, "status 'cancelled'"),
    (
        "openai-responses",
        ended("incomplete", status="incomplete", incomplete_details={"reason": "abort"}),
        E.SERVER_ERROR_EVENT,
        "reason 'abort'",
    ),
    ("openai-responses", TEXT["openai-responses"][0] | {"error": BOOM}, E.SERVER_ERROR_EVENT, "went away"),
    ("ollama", TEXT["ollama"][0] | {"error": "boom"}, E.SERVER_ERROR_EVENT, "boom"),
    ("ollama", {"done": True, "done_reason": "error"}, E.SERVER_ERROR_EVENT, "done_reason 'error'"),
    ("generic-sse", {"content": "d", "error": BOOM}, E.SERVER_ERROR_EVENT, "the provider went away"),
]


def body_of(api, events):
    if api == "ollama":
        return b"".join(orjson.dumps(event) + b"\n" for event in events)
    return b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events) + b"data: [DONE]\n\n"


def streamed(api, events, check="count"):
    parser = dialect(api).stream_parser(check)
    parser.feed(body_of(api, events), 1.0)
    parser.finish()
    return parser.verdict()


@pytest.mark.parametrize("check", ["count", "full"])
@pytest.mark.parametrize(("api", "event", "error", "words"), TOLD)
def test_a_stream_that_tells_a_failure_has_failed_with_its_words(api, event, error, words, check):
    kind, text = streamed(api, [*TEXT[api], event, *END[api]], check)
    assert kind is error
    assert words in text


@pytest.mark.parametrize("check", ["count", "full"])
@pytest.mark.parametrize(
    ("api", "event"),
    [
        ("openai", chunk("d", error=None) | {"error": None}),
        ("openai", chunk("", finish_reason="content_filter")),
        ("openai", chunk("", finish_reason="length")),
        ("openai-responses", ended("completed", status="completed", error=None)),
        (
            "openai-responses",
            ended("incomplete", status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
        ),
        ("anthropic", typed("message_delta", delta={"stop_reason": "max_tokens"})),
        ("anthropic", typed("message_delta", delta={"stop_reason": "refusal"})),
        ("ollama", {"done": True, "done_reason": "length", "error": ""}),
    ],
)
def test_an_end_of_another_kind_is_no_failure(api, event, check):
    assert streamed(api, [*TEXT[api], event, *END[api]], check) is None


ITEM = {"type": "message", "content": [{"type": "output_text", "text": "part"}]}
MESSAGE = {"message": {"content": "part"}, "finish_reason": "stop"}
WHOLE = [
    ("openai", {"choices": [MESSAGE], "error": BOOM}, E.SERVER_ERROR_EVENT, "went away"),
    ("openai", {"object": "error", "message": "boom", "code": 500}, E.SERVER_ERROR_EVENT, "boom"),
    ("openai", {"detail": "boom"}, E.SERVER_ERROR_EVENT, "boom"),
    ("openai", {"choices": [MESSAGE | {"error": LIMITED}]}, E.RATE_LIMITED, "slow down"),
    ("openai", {"choices": [MESSAGE | {"finish_reason": "error"}]}, E.SERVER_ERROR_EVENT, "finish_reason 'error'"),
    ("openai", {"choices": [MESSAGE | {"finish_reason": "abort"}]}, E.SERVER_ERROR_EVENT, "finish_reason 'abort'"),
    ("openai-responses", {"status": "failed", "error": LIMITED, "output": []}, E.RATE_LIMITED, "slow down"),
    ("openai-responses", {"status": "failed", "output": [ITEM]}, E.SERVER_ERROR_EVENT, "status 'failed'"),
    ("openai-responses", {"status": "cancelled", "output": [ITEM]}, E.SERVER_ERROR_EVENT, "status 'cancelled'"),
    ("openai-responses", {"status": "completed", "error": BOOM, "output": [ITEM]}, E.SERVER_ERROR_EVENT, "went away"),
    ("openai-responses", {"status": "in_progress", "output": [ITEM]}, E.TRUNCATED, "why it ended"),
    ("anthropic", {"content": [{"type": "text", "text": "p"}], "error": BOOM}, E.SERVER_ERROR_EVENT, "went away"),
    ("ollama", {"message": {"content": "p"}, "done": True, "error": "boom"}, E.SERVER_ERROR_EVENT, "boom"),
    ("ollama", {"message": {"content": "p"}, "done": True, "done_reason": "error"}, E.SERVER_ERROR_EVENT, "'error'"),
    ("generic-sse", {"content": "p", "error": BOOM}, E.SERVER_ERROR_EVENT, "went away"),
]


@pytest.mark.parametrize(("api", "body", "error", "words"), WHOLE)
def test_a_whole_answer_that_tells_a_failure_has_failed_with_its_words(api, body, error, words):
    parser = AnswerParser(dialect(api))
    parser.feed(orjson.dumps(body), 1.0)
    parser.finish()
    kind, text = parser.verdict()
    assert kind is error
    assert words in text


NO_STREAM = [
    (
        b'{"error":{"code":400,"message":"the request exceeds the context"}}',
        E.SERVER_ERROR_EVENT,
        "exceeds the context",
    ),
    (b'{"detail":"Too many requests"}', E.RATE_LIMITED, "Too many requests"),
    (b'{"id":"c","choices":[{"message":{"content":"x"}}]}', E.MALFORMED, '{"id":"c"'),
    (b"<html>\n\n<body>Sign in</body></html>\n\n", E.MALFORMED, "<html>"),
    (b"\x00\x01{}", E.MALFORMED, "not an event stream"),
    (b'error: {"code":400,"message":"context size"}\n\n', E.SERVER_ERROR_EVENT, "context size"),
    (b"event: error\ndata: Too many requests, please slow down\n\n", E.RATE_LIMITED, "please slow down"),
    (b'data: {"error":{"message":"not ended"}}', E.SERVER_ERROR_EVENT, "not ended"),
    (b"event: error\ndata: out of memory", E.SERVER_ERROR_EVENT, "out of memory"),
    (b": nothing\n\nid: 7\n\n", E.EMPTY, "no content"),
    (b"", E.EMPTY, "no content"),
]


@pytest.mark.parametrize("check", ["count", "full"])
@pytest.mark.parametrize("step", [1, 7, 10_000])
@pytest.mark.parametrize(("body", "error", "words"), NO_STREAM)
def test_a_body_that_is_no_event_stream_says_what_it_is(body, error, words, step, check):
    parser = dialect("openai").stream_parser(check)
    for begin in range(0, len(body), step):
        parser.feed(body[begin : begin + step], 1.0)
    parser.finish()
    kind, text = parser.verdict()
    assert kind is error
    assert words in text


def test_what_lacks_a_finish_reason_says_so():
    kind, text = streamed("openai", TEXT["openai"])
    assert kind is E.TRUNCATED
    assert "finish_reason" in text


USED = [
    ("openai", [STOP | {"usage": {"prompt_tokens": 9, "completion_tokens": 5}}], (9, 5)),
    ("openai", [chunk("", usage={"prompt_tokens": 23, "completion_tokens": 19})], (23, 19)),
    ("openai", [{"choices": [], "x_groq": {"usage": {"prompt_tokens": 3, "completion_tokens": 4}}}], (3, 4)),
    (
        "openai",
        [{"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": n}} for n in (5, 0)],
        (9, 5),
    ),
    ("openai", [{"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0}}], (0, 0)),
    (
        "anthropic",
        [
            typed("message_start", message={"usage": {"input_tokens": 3, "cache_read_input_tokens": 12}}),
            typed("message_delta", delta={}, usage={"input_tokens": 3, "output_tokens": 5}),
        ],
        (15, 5),
    ),
    (
        "anthropic",
        [
            typed("message_start", message={"usage": {"input_tokens": 0, "output_tokens": 0}}),
            typed("message_delta", delta={}, usage={"input_tokens": 11, "output_tokens": 5}),
        ],
        (11, 5),
    ),
    ("ollama", [{"message": {"content": ""}, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 5}], (9, 5)),
]


@pytest.mark.parametrize("check", ["count", "full"])
@pytest.mark.parametrize(("api", "events", "tokens"), USED)
def test_tokens_are_read_where_vendors_put_them(api, events, tokens, check):
    parser = dialect(api).stream_parser(check)
    parser.feed(body_of(api, [*TEXT[api], *events]), 1.0)
    parser.finish()
    assert (parser.prompt_tokens, parser.completion_tokens) == tokens


DETAILS = [
    (
        "openai",
        {"prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 2}},
        (4, 2, None),
    ),
    (
        "openai",
        {"completion_tokens_details": {"reasoning_tokens": 0, "accepted_prediction_tokens": 3}},
        (None, 0, 3),
    ),
    ("openai", {"prompt_tokens_details": None, "completion_tokens_details": "?", "cached_tokens": True}, (None,) * 3),
    ("openai", {"prompt_tokens_details": {"cached_tokens": 0}, "cache_read_input_tokens": 5}, (5, None, None)),
    ("openai", {"prompt_cache_hit_tokens": 6, "reasoning_tokens": 7}, (6, 7, None)),
    ("openai", {"cached_tokens": 8}, (8, None, None)),
    ("openai-responses", {"input_tokens_details": {"cached_tokens": 4}}, (4, None, None)),
    ("openai-responses", {"output_tokens_details": {"reasoning_tokens": 2}}, (None, 2, None)),
    ("anthropic", {"cache_read_input_tokens": 12, "cache_creation_input_tokens": 1}, (12, None, None)),
    ("generic-sse", {"prompt_tokens_details": {"cached_tokens": 4}}, (4, None, None)),
]
WITH_USAGE = {
    "openai": lambda usage: [{"choices": [], "usage": usage}],
    "openai-responses": lambda usage: [typed("response.completed", response={"status": "completed", "usage": usage})],
    "anthropic": lambda usage: [
        typed("message_start", message={"usage": usage}),
        typed("message_delta", delta={}, usage={"output_tokens": 5}),
    ],
    "generic-sse": lambda usage: [{"text": "", "usage": usage}],
}
WHOLE = {
    "openai": {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]},
    "openai-responses": {"output": [], "status": "completed"},
    "anthropic": {"content": [{"type": "text", "text": "a"}], "stop_reason": "end_turn"},
    "generic-sse": {"text": "a"},
}


def details_of(told):
    return told.details.cached_tokens, told.details.reasoning_tokens, told.details.prediction_tokens


@pytest.mark.parametrize("check", ["count", "full"])
@pytest.mark.parametrize(("api", "usage", "details"), DETAILS)
def test_parts_of_the_tokens_are_read_where_vendors_put_them(api, usage, details, check):
    parser = dialect(api).stream_parser(check)
    parser.feed(body_of(api, [*TEXT.get(api, []), *WITH_USAGE[api](usage)]), 1.0)
    parser.finish()
    assert details_of(parser) == details
    assert details_of(dialect(api).parse_answer(orjson.dumps(WHOLE[api] | {"usage": usage}))) == details


def test_llama_cpp_tells_of_its_cache_beside_the_usage():
    event = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}, "timings": {"cache_n": 6}}
    parser = dialect("openai").stream_parser("count")
    parser.feed(body_of("openai", [*TEXT["openai"], event]), 1.0)
    assert details_of(parser) == (6, None, None)


CONTENT = [
    ({"content": 0}, True),
    ({"content": 7.5}, True),
    ({"content": [{"type": "text", "text": ""}]}, False),
    ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Let"}]}]}, True),
    ({"content": [], "role": "assistant"}, False),
    ({"content": False}, False),
    ({"reasoning_details": [{"type": "reasoning.text", "text": "Let", "index": 0}]}, True),
    ({"reasoning_details": [{"type": "reasoning.text", "text": "", "id": "r1", "format": "x"}]}, False),
    ({"audio": {"transcript": "One"}}, True),
    ({"audio": {"id": "audio_1", "expires_at": 1}}, False),
    ({"tool_calls": [{"index": 0}]}, True),
    ({"tool_calls": []}, False),
]


@pytest.mark.parametrize("check", ["count", "full"])
@pytest.mark.parametrize(("delta", "counts"), CONTENT)
def test_what_is_content(delta, counts, check):
    parser = dialect("openai").stream_parser(check)
    parser.feed(body_of("openai", [chunk("", delta=delta)]), 1.0)
    assert parser.chunks == counts

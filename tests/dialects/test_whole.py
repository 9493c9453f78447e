"""Whole answers of every API: what they tell, and what is wrong with those that are none."""

import orjson
import pytest

from katydid.dialects import DIALECTS, dialect
from katydid.dialects.answer_parser import BODY_LIMIT, AnswerParser
from katydid.model.sample import ErrorClass

USAGE = {"prompt_tokens": 7, "completion_tokens": 3}
OPENAI = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": USAGE}
OLLAMA = {"message": {"content": "Hi"}, "done": True, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 3}
ANTHROPIC = {
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 7, "output_tokens": 3},
}
RESPONSES = {
    "status": "completed",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}],
    "usage": {"input_tokens": 7, "output_tokens": 3},
}
WHOLE = {"openai": OPENAI, "ollama": OLLAMA, "anthropic": ANTHROPIC, "openai-responses": RESPONSES}


def read(api, body, step=None):
    parser = AnswerParser(dialect(api))
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    for begin in range(0, len(data), step or len(data) or 1):
        parser.feed(data[begin : begin + (step or len(data))], 0.0)
    parser.finish()
    return parser


@pytest.mark.parametrize("api", WHOLE)
@pytest.mark.parametrize("step", [None, 1, 7])
def test_an_answer_tells_its_text_and_its_tokens_however_it_is_cut(api, step):
    parser = read(api, WHOLE[api], step)
    assert parser.verdict() is None
    assert parser.answer.text == "Hi"
    assert (parser.answer.prompt_tokens, parser.answer.completion_tokens) == (7, 3)


@pytest.mark.parametrize(
    ("message", "finish"),
    [({"content": None, "tool_calls": [{"id": "1"}]}, "tool_calls"), ({"content": "", "reasoning": "hm"}, "length")],
)
def test_tool_calls_and_reasoning_are_content(message, finish):
    assert read("openai", {"choices": [{"message": message, "finish_reason": finish}]}).verdict() is None


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": {"message": "boom"}}, ErrorClass.SERVER_ERROR_EVENT),
        ({"error": "rate limit exceeded"}, ErrorClass.RATE_LIMITED),
        (b'{"choices": [{"mess', ErrorClass.MALFORMED),
        (b"", ErrorClass.MALFORMED),
        ([], ErrorClass.MALFORMED),
        ({"choices": []}, ErrorClass.MALFORMED),
        ({"choices": [{"message": None}]}, ErrorClass.MALFORMED),
        ({"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}, ErrorClass.EMPTY),
        ({"choices": [{"message": {"content": "Hi"}}]}, ErrorClass.TRUNCATED),
    ],
)
def test_what_is_no_answer_has_its_class(body, error):
    assert read("openai", body).verdict()[0] is error


@pytest.mark.parametrize("api", DIALECTS)
def test_an_object_of_another_kind_is_malformed_in_every_api(api):
    assert read(api, {"hello": 1}).verdict()[0] is ErrorClass.MALFORMED


def test_a_body_without_end_is_not_kept():
    parser = AnswerParser(dialect("openai"))
    for _ in range(BODY_LIMIT // 2**20 + 5):
        parser.feed(b"x" * 2**20, 0.0)
    parser.finish()
    assert parser.verdict()[0] is ErrorClass.MALFORMED

"""Completions of a text, beside those of a chat."""

import json

import pytest

from katydid.dialects import dialect
from katydid.dialects.base import Generation
from katydid.dialects.event_kinds import EventKind, meaning
from katydid.model.errors import ProtocolError
from katydid.model.sample import ErrorClass as E

USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}


def event(text, reason=None, **more):
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": reason}
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "choices": [choice], **more}


def streamed(check, *events, done=True):
    parser = dialect("completions").stream_parser(check)
    for at, value in enumerate(events):
        parser.feed(f"data: {json.dumps(value)}\n\n".encode(), float(at))
    if done:
        parser.feed(b"data: [DONE]\n\n", 9.0)
    parser.finish()
    return parser


def test_a_request_has_the_texts_of_its_messages_as_its_prompt():
    said = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    body = json.loads(dialect("completions").body(said, Generation("m", max_tokens=5, seed=3), stream=True))
    assert body == {
        "prompt": "Be brief.\n\nHi", "model": "m", "max_tokens": 5, "temperature": 0.0, "seed": 3, "stream": True,
        "stream_options": {"include_usage": True},
    }  # fmt: skip


@pytest.mark.parametrize("check", ["count", "full"])
def test_a_stream_is_counted_by_its_texts(check):
    for _ in range(2):  # the second is counted by what the first has taught
        parser = streamed(
            check, *map(event, "abc"), event("", "length"), {"object": "text_completion", "choices": [], "usage": USAGE}
        )
        assert parser.verdict() is None
        assert (parser.chunks, parser.first_at, parser.visible_at, parser.finish_reason) == (3, 0.0, 0.0, "length")
        assert (parser.prompt_tokens, parser.completion_tokens, parser.details.cached_tokens) == (9, 3, 4)


@pytest.mark.parametrize(
    ("events", "done", "error"),
    [
        ([*map(event, "abc")], True, E.TRUNCATED),
        ([*map(event, "abc"), event("", "stop")], False, E.TRUNCATED),
        ([*map(event, "abc"), event("", "error")], True, E.SERVER_ERROR_EVENT),
        ([event(""), event("", "stop")], True, E.EMPTY),
        ([event("a"), event("", "stop")], True, E.TOO_FEW_CHUNKS),
        ([event("a"), {"error": {"message": "overloaded"}}], True, E.OVERLOADED),
    ],
)
def test_what_is_wrong_with_a_stream_has_its_class(events, done, error):
    assert streamed("count", *events, done=done).verdict()[0] is error


def test_a_whole_answer():
    told = dialect("completions").parse_answer(json.dumps(event("Hi", "stop", usage=USAGE)).encode())
    assert (told.text, told.finish_reason, told.prompt_tokens, told.completion_tokens) == ("Hi", "stop", 9, 3)
    with pytest.raises(ProtocolError):
        dialect("completions").parse_answer(b'{"choices":[{"message":{"content":"Hi"}}]}')


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (event("a"), EventKind.TEXT),
        (event(""), EventKind.EMPTY),
        (event("", "stop"), EventKind.FINISH),
        ({"choices": [], "usage": USAGE}, EventKind.USAGE),
    ],
)
def test_what_an_event_brings(value, kind):
    assert meaning("completions", b"", json.dumps(value).encode())[0] is kind

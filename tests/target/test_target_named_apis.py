"""The target's APIs with named events, Anthropic's messages and OpenAI's responses, as our dialects read them."""

import json

import pytest
from wire import ask, post

from katydid.dialects import dialect

MESSAGES, RESPONSES = "/v1/messages", "/v1/responses"
API = {MESSAGES: "anthropic", RESPONSES: "openai-responses"}
LIMIT = {MESSAGES: "max_tokens", RESPONSES: "max_output_tokens"}


def posted(path, limit=100, **changes):
    given = {"input": "one two three", "messages": None} if path == RESPONSES else {}
    return post(path, **{LIMIT[path]: limit, **given, **changes})


def named_events(reply):
    events = [event.split("\n") for event in reply.body.decode().strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in events]


def read(path, reply):
    parser = dialect(API[path]).stream_parser("full")
    parser.feed(reply.body, 0.0)
    parser.finish()
    return parser


@pytest.mark.parametrize("path", API)
def test_every_event_has_its_type_as_its_name(quick, path):
    events = named_events(ask(quick, posted(path, stream=True)))
    assert [name for name, _ in events] == [data["type"] for _, data in events]


@pytest.mark.parametrize("path", API)
@pytest.mark.parametrize(("limit", "chunks", "reason"), [(2, 2, ("max_tokens", "max_output_tokens")),
                                                         (9, 4, ("end_turn", "completed"))])  # fmt: skip
def test_a_stream_and_a_whole_answer_say_the_same_to_our_dialect(quick, path, limit, chunks, reason):
    parser = read(path, ask(quick, posted(path, limit, stream=True)))
    assert parser.verdict() is None
    assert (parser.chunks, parser.prompt_tokens, parser.completion_tokens) == (chunks, 3, chunks)
    assert parser.finish_reason in reason
    whole = dialect(API[path]).parse_answer(ask(quick, posted(path, limit)).body)
    assert (whole.text, whole.prompt_tokens, whole.completion_tokens) == (" word" * chunks, 3, chunks)
    assert whole.finish_reason == parser.finish_reason


@pytest.mark.parametrize("path", API)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("truncated", "truncated"),
        ("error_event", "server_error_event"),
        ("malformed", "malformed"),
        ("empty", "empty"),
    ],
)
def test_each_fault_is_what_our_dialect_calls_it(start, path, fault, error):
    reply = ask(start(fail=(fault,)), posted(path, stream=True))
    assert read(path, reply).verdict()[0] == error


def test_a_bad_member_is_a_400_that_names_it(quick):
    for path, change in (
        (MESSAGES, {"max_tokens": None}),
        (RESPONSES, {"input": 5}),
        (RESPONSES, {"max_output_tokens": 0}),
    ):
        reply = ask(quick, posted(path, **change))
        assert reply.status == 400
        assert f"'{next(iter(change))}'" in reply.json["error"]["message"]


@pytest.mark.parametrize("header", ["Authorization: Bearer k-1234", "x-api-key: k-1234", "api-key: k-1234"])
def test_a_key_is_taken_from_any_of_three_headers(start, header):
    target = start(api_key="k-1234")
    assert ask(target, post(headers=[header])).status == 200
    assert ask(target, post(headers=[header.replace("1234", "4321")])).status == 401
    assert ask(target, post(headers=["Authorization: Basic k-1234"])).status == 401

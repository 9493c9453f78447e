"""What each API's requests look like, and its answers that are not streams."""

import json
from datetime import UTC, datetime

import pytest

from katydid.dialects import DIALECTS, dialect
from katydid.dialects.base import Generation
from katydid.dialects.generic import Fields
from katydid.dialects.status import classify_status, retry_after
from katydid.model.errors import ConfigError, ProtocolError
from katydid.model.sample import ErrorClass as E

GENERATION = Generation("m", max_tokens=5, temperature=0.0, seed=3)
MESSAGES = [{"role": "user", "content": "Hi"}]


def test_an_openai_request_asks_for_usage_and_is_deterministic():
    body = json.loads(dialect("openai").body(MESSAGES, GENERATION, stream=True))
    assert body == {
        "model": "m",
        "messages": MESSAGES,
        "max_tokens": 5,
        "temperature": 0.0,
        "seed": 3,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_an_ollama_request_has_its_options():
    body = json.loads(dialect("ollama").body(MESSAGES, GENERATION, stream=False))
    assert body["options"] == {"num_predict": 5, "temperature": 0.0, "seed": 3}
    assert body["stream"] is False


def test_an_anthropic_request_keeps_system_messages_apart_and_has_no_seed():
    messages = [{"role": "system", "content": "Be brief."}, *MESSAGES]
    assert json.loads(dialect("anthropic").body(messages, GENERATION, stream=True)) == {
        "model": "m",
        "messages": MESSAGES,
        "system": "Be brief.",
        "max_tokens": 5,
        "temperature": 0.0,
        "stream": True,
    }


def test_a_responses_request_is_not_to_be_stored():
    body = json.loads(dialect("openai-responses").body(MESSAGES, GENERATION, stream=True))
    assert (body["input"], body["max_output_tokens"], body["store"]) == (MESSAGES, 5, False)
    assert "seed" not in body


def test_system_texts_in_blocks_and_of_developers_are_system_texts():
    block = {"type": "text", "text": "You are terse.", "cache_control": {"type": "ephemeral"}}
    developer = {"role": "developer", "content": "Be brief."}
    for messages, system in (
        ([developer, *MESSAGES], "Be brief."),
        ([{"role": "system", "content": [block]}, *MESSAGES], [block]),
        ([developer, {"role": "system", "content": [block]}], [{"type": "text", "text": "Be brief."}, block]),
    ):
        assert json.loads(dialect("anthropic").body(messages, GENERATION, stream=True))["system"] == system


def test_parts_of_a_message_go_by_each_apis_names():
    said = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}, {"role": "assistant", "content": None}]
    assert json.loads(dialect("openai").body(said, GENERATION, stream=True))["messages"] == said
    ollama = json.loads(dialect("ollama").body(said, GENERATION, stream=True))
    assert [message["content"] for message in ollama["messages"]] == ["Hi", ""]
    asked = json.loads(dialect("openai-responses").body(said, GENERATION, stream=True))["input"]
    assert asked[0]["content"] == [{"type": "input_text", "text": "Hi"}]
    generic = dialect("generic-sse", Fields(sse_body='{"q": "{prompt}"}'))
    assert json.loads(generic.body(said[:1], GENERATION, stream=True)) == {"q": "Hi"}


def test_a_generic_request_is_a_template_filled_in():
    template = '{"q": "{prompt}", "n": "{max_tokens}", "say": ["<{model}> {prompt}", 1], "chat": "{messages}"}'
    body = dialect("generic-sse", Fields(sse_body=template)).body(MESSAGES, GENERATION, stream=True)
    assert json.loads(body) == {"q": "Hi", "n": 5, "say": ["<m> Hi", 1], "chat": MESSAGES}


def test_a_prompt_that_looks_like_a_place_is_left_as_it_is():
    said = [{"role": "user", "content": "{model} {messages}"}]
    body = dialect("generic-sse", Fields(sse_body='{"q": "> {prompt}"}')).body(said, GENERATION, stream=True)
    assert json.loads(body) == {"q": "> {model} {messages}"}


@pytest.mark.parametrize("name", DIALECTS)
def test_a_key_goes_into_one_header_only(name):
    header, value = ("x-api-key", "secret") if name == "anthropic" else ("Authorization", "Bearer secret")
    assert dialect(name).headers("secret")[header] == value
    assert sum("secret" in value for value in dialect(name).headers("secret").values()) == 1
    assert header not in dialect(name).headers(None)


def test_anthropic_is_told_the_version_of_its_api():
    assert dialect("anthropic").headers(None)["anthropic-version"] == "2023-06-01"


def test_an_unknown_api_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"--api 'x' is not one of openai, openai-responses, anthropic, ollama"):
        dialect("x")


def test_models_are_listed_in_their_order():
    assert dialect("openai").parse_models(b'{"data":[{"id":"b"},{"id":"a"}]}') == ["b", "a"]
    assert dialect("ollama").parse_models(b'{"models":[{"name":"x:1b"}]}') == ["x:1b"]


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("body", [b"", b"[]", b'{"data":3,"models":3}', b'{"data":[1],"models":[1]}', b"<html>"])
def test_what_is_no_list_of_models_says_so(name, body):
    with pytest.raises(ProtocolError):
        dialect(name).parse_models(body)


def test_whole_answers():
    body = (
        b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":1,"completion_tokens":2}}'
    )
    answer = dialect("openai").parse_answer(body)
    assert (answer.text, answer.finish_reason, answer.prompt_tokens, answer.completion_tokens) == ("Hi", "stop", 1, 2)
    answer = dialect("ollama").parse_answer(b'{"message":{"content":"Hi"},"done":true,"eval_count":2}')
    assert (answer.text, answer.completion_tokens) == ("Hi", 2)
    answer = dialect("anthropic").parse_answer(
        b'{"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"Hi"}],"stop_reason":"end_turn",'
        b'"usage":{"input_tokens":1,"output_tokens":2}}'
    )
    assert (answer.text, answer.finish_reason, answer.prompt_tokens, answer.completion_tokens) == (
        "Hi",
        "end_turn",
        1,
        2,
    )
    answer = dialect("openai-responses").parse_answer(
        b'{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[{"type":"reasoning"},'
        b'{"type":"message","content":[{"type":"output_text","text":"Hi"}]}],"usage":{"output_tokens":2}}'
    )
    assert (answer.text, answer.finish_reason, answer.completion_tokens) == ("Hi", "max_output_tokens", 2)
    answer = dialect("generic-sse").parse_answer(b'{"text":"Hi","usage":{"completion_tokens":2}}')
    assert (answer.text, answer.completion_tokens) == ("Hi", 2)


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("body", [b"", b"{}", b'{"choices":[]}', b'{"choices":[{}]}', b"null"])
def test_what_is_no_answer_says_so(name, body):
    with pytest.raises(ProtocolError):
        dialect(name).parse_answer(body)


@pytest.mark.parametrize(
    ("status", "body", "error", "detail"),
    [
        (
            429,
            b'{"error":{"message":"Rate limit reached: 500 RPM"}}',
            E.RATE_LIMITED,
            "429 Rate limit reached: 500 RPM",
        ),
        (429, b'{"error":{"message":"Limit of requests per day"}}', E.DAILY_LIMIT, "429 Limit of requests per day"),
        (503, b"", E.OVERLOADED, "503"),
        (529, b'{"type":"error","error":{"message":"Overloaded"}}', E.OVERLOADED, "529 Overloaded"),
        (500, b"Internal Server Error", E.HTTP_5XX, "500 Internal Server Error"),
        (502, b"<html>", E.HTTP_5XX, "502 <html>"),
        (400, b'{"error":"bad request"}', E.HTTP_4XX, "400 bad request"),
        (422, b'{"detail":"field required"}', E.HTTP_4XX, "422 field required"),
        (404, b'{"message":"no such route"}', E.HTTP_4XX, "404 no such route"),
        (401, b"\xff\xfe", E.HTTP_4XX, "401 \ufffd\ufffd"),
    ],
)
def test_a_bad_status_is_classed_and_keeps_the_servers_words(status, body, error, detail):
    assert classify_status(status, {}, body) == (error, detail)


NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "7"}, b"", 7.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, b"", 0.25),
        ({"llm_provider-retry-after": "3"}, b"", 3.0),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 GMT"}, b"", 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30"}, b"", 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 -0000"}, b"", 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 11:00:30 GMT"}, b"", 0.0),
        ({}, b'{"error":{"message":"Please try again in 1.5s."}}', 1.5),
        ({}, b"Please try again in 20ms", 0.02),
        ({}, b"try again in 1m6.5s", 66.5),
        ({}, b"nothing", None),
        ({"retry-after": "soon"}, b"", None),
        ({"retry-after": "-1"}, b"", None),
    ],
)
def test_when_to_come_back_is_read_from_wherever_it_stands(headers, body, seconds):
    assert retry_after(headers, body, NOW) == seconds

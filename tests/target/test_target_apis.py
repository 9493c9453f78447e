"""What the target's APIs say: OpenAI's chat completions, and Ollama's chat and generate."""

import pytest
from wire import CHAT, GENERATE, OLLAMA, ask, get, post, request


def streamed(target, **changes):
    return ask(target, post(stream=True, **changes)).events


def texts(events):
    return [event["choices"][0]["delta"].get("content") for event in events if event != "[DONE]" and event["choices"]]


# OpenAI


def test_a_stream_has_a_role_then_content_then_a_reason_then_the_end_mark(quick):
    *chunks, last = streamed(quick)
    assert last == "[DONE]"
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": None}
    assert texts(chunks[1:-1]) == [" word"] * 4
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * 5 + ["stop"]
    assert chunks[-1]["choices"][0]["delta"] == {}
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1


def test_each_event_is_a_chunk_of_its_own(quick):
    pieces = ask(quick, post(stream=True)).pieces
    assert len(pieces) == 7
    assert all(piece.startswith(b"data: ") and piece.endswith(b"\n\n") for piece in pieces)


def test_usage_comes_last_where_it_is_asked_for_and_only_there(quick):
    usage = streamed(quick, stream_options={"include_usage": True})[-2]
    assert usage["choices"] == []
    assert usage["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    for options in (None, {}, {"include_usage": False}):
        assert not any("usage" in event for event in streamed(quick, stream_options=options)[:-1])


def test_an_answer_in_one_piece_says_the_same(quick):
    body = ask(quick, post(stream=False)).json
    assert body["object"] == "chat.completion"
    assert body["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": " word" * 4}, "finish_reason": "stop"}
    ]
    assert body["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def test_who_does_not_say_gets_no_stream(quick):
    assert ask(quick, post()).headers["content-type"] == "application/json"
    assert ask(quick, post(stream=True)).headers["content-type"] == "text/event-stream"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize(("limit", "chunks", "reason"), [(1, 1, "length"), (3, 3, "length"), (9, 4, "stop")])
def test_max_tokens_is_an_upper_limit(quick, name, limit, chunks, reason):
    events = streamed(quick, **{name: limit})
    assert texts(events[1:-2]) == [" word"] * chunks
    assert events[-2]["choices"][0]["finish_reason"] == reason
    body = ask(quick, post(**{name: limit})).json
    assert body["usage"]["completion_tokens"] == chunks
    assert body["choices"][0]["finish_reason"] == reason


def test_a_chunk_may_be_several_tokens_and_any_text(start):
    target = start(tokens_per_chunk=3, text="ab", chunk_size=5)
    body = ask(target, post()).json
    assert body["choices"][0]["message"]["content"] == "ababa" * 4
    assert body["usage"]["completion_tokens"] == 12
    assert ask(target, post(max_tokens=6)).json["usage"]["completion_tokens"] == 6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("messages", "hello"), ("messages", 5), ("messages", ["hello"]), ("model", None), ("model", 7),
        ("max_tokens", "many"), ("max_tokens", 0), ("max_tokens", -5), ("max_tokens", True), ("max_tokens", 1.5),
        ("stream", "yes"), ("stream_options", 5),
    ],
)  # fmt: skip
def test_a_bad_member_is_a_400_that_names_it(quick, name, value):
    reply = ask(quick, post(**{"stream": True, name: value}))
    assert reply.status == 400
    assert reply.json["error"]["type"] == "invalid_request_error"
    assert f"'{name}'" in reply.json["error"]["message"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b"\xff"])
def test_a_body_that_is_no_json_object_is_a_400(quick, body):
    assert ask(quick, request("POST", CHAT, body)).status == 400


def test_bad_requests_leave_the_target_as_it_was(quick):
    """One of them once silenced it for good."""
    for bad in ({"messages": 5}, {"stream_options": 5}, {"max_tokens": "x"}):
        ask(quick, post(**{"stream": True} | bad))
    assert streamed(quick)[-1] == "[DONE]"


@pytest.mark.parametrize("path", [CHAT, OLLAMA, GENERATE])
def test_a_model_that_is_not_there_is_a_404(quick, path):
    reply = ask(quick, post(path, model="gpt-9"))
    assert reply.status == 404
    assert "gpt-9" in str(reply.json["error"])


def test_an_unknown_path_is_a_404(quick):
    assert ask(quick, request("GET", "/nowhere")).status == 404
    assert ask(quick, request("GET", CHAT)).status == 404
    assert ask(quick, request("POST", "/v1/models", b"{}")).status == 404


def test_models_are_listed_for_both(start):
    target = start(models="one, two")
    assert [model["id"] for model in get(target, "/v1/models")["data"]] == ["one", "two"]
    assert [model["name"] for model in get(target, "/api/tags")["models"]] == ["one", "two"]
    assert ask(target, post(model="two")).status == 200


def test_the_version_is_named(start):
    target = start(version="v2")
    assert get(target, "/health") == {"status": "ok", "version": "v2"}
    assert ask(target, post()).headers["server"] == "katydid-target/v2"
    assert ask(target, post(stream=True)).headers["server"] == "katydid-target/v2"


# Ollama


def test_ollama_streams_lines_unless_told_otherwise(quick):
    reply = ask(quick, post(OLLAMA))
    assert reply.headers["content-type"] == "application/x-ndjson"
    *lines, last = reply.lines
    assert [line["message"]["content"] for line in lines] == [" word"] * 4
    assert not any(line["done"] for line in lines)
    assert (last["done"], last["done_reason"]) == (True, "stop")
    assert (last["prompt_eval_count"], last["eval_count"]) == (3, 4)


def test_ollama_generate_answers_a_prompt(quick):
    *lines, last = ask(quick, post(GENERATE, prompt="one two", messages=None)).lines
    assert "".join(line["response"] for line in lines) == " word" * 4
    assert last["prompt_eval_count"] == 2


def test_ollama_in_one_piece(quick):
    whole = ask(quick, post(OLLAMA, stream=False)).json
    assert whole["message"]["content"] == " word" * 4
    assert (whole["done"], whole["eval_count"]) == (True, 4)


@pytest.mark.parametrize(("limit", "chunks"), [(2, 2), (0, 4), (-1, 4)])
def test_num_predict_is_an_upper_limit_and_below_one_there_is_none(quick, limit, chunks):
    last = ask(quick, post(OLLAMA, options={"num_predict": limit})).lines[-1]
    assert last["eval_count"] == chunks
    assert last["done_reason"] == ("length" if limit == chunks else "stop")


@pytest.mark.parametrize("change", [{"options": 5}, {"options": {"num_predict": "x"}}, {"messages": "x"}])
def test_a_bad_member_is_a_400_for_ollama_too(quick, change):
    reply = ask(quick, post(OLLAMA, **change))
    assert reply.status == 400
    assert isinstance(reply.json["error"], str)


def test_ollama_says_how_long_it_took(start):
    target = start(ttft=0.05, chunk_interval=0.02, chunks=4)
    for stream in (True, False):
        reply = ask(target, post(OLLAMA, stream=stream))
        last = reply.lines[-1]
        assert 0.049e9 <= last["prompt_eval_duration"] <= 0.051e9
        assert last["eval_duration"] >= 0.059e9
        assert last["total_duration"] == last["prompt_eval_duration"] + last["eval_duration"]

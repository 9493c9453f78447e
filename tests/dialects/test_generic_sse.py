"""A service that only its field paths describe."""

import pytest

from katydid.dialects import dialect
from katydid.dialects.generic import Fields
from katydid.model.errors import ConfigError


def options(fields):
    return Fields(**{f"sse_{name}": value for name, value in fields.items()})


def read(fields, *events, check="count"):
    parser = dialect("generic-sse", options(fields)).stream_parser(check)
    for number, event in enumerate(events):
        parser.feed(event.encode() + b"\n\n", float(number))
    parser.finish()
    return parser


TEXT = 'data: {"choices":[{"delta":{"content":"a"}}]}'


def test_a_path_leads_through_objects_and_lists():
    parser = read({"content": "choices.0.delta.content"}, TEXT, TEXT, TEXT, "data: [DONE]")
    assert (parser.chunks, parser.verdict()) == (3, None)


@pytest.mark.parametrize("path", ["choices.1.delta.content", "choices.x", "nothing", "choices.0.delta.content.deep"])
def test_a_path_that_leads_nowhere_finds_no_content(path):
    assert read({"content": path}, TEXT, "data: [DONE]").verdict()[0] == "empty"


def test_the_first_of_several_paths_that_is_there_counts():
    fields = {"content": "answer, thought"}
    parser = read(fields, 'data: {"thought":"a"}', 'data: {"answer":"b","thought":"c"}', 'data: {"other":"d"}')
    assert parser.chunks == 2


@pytest.mark.parametrize(
    ("done", "last"),
    [
        ("[DONE]", "data: [DONE]"),
        ("event:complete", "event: complete\ndata: {}"),
        ("event: complete", "event: complete\ndata: no JSON at all"),
        ("finished", 'data: {"finished":true}'),
        ("status=done", 'data: {"status":"done"}'),
        ("step=3", 'data: {"step":3}'),
        ("final=true", 'data: {"text":"d","final":true}'),
        ("end", ": bye"),
    ],
)
def test_the_proper_end_is_data_a_name_a_field_or_the_streams_own(done, last):
    text = 'data: {"text":"a","status":"running","step":1,"final":false,"finished":false}'
    fields = {"done": done}
    assert read(fields, text, text, text, last).verdict() is None
    if done != "end":
        assert read(fields, text, text, text).verdict()[0] == "truncated"


def test_an_error_and_the_usage_are_found_at_their_paths():
    fields = {"error": "fault.text", "prompt_tokens": "n.in", "completion_tokens": "n.out"}
    parser = read(fields, 'data: {"text":"a","n":{"in":4,"out":5}}', 'data: {"fault":{"text":"overloaded"}}')
    assert (parser.prompt_tokens, parser.completion_tokens) == (4, 5)
    assert parser.verdict() == ("overloaded", "overloaded")


def test_plain_text_is_content_as_it_stands():
    parser = read({"content": "."}, "data: Hello", "data:  {", "data: 7", "data: [DONE]")
    assert (parser.chunks, parser.verdict()) == (3, None)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"content": " "}, "--sse-content is empty"),
        ({"done": ""}, "--sse-done is empty"),
        ({"body": "{"}, "--sse-body is not JSON"),
    ],
)
def test_fields_that_are_no_good_are_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        dialect("generic-sse", options(fields))

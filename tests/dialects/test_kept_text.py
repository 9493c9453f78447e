"""The text of a streamed answer, for whoever sends it again: whole, without reasoning, and at no cost to the count."""

import pytest

from katydid.dialects import dialect
from katydid.target.apis.base import Ask, Spent
from katydid.target.connection import APIS
from streams import IDS, STREAMS, facts

PATHS = {
    "openai": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "ollama": "/api/chat",
    "completions": "/v1/completions",
}
ASK = Ask(model="m", stream=True, limit=None, words=["a"], identity="7")


def answer(api, texts):
    spoken = APIS[PATHS[api]]
    closing = spoken.closing(ASK, Spent(len(texts), 0, 0))
    return b"".join([spoken.opening(ASK), *(spoken.content(ASK, text) for text in texts), *closing])


def parser_of(api, *, keeps=True):
    parser = dialect(api).stream_parser("count")
    if keeps:
        parser.keep_text()
    return parser


@pytest.mark.parametrize("api", PATHS)
def test_it_is_that_of_all_chunks_in_their_order(api):
    texts = ["Hello", " “big”", "\n", " world", "!"]
    for _ in range(2):  # the second answer finds what the first has taught
        parser = parser_of(api)
        parser.feed(answer(api, texts), 0.0)
        parser.finish()
        assert (parser.text, parser.chunks) == ("".join(texts), len(texts))


@pytest.mark.parametrize("api", PATHS)
def test_nothing_is_kept_where_nobody_asks(api):
    parser = parser_of(api, keeps=False)
    parser.feed(answer(api, ["a", "b", "c"]), 0.0)
    assert parser.text == ""


@pytest.mark.parametrize("stream", STREAMS, ids=IDS)
def test_keeping_it_changes_nothing_else(stream):
    plain, keeping = parser_of(stream.api, keeps=False), parser_of(stream.api)
    plain.feed(stream.body, 0.0)
    keeping.feed(stream.body, 0.0)
    assert facts(keeping) == facts(plain)


def test_reasoning_is_not_part_of_it():
    parser = parser_of("openai")
    for delta in ('{"reasoning_content":"hm"}', '{"content":"yes"}', '{"content":[{"type":"text","text":"!"}]}'):
        parser.feed(b'data: {"choices":[{"delta":%b}]}\n\n' % delta.encode(), 0.0)
    assert parser.text == "yes!"


def test_a_server_that_keeps_answers_says_by_which_id():
    parser = parser_of("openai-responses", keeps=False)
    parser.feed(answer("openai-responses", ["a"] * 5), 0.0)
    assert parser.answer_id == "resp_7"

"""What each event of a streamed answer brings."""

import pytest

from katydid.dialects import dialect
from katydid.dialects.event_kinds import EventCutter
from named_streams import ANTHROPIC, CALL, OVERLOADED, PING, RESPONSE, START, SUMMARY, THINKING, ended, wrote
from streams import IDS, LAST, PROPER, REASONING, STREAMS, TOOL, line


def kinds(api, text):
    cutter = EventCutter(api)
    return [(str(kind), tokens) for kind, tokens, _ in [*cutter.feed(text.encode()), *cutter.finish()]]


def names(api, text):
    return [kind for kind, _ in kinds(api, text)]


def test_openai():
    assert names("openai", PROPER) == ["empty", "text", "text", "text", "finish", "usage", "done"]
    assert names("openai", REASONING + TOOL) == ["reasoning", "tool"]
    assert kinds("openai", PROPER)[5] == ("usage", 3)
    assert names("openai", 'data: {"error":{"message":"x"}}\n\nevent: error\ndata: {}\n\n') == ["error", "error"]


def test_usage_beside_an_empty_choice_is_a_chunk_with_a_choice():
    text = 'data: {"choices":[{"delta":{}}],"usage":{"completion_tokens":3}}\n\n'
    assert kinds("openai", text) == [("empty", 3)]


def test_anthropic():
    assert names("anthropic", ANTHROPIC) == [
        "empty", "empty", "other", "text", "text", "text", "empty", "finish", "done",
    ]  # fmt: skip
    assert kinds("anthropic", ANTHROPIC)[7] == ("finish", 15)
    assert names("anthropic", START + THINKING + CALL + PING + OVERLOADED) == [
        "empty", "empty", "reasoning", "reasoning", "empty", "empty", "tool", "empty", "tool", "tool", "empty",
        "other", "error",
    ]  # fmt: skip


def test_responses():
    told = kinds("openai-responses", RESPONSE)
    assert [kind for kind, _ in told] == ["empty"] * 4 + ["text"] * 3 + ["empty", "empty", "done"]
    assert told[-1] == ("done", 11)
    assert names("openai-responses", SUMMARY + wrote("") + ended("incomplete")) == [
        "reasoning", "reasoning", "empty", "done",
    ]  # fmt: skip


def test_ollama():
    text = line("").replace('"content":""', '"thinking":"hm"') + line("a") + line("") + LAST.rstrip("\n")
    assert kinds("ollama", text) == [("reasoning", None), ("text", None), ("empty", None), ("done", 3)]


def test_other_apis_and_broken_events_are_other():
    assert names("generic-sse", 'data: {"text":"a"}\n\n') == ["other"]
    assert names("openai", 'data: {"cho\n\ndata: {"choices":[7]}\n\n') == ["other", "other"]


CONTENT = {"text", "reasoning", "tool"}


@pytest.mark.parametrize("stream", [s for s in STREAMS if s.api != "generic-sse"],
                         ids=[i for i in IDS if "generic" not in i])  # fmt: skip
def test_content_events_are_those_that_a_reading_counts(stream):
    """Up to the proper end, behind which a reading counts nothing."""
    parser = dialect(stream.api).stream_parser("full")
    cutter = EventCutter(stream.api)
    counted = 0
    for piece in stream.body.splitlines(keepends=True):
        found = cutter.feed(piece)
        if not parser.done:
            counted += sum(kind in CONTENT for kind, _, _ in found)
        parser.feed(piece, 0.0)
    if not parser.done:
        counted += sum(kind in CONTENT for kind, _, _ in cutter.finish())
    parser.finish()
    assert counted == parser.chunks

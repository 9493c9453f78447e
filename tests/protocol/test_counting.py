"""Content events counted by their bytes are those that the parser finds."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from katydid.dialects import dialect
from katydid.dialects.anthropic import AnthropicStreamParser
from katydid.dialects.openai import OpenAiStreamParser
from katydid.dialects.responses import ResponsesStreamParser
from katydid.protocol.counting import ContentRule, Shape
from katydid.protocol.skim import skim
from named_streams import (
    BLOCK,
    BLOCK_END,
    CALL,
    CREATED,
    ERROR,
    MESSAGE_END,
    OVERLOADED,
    PING,
    SUMMARY,
    ended,
    named,
    said,
    stopped,
    wrote,
)
from streams import STREAMS, facts


def by_parser(api, pieces):
    """Every event is parsed: a reading that has never learned anything, and cannot."""
    parser = dialect(api).stream_parser("count")
    parser.shape = type("Nothing", (), {"learn": staticmethod(lambda _: None)})
    parser._rule = None
    for number, piece in enumerate(pieces):
        parser.feed(piece, float(number))
    return facts(parser)


def by_counting(api, pieces):
    parser = dialect(api).stream_parser("count")
    for number, piece in enumerate(pieces):
        parser.feed(piece, float(number))
    return facts(parser)


def split(body, cuts):
    cuts = sorted(min(cut, len(body)) for cut in cuts)
    return [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]


def event(delta, finish="null", extra="", before="", choice=""):
    first = f'{{"index":0,{choice}"delta":{delta},"finish_reason":{finish}}}'
    return f'data: {{"id":"c",{before}"choices":[{first}]{extra}}}\n\n'


TEXTS = [
    "a",
    " b",
    "",
    '\\"',
    "\\\\",
    "\\n",
    'x\\"},\\"finish_reason\\":null',
    '\\"delta\\":{\\"content\\":\\"',
    "🦗",
    "data: ",
    "\\u000a",
]
MEMBERS = [
    '"error":{"message":"boom"},',
    '"error":null,',
    '"usage":{"prompt_tokens":9,"completion_tokens":3},',
    '"usage":{"completion_tokens":0},',
    '"x_groq":{"usage":{"prompt_tokens":8,"completion_tokens":2}},',
    '"finish_reason":"stop",',
    '"finish_reason":"abort",',
    '"created":17,"model":"m",',
    '"created":"today",',
    '"content":"x",',
    '"type":"error",',
    '"done":true,',
    '"\\u0065rror":"boom",',
]
"""What may stand in front of a text, or behind it."""
EVENTS = [
    *(event(f'{{"content":"{text}"}}') for text in TEXTS),
    *(event(f'{{"role":"assistant","content":"{text}"}}') for text in TEXTS[:4]),
    event('{"role":"assistant","content":null}'),
    event('{"role":"assistant"}'),
    event("{}"),
    event("{}", '"stop"'),
    event('{"content":"end"}', '"stop"'),
    event('{"reasoning_content":"hm"}'),
    event('{"tool_calls":[{"index":0}]}'),
    event('{"content":"a"}', extra=',"usage":{"completion_tokens":1}'),
    'data: {"choices":[],"usage":{"completion_tokens":5}}\n\n',
    "data: [DONE]\n\n",
    ": ping\n\n",
    "event: error\ndata: {}\n\n",
    'data: {"error":{"message":"x"}}\n\n',
    "\n",
    "id: 7\n",
    event('{"content":"crlf"}').replace("\n", "\r\n"),
    event('{"content":"spaced"}').replace('":', '": '),
    'data: {"id":"c","choices":[{"delta":{"cont\n\n',
    *(event('{"content":"a"}', before=member) for member in MEMBERS),
    *(event('{"content":"a"}', choice=member) for member in MEMBERS),
    *(event(f'{{{member}"content":"a"}}') for member in MEMBERS),
    *(event(f'{{"content":"a",{member[:-1]}}}') for member in MEMBERS),
    *(event('{"content":"a"},' + member[:-1]) for member in MEMBERS),
    *(event('{"content":"a"}', extra="," + member[:-1]) for member in MEMBERS),
    event('{"content":"a\\x"}'),
    event('{"content":"\\ud83d"}'),
    event('{"content":7}'),
]


@given(
    st.lists(st.one_of(st.sampled_from(EVENTS), st.sampled_from(EVENTS[:3])), max_size=14),
    st.lists(st.integers(0, 1500), max_size=6),
)
@settings(max_examples=1500, deadline=None, derandomize=True)
def test_any_sequence_of_events_in_any_split(events, cuts):
    pieces = split("".join(events).encode(), cuts)
    assert by_counting("openai", pieces) == by_parser("openai", pieces)


def line(members):
    return f'{{"model":"m","created_at":"2026-01-01T00:00:00Z",{members}}}\n'


NAMED_EVENTS = {
    "anthropic": [
        *(said("?").replace("?", text) for text in TEXTS),
        said("hm", "thinking_delta", "thinking"),
        said("sig", "signature_delta", "signature"),
        said("crlf").replace("\n", "\r\n"),
        said("spaced").replace('":', '": '),
        said("no name").partition("\n")[2],
        said("other index", index=1),
        said("cut")[:-3] + "\n\n",
        "id: 7\n",
        *(said("a").replace('"delta"', member + '"delta"') for member in MEMBERS),
        *(said("a").replace('"}}', '",' + member[:-1] + "}}") for member in MEMBERS),
        *(said("a").replace('"}}', '"},' + member[:-1] + "}") for member in MEMBERS),
        *(said("a").replace('"content_block_delta","', f'"{kind}","', 1) for kind in ("error", "message_stop")),
        *(BLOCK, BLOCK_END, CALL, MESSAGE_END, OVERLOADED, PING, stopped(), named("shiny", delta={"text": "x"})),
    ],
    "openai-responses": [
        *(wrote("?", 10 + number).replace("?", text) for number, text in enumerate(TEXTS)),
        wrote("padded", 1000, obfuscation="aB", logprobs=[{"token": "p", "bytes": [112]}]),
        wrote("crlf").replace("\n", "\r\n"),
        wrote("spaced").replace('":', '": '),
        wrote("no name").partition("\n")[2],
        wrote("args", kind="function_call_arguments"),
        wrote("cut")[:-3] + "\n\n",
        "id: 7\n",
        *(wrote("a").replace('"delta"', member + '"delta"') for member in MEMBERS),
        *(wrote("a").replace("}\n\n", "," + member[:-1] + "}\n\n") for member in MEMBERS),
        wrote("a").replace('"type":"response.output_text.delta"', '"type":"response.failed"'),
        *(CREATED, ERROR, SUMMARY, ended(), "data: [DONE]\n\n"),
    ],
    "ollama": [
        *(line(f'"message":{{"role":"assistant","content":"{text}"}},"done":false') for text in TEXTS),
        *(line(member + '"message":{"content":"a"},"done":false') for member in MEMBERS),
        *(line(f'"message":{{{member}"content":"a"}},"done":false') for member in MEMBERS),
        *(line('"message":{"content":"a"},' + member + '"done":false') for member in MEMBERS),
        line('"response":"a","done":false'),
        line('"message":{"content":"","thinking":"hm"},"done":false'),
        line('"message":{"content":"a"},"done":true,"eval_count":3'),
        line('"message":{"content":"a"},"done":false').replace("\n", "\r\n"),
        line('"error":"boom"'),
        "\n",
    ],
}


@pytest.mark.parametrize("api", NAMED_EVENTS)
@given(st.data(), st.lists(st.integers(0, 2500), max_size=6))
@settings(max_examples=600, deadline=None, derandomize=True)
def test_any_sequence_of_named_events_in_any_split(api, data, cuts):
    known = NAMED_EVENTS[api]
    events = data.draw(st.lists(st.one_of(st.sampled_from(known), st.sampled_from(known[:3])), max_size=14))
    pieces = split("".join(events).encode(), cuts)
    assert by_counting(api, pieces) == by_parser(api, pieces)


@pytest.mark.parametrize(
    ("api", "kind"), [("anthropic", AnthropicStreamParser), ("openai-responses", ResponsesStreamParser)]
)
def test_a_block_of_named_content_events_is_counted_without_parsing(api, kind, monkeypatch):
    first, second = NAMED_EVENTS[api][:2]
    by_counting(api, [(first * 3).encode()])
    monkeypatch.setattr(kind, "read", lambda *_: pytest.fail("parsed"))
    parser = dialect(api).stream_parser("count")
    parser.feed((first + second).encode() * 50, 1.0)
    assert parser.chunks == 100


@given(st.sampled_from(STREAMS), st.sampled_from(STREAMS), st.lists(st.integers(0, 900), max_size=5))
@settings(max_examples=600, deadline=None, derandomize=True)
def test_any_recorded_stream_with_a_rule_learned_from_any_other(teacher, stream, cuts):
    by_counting(teacher.api, [teacher.body])
    pieces = split(stream.body, cuts)
    assert by_counting(stream.api, pieces) == by_parser(stream.api, pieces)


@pytest.fixture
def learned():
    OpenAiStreamParser._learned = None
    by_counting("openai", [(EVENTS[0] * 3).encode()])
    return OpenAiStreamParser._learned


def test_a_block_of_content_events_is_counted_without_parsing(learned, monkeypatch):
    monkeypatch.setattr(OpenAiStreamParser, "read", lambda *_: pytest.fail("parsed"))
    parser = dialect("openai").stream_parser("count")
    parser.feed("".join(EVENTS[:2]).encode() * 50, 1.0)
    assert parser.chunks == 100


SHAPE = Shape(b"data: ", b"\n\n", frozenset({b"content"}))
RULE = ContentRule(SHAPE, b'{"id":\x02,"content":"\x03"}')
ONE = b'data: {"id":1,"content":"a"}\n\n'
ROLE = b'data: {"id":1,"role":"a"}\n\n'
FOUND = {
    "nothing": (b"", (0, 0, 0)),
    "one": (ONE, (0, len(ONE), 1)),
    "three": (ONE * 3, (0, 3 * len(ONE), 3)),
    "a comment before it": (b": ping\n\n" + ONE, (8, 8 + len(ONE), 1)),
    "two comments before it": (b": a\n\n: b\n\n" + ONE, (10, 10 + len(ONE), 1)),
    "an empty line before it": (b"\n\n" + ONE, (2, 2 + len(ONE), 1)),
    "an end mark behind it": (ONE + b"data: [DONE]\n\n", (0, len(ONE), 1)),
    "half of one": (ONE[:-1], (0, 0, 0)),
    "one and a half": (ONE + ONE[:-1], (0, len(ONE), 1)),
    "the marker alone": (b'"content":"', (0, 0, 0)),
    "the marker first": (b'"content":"a"}\n\n', (0, 0, 0)),
    "an ending before the marker": (b'x"}\n\n' + ONE[:-1], (0, 0, 0)),
    "an empty text": (ONE + ONE.replace(b'"a"', b'""'), (0, len(ONE), 1)),
    "an empty text that is half there": (ONE + b'data: {"id":1,"content":""', (0, len(ONE), 1)),
    "a role before it": (ROLE + ONE, (len(ROLE), len(ROLE) + len(ONE), 1)),
    "a role between two": (ONE + ROLE + ONE, (0, len(ONE), 1)),
    "a comment between two": (ONE + b": ping\n\n" + ONE, (0, len(ONE), 1)),
    "a line break more": (ONE + b"\n" + ONE, (0, len(ONE), 1)),
    "another name of an event before it": (b"event: x\n" + ONE, (0, 0, 0)),
    "another head": (ONE.replace(b"id", b"no"), (0, 0, 0)),
    "two markers in one": (ONE.replace(b'"a"', b'"a","content":"b"'), (0, 0, 0)),
}


@pytest.mark.parametrize(("data", "found"), FOUND.values(), ids=FOUND)
def test_where_content_events_lie(data, found):
    assert RULE.find(data) == found


def test_the_rule_says_what_a_chunk_of_one_such_event_is(learned):
    bodies = [event.encode() for event in (*EVENTS[:2], EVENTS[0])]
    data = b"".join(b"%x\r\n%s\r\n" % (len(body), body) for body in bodies)
    assert skim(data, 0, learned.chunk) == (len(data), len(bodies), sum(map(len, bodies)))


@pytest.mark.parametrize("odd", EVENTS[11:], ids=lambda e: re.sub(r"\W+", " ", e).strip()[:80] or "a line")
def test_whatever_else_stands_between_is_left_to_the_parser(learned, odd):
    block = (EVENTS[0] * 3 + odd + EVENTS[0] * 3).encode()
    assert learned.find(block) in {(0, 3 * len(EVENTS[0]), 3), (0, len(block), 6), (0, len(block), 7)}


def test_full_checks_parse_everything(learned):
    parser = dialect("openai").stream_parser("full")
    parser.feed(EVENTS[0].encode() * 3, 1.0)
    assert parser._parser.plain
    assert parser._rule is None
    assert parser.plain is None
    assert parser.chunks == 3

"""When a user first sees something of an answer: behind what the model reasons, however its server writes that."""

import json

import pytest

from katydid.dialects import dialect


def openai(**delta):
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


def block(kind, **delta):
    return {"type": kind, "index": 0, "delta": delta}


ANSWERS = {
    "reasoning_content": ("openai", openai(reasoning_content="t"), openai(content="a")),
    "beside null": ("openai", openai(reasoning_content="t", content=None), openai(reasoning_content=None, content="a")),
    "beside nothing": ("openai", openai(reasoning="t", content=""), openai(reasoning="", content="a")),
    "parts": (
        "openai",
        openai(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "t"}]}]),
        openai(content=[{"type": "text", "text": "a"}]),
    ),
    "details": ("openai", openai(reasoning_details=[{"text": "t"}]), openai(content="a")),
    "a call": ("openai", openai(reasoning="t"), openai(tool_calls=[{"index": 0, "function": {"name": "f"}}])),
    "a refusal": ("openai", openai(reasoning="t"), openai(refusal="a")),
    "anthropic": (
        "anthropic",
        block("content_block_delta", type="thinking_delta", thinking="t"),
        block("content_block_delta", type="text_delta", text="a"),
    ),
    "responses": (
        "openai-responses",
        {"type": "response.reasoning_summary_text.delta", "delta": "t"},
        {"type": "response.output_text.delta", "delta": "a"},
    ),
    "ollama": (
        "ollama",
        {"message": {"thinking": "t", "content": ""}, "done": False},
        {"message": {"content": "a"}, "done": False},
    ),
}


def framed(api, event):
    text = json.dumps(event, separators=(",", ":"))
    if api == "ollama":
        return f"{text}\n".encode()
    named = f"event: {event['type']}\n" if "type" in event else ""
    return f"{named}data: {text}\n\n".encode()


def visible_at(api, check, *blocks):
    """Of blocks that come a second after each other."""
    parser = dialect(api).stream_parser(check)
    for at, events in enumerate(blocks):
        parser.feed(b"".join(framed(api, event) for event in events), float(at))
    return parser.first_at, parser.visible_at


@pytest.mark.parametrize("check", ["count", "full"])
@pytest.mark.parametrize("name", ANSWERS)
def test_reasoning_is_not_seen_and_what_comes_after_it_is(name, check):
    api, thought, seen = ANSWERS[name]
    for _ in range(3):  # the first answer teaches what plain events look like, the others count them
        assert visible_at(api, check, [thought], [thought] * 3, [thought, seen], [seen]) == (0.0, 2.0)
        assert visible_at(api, check, [seen], [seen]) == (0.0, 0.0)
        assert visible_at(api, check, [thought], [thought]) == (0.0, None)


def test_what_is_passed_over_is_seen_where_it_is_text():
    api, thought, seen = ANSWERS["reasoning_content"]
    for event, at in ((seen, 5.0), (thought, None)):
        visible_at(api, "count", [event] * 3, [event] * 3)
        parser = dialect(api).stream_parser("count")
        assert parser.plain is not None
        parser.note([5.0, 6.0], 2, 1)
        assert (parser.first_at, parser.visible_at) == (5.0, at)

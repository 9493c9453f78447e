"""Recorded answers of APIs with named events: Anthropic's messages, OpenAI's responses; and of generic services."""

import json
from functools import partial
from pathlib import Path

from katydid.model.sample import ErrorClass as E
from stream import Stream


def named(kind, **more):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more}, separators=(',', ':'), ensure_ascii=False)}\n\n"


# Anthropic: the examples of its documentation on streaming, cut short

anthropic = partial(Stream.of, "anthropic")
MESSAGE = {
    "id": "msg_01", "type": "message", "role": "assistant", "content": [], "model": "claude", "stop_reason": None,
    "stop_sequence": None, "usage": {"input_tokens": 25, "output_tokens": 1},
}  # fmt: skip
START = named("message_start", message=MESSAGE)
PING = 'event: ping\ndata: {"type": "ping"}\n\n'
BLOCK = named("content_block_start", index=0, content_block={"type": "text", "text": ""})
BLOCK_END = named("content_block_stop", index=0)


def said(text, kind="text_delta", key="text", index=0):
    return named("content_block_delta", index=index, delta={"type": kind, key: text})


def stopped(reason="end_turn", tokens=15):
    return named("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage={"output_tokens": tokens})


MESSAGE_END = named("message_stop")
TEXTS = said("Hello") + said("!") + said(" There")
ANTHROPIC = START + BLOCK + PING + TEXTS + BLOCK_END + stopped() + MESSAGE_END
THINKING = (
    named("content_block_start", index=0, content_block={"type": "thinking", "thinking": "", "signature": ""})
    + said("Let me", "thinking_delta", "thinking")
    + said(" see", "thinking_delta", "thinking")
    + said("EqQBCgIYAhIM", "signature_delta", "signature")
    + BLOCK_END
)
CALL = (
    named("content_block_start", index=1, content_block={"type": "tool_use", "id": "t1", "name": "w", "input": {}})
    + said("", "input_json_delta", "partial_json", 1)
    + said('{"location":', "input_json_delta", "partial_json", 1)
    + said(' "Paris"}', "input_json_delta", "partial_json", 1)
    + named("content_block_stop", index=1)
)
OVERLOADED = 'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}\n\n'

ANTHROPIC_STREAMS = [
    anthropic("proper", ANTHROPIC, None, 3, 15),
    anthropic("proper, with CRLF", ANTHROPIC.replace("\n", "\r\n"), None, 3, 15),
    anthropic("spaces in its JSON", ANTHROPIC.replace('":', '": ').replace(',"', ', "'), None, 3, 15),
    anthropic("pings between the texts", ANTHROPIC.replace(said("!"), PING + said("!") + PING), None, 3, 15),
    anthropic("no names, only types", ANTHROPIC.replace("event: ", "x: "), None, 3, 15),
    anthropic("keys in another order", ANTHROPIC.replace('"index":0,"delta"', '"delta"'), None, 3, 15),
    anthropic("thinking, a signature, then text", START + THINKING + TEXTS + stopped() + MESSAGE_END, None, 5, 15),
    anthropic("text, then a tool's call", START + TEXTS + CALL + stopped("tool_use", 89) + MESSAGE_END, None, 6, 89),
    anthropic("a tool's call alone", START + CALL + stopped("tool_use", 89) + MESSAGE_END, None, 3, 89),
    anthropic("text in the block's start",
              START + BLOCK.replace('""', '"Oh"') + TEXTS + stopped() + MESSAGE_END, None, 4, 15),
    anthropic("empty texts in between", START + said("") + TEXTS + said("") + stopped() + MESSAGE_END, None, 3, 15),
    anthropic("text of many scripts", ANTHROPIC.replace("Hello", "Grüße 世界 🦗"), None, 3, 15),
    anthropic("quotes and braces inside text", ANTHROPIC.replace("Hello", '\\"}}\\n{\\"'), None, 3, 15),
    anthropic("events of a new type", ANTHROPIC.replace(BLOCK_END, named("citation", x=1) + BLOCK_END), None, 3, 15),
    anthropic("metrics of a gateway at the end",
              ANTHROPIC.replace(MESSAGE_END, named("message_stop", metrics={"n": 1})), None, 3, 15),
    anthropic("text after the end", ANTHROPIC + said("late"), None, 3, 15),
    anthropic("cut off between events", START + BLOCK + TEXTS, E.TRUNCATED, 3, 1),
    anthropic("a stop reason, no end", START + BLOCK + TEXTS + stopped(), E.TRUNCATED, 3, 15),
    anthropic("cut off in the middle of an event", ANTHROPIC[:-20], E.TRUNCATED, 3, 15),
    anthropic("an error after content", START + BLOCK + TEXTS + OVERLOADED, E.OVERLOADED, 3, 1),
    anthropic("an error at once", OVERLOADED.replace("overloaded_error", "api_error").replace("Overloaded", "Internal"),
              E.SERVER_ERROR_EVENT, 0),
    anthropic("an error in words of a proxy",
              'event: error\ndata: {"detail": "upstream gone"}\n\n', E.SERVER_ERROR_EVENT, 0),
    anthropic("nothing at all", "", E.EMPTY, 0),
    anthropic("no content", START + stopped(tokens=2) + MESSAGE_END, E.EMPTY, 0, 2),
    anthropic("one chunk", START + said("Hi") + stopped(tokens=2) + MESSAGE_END, E.TOO_FEW_CHUNKS, 1, 2),
    anthropic("a text without its end", START + TEXTS + TEXTS.replace('"}}', "") + stopped() + MESSAGE_END,
              E.MALFORMED, 3, 15),
    anthropic("a delta that is none", START + TEXTS + named("content_block_delta", delta=7) + stopped() + MESSAGE_END,
              E.MALFORMED, 3, 15),
]  # fmt: skip


# OpenAI's responses: the example of its reference, cut short

responses = partial(Stream.of, "openai-responses")
OUTLINE = {"id": "resp_67", "object": "response", "created_at": 1741290958, "error": None, "model": "gpt-4.1"}
CREATED = named("response.created", response={**OUTLINE, "status": "in_progress", "output": [], "usage": None})
RUNNING = named("response.in_progress", response={**OUTLINE, "status": "in_progress", "output": [], "usage": None})
ITEM = {"id": "msg_67", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
ADDED = named("response.output_item.added", output_index=0, item=ITEM)
PART = named(
    "response.content_part.added", item_id="msg_67", part={"type": "output_text", "text": "", "annotations": []}
)


def wrote(text, number=4, kind="output_text", **more):
    place = {"item_id": "msg_67", "output_index": 0, "content_index": 0}
    return named(f"response.{kind}.delta", sequence_number=number, **place, delta=text, **more)


def ended(kind="completed", **more):
    usage = {"input_tokens": 37, "output_tokens": 11, "output_tokens_details": {"reasoning_tokens": 0}}
    return named(f"response.{kind}", response={**OUTLINE, "status": kind, "usage": usage, **more})


WRITTEN = wrote("Hi", 4) + wrote(" there", 5) + wrote("!", 6)
WHOLE_TEXT = named("response.output_text.done", text="Hi there!") + named(
    "response.content_part.done", part={"text": "Hi"}
)
RESPONSE = CREATED + RUNNING + ADDED + PART + WRITTEN + WHOLE_TEXT + ended()
PADDED = (
    wrote("Hi", 4, obfuscation="aB3", logprobs=[]) + wrote(" there", 55, obfuscation="x", logprobs=[]) + wrote("!", 100)
)
FUNCTION = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_weather", "arguments": ""}
CALLED = (
    named("response.output_item.added", output_index=0, item=FUNCTION)
    + wrote('{"', kind="function_call_arguments")
    + wrote('location"', kind="function_call_arguments")
)
FAILED = named(
    "response.failed", response={**OUTLINE, "status": "failed", "error": {"code": "server_error", "message": "boom"}}
)
ERROR = named("error", code="rate_limit_exceeded", message="Rate limit reached", param=None, sequence_number=1)
SUMMARY = wrote("Hm", kind="reasoning_summary_text") + wrote(".", kind="reasoning_summary_text")

RESPONSES_STREAMS = [
    responses("proper", RESPONSE, None, 3, 11),
    responses("proper, with CRLF", RESPONSE.replace("\n", "\r\n"), None, 3, 11),
    responses("spaces in its JSON", RESPONSE.replace('":', '": ').replace(',"', ', "'), None, 3, 11),
    responses("no names, only types", RESPONSE.replace("event: ", "x: "), None, 3, 11),
    responses("padding and numbers of many digits", CREATED + PADDED + ended(), None, 3, 11),
    responses("an end mark as well", RESPONSE + "data: [DONE]\n\n", None, 3, 11),
    responses("as long as it may be", CREATED + WRITTEN + ended("incomplete"), None, 3, 11),
    responses("reasoning before text", CREATED + SUMMARY + WRITTEN + ended(), None, 5, 11),
    responses("a refusal", CREATED + WRITTEN.replace("output_text", "refusal") + ended(), None, 3, 11),
    responses("a function's call", CREATED + CALLED + ended(), None, 3, 11),
    responses("empty texts in between", CREATED + wrote("") + WRITTEN + wrote("") + ended(), None, 3, 11),
    responses("text of many scripts", RESPONSE.replace("Hi", "Grüße 世界 🦗"), None, 3, 11),
    responses("no usage", CREATED + WRITTEN + ended(usage=None), None, 3),
    responses("events of a new type", RESPONSE.replace(PART, named("response.shiny", x=1)), None, 3, 11),
    responses("text after the end", RESPONSE + wrote("late"), None, 3, 11),
    responses("cut off between events", CREATED + WRITTEN, E.TRUNCATED, 3),
    responses("only an end mark", CREATED + WRITTEN + "data: [DONE]\n\n", E.TRUNCATED, 3),
    responses("cut off in the middle of an event", RESPONSE[:-20], E.TRUNCATED, 3),
    responses("failed after content", CREATED + WRITTEN + FAILED, E.SERVER_ERROR_EVENT, 3),
    responses("an error event", ERROR, E.RATE_LIMITED, 0),
    responses("nothing at all", "", E.EMPTY, 0),
    responses("no content", CREATED + ended(), E.EMPTY, 0, 11),
    responses("two chunks", CREATED + wrote("a") + wrote("b") + ended(), E.TOO_FEW_CHUNKS, 2, 11),
    responses("a text without its end", CREATED + WRITTEN + wrote("x")[:-4] + "\n\n" + ended(), E.MALFORMED, 3, 11),
    responses("an end without its response", CREATED + WRITTEN + named("response.completed"), E.MALFORMED, 3),
]  # fmt: skip


# Generic services, with the fields that are the default

generic = partial(Stream.of, "generic-sse")
TOKENS = 'data: {"text": "a"}\n\ndata: {"text": "b"}\n\ndata: {"content": "c"}\n\n'
USED = 'data: {"usage": {"prompt_tokens": 2, "completion_tokens": 3}}\n\n'
GENERIC = TOKENS + USED + "data: [DONE]\n\n"

GENERIC_STREAMS = [
    generic("proper", GENERIC, None, 3, 3),
    generic("proper, with CRLF", GENERIC.replace("\n", "\r\n"), None, 3, 3),
    generic("pings", ": ping\n\n" + GENERIC, None, 3, 3),
    generic("empty texts and other fields", 'data: {"text": "", "id": 4}\n\n' + GENERIC, None, 3, 3),
    generic("cut off", TOKENS, E.TRUNCATED, 3),
    generic("an error inside", TOKENS + 'data: {"error": "boom"}\n\n', E.SERVER_ERROR_EVENT, 3),
    generic("an event named error", "event: error\ndata: gone\n\n", E.SERVER_ERROR_EVENT, 0),
    generic("no JSON", TOKENS + "data: {\n\n" + "data: [DONE]\n\n", E.MALFORMED, 3),
    generic("nothing at all", "", E.EMPTY, 0),
    generic("one chunk", 'data: {"text": "a"}\n\ndata: [DONE]\n\n', E.TOO_FEW_CHUNKS, 1),
]  # fmt: skip

RECORDED = Path(__file__).with_name("recorded")  # of scripts/real_llm.sh, with curl, byte for byte
RECORDED_STREAMS = [
    Stream.of(api, f"llama.cpp's {name}", (RECORDED / f"llama.cpp-{name}.txt").read_bytes(), None, 4, 4)
    for api, name in (("openai", "chat"), ("openai-responses", "responses"), ("anthropic", "messages"))
]

NAMED_STREAMS = [*RECORDED_STREAMS, *ANTHROPIC_STREAMS, *RESPONSES_STREAMS, *GENERIC_STREAMS]

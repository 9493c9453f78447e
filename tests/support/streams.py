"""Recorded answers: what servers send, and what it means. Bodies only; transports frame them.

Each row: API, name, bytes, the failure's class (None = ok), content chunks, completion tokens.
"""

from functools import partial

from katydid.model.sample import ErrorClass as E
from named_streams import NAMED_STREAMS
from stream import Stream


def delta(content: str) -> str:
    return f'data: {{"choices":[{{"index":0,"delta":{{"content":"{content}"}},"finish_reason":null}}]}}\n\n'


ROLE = 'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}]}\n\n'
STOP = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = 'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}\n\n'
DONE = "data: [DONE]\n\n"
THREE = delta("Hello") + delta(" big") + delta(" world")
PROPER = ROLE + THREE + STOP + USAGE + DONE


openai = partial(Stream.of, "openai")


def line(content: str, *, done: str = "false", more: str = "") -> str:
    return f'{{"model":"m","message":{{"role":"assistant","content":"{content}"}},"done":{done}{more}}}\n'


LAST = line("", done="true", more=',"done_reason":"stop","prompt_eval_count":7,"eval_count":3')


ollama = partial(Stream.of, "ollama")


TOOL = 'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}}]}\n\n'
REASONING = 'data: {"choices":[{"delta":{"reasoning_content":"hm"}}]}\n\n'

STREAMS = [
    openai("proper", PROPER, None, 3, 3),
    openai("proper, with CRLF", PROPER.replace("\n", "\r\n"), None, 3, 3),
    openai("proper, with bare CR", PROPER.replace("\n", "\r"), None, 3, 3),
    openai("comments as pings between events", ": ping\n\n" + PROPER.replace(DONE, ": ping\n\n" + DONE), None, 3, 3),
    openai("empty events as pings", PROPER.replace("\n\n", "\n\ndata:\n\n"), None, 3, 3),
    openai("a comment inside an event", PROPER.replace("data: [DONE]", ": x\ndata: [DONE]"), None, 3, 3),
    openai("a byte order mark in front", b"\xef\xbb\xbf" + PROPER.encode(), None, 3, 3),
    openai("no space after the colon", PROPER.replace("data: ", "data:"), None, 3, 3),
    openai(
        "id, retry and event fields", PROPER.replace("data: ", "id: 1\nretry: 5\nevent: message\ndata: "), None, 3, 3
    ),
    openai("more empty lines than needed", PROPER.replace("\n\n", "\n\n\n\n"), None, 3, 3),
    openai("no role chunk", THREE + STOP + DONE, None, 3),
    openai("a role with empty text", ROLE.replace("null", '""', 1) + THREE + STOP + DONE, None, 3),
    openai("no usage", ROLE + THREE + STOP + DONE, None, 3),
    openai(
        "usage beside an empty choice",
        ROLE + THREE + STOP + USAGE.replace("[]", '[{"index":0,"delta":{}}]') + DONE,
        None,
        3,
        3,
    ),
    openai(
        "role, text and finish reason in one chunk",
        THREE + 'data: {"choices":[{"delta":{"role":"assistant","content":"!"},"finish_reason":"stop"}]}\n\n' + DONE,
        None,
        4,
    ),
    openai("only tool calls", ROLE + TOOL * 3 + STOP.replace("stop", "tool_calls") + DONE, None, 3),
    openai("reasoning before text", ROLE + REASONING * 2 + delta("a") + STOP + DONE, None, 3),
    openai(
        "empty deltas in between", delta("") + delta("a") + delta("") + delta("b") + delta("c") + STOP + DONE, None, 3
    ),
    openai("text of many scripts", THREE.replace("Hello", "Grüße 世界 🦗") + STOP + DONE, None, 3),
    openai("line separators of Unicode inside text", THREE.replace("Hello", "a\u2028b\u0085c") + STOP + DONE, None, 3),
    openai("`data:` inside text", THREE.replace("Hello", "data: [DONE]") + STOP + DONE, None, 3),
    openai("invalid UTF-8 inside text", (THREE + STOP + DONE).encode().replace(b"Hello", b"\xff\xfe"), None, 3),
    openai("content after the end mark", PROPER + delta("late"), None, 3, 3),
    openai(
        "an event over two data lines",
        THREE.replace('data: {"choices"', 'data: {\ndata: "choices"') + STOP + DONE,
        None,
        3,
    ),
    openai("cut off in the middle of an event", (ROLE + THREE + STOP)[:-20], E.TRUNCATED, 3),
    openai("cut off between events", ROLE + THREE, E.TRUNCATED, 3),
    openai("a finish reason and no end mark", ROLE + THREE + STOP + USAGE, E.TRUNCATED, 3, 3),
    openai("an end mark and no finish reason", ROLE + THREE + DONE, E.TRUNCATED, 3),
    openai("an end mark without its empty line", ROLE + THREE + STOP + DONE.rstrip("\n"), None, 3),
    openai("an end mark with one newline", ROLE + THREE + STOP + DONE[:-1], None, 3),
    openai("white space around the end mark", ROLE + THREE + STOP + "data:   [DONE] \n\n", None, 3),
    openai("a finish reason whose block is not ended", ROLE + THREE + STOP.rstrip("\n"), E.TRUNCATED, 3),
    openai("nothing at all", "", E.EMPTY, 0),
    openai("only pings", ": ping\n\n" * 5, E.EMPTY, 0),
    openai("a role and a proper end, no content", ROLE + STOP + USAGE + DONE, E.EMPTY, 0, 3),
    openai("one chunk", ROLE + delta("Hi") + STOP + DONE, E.TOO_FEW_CHUNKS, 1),
    openai("two chunks", ROLE + delta("Hi") + delta("!") + STOP + DONE, E.TOO_FEW_CHUNKS, 2),
    openai(
        "an error event after content",
        ROLE + THREE + 'data: {"error":{"message":"boom"}}\n\n' + DONE,
        E.SERVER_ERROR_EVENT,
        3,
    ),
    openai("an event named error", 'event: error\ndata: {"message":"boom"}\n\n', E.SERVER_ERROR_EVENT, 0),
    openai(
        "a rate limit inside a 200",
        'data: {"error":{"message":"Rate limit reached","code":429}}\n\n',
        E.RATE_LIMITED,
        0,
    ),
    openai(
        "a daily limit inside a 200",
        'data: {"error":{"message":"Rate limit reached for requests per day"}}\n\n',
        E.DAILY_LIMIT,
        0,
    ),
    openai("an overload inside a 200", 'data: {"error":{"type":"overloaded_error"}}\n\n', E.OVERLOADED, 0),
    openai("broken JSON in the middle", THREE + 'data: {"choices": [{"del\n\n' + STOP + DONE, E.MALFORMED, 3),
    openai("an event that is no object", THREE + "data: 42\n\n" + STOP + DONE, E.MALFORMED, 3),
    openai("choices of a wrong kind", THREE + 'data: {"choices":[7]}\n\n' + STOP + DONE, E.MALFORMED, 3),
    ollama("proper", line("Hello") + line(" big") + line(" world") + LAST, None, 3, 3),
    ollama("proper, with CRLF", (line("a") * 3 + LAST).replace("\n", "\r\n"), None, 3, 3),
    ollama("no newline at the end", (line("a") * 3 + LAST).rstrip("\n"), None, 3, 3),
    ollama("blank lines", (line("a") * 3 + LAST).replace("\n", "\n\n"), None, 3, 3),
    ollama("text in the last line", line("a") * 2 + LAST.replace('"content":""', '"content":"!"'), None, 3, 3),
    ollama("thinking before text", line("a").replace("content", "thinking") * 2 + line("b") + LAST, None, 3, 3),
    ollama(
        "of /api/generate",
        '{"response":"a","done":false}\n' * 3 + '{"response":"","done":true,"eval_count":3}\n',
        None,
        3,
        3,
    ),
    ollama("text of many scripts", line("Grüße 世界 🦗") * 3 + LAST, None, 3, 3),
    ollama("cut off", line("a") * 3, E.TRUNCATED, 3),
    ollama("cut off in the middle of a line", (line("a") * 3 + LAST)[:-30], E.MALFORMED, 3),
    ollama("an error line", line("a") + '{"error":"model crashed"}\n', E.SERVER_ERROR_EVENT, 1),
    ollama("nothing at all", "", E.EMPTY, 0),
    ollama("only the last line", LAST, E.EMPTY, 0, 3),
    ollama("one chunk", line("a") + LAST, E.TOO_FEW_CHUNKS, 1, 3),
    ollama("broken JSON", line("a") * 3 + '{"message":\n' + LAST, E.MALFORMED, 3, 3),
    *NAMED_STREAMS,
]

IDS = [f"{stream.api}: {stream.name}" for stream in STREAMS]


def facts(parser):
    """All that a reading has told, after its end."""
    parser.finish()
    problem = parser.verdict()
    return (
        problem, parser.chunks, parser.prompt_tokens, parser.completion_tokens, parser.finish_reason, parser.done,
        parser.first_at, parser.first_bound, parser.last_at, parser.visible_at,
        sorted(parser.gaps.apart + [0.0] * parser.gaps.together),
    )  # fmt: skip

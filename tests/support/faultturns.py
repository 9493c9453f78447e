"""Faults of a tool's call, of the answer after it, and of a message to a session."""

import json

from faultbook import BOMB, REPLY, STREAM, WHOLE, Wire, bytewise, changed, events, named
from faultserver import WELL, Answer, sized
from katydid.model.sample import ErrorClass as E
from rawserver import SSE_HEAD, chunks
from streams import DONE, ROLE, THREE


def call(name: str | None, arguments: str, number: str | None = None) -> str:
    """An event with a part of a call."""
    function = {"name": name, "arguments": arguments} if name else {"arguments": arguments}
    piece = {"index": 0, "function": function} | ({"id": number, "type": "function"} if number else {})
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'tool_calls': [piece]}}]}, ensure_ascii=False)}\n\n"


CALLED = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\n'


def calling(city: str = "Lisbon") -> str:
    """The parts of a proper call."""
    return call("get_weather", "", "call_1") + call(None, f'{{"city": "{city}",') + call(None, ' "unit": "celsius"}')


PROPER_CALL = Answer([events(ROLE, calling(), CALLED, DONE)])
HALF_CALL = SSE_HEAD + chunks((ROLE + call("get_weather", '{"city": "Lis', "call_1")).encode())
BAD_ARGUMENTS = call("get_weather", '{"city": "Lis', "call_1")


def is_answer(request: bytes) -> bool:
    """Whether the request of a conversation with tools brings their results, so that the answer is to come."""
    return b'"role":"tool"' in request


def well_with_tools(request: bytes) -> Answer:
    """A call, and then an answer."""
    return WELL if is_answer(request) else PROPER_CALL


ANSWERS: tuple[Wire, ...] = changed(
    STREAM,
    Wire(
        6,
        "tool calls instead of the answer",
        Answer([events(ROLE, calling(), CALLED, DONE)]),
        E.WRONG_TOOL_CALLS,
        "expected: 0",
    ),
    instead_of="only tool calls",
)
CALLS: tuple[Wire, ...] = (
    Wire(
        1,
        "a call with no end mark and no finish reason",
        Answer([events(ROLE, calling())]),
        E.TRUNCATED,
        "ended early, after 3",
        3,
    ),
    Wire(
        1, "a call with a finish reason but no end mark", Answer([events(ROLE, calling(), CALLED)]), E.TRUNCATED, "", 3
    ),
    Wire(
        2,
        "an error event in a call",
        Answer([events(ROLE, BAD_ARGUMENTS, 'data: {"error":{"message":"parser crashed"}}\n\n', DONE)]),
        E.SERVER_ERROR_EVENT,
        "parser crashed",
        1,
    ),
    Wire(3, "neither a call nor an answer", Answer([events(ROLE, CALLED, DONE)]), E.EMPTY, "no content", 0),
    Wire(6, "only a tool call", PROPER_CALL, chunks=3),
    Wire(
        6,
        "an answer instead of the call",
        Answer([events(ROLE, THREE, CALLED, DONE)]),
        E.WRONG_TOOL_CALLS,
        "calls: 0 (none), expected: 1",
        3,
    ),
    Wire(
        8,
        "closed in the middle of a call",
        Answer([HALF_CALL], then="close"),
        E.TRUNCATED,
        "in the middle of its answer",
        1,
    ),
    Wire(9, "reset in the middle of a call", Answer([HALF_CALL], then="reset"), E.RESET, "reset", 1),
    Wire(
        10,
        "silence in the middle of a call",
        Answer([HALF_CALL], then="stay"),
        E.IDLE_TIMEOUT,
        "nothing arrived for",
        1,
    ),
    Wire(13, "a call with one byte per write", Answer(bytewise(events(ROLE, calling(), CALLED, DONE))), chunks=3),
    Wire(
        14,
        "arguments split within a character",
        Answer(bytewise(events(calling("Évora 世界"), CALLED, DONE))),
        chunks=3,
    ),
    Wire(
        15,
        "invalid UTF-8 in the arguments",
        Answer([events(calling().encode().replace(b"Lisbon", b"\xff"), CALLED, DONE)]),
        chunks=3,
    ),
    Wire(
        18,
        "a call whose last block is not terminated",
        Answer([events(calling(), CALLED.rstrip("\n"))]),
        E.TRUNCATED,
        "",
        3,
    ),
    Wire(
        20,
        "arguments that are not JSON",
        Answer([events(ROLE, BAD_ARGUMENTS, CALLED, DONE)]),
        E.WRONG_TOOL_CALLS,
        "get_weather",
        1,
    ),
    Wire(
        20,
        "a call that cannot be parsed",
        Answer([events('data: {"choices":[{"delta":{"tool_calls":[7]}}]}\n\n', CALLED, DONE)]),
        E.MALFORMED,
        "tool call",
    ),
    *named(STREAM, "429 with Retry-After", "503 with Retry-After", "a redirect to another host"),
)

WHOLE_CALL = sized(
    b'{"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function",'
    b'"function":{"name":"get_weather","arguments":"{\\"city\\": \\"Lisbon\\", \\"unit\\": \\"celsius\\"}"}}]},'
    b'"finish_reason":"tool_calls"}]}'
)


def well_with_whole_tools(request: bytes) -> Answer:
    """The same in one piece each."""
    return Answer([sized(REPLY)]) if is_answer(request) else Answer([WHOLE_CALL])


WHOLE_ANSWERS: tuple[Wire, ...] = changed(
    WHOLE,
    Wire(6, "a tool call instead of the answer", Answer([WHOLE_CALL]), E.WRONG_TOOL_CALLS, "expected: 0"),
    instead_of="only tool calls",
)

TOLD = b'{"response": "Hello", "id": "a"}'
TALK_WELL = Answer([sized(TOLD)])
HALF_TOLD = sized(TOLD)[:-10]
TALK: tuple[Wire, ...] = (
    Wire(2, "an error after 200", Answer([sized(b'{"error":{"message":"boom"}}')]), E.SERVER_ERROR_EVENT, "boom"),
    Wire(3, "200 without text", Answer([sized(TOLD.replace(b"Hello", b""))]), E.EMPTY, "no text"),
    Wire(
        8,
        "closed before its Content-Length",
        Answer([HALF_TOLD], then="close"),
        E.TRUNCATED,
        "in the middle of its answer",
    ),
    Wire(8, "closed without an answer", Answer(then="close"), E.TRUNCATED, "without an answer"),
    Wire(9, "reset in the middle", Answer([HALF_TOLD], then="reset"), E.RESET, "reset"),
    Wire(10, "silence in the middle", Answer([HALF_TOLD], then="stay"), E.IDLE_TIMEOUT, "nothing arrived for"),
    Wire(11, "a slow answer, one byte at a time", Answer(bytewise(sized(TOLD)), 0.2), E.TIMEOUT, "no complete answer"),
    Wire(13, "one byte per write", Answer(bytewise(sized(TOLD)))),
    Wire(
        14, "characters split between writes", Answer(bytewise(sized(TOLD.replace(b"Hello", "Grüße 世界 🦗".encode()))))
    ),
    Wire(15, "invalid UTF-8", Answer([sized(TOLD.replace(b"Hello", b"\xff\xfe"))])),
    Wire(20, "a body that is not JSON", Answer([sized(b'{"response":')]), E.MALFORMED, 'not JSON: {"response":'),
    Wire(20, "a body without the text", Answer([sized(b'{"id": "a"}')]), E.MALFORMED, "no text at message.read.text"),
    Wire(21, "a body of 20 MB", Answer([sized(b" " * 20_000_000)]), E.MALFORMED, "larger than 16777216 bytes"),
    BOMB,
    *named(
        STREAM,
        "a header of 1 MB",
        "10,000 headers",
        "429 with Retry-After",
        "503 with Retry-After",
        "a redirect to another host",
    ),
)
"""A session whose messages are answered in one piece."""

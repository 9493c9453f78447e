"""Faults on the wire: what a target does with one request, and the row that must result.

`faultserver` injects them into real runs, whose rows must match; `faulttable` makes a table of them.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from faultserver import Answer, sized
from katydid.model.sample import ErrorClass as E
from rawserver import END, SSE_HEAD, chunks
from streams import DONE, PROPER, ROLE, STOP, THREE, TOOL, USAGE, delta


@dataclass(frozen=True)
class Wire:
    """One fault: what the target does with one request, and the row that must result.

    Attributes:
        error: the failure's class; None for a success.
        detail: text that the row's `detail` contains.
        chunks: number of content chunks; None if it is not checked.
        also: a further check of the row.
    """

    fault: int
    name: str
    answer: Answer
    error: E | None = None
    detail: str = ""
    chunks: int | None = None
    blame: str = "target"
    also: Callable[[Any], bool] = lambda _: True


def named(cases: tuple[Wire, ...], *names: str) -> list[Wire]:
    """The cases with these names."""
    found = {case.name: case for case in cases}
    return [found[name] for name in names]


def changed(cases: tuple[Wire, ...], *new: Wire, instead_of: str) -> tuple[Wire, ...]:
    """The cases, with one of them replaced by new ones."""
    assert named(cases, instead_of)
    return tuple(each for case in cases for each in (new if case.name == instead_of else (case,)))


def events(*said: str | bytes, end: bytes = END) -> bytes:
    """A streamed answer."""
    data = b"".join(e.encode() if isinstance(e, str) else e for e in said)
    return SSE_HEAD + chunks(data) + end


def bytewise(message: bytes) -> list[bytes]:
    """A message as single bytes, one per write."""
    return [message[i : i + 1] for i in range(len(message))]


def _bomb(size: int) -> bytes:
    packed = gzip.compress(b": " + b"a" * size, compresslevel=1)
    return SSE_HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n") + chunks(packed) + END


MANY = THREE + STOP + USAGE.replace(":3}", ":300}") + DONE
CR_SPLIT = PROPER.replace("\n", "\r\n").encode()
LATE_BOM = b"\xef\xbb\xbf" + (ROLE + THREE).encode() + b"\xef\xbb\xbf" + (delta("lost") + STOP + DONE).encode()
ELSEWHERE = b"Location: http://127.0.0.1:1/stolen\r\n"

STREAM: tuple[Wire, ...] = (
    Wire(1, "no end mark and no finish reason", Answer([events(ROLE, THREE)]), E.TRUNCATED, "ended early, after 3", 3),
    Wire(1, "a finish reason but no end mark", Answer([events(ROLE, THREE, STOP)]), E.TRUNCATED, "ended early", 3),
    Wire(
        2,
        "an error event after 200",
        Answer([events(ROLE, delta("a"), 'data: {"error":{"message":"boom","code":"cuda_oom"}}\n\n', DONE)]),
        E.SERVER_ERROR_EVENT,
        "cuda_oom",
        1,
    ),
    Wire(
        2,
        "an error event about a rate limit",
        Answer([events('data: {"error":{"message":"Rate limit reached"}}\n\n', DONE)]),
        E.RATE_LIMITED,
        "Rate limit reached",
        0,
    ),
    Wire(
        3,
        "200 without a token",
        Answer([events(ROLE, STOP, USAGE, DONE)]),
        E.EMPTY,
        "no content",
        0,
        also=lambda row: row.ttft_ms is None,
    ),
    Wire(3, "200 without a body", Answer([sized(b"")]), E.EMPTY, "no content", 0, also=lambda row: row.ttft_ms is None),
    Wire(
        4,
        "a role and an empty delta come first",
        Answer([SSE_HEAD + chunks((ROLE + delta("")).encode()), chunks((THREE + STOP + DONE).encode()) + END], 0.25),
        chunks=3,
        also=lambda row: row.ttft_ms > 200,
    ),
    Wire(
        5,
        "the usage comes late",
        Answer([SSE_HEAD + chunks((ROLE + THREE + STOP).encode()), chunks((USAGE + DONE).encode()) + END], 0.4),
        chunks=3,
        also=lambda row: row.gap_max_ms < 200 and row.ttft_ms < row.duration_ms - 200 and row.completion_tokens == 3,
    ),
    Wire(
        6,
        "only tool calls",
        Answer([SSE_HEAD + chunks(ROLE.encode()), chunks((TOOL * 3 + STOP + DONE).encode()) + END], 0.25),
        chunks=3,
        also=lambda row: row.ttft_ms > 200,
    ),
    Wire(
        7,
        "three chunks carry 300 tokens",
        Answer([events(ROLE, MANY)]),
        chunks=3,
        also=lambda row: row.completion_tokens == 300 and row.ttft_bound,
    ),
    Wire(
        8,
        "closed before the last chunk",
        Answer([SSE_HEAD + chunks((ROLE + THREE).encode())], then="close"),
        E.TRUNCATED,
        "in the middle of its answer",
        3,
        also=lambda row: row.ttft_ms > 0 and row.duration_ms is None,
    ),
    Wire(8, "closed without an answer", Answer(then="close"), E.TRUNCATED, "without an answer"),
    Wire(
        8,
        "closed after 0.3 s without an answer",
        Answer(then="close", work=0.3),
        E.TRUNCATED,
        "without an answer, 0.3",
        also=lambda row: not row.resent,
    ),
    Wire(
        9,
        "reset in the middle",
        Answer([SSE_HEAD + chunks((ROLE + THREE).encode())], then="reset"),
        E.RESET,
        "reset",
        3,
        also=lambda row: row.ttft_ms > 0,
    ),
    Wire(
        10,
        "silence in the middle",
        Answer([SSE_HEAD + chunks((ROLE + THREE).encode())], then="stay"),
        E.IDLE_TIMEOUT,
        "nothing arrived for",
        3,
    ),
    Wire(10, "no answer at all", Answer(then="stay"), E.IDLE_TIMEOUT, "nothing arrived for"),
    Wire(
        11, "a slow answer, one byte at a time", Answer([SSE_HEAD, *bytewise(chunks(THREE.encode()))], 0.2), E.TIMEOUT
    ),
    Wire(12, "only pings", Answer([SSE_HEAD, *[chunks(b": ping\n\n")] * 40], 0.2), E.TIMEOUT, "no complete answer", 0),
    Wire(13, "one byte per write", Answer(bytewise(events(PROPER))), chunks=3),
    Wire(
        14,
        "characters split between writes",
        Answer(bytewise(events(ROLE, delta("Grüße"), delta("世界"), delta("🦗"), STOP, DONE)), 0.0005),
        chunks=3,
    ),
    Wire(15, "invalid UTF-8", Answer([events(PROPER.encode().replace(b"Hello", b"\xff\xfe"))]), chunks=3),
    Wire(
        16,
        "lines end with CR LF, split between the two",
        Answer(bytewise(SSE_HEAD + chunks(*bytewise(CR_SPLIT)) + END)),
        chunks=3,
    ),
    Wire(16, "lines end with CR", Answer([events(PROPER.replace("\n", "\r"))]), chunks=3),
    Wire(17, "a byte order mark at the start and another later", Answer([events(LATE_BOM)]), chunks=3),
    Wire(
        18,
        "the last block is not terminated",
        Answer([events(ROLE, THREE, STOP.rstrip("\n"))]),
        E.TRUNCATED,
        "ended early, after 3",
        3,
    ),
    Wire(
        18,
        "an end mark that is not terminated",
        Answer([events(ROLE, THREE, STOP, DONE.rstrip("\n"))]),
        chunks=3,
    ),
    Wire(
        19,
        "Unicode line separators in the text",
        Answer([events(PROPER.replace("Hello", "a\u2028\u2029b\u0085"))]),
        chunks=3,
    ),
    Wire(
        20,
        "one event is not JSON",
        Answer([events(ROLE, THREE, 'data: {"choices":[{"delta"\n\n', STOP, DONE)]),
        E.MALFORMED,
        'not JSON: {"choices":[{"delta"',
    ),
    Wire(
        21,
        "an endless line",
        Answer([SSE_HEAD, *[chunks(b"x" * 65536)] * 40], then="stay"),
        E.MALFORMED,
        "more than 1048576 bytes",
    ),
    Wire(22, "a gzip bomb", Answer([_bomb(300 * 1024 * 1024)]), E.MALFORMED, "more than"),
    Wire(
        23,
        "a header of 1 MB",
        Answer([b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n"], then="close"),
        E.MALFORMED,
        "HTTP is malformed",
    ),
    Wire(
        23,
        "10,000 headers",
        Answer([b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 10_000 + b"\r\n"], then="close"),
        E.MALFORMED,
        "HTTP is malformed",
    ),
    Wire(
        24,
        "429 with Retry-After",
        Answer([sized(b'{"error":{"message":"slow down"}}', b"429 Too Many Requests", more=b"Retry-After: 1\r\n")]),
        E.RATE_LIMITED,
        "429 slow down",
    ),
    Wire(
        24,
        "503 with Retry-After",
        Answer([sized(b"try later", b"503 Busy", b"text/plain", b"Retry-After: 1\r\n")]),
        E.OVERLOADED,
        "503 try later",
    ),
    Wire(
        25,
        "a redirect to another host",
        Answer([sized(b"", b"307 Temporary Redirect", more=ELSEWHERE)]),
        E.OTHER,
        "point --host there",
        blame="config",
    ),
)


REPLY = b'{"choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{}}'
HALF = sized(REPLY)[:-20]
ZIPPED = gzip.compress(b" " * (300 * 1024 * 1024), compresslevel=1)

BOMB = Wire(22, "a gzip bomb", Answer([sized(ZIPPED, more=b"Content-Encoding: gzip\r\n")]), E.MALFORMED, "bytes")
WHOLE: tuple[Wire, ...] = (
    Wire(
        1,
        "no finish reason",
        Answer([sized(REPLY.replace(b'"stop"', b"null"))]),
        E.TRUNCATED,
        "does not say why it ended",
    ),
    Wire(2, "an error after 200", Answer([sized(b'{"error":{"message":"boom"}}')]), E.SERVER_ERROR_EVENT, "boom"),
    Wire(3, "200 without text", Answer([sized(REPLY.replace(b"Hello", b""))]), E.EMPTY, "no content"),
    Wire(
        6,
        "only tool calls",
        Answer([sized(REPLY.replace(b'"content":"Hello"', b'"content":null,"tool_calls":[{"id":"a"}]'))]),
    ),
    Wire(
        8, "closed before its Content-Length", Answer([HALF], then="close"), E.TRUNCATED, "in the middle of its answer"
    ),
    Wire(9, "reset in the middle", Answer([HALF], then="reset"), E.RESET, "reset"),
    Wire(10, "silence in the middle", Answer([HALF], then="stay"), E.IDLE_TIMEOUT, "nothing arrived for"),
    Wire(11, "a slow answer, one byte at a time", Answer(bytewise(sized(REPLY)), 0.2), E.TIMEOUT, "no complete answer"),
    Wire(13, "one byte per write", Answer(bytewise(sized(REPLY)))),
    Wire(15, "invalid UTF-8", Answer([sized(REPLY.replace(b"Hello", b"\xff\xfe"))])),
    Wire(
        14,
        "characters split between writes",
        Answer(bytewise(sized(REPLY.replace(b"Hello", "Grüße 世界 🦗".encode())))),
    ),
    Wire(
        19, "Unicode line separators in the text", Answer([sized(REPLY.replace(b"Hello", "a\u2028b\u0085".encode()))])
    ),
    Wire(20, "a body that is not JSON", Answer([sized(b'{"choices":[')]), E.MALFORMED, 'not JSON: {"choices":['),
    BOMB,
    Wire(
        21,
        "an answer of 72 MB",
        Answer([SSE_HEAD.replace(b"text/event-stream", b"application/json"), *[chunks(b" " * 65536)] * 1100, END]),
        E.MALFORMED,
        "which is more than 67108864",
    ),
    *named(STREAM, "a header of 1 MB", "429 with Retry-After", "503 with Retry-After", "a redirect to another host"),
)

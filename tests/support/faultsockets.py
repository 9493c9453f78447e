"""The faults as they come over a WebSocket, to streams of speech and to messages of a session."""

import contextlib
import json
import zlib
from dataclasses import dataclass

from faultbook import Wire, bytewise
from faultserver import Answer, sized
from frames import BINARY, CONTINUATION, PING, TEXT, closing, frame, pieces
from katydid.model.sample import ErrorClass as E
from rawserver import Peer
from socketserving import SWITCH, hear_out, server_side, token_of


@dataclass(frozen=True)
class Spoken(Answer):
    """What the server says once it has taken the handshake and heard what was said; then the connection ends.

    Attributes:
        hears: whether it first waits for the end of what is said to it.
        slow_hello: seconds between the bytes of its side of the handshake.
        token: in place of the right one.
    """

    hears: bool = True
    slow_hello: float = 0.0
    token: bytes | None = None

    def give(self, peer: Peer, request: bytes) -> bool:
        """See `Answer.give`; a WebSocket's connection serves for nothing else."""
        with contextlib.suppress(OSError):
            hello = SWITCH + (self.token or token_of(request)) + b"\r\n\r\n"
            peer.send(*(bytewise(hello) if self.slow_hello else [hello]), pause=self.slow_hello)
            if self.hears:
                hear_out(peer, server_side())
            self.write(peer)
            if self.then == "leave":
                peer.wait_for_close()
        return False


def _json(**said: object) -> str:
    return json.dumps(said, ensure_ascii=False)


def sockets(final: str, empty: str) -> tuple[Wire, ...]:
    """The faults of any WebSocket whose answer is the text `final`, or `empty` where it has no words."""
    answer = frame(TEXT, final)
    head = answer[:9]
    return (
        Wire(1, "closed normally before the answer", Spoken([closing(1000)]), E.TRUNCATED, "normally (1000)"),
        Wire(1, "closed because it is going away", Spoken([closing(1001)]), E.TRUNCATED, "going away (1001)"),
        Wire(1, "closed without a code", Spoken([b"\x88\x00"]), E.TRUNCATED, "without a status code (1005)"),
        Wire(2, "closed for an internal error", Spoken([closing(1011, "cuda_oom")]), E.SERVER_ERROR_EVENT, "cuda_oom"),
        Wire(2, "closed for a policy violation", Spoken([closing(1008, "no")]), E.SERVER_ERROR_EVENT, "policy (1008)"),
        Wire(2, "closed with a private code", Spoken([closing(4000, "mine")]), E.SERVER_ERROR_EVENT, "(4000)"),
        Wire(3, "an answer without text", Spoken([frame(TEXT, empty)]), E.EMPTY, "no text"),
        Wire(8, "closed without an answer to the handshake", Answer(then="close"), E.TRUNCATED, "without an answer"),
        Wire(8, "closed during the handshake", Answer([SWITCH], then="close"), E.TRUNCATED, "without an answer"),
        Wire(8, "closed after the handshake", Spoken(hears=False), E.TRUNCATED, "without a close frame (1006)"),
        Wire(8, "closed in the middle of a frame", Spoken([head]), E.TRUNCATED, "without a close frame (1006)"),
        Wire(9, "reset during the handshake", Answer([SWITCH], then="reset"), E.RESET, "reset"),
        Wire(9, "reset in the middle of a frame", Spoken([head], then="reset"), E.RESET, "reset"),
        Wire(10, "no answer to the handshake", Answer(then="stay"), E.IDLE_TIMEOUT, "nothing arrived for"),
        Wire(10, "silence after the handshake", Spoken(then="stay"), E.IDLE_TIMEOUT, "nothing arrived for"),
        Wire(
            10, "silence in the middle of a frame", Spoken([head], then="stay"), E.IDLE_TIMEOUT, "nothing arrived for"
        ),
        Wire(11, "a slow handshake, one byte at a time", Spoken([answer], slow_hello=0.2), E.TIMEOUT, "within 4 s"),
        Wire(
            11,
            "a slow frame, one byte at a time",
            Spoken(bytewise(frame(TEXT, " " * 60)), 0.2),
            E.TIMEOUT,
            "within 4 s",
        ),
        Wire(12, "only pings", Spoken([frame(PING, b"here")] * 40, 0.2), E.TIMEOUT, "within 4 s"),
        Wire(13, "one byte per write", Spoken(bytewise(answer))),
        Wire(14, "frames split within a character", Spoken(_cut_apart(final.replace("Hello", "世界🦗")))),
        Wire(
            15,
            "text that is not UTF-8",
            Spoken([answer.replace(b"Hello", b"\xff\xfe\xfd\xfc\xfb")]),
            E.MALFORMED,
            "utf-8",
        ),
        Wire(
            18,
            "the last frame never arrives",
            Spoken([frame(TEXT, final, fin=False), closing(1000)]),
            E.TRUNCATED,
            "(1000)",
        ),
        Wire(
            19, "Unicode line separators in the text", Spoken([frame(TEXT, final.replace("Hello", "a\u2028b\u0085"))])
        ),
        Wire(20, "text that is not JSON", Spoken([frame(TEXT, "hello")]), E.MALFORMED, "not JSON"),
        Wire(20, "bytes that are not frames", Spoken([b"\xff" * 64]), E.MALFORMED, "WebSocket is malformed"),
        Wire(20, "a masked frame", Spoken([frame(TEXT, final, mask=b"mask")]), E.MALFORMED, "masked frame"),
        Wire(20, "a reserved opcode", Spoken([frame(3, final)]), E.MALFORMED, "opcode"),
        Wire(
            20,
            "a continuation frame with nothing to continue",
            Spoken([frame(CONTINUATION, final)]),
            E.MALFORMED,
            "CONTINUATION",
        ),
        Wire(20, "a close code that does not exist", Spoken([closing(999)]), E.MALFORMED, "invalid code"),
        Wire(
            20,
            "garbage instead of a handshake",
            Answer([b"\x00\xff\x13garbage\r\n\r\n"], then="close"),
            E.MALFORMED,
            "malformed",
        ),
        Wire(
            20,
            "a handshake with a wrong accept token",
            Spoken(token=b"bm90IHRoaXM=", then="leave", hears=False),
            E.MALFORMED,
            "accept token",
        ),
        Wire(21, "a message of 10 MB", Spoken([frame(TEXT, "x" * 10_000_000)]), E.MALFORMED, "more than 1024 KiB"),
        Wire(
            21,
            "endless frames of one message",
            Spoken([frame(TEXT, b"x" * 65536, fin=False), *[frame(CONTINUATION, b"x" * 65536, fin=False)] * 200]),
            E.MALFORMED,
            "more than 1024 KiB",
        ),
        Wire(
            22,
            "a compressed frame that was not negotiated",
            Spoken([frame(TEXT, zlib.compress(b"x" * 10_000_000), rsv=4)]),
            E.MALFORMED,
            "Reserved bit",
        ),
        Wire(
            23,
            "a header of 1 MB",
            Answer([b"HTTP/1.1 101 OK\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n"], then="close"),
            E.MALFORMED,
            "malformed",
        ),
        Wire(
            23,
            "10,000 headers",
            Answer([b"HTTP/1.1 101 OK\r\n" + b"X: a\r\n" * 10_000 + b"\r\n"], then="close"),
            E.MALFORMED,
            "malformed",
        ),
        Wire(
            24,
            "429 with Retry-After",
            Answer(
                [sized(b'{"error":{"message":"slow down"}}', b"429 Too Many", more=b"Retry-After: 1\r\n")], then="close"
            ),
            E.RATE_LIMITED,
            "429 slow down",
        ),
        Wire(
            24,
            "503 with Retry-After",
            Answer([sized(b"full", b"503 Busy", b"text/plain", b"Retry-After: 1\r\n")], then="close"),
            E.OVERLOADED,
            "503 full",
        ),
        Wire(24, "closed for overload", Spoken([closing(1013, "too far behind")]), E.OVERLOADED, "too far behind"),
        Wire(24, "closed for too many requests", Spoken([closing(4429, "slow down")]), E.RATE_LIMITED, "slow down"),
        Wire(
            25,
            "a redirect to another host",
            Answer(
                [sized(b"", b"307 Temporary Redirect", more=b"Location: http://127.0.0.1:1/stolen\r\n")], then="close"
            ),
            E.OTHER,
            "point --host there",
            blame="config",
        ),
    )


def _cut_apart(text: str) -> list[bytes]:
    data = text.encode()
    return [pieces(TEXT, *[data[at : at + 2] for at in range(0, len(data), 2)])]


FINAL = _json(type="final", text="Hello")
SPEECH_WELL = Spoken([frame(TEXT, _json(type="partial", text="Hell")), frame(TEXT, FINAL)])
SPEECH: tuple[Wire, ...] = (
    *sockets(FINAL, _json(type="final", text="")),
    Wire(
        2,
        "an error message",
        Spoken([frame(TEXT, _json(type="error", message="no model"))]),
        E.SERVER_ERROR_EVENT,
        "no model",
    ),
    Wire(
        2,
        "an error message about a rate limit",
        Spoken([frame(TEXT, _json(type="error", message="Rate limit reached"))]),
        E.RATE_LIMITED,
        "Rate limit",
    ),
    Wire(
        4,
        "an empty result comes first",
        Spoken([frame(TEXT, _json(type="partial", text="")), frame(TEXT, FINAL)], 0.25),
        also=lambda row: row.first_partial_ms > 200 and row.partials == 0,
    ),
    Wire(12, "pings between other messages", Spoken([frame(PING, b"a"), frame(TEXT, FINAL), frame(PING, b"b")])),
    Wire(20, "a binary message", Spoken([frame(BINARY, b"\x00\xfe" * 50)]), E.MALFORMED, "binary message"),
)

TOLD = _json(response="Hello", id="a")
SOCKET_TALK_WELL = Spoken([frame(TEXT, TOLD)])
SOCKET_TALK: tuple[Wire, ...] = (
    *sockets(TOLD, _json(response="", id="a")),
    Wire(2, "an error message", Spoken([frame(TEXT, _json(error="no model"))]), E.SERVER_ERROR_EVENT, "no model"),
)
"""A session whose messages go over WebSockets."""

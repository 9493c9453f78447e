"""WebSocket from the client's side (RFC 6455): bytes in, what they say out. Knows no socket and no clock.

Framing and the handshake are wsproto's. A message may have at most MESSAGE_LIMIT bytes
(characters, of a text), since what a broken target sends must not fill our memory.
"""

import re
from dataclasses import dataclass, field

from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import RemoteProtocolError

MESSAGE_LIMIT = 1024 * 1024
BODY_LIMIT = 64 * 1024
"""Bytes kept of a refusal's body: enough for any error's text."""
TOO_BIG, BAD_DATA, NORMAL, BAD_GATEWAY = 1009, 1002, 1000, 1014
_LONGEST_CLOSE = 127
_UNKNOWN_CODE = "CLOSE with unknown reserved code"
"""What wsproto says of 1014, among others."""
_BAD_GATEWAY_FRAME = re.compile(rb"\x88([\x02-\x7d])\x03\xf6", re.DOTALL)
"""How a close with 1014 begins, and its length. IANA has the code, wsproto (1.3) takes it for broken frames."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The target has accepted the WebSocket."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The target has answered with HTTP instead; header names in lower case."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Closed:
    """The target has closed the WebSocket; 1006 where it just ended the connection."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """What came then is not WebSocket, or more of one than we are willing to hold; nothing more is heard."""

    why: str


Heard = Opened | Refused | Closed | Broken | str | bytes


class Framing:
    """One WebSocket's bytes.

    Attributes:
        answer: bytes that the protocol itself wants sent (pongs, the echo of a close); for the caller to clear.
    """

    def __init__(self, authority: str, target: str, headers: dict[str, str]) -> None:
        self._connection = WSConnection(ConnectionType.CLIENT)
        extra = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
        self._request = Request(host=authority, target=target, extra_headers=extra)
        self._parts: list[str | bytes] = []
        self._size = 0
        self._refusal: RejectConnection | None = None
        """Whose body is being read."""
        self._body = b""
        self._deaf = False
        """Nothing more is heard."""
        self._newest = b""
        """The bytes that came last: a close that is still being read lies in them."""
        self.answer = b""

    def hello(self) -> bytes:
        """The request that asks for the WebSocket."""
        return self._connection.send(self._request)

    @property
    def is_open(self) -> bool:
        """Whether messages may be sent."""
        return self._connection.state is ConnectionState.OPEN

    @property
    def is_over(self) -> bool:
        """Whether both sides have closed."""
        return self._connection.state is ConnectionState.CLOSED

    def frame(self, message: str | bytes) -> bytes:
        """The bytes of a message."""
        event = TextMessage(data=message) if isinstance(message, str) else BytesMessage(data=message)
        return self._connection.send(event)

    def close(self, code: int = NORMAL) -> bytes:
        """The bytes that close the WebSocket; none where it is not open."""
        return self._connection.send(CloseConnection(code=code)) if self.is_open else b""

    def feed(self, data: bytes) -> list[Heard]:
        """What these bytes say, in their order, up to where they break; no bytes are the end of the connection."""
        if self._deaf:
            return []
        if not data:
            return self._end()
        heard: list[Heard] = []
        wrong = None
        self._newest += data
        try:
            self._connection.receive_data(data)
        except RemoteProtocolError as error:
            wrong = str(error) or "no WebSocket handshake"
        except UnicodeDecodeError:  # wsproto reads the handshake's headers so
            wrong = "a header of the handshake is not ASCII"
        for event in self._connection.events():  # also those before what is wrong
            heard += self._understand(event)
            if self._deaf:
                return heard
        self._newest = self._newest[-_LONGEST_CLOSE:]
        return heard if wrong is None else [*heard, self._break(wrong)]

    def _break(self, why: str, code: int = BAD_DATA) -> Broken:
        self._deaf = True
        self.answer += self.close(code)
        return Broken(why)

    def _understand(self, event: object) -> list[Heard]:
        heard: list[Heard] = []
        match event:
            case TextMessage() | BytesMessage():
                heard = self._message(event)
            case AcceptConnection():
                heard = [Opened()]
            case RejectConnection(has_body=True):
                self._refusal = event
            case RejectConnection():
                heard = [self._refused(event)]
            case RejectData():
                self._body = (self._body + bytes(event.data))[:BODY_LIMIT]
                heard = [self._refused(self._refusal)] if event.body_finished and self._refusal else []
            case Ping() if self.is_open:
                self.answer += self._connection.send(event.response())
            case CloseConnection():
                heard = [self._closed(event)]
        return heard

    def _closed(self, event: CloseConnection) -> Closed | Broken:
        state = self._connection.state
        if state is ConnectionState.OPEN:  # not the target's close, but what wsproto makes of broken frames
            if event.reason == _UNKNOWN_CODE and (closed := self._bad_gateway()) is not None:
                return closed
            return self._break(event.reason or f"broken frames ({event.code})")
        if state is ConnectionState.REMOTE_CLOSING:
            self.answer += self._connection.send(event.response())
        self._deaf = True
        return Closed(event.code, event.reason or "")

    def _bad_gateway(self) -> Closed | None:
        """What broke the frames, if it was a close with 1014."""
        found = _BAD_GATEWAY_FRAME.search(self._newest)
        if found is None:
            return None
        length = found[1][0] - len(b"\x03\xf6")
        try:
            reason = self._newest[found.end() : found.end() + length].decode()
        except UnicodeDecodeError:
            return None
        self._deaf = True
        self.answer += self.close(BAD_GATEWAY)
        return Closed(BAD_GATEWAY, reason)

    def _message(self, event: TextMessage | BytesMessage) -> list[Heard]:
        self._size += len(event.data)
        if self._size > MESSAGE_LIMIT:
            return [self._break(f"a message of more than {MESSAGE_LIMIT // 1024} KiB", TOO_BIG)]
        if event.data:  # a target may send any number of empty pieces
            self._parts.append(event.data if isinstance(event.data, str) else bytes(event.data))
        if not event.message_finished:
            return []
        parts, self._parts, self._size = self._parts, [], 0
        if isinstance(event, TextMessage):
            return ["".join(part for part in parts if isinstance(part, str))]
        return [b"".join(part for part in parts if isinstance(part, bytes))]

    def _refused(self, event: RejectConnection) -> Refused:
        self._deaf = True
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in event.headers}
        return Refused(event.status_code, headers, self._body)

    def _end(self) -> list[Heard]:
        self._deaf = True
        if self._refusal is not None:
            return [self._refused(self._refusal)]  # its body has no other end, or was cut off
        return [] if self.is_over else [Closed(1006, "")]

"""The client side of the WebSocket protocol (RFC 6455), sans I/O. Knows no socket and no clock.

wsproto does the framing and the handshake. A message may have at most MESSAGE_LIMIT bytes (characters if it is text):
a broken target must not fill our memory.
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
"""Maximum bytes kept of a rejection's body: enough for any error message."""
TOO_BIG, BAD_DATA, NORMAL, BAD_GATEWAY = 1009, 1002, 1000, 1014
_LONGEST_CLOSE = 127
_UNKNOWN_CODE = "CLOSE with unknown reserved code"
"""wsproto's message for 1014 and other codes that it does not know."""
_BAD_GATEWAY_FRAME = re.compile(rb"\x88([\x02-\x7d])\x03\xf6", re.DOTALL)
"""The start of a close frame with 1014. IANA registered the code, but wsproto (1.3) rejects it as broken frames."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The target accepted the WebSocket."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The target answered the handshake with an HTTP response instead; header names are in lower case."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Closed:
    """The target closed the WebSocket; code 1006 if it closed the connection without a close frame."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The target violated the protocol or exceeded a limit; everything that follows is ignored."""

    why: str


Heard = Opened | Refused | Closed | Broken | str | bytes


class Framing:
    """The protocol state of one WebSocket.

    Attributes:
        answer: bytes to send that the protocol requires (pongs, the echo of a close); the caller clears it.
    """

    def __init__(self, authority: str, target: str, headers: dict[str, str]) -> None:
        self._connection = WSConnection(ConnectionType.CLIENT)
        extra = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
        self._request = Request(host=authority, target=target, extra_headers=extra)
        self._parts: list[str | bytes] = []
        self._size = 0
        self._refusal: RejectConnection | None = None
        """The HTTP response to the handshake whose body is being read."""
        self._body = b""
        self._deaf = False
        """True once everything that follows is ignored."""
        self._newest = b""
        """The last bytes received: they include any close frame that is not complete yet."""
        self.answer = b""

    def hello(self) -> bytes:
        """The handshake request."""
        return self._connection.send(self._request)

    @property
    def is_open(self) -> bool:
        """True while messages may be sent."""
        return self._connection.state is ConnectionState.OPEN

    @property
    def is_over(self) -> bool:
        """True once both sides have closed."""
        return self._connection.state is ConnectionState.CLOSED

    def frame(self, message: str | bytes) -> bytes:
        """Encode a message."""
        event = TextMessage(data=message) if isinstance(message, str) else BytesMessage(data=message)
        return self._connection.send(event)

    def close(self, code: int = NORMAL) -> bytes:
        """The close frame to send; empty if the WebSocket is not open."""
        return self._connection.send(CloseConnection(code=code)) if self.is_open else b""

    def feed(self, data: bytes) -> list[Heard]:
        """Take received bytes; return their events and messages, up to the first error. No bytes mean end of file."""
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
        except UnicodeDecodeError:  # wsproto decodes the handshake's headers as ASCII
            wrong = "a header of the handshake is not ASCII"
        for event in self._connection.events():  # also those before the error
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
        if state is ConnectionState.OPEN:  # not the target's close, but wsproto's report of broken frames
            if event.reason == _UNKNOWN_CODE and (closed := self._bad_gateway()) is not None:
                return closed
            return self._break(event.reason or f"broken frames ({event.code})")
        if state is ConnectionState.REMOTE_CLOSING:
            self.answer += self._connection.send(event.response())
        self._deaf = True
        return Closed(event.code, event.reason or "")

    def _bad_gateway(self) -> Closed | None:
        """The close with 1014 that wsproto rejected; None if something else was wrong."""
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
            return [self._refused(self._refusal)]  # its body ended with the connection, or was cut off
        return [] if self.is_over else [Closed(1006, "")]

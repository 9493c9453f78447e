"""WebSocket from the server's side (RFC 6455): the answer to the handshake, and messages in and out. Does no I/O.

wsproto does the framing. This module does not know what the messages mean.
"""

import base64
import hashlib
from dataclasses import dataclass

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import LocalProtocolError

from katydid.target.wire.http import HttpRequest

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MAX_MESSAGE = 1024 * 1024
TOO_BIG = 1009


def wants_websocket(request: HttpRequest) -> bool:
    """Return True if the request is a WebSocket handshake."""
    return (
        request.method == "GET"
        and request.headers.get("upgrade", "").lower() == "websocket"
        and "upgrade" in request.headers.get("connection", "").lower()
        and "sec-websocket-key" in request.headers
    )


def switching_protocols(request: HttpRequest, server: str) -> bytes:
    """Return the answer that opens the WebSocket."""
    digest = hashlib.sha1(request.headers["sec-websocket-key"].encode("latin-1") + _GUID).digest()  # noqa: S324 - RFC 6455, 4.2.2
    return (
        f"HTTP/1.1 101 Switching Protocols\r\nServer: {server}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n\r\n"
    ).encode("latin-1")


@dataclass(frozen=True, slots=True)
class Closed:
    """The client has closed, or its connection must be closed because of what it sent."""

    code: int
    reason: str


class ServerSocket:
    """One open WebSocket.

    Attributes:
        answer: bytes that the protocol itself must send (pongs, the answer to a close); the caller clears it.
    """

    def __init__(self) -> None:
        self._connection = Connection(ConnectionType.SERVER)
        self._parts: list[str | bytes] = []
        self._size = 0
        self.answer = b""

    def feed(self, data: bytes) -> list[str | bytes | Closed]:
        """Take bytes, and return the messages that they complete."""
        messages: list[str | bytes | Closed] = []
        if self._connection.state in {ConnectionState.CLOSED, ConnectionState.REMOTE_CLOSING}:
            return messages
        self._connection.receive_data(data)
        for event in self._connection.events():
            if isinstance(event, TextMessage | BytesMessage):
                messages += self._message(event)
            elif isinstance(event, Ping):
                self.answer += self._connection.send(event.response())
            elif isinstance(event, CloseConnection):
                messages.append(Closed(event.code, event.reason or ""))
                self.answer += self.close(event.code, "")
        return messages

    def send(self, message: str) -> bytes:
        """Return the bytes of a message; empty after the WebSocket was closed."""
        return self._connection.send(TextMessage(data=message)) if self.is_open else b""

    def close(self, code: int, reason: str) -> bytes:
        """Return the bytes that close the WebSocket, or that answer the client's close."""
        if self._connection.state not in {ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING}:
            return b""
        try:
            return self._connection.send(CloseConnection(code=code, reason=reason or None))
        except LocalProtocolError:  # a code that must not be sent, such as 1006
            return b""

    @property
    def is_open(self) -> bool:
        """Return True if messages may still be sent."""
        return self._connection.state is ConnectionState.OPEN

    def _message(self, event: TextMessage | BytesMessage) -> list[str | bytes | Closed]:
        self._size += len(event.data)
        if self._size > MAX_MESSAGE:
            self.answer += self.close(TOO_BIG, "the message is too big")
            return [Closed(TOO_BIG, "the message is too big")]
        self._parts.append(event.data if isinstance(event.data, str) else bytes(event.data))
        if not event.message_finished:
            return []
        parts, self._parts, self._size = self._parts, [], 0
        if len(parts) == 1:
            return [parts[0]]
        return ["".join(parts)] if isinstance(event, TextMessage) else [b"".join(parts)]  # type: ignore[arg-type]  # of one kind

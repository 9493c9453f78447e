"""WebSocket from the server's side (RFC 6455): the answer to the handshake, and messages in and out.

wsproto does the framing. This module does not know what the messages mean.
"""

import asyncio
import base64
import contextlib
import hashlib
from abc import ABC, abstractmethod
from typing import Any

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


class ServerSocket(ABC):
    """One open WebSocket to a client."""

    def __init__(self, client: asyncio.Transport) -> None:
        self._client = client
        self._connection = Connection(ConnectionType.SERVER)
        self._parts: list[Any] = []
        self._size = 0

    @abstractmethod
    def hear(self, message: str | bytes) -> None:
        """Take a message from the client."""

    def lost(self, outcome: str) -> None:  # noqa: B027 - nothing to do if every message has been answered
        """The WebSocket or its connection has ended; `outcome` is one of `truthlog.Truth.outcome`."""

    def feed(self, data: bytes) -> None:
        """Take bytes from the client, and hear the messages that they complete."""
        if self._connection.state in {ConnectionState.CLOSED, ConnectionState.REMOTE_CLOSING}:
            return
        self._connection.receive_data(data)
        for event in self._connection.events():
            if isinstance(event, TextMessage | BytesMessage):
                self._size += len(event.data)
                if self._size > MAX_MESSAGE:
                    self._leave(TOO_BIG, "the message is too big")
                    return
                self._parts.append(event.data)
                if event.message_finished:
                    parts, self._parts, self._size = self._parts, [], 0
                    self.hear("".join(parts) if isinstance(event, TextMessage) else b"".join(parts))
            elif isinstance(event, Ping):
                self._client.write(self._connection.send(event.response()))
            elif isinstance(event, CloseConnection):
                self._leave(event.code)

    def send(self, message: str) -> None:
        """Send a message, unless the WebSocket was closed."""
        if self._connection.state is ConnectionState.OPEN:
            self._client.write(self._connection.send(TextMessage(data=message)))

    def close(self, code: int, reason: str = "") -> None:
        """Close the WebSocket, or answer the client's close."""
        if self._connection.state in {ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING}:
            with contextlib.suppress(LocalProtocolError):  # a code that must not be sent, such as 1006
                self._client.write(self._connection.send(CloseConnection(code=code, reason=reason or None)))

    def _leave(self, code: int, reason: str = "") -> None:
        self.lost("client_closed")
        self.close(code, reason)
        self._client.close()

"""Answers of the embedded chat bridge: one HTTP answer, from its slot to its last byte, or all those of a WebSocket."""

import asyncio
import time
from collections.abc import Callable
from uuid import uuid4

from katydid.model.jsontext import json_bytes
from katydid.target.bridge.service import PREFIX, Bridge, Reply
from katydid.target.settings import TargetSettings
from katydid.target.ticker import Ticker
from katydid.target.truthlog import Truth, TruthLog
from katydid.target.wire.http import HttpRequest, RequestError, answer
from katydid.target.wire.websocket import Closed, ServerSocket


class BridgeAnswer:
    """An HTTP answer with the interface of `answering.ServedAnswer`: its owner calls `begin` when a slot is free.

    With --single-threaded, the connection ends with the answer, as in http.server.

    Args:
        finished: called once, with True if the connection may carry another request.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        ticker: Ticker,
        *,
        settings: TargetSettings,
        bridge: Bridge,
        request: HttpRequest,
        truth: Truth,
        finished: Callable[[bool], None],
    ) -> None:
        self._transport = transport
        self._ticker = ticker
        self._settings = settings
        self._bridge = bridge
        self._request = request
        self._truth = truth
        self._finished = finished
        self._over = False

    def begin(self) -> None:
        """Serve the request; called when it has a slot."""
        reply = _reply(self._bridge, self._request)
        if not self._settings.bridge_delay:
            self._write(reply)
            return

        def later() -> None:
            if not self._over and not self._transport.is_closing():
                self._write(reply)

        self._ticker.at(self._ticker.now() + self._settings.bridge_delay, later)

    def abandon(self) -> None:
        """Stop, since the client has left."""
        self._over = True

    def resume(self) -> None:
        """See `ServedAnswer.resume`; there is nothing more to write."""

    def _write(self, reply: Reply) -> None:
        self._over = True
        truth, keep_alive = self._truth, self._request.keep_alive and not self._settings.single_threaded
        truth.status, truth.fault, truth.party = reply.status, reply.fault, reply.party
        body = json_bytes(reply.body)
        self._transport.write(answer(reply.status, body, server=self._settings.server, keep_alive=keep_alive))
        truth.ended("sent")
        self._finished(keep_alive)


class BridgeSocket:
    """A session's WebSocket: each message received is answered by one message.

    Args:
        path: HTTP path of the session's messages.
        truth: log entry of the first message; each later message gets its own.
        write, close: functions that write to the client and close its connection.
    """

    def __init__(
        self,
        bridge: Bridge,
        path: str,
        truth: Truth,
        log: TruthLog,
        *,
        write: Callable[[bytes], None],
        close: Callable[[], None],
    ) -> None:
        self._bridge = bridge
        self._path = path
        self._truth = truth
        self._log = log
        self._write = write
        self._close = close
        self._socket = ServerSocket()

    def feed(self, data: bytes) -> None:
        """Take bytes from the client, and answer its messages."""
        over = False
        for message in self._socket.feed(data):
            if isinstance(message, Closed):
                over = True
            else:
                self._answer(message.encode() if isinstance(message, str) else message)
        if self._socket.answer:
            self._write(self._socket.answer)
            self._socket.answer = b""
        if over:
            self._close()

    def lost(self, outcome: str) -> None:
        """The connection was lost; nothing to do, since every message has been answered."""

    def _answer(self, body: bytes) -> None:
        reply = _reply(self._bridge, HttpRequest("POST", self._path, {}, keep_alive=True, modern=True, body=body))
        truth = self._truth
        truth.status, truth.fault, truth.party = reply.status, reply.fault, reply.party
        self._write(self._socket.send(json_bytes(reply.body).decode()))
        truth.ended("sent")
        self._log.write(truth)
        self._truth = Truth(uuid4().hex, self._path, time.monotonic_ns(), time.time_ns())


def messages_path(path: str) -> str | None:
    """Return the HTTP path of a session's messages from its WebSocket's path, `/bridge/sessions/ID/socket`, or None."""
    parts = path.removeprefix(PREFIX).split("/")
    return f"{PREFIX}sessions/{parts[1]}/messages" if parts[0] == "sessions" and parts[2:] == ["socket"] else None


def _reply(bridge: Bridge, request: HttpRequest) -> Reply:
    try:
        return bridge.serve(request)
    except RequestError as error:
        return Reply(error.status, {"error": str(error)})

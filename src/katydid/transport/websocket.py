"""Conversations over WebSockets: send messages when they are due, and receive messages at the same time.

As in `connection.py`, everything happens in gevent's hub: per connection, one watcher reads and timestamps, one timer
sends due messages, and the user's greenlet is parked until the conversation ends. A message arrives when the kernel
receives its last bytes. Knows nothing of what messages mean.

The callbacks run in the hub: they must not block, log or raise.
"""

import socket
import time
from collections.abc import Callable
from typing import Any, Protocol

import gevent
import greenlet

from katydid.model.sample import ErrorClass
from katydid.protocol.websocket_frames import Broken, Closed, Framing, Heard, Opened, Refused
from katydid.transport import clock
from katydid.transport.dialing import TlsLayer, destination, dial, tls_context
from katydid.transport.exchange import VERIFIED, Exchange, Timeouts, TimestampSource, TlsSettings, with_agent
from katydid.transport.failure import classify
from katydid.transport.intake import count_read

CLOSE_TIMEOUT_S = 1.0
"""Seconds that the target gets to answer our close frame."""
AT_ONCE = 16
"""Maximum messages sent per iteration of the event loop, so that one fast stream does not delay the others."""
_READ, _WRITE = 1, 2  # libev's event masks
_MOST_LEFT = 64  # maximum reads from a connection that broke while sending


class Part(Protocol):
    """Our side of a conversation. Called in the event loop: it must not block or raise."""

    due: float | None
    """When to send the next message, on the monotonic clock; None for no more."""

    @property
    def done(self) -> bool:
        """True once everything expected has been received."""

    def begin(self, at: float) -> None:
        """The WebSocket was opened at `at`."""

    def say(self, now: float, *, held: bool) -> str | bytes | None:
        """The due message, which is then passed to the kernel; None to send nothing.

        Args:
            now: the time on the monotonic clock.
            held: the message is late because the target did not accept the previous one in time.
        """

    def hear(self, message: str | bytes, at: float) -> None:
        """Take a message that arrived at `at`."""

    def closed(self, code: int, reason: str) -> tuple[ErrorClass, str] | None:
        """The target closed before `done`: return the failure; None if this is a proper end."""


class WebSocketClient:
    """Opens WebSockets to one target.

    Args:
        url: the target's URL, http:// or https://; its path is a prefix of every conversation's.
        timeouts: the timeouts of a conversation; `idle` counts from the last message sent or received.
        tls: the certificates to trust, and our own.

    Raises:
        ConfigError: the URL, a proxy in the environment or a certificate file is unusable.
    """

    def __init__(self, url: str, timeouts: Timeouts, tls: TlsSettings = VERIFIED) -> None:
        self.to = destination(url, websocket=True)
        self.context = tls_context(tls) if self.to.tls else None
        self._timeouts = timeouts
        self.open_connections = 0
        self.timestamp_source: TimestampSource = "kernel" if clock.available() else "user"

    def converse(
        self, path: str, headers: dict[str, str], part: Part, exchange: Exchange, timeouts: Timeouts | None = None
    ) -> None:
        """Open a WebSocket, converse until `part` is done, and close it; blocks only the calling greenlet.

        Args:
            path: path of the WebSocket.
            headers: headers of the handshake, without those of the WebSocket protocol.
            part: sends and receives the messages.
            exchange: is filled in.
            timeouts: override the client's.

        Raises only what kills the greenlet; every failure is recorded in `exchange`. Its status is the handshake's, and
        its `ended` is the arrival of the last message.
        """
        began = time.monotonic()
        try:
            sock, tls = dial(self.to, self.context, self._timeouts.total)
        except OSError as error:
            exchange.fail(*classify(error, connecting=True))
            return
        exchange.connect_seconds = time.monotonic() - began
        self.open_connections += 1
        framing = Framing(self.to.authority, self.to.request_target(path), with_agent(headers))
        line = _Line(sock, tls, framing, part, exchange)
        try:
            line.run(timeouts or self._timeouts)
        finally:
            line.close()
            self.open_connections -= 1


class _Line:
    """One connection, used for one conversation."""

    def __init__(
        self, sock: socket.socket, tls: TlsLayer | None, framing: Framing, part: Part, exchange: Exchange
    ) -> None:
        self._sock = sock
        self._tls = tls
        self._framing = framing
        self._part = part
        self._exchange = exchange
        self._stamped = clock.enable(sock)
        self._hub: Any = gevent.get_hub()
        self._reader: Any = self._hub.loop.io(sock.fileno(), _READ)
        self._writer: Any = self._hub.loop.io(sock.fileno(), _WRITE)
        self._timers: dict[str, Any] = {}
        self._unsent = b""
        self._held = False
        self._last_sign = 0.0
        self._lag_ns = 0
        self._parked: greenlet.greenlet | None = None
        self._over = False
        self._ended = False

    def run(self, timeouts: Timeouts) -> None:
        """Run the whole conversation."""
        exchange = self._exchange
        self._timeouts = timeouts
        exchange.started = self._last_sign = time.monotonic()
        self._reader.start(self._guarded, self._read)
        self._guarded(self._write, self._framing.hello())
        self._arm("limit", min(timeouts.total, timeouts.idle), self._look_at_limits)
        self._park()
        if self._stamped:
            exchange.read_lag = self._lag_ns / 1e9
        if self._part.done and exchange.error is None:
            self._close_properly()

    def close(self) -> None:
        """Stop timers and watchers, and close the socket."""
        for name in list(self._timers):
            self._disarm(name)
        for watcher in (self._reader, self._writer):
            watcher.stop()
            watcher.close()
        self._sock.close()

    def _close_properly(self) -> None:
        if self._ended or self._framing.is_over:
            return
        self._over = False
        self._guarded(self._write, self._framing.close())
        self._arm("limit", CLOSE_TIMEOUT_S, self._finish)
        self._park()

    # Waiting

    def _park(self) -> None:
        self._parked = greenlet.getcurrent()
        try:
            while not self._over:
                self._hub.switch()
        finally:
            self._parked = None

    def _finish(self) -> None:
        """The conversation is over: the waiting greenlet is resumed at the end of this callback."""
        self._over = True

    def _fail(self, error: ErrorClass, detail: str) -> None:
        if not self._part.done:
            self._exchange.fail(error, detail)
        self._finish()

    def _guarded(self, step: Callable[..., object], *arguments: object) -> None:
        """Run a callback. The hub must survive a bug of ours, which becomes the exchange's failure."""
        try:
            step(*arguments)
        except OSError as error:
            self._fail(*classify(error, connecting=False))
        except Exception as error:  # noqa: BLE001 - see above
            self._fail(ErrorClass.OTHER, f"katydid's WebSocket failed: {type(error).__name__}: {error}")
        parked = self._parked
        if self._over and parked is not None:
            self._parked = None
            parked.switch()

    def _arm(self, name: str, delay: float, step: Callable[[], object]) -> None:
        self._disarm(name)
        timer = self._timers[name] = self._hub.loop.timer(max(0.0, delay))
        timer.start(self._guarded, step, update=True)

    def _disarm(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.stop()
            timer.close()

    def _look_at_limits(self) -> None:
        """Check the timeouts, at the earliest time when one may have expired; first read what the kernel has."""
        self._read()
        if self._over:
            return
        now = time.monotonic()
        total_left = (self._exchange.started or now) + self._timeouts.total - now
        idle_left = self._last_sign + self._timeouts.idle - now
        if total_left <= 0:
            self._fail(ErrorClass.TIMEOUT, f"no final result within {self._timeouts.total:g} s")
        elif idle_left <= 0:
            self._fail(ErrorClass.IDLE_TIMEOUT, f"nothing arrived for {self._timeouts.idle:g} s")
        else:
            self._arm("limit", min(total_left, idle_left), self._look_at_limits)

    # Sending

    def _send_due(self) -> None:
        part = self._part
        for _ in range(AT_ONCE):
            now = time.monotonic()
            if part.due is None or self._over or not self._framing.is_open:
                return
            if self._unsent or part.due > now:
                break
            if (message := part.say(now, held=self._held)) is not None:
                self._write(self._framing.frame(message))
            self._held = False
            self._last_sign = now
            if part.done:
                self._finish()
        if self._unsent:
            self._held = True  # continues when the target accepts more
        elif part.due is not None:
            self._arm("send", part.due - time.monotonic(), self._send_due)

    def _write(self, data: bytes) -> None:
        if not data:
            return
        if self._tls is not None:
            data = self._tls.encrypt(data)
        if self._unsent:
            self._unsent += data
            return
        sent = self._send(data)
        if sent < len(data):
            self._unsent = data[sent:]
            self._writer.start(self._guarded, self._write_more)

    def _write_more(self) -> None:
        self._unsent = self._unsent[self._send(self._unsent) :]
        if not self._unsent:
            self._writer.stop()
            self._send_due()

    def _send(self, data: bytes) -> int:
        """Return the number of bytes that the kernel accepted."""
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            # Read what the target sent before it closed: its reason is worth more than "broken pipe".
            for _ in range(_MOST_LEFT):
                if self._over or not self._read():
                    break
            if not self._over:
                self._fail(*classify(error, connecting=False))
            return len(data)

    # Receiving

    def _read(self) -> bool:
        """Read once; return False if there was nothing to read."""
        try:
            wire, at, age = clock.receive(self._sock)
            count_read(wire, age)
        except BlockingIOError:
            return False
        if age is not None:
            self._lag_ns = max(self._lag_ns, age)
        self._take(wire, at)
        return bool(wire)

    def _take(self, wire: bytes, at: float) -> None:
        self._last_sign = max(self._last_sign, at)
        self._exchange.received += len(wire)
        plain, ended = (wire, not wire) if self._tls is None else (self._tls.decrypt(wire), False)
        if plain:
            self._hear_all(self._framing.feed(plain), at)
            answer, self._framing.answer = self._framing.answer, b""
            self._write(answer)
        if ended or not wire or (self._tls is not None and self._tls.ended):
            self._ended = True
            self._reader.stop()
            self._hear_all(self._framing.feed(b""), at)
            self._finish()

    def _hear_all(self, heard: list[Heard], at: float) -> None:
        for each in heard:
            if isinstance(each, str | bytes):
                self._hear(each, at)
            elif isinstance(each, Opened):
                self._exchange.status = 101
                self._part.begin(at)
                self._send_due()
                if self._part.done:
                    self._finish()
            elif isinstance(each, Refused):
                self._exchange.status, self._exchange.headers = each.status, each.headers
                self._exchange.body = each.body
                self._finish()
            elif isinstance(each, Broken):
                self._fail(ErrorClass.MALFORMED, f"the target's WebSocket is malformed: {each.why}")
            else:
                self._hear_close(each)

    def _hear(self, message: str | bytes, at: float) -> None:
        part = self._part
        if part.done or self._over:
            return
        self._exchange.ended = at
        part.hear(message, at)
        if part.done:
            self._disarm("send")
            self._finish()

    def _hear_close(self, close: Closed) -> None:
        if not self._part.done:
            if self._exchange.status is None:
                self._fail(ErrorClass.TRUNCATED, "the target closed the connection without an answer")
            elif (failure := self._part.closed(close.code, close.reason)) is not None:
                self._fail(*failure)
        self._finish()

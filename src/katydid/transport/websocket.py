"""Conversations over WebSockets: messages go out when they are due, and are heard at the same time.

As in `connection.py`, all of it happens in gevent's hub: one watcher a connection reads and stamps, one
timer sends what is due, and the user's greenlet parks until the conversation is over. A message's arrival is
the kernel's receive time of the bytes that completed it. Knows nothing of what messages mean.

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
"""Seconds that the target gets to answer our close."""
AT_ONCE = 16
"""Messages sent in one turn of the event loop, so that a fast talker does not hold up the others."""
_READ, _WRITE = 1, 2  # libev's
_MOST_LEFT = 64  # reads of a line that is broken


class Part(Protocol):
    """Our part in a conversation. Called in the event loop: it must not block or raise."""

    due: float | None
    """When the next message is to be sent, on the monotonic clock; None for no more."""

    @property
    def done(self) -> bool:
        """Whether all that is wanted has been heard."""

    def begin(self, at: float) -> None:
        """The WebSocket is open since `at`."""

    def say(self, now: float, *, held: bool) -> str | bytes:
        """The message that is due, handed to the kernel now.

        Args:
            now: on the monotonic clock.
            held: it is late because the target did not take what came before.
        """

    def hear(self, message: str | bytes, at: float) -> None:
        """A message that arrived at `at`."""

    def closed(self, code: int, reason: str) -> tuple[ErrorClass, str] | None:
        """The target has closed before it was all heard: the failure that this is; None for a proper end."""


class WebSocketClient:
    """Opens WebSockets to one target.

    Args:
        url: of the target, http:// or https://; a path in it comes before every conversation's.
        timeouts: of every conversation; `idle` counts from what was last sent or received.
        tls: whom to trust, and our own certificate.

    Raises:
        ConfigError: the URL, a proxy of the environment or a certificate file is unusable.
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
        """Open a WebSocket, talk until `part` is done, and close it; blocks only the calling greenlet.

        Args:
            path: of the WebSocket.
            headers: of its handshake, apart from what makes it one.
            part: what is said and heard.
            exchange: filled in.
            timeouts: other ones than the client's.

        Raises nothing but what kills the greenlet; every failure is told in `exchange`, whose status is the
        handshake's, and whose `ended` is the arrival of the last message.
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
    """One connection, for one conversation."""

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
        """The whole conversation."""
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
            self._say_goodbye()

    def close(self) -> None:
        """Stop everything."""
        for name in list(self._timers):
            self._disarm(name)
        for watcher in (self._reader, self._writer):
            watcher.stop()
            watcher.close()
        self._sock.close()

    def _say_goodbye(self) -> None:
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
        """It is over; whoever waits for that is switched to at the end of this callback."""
        self._over = True

    def _fail(self, error: ErrorClass, detail: str) -> None:
        if not self._part.done:
            self._exchange.fail(error, detail)
        self._finish()

    def _guarded(self, step: Callable[..., object], *arguments: object) -> None:
        """The hub must survive a bug of ours; the conversation tells it."""
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
        """The earliest moment at which a time-out can have come; what waits in the kernel is heard first."""
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
            self._write(self._framing.frame(part.say(now, held=self._held)))
            self._held = False
            self._last_sign = now
            if part.done:
                self._finish()
        if self._unsent:
            self._held = True  # goes on when the target takes more
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
        """Bytes that the kernel took."""
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            # What the target said before it broke the line, why it closes, is worth more than the broken pipe.
            for _ in range(_MOST_LEFT):
                if self._over or not self._read():
                    break
            if not self._over:
                self._fail(*classify(error, connecting=False))
            return len(data)

    # Receiving

    def _read(self) -> bool:
        """Read once; False when there was nothing to read."""
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

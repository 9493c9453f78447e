"""One connection: bytes are read, timestamped and counted in the event loop.

A greenlet that reads a stream itself is woken for every chunk, and that costs more than all the parsing. Here one
persistent I/O watcher per connection calls a reader (`intake`) in gevent's hub. The reader does one `recvmsg`, takes
the kernel's timestamp and notes plain content events; everything else goes to the receiver. The user's greenlet is
parked once per request and resumed at its end.

The callbacks run in the hub: they must not block, log or raise.
"""

import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import gevent
import greenlet

from katydid.model.sample import ErrorClass
from katydid.transport import clock
from katydid.transport.dialing import TlsLayer, send_all
from katydid.transport.exchange import Timeouts
from katydid.transport.failure import classify
from katydid.transport.intake import reader
from katydid.transport.receiver import Receiver

_READ = 1  # libev's EV_READ
_MAX_READS_BEFORE_TIMEOUT = 64


class Connection:
    """A connected socket that carries one request at a time.

    Args:
        sock: a non-blocking socket.
        tls: the TLS layer over it, after the handshake.
        on_close: called once, when the connection is closed for any reason.
        connect_seconds: how long connecting took.
    """

    __slots__ = (
        "_due",
        "_hub",
        "_on_close",
        "_parked",
        "_reader",
        "_receiver",
        "_sent_at",
        "_sock",
        "_stamped",
        "_timeouts",
        "_timer",
        "_tls",
        "_watcher",
        "closed",
        "connect_seconds",
    )

    def __init__(
        self,
        sock: socket.socket,
        tls: TlsLayer | None,
        on_close: Callable[["Connection"], None],
        connect_seconds: float = 0.0,
    ) -> None:
        self._sock = sock
        self._tls = tls
        self._on_close = on_close
        self._stamped = clock.enable(sock)
        self._reader = reader(sock)
        self._receiver: Receiver | None = None
        self._parked: greenlet.greenlet | None = None
        self._timeouts = Timeouts()
        self._timer: Any = None
        self._due = self._sent_at = 0.0
        self.closed = False
        self.connect_seconds = connect_seconds
        self._hub: Any = gevent.get_hub()
        self._watcher: Any = self._hub.loop.io(sock.fileno(), _READ)
        self._watcher.start(self._reader.on_readable, self)

    def converse(self, payload: Sequence[bytes], receiver: Receiver, timeouts: Timeouts) -> None:
        """Send a request, given in consecutive pieces, and park the calling greenlet until `receiver` is done.

        Closes the connection unless the response was complete, also if the greenlet is killed meanwhile.
        """
        self._receiver = receiver
        self._timeouts = timeouts
        exchange = receiver.exchange
        self._reader.lag_ns = 0
        try:
            exchange.started = time.monotonic()
            self._send(payload, exchange.started + timeouts.total)
            if not receiver.done:
                self._sent_at = time.monotonic()
                exchange.send_seconds = self._sent_at - exchange.started
                self._arm(min(exchange.started + timeouts.total, self._sent_at + timeouts.idle))
                self._park(receiver)
        finally:
            self._receiver = None
            if self._reader.armed:
                receiver.count(*self._reader.disarm())
            if self._stamped and receiver.touched:
                exchange.read_lag = self._reader.lag_ns / 1e9
            if not receiver.reusable:
                self.close()

    def close(self) -> None:
        """Close the socket; repeated calls do nothing."""
        if self.closed:
            return
        self.closed = True
        self._disarm()
        self._watcher.stop()
        self._watcher.close()
        self._sock.close()
        self._on_close(self)

    def _send(self, payload: Sequence[bytes], deadline: float) -> None:
        try:
            pieces = [self._tls.encrypt(b"".join(payload))] if self._tls else payload
            send_all(self._sock, deadline, *pieces)
        except TimeoutError:
            self._finish(ErrorClass.TIMEOUT, "the target did not accept the whole request in time")
        except OSError as error:
            # A server may reject a request before it has read all of it. Its response, still unread, is worth more
            # than "broken pipe".
            self._drain()
            self._finish(*classify(error, connecting=False))

    def _park(self, receiver: Receiver) -> None:
        self._parked = greenlet.getcurrent()
        try:
            while not receiver.done:
                self._hub.switch()
        finally:
            self._parked = None

    def _wake(self) -> None:
        parked = self._parked
        if parked is not None:
            self._parked = None
            parked.switch()

    def on_read(self, wire: bytes, at: float, /) -> None:
        """See `intake.Listener.on_read`."""
        receiver = self._receiver
        try:
            if receiver is None or receiver.done:
                self._take_unasked(wire)
                return
            if self._reader.armed:
                receiver.count(*self._reader.disarm())
            if not receiver.done:
                self._take(receiver, wire, at)
            if self._tls is None and (rule := receiver.plain):
                self._reader.arm(rule)
        except Exception as error:  # noqa: BLE001 - the hub must survive a bug of ours: the request fails with it
            self._finish(ErrorClass.OTHER, f"katydid's reader failed: {type(error).__name__}: {error}")
        if receiver is not None and receiver.done:
            self._wake()

    def on_error(self, error: OSError, /) -> None:
        """See `intake.Listener.on_error`."""
        self._finish(*classify(error, connecting=False))
        if self._receiver is not None:
            self._wake()

    def _take(self, receiver: Receiver, wire: bytes, at: float) -> None:
        if self._tls is None:
            if wire:
                receiver.feed(wire, at)
            else:
                receiver.eof(at)
            return
        try:
            plain = self._tls.decrypt(wire)
        except OSError as error:
            self._finish(*classify(error, connecting=False))
            return
        if plain:
            receiver.feed(plain, at)
        if not wire or self._tls.ended:
            receiver.eof(at)

    def _take_unasked(self, wire: bytes) -> None:
        """On an idle connection: close it if the peer closed or sent data; TLS's own messages are harmless."""
        if self._tls is None or not wire or self._tls.decrypt(wire) or self._tls.ended:
            self.close()

    def _drain(self) -> None:
        for _ in range(_MAX_READS_BEFORE_TIMEOUT):
            receiver = self._receiver
            if receiver is None or receiver.done or not self._reader.read(self):
                return

    def _arm(self, due: float) -> None:
        """Check timeouts at `due` or earlier: a timer already armed is reused, since a timer per request is costly."""
        if self._timer is None or self._due > due:
            self._disarm()
            self._due = due
            self._timer = self._hub.loop.timer(max(0.0, due - time.monotonic()))
            self._timer.start(self._on_timer, update=True)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    def _on_timer(self) -> None:
        """Hub callback: check timeouts, at the earliest time when one may have expired.

        Data waiting in the kernel is read first, so that a late event loop does not time out a response that arrived
        in time.
        """
        self._disarm()
        if self._parked is None:  # idle, or still sending, which has its own deadline
            return
        self._drain()
        receiver = self._receiver
        if receiver is None:
            return
        if not receiver.done:
            now = time.monotonic()
            total_due = (receiver.exchange.started or now) + self._timeouts.total
            idle_due = max(self._sent_at, self._reader.last_at) + self._timeouts.idle
            if total_due <= now:
                self._finish(ErrorClass.TIMEOUT, f"no complete answer within {self._timeouts.total:g} s")
            elif idle_due <= now:
                self._finish(ErrorClass.IDLE_TIMEOUT, f"nothing arrived for {self._timeouts.idle:g} s")
            else:
                self._arm(min(total_due, idle_due))
                return
        self._wake()

    def _finish(self, error: ErrorClass, detail: str) -> None:
        receiver = self._receiver
        if receiver is None or receiver.done:
            self.close()
        else:
            receiver.fail(error, detail)

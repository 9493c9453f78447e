"""Arrival times of requests from the kernel, so that the log does not include the delay until this process reads them.

A busy event loop reads a request milliseconds after it arrived. asyncio accepts a listening socket from us, and ours
accepts connections that keep the kernel's receive timestamp (SO_TIMESTAMPING, Documentation/networking/
timestamping.rst) of each read. It shares no code with the generator, since the generator is checked against it.
"""

import socket
import struct
import sys
import time
from typing import Any

_SO_TIMESTAMPING = 37
_ASKED = (1 << 3) | (1 << 4)  # received, by the kernel's clock
_STAMP = struct.Struct("=qq")
_OLDEST_NS = 60 * 10**9


class Arrivals:
    """Keeps the arrival time of the last read. There is one thread, so the next data handed out are from that read."""

    def __init__(self) -> None:
        self._age = 0

    def note(self, ancillary: list[tuple[int, int, bytes]]) -> None:
        """Take the ancillary data of a read by `recvmsg`."""
        self._age = 0
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPING):
                seconds, nanoseconds = _STAMP.unpack_from(data)
                age = time.time_ns() - seconds * 10**9 - nanoseconds
                self._age = age if 0 <= age < _OLDEST_NS else 0  # otherwise the wall clock was changed

    def latest(self) -> tuple[int, int]:
        """Return nanoseconds on the monotonic and the real-time clock; the current time without a kernel timestamp."""
        return time.monotonic_ns() - self._age, time.time_ns() - self._age


class _Stamped(socket.socket):
    """A connection that notes the arrival time of each read."""

    arrivals: Arrivals

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        data, ancillary, _, _ = self.recvmsg(bufsize, 64, flags)
        self.arrivals.note(ancillary)
        return data

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        del nbytes  # asyncio does not pass it
        size, ancillary, _, _ = self.recvmsg_into([buffer], 64, flags)
        self.arrivals.note(ancillary)
        return size


class _Listener(socket.socket):
    arrivals: Arrivals

    def accept(self) -> tuple[socket.socket, object]:
        plain, address = super().accept()
        ours = _Stamped(fileno=plain.detach())
        ours.arrivals = self.arrivals
        ours.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPING, _ASKED)
        return ours, address


def listen(host: str, port: int, arrivals: Arrivals) -> socket.socket:
    """Return a listening socket; on Linux, its connections note the arrival time of each read.

    Raises:
        OSError: the address is unknown or taken.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    plain = socket.create_server(address[:2], family=family, backlog=8192)
    if not sys.platform.startswith("linux"):
        return plain
    listener = _Listener(fileno=plain.detach())
    listener.arrivals = arrivals
    return listener

"""When a request arrived, by the kernel: what the log says must not contain how late this process read it.

A busy event loop reads a request milliseconds after it came. asyncio takes a listening socket as it is given, so
ours accepts sockets that keep the kernel's receive timestamp (SO_TIMESTAMPING, Documentation/networking/
timestamping.rst) of each read. Written apart from what the generator does, since this is what it is checked by.
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
    """Keeps when the bytes arrived that were read last; on one thread that is whom they are handed to next."""

    def __init__(self) -> None:
        self._age = 0

    def note(self, ancillary: list[tuple[int, int, bytes]]) -> None:
        """Take what `recvmsg` told of a read."""
        self._age = 0
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPING):
                seconds, nanoseconds = _STAMP.unpack_from(data)
                age = time.time_ns() - seconds * 10**9 - nanoseconds
                self._age = age if 0 <= age < _OLDEST_NS else 0  # else the wall clock was set

    def latest(self) -> tuple[int, int]:
        """Nanoseconds on the monotonic and on the real-time clock; those of now where the kernel has no stamp."""
        return time.monotonic_ns() - self._age, time.time_ns() - self._age


class _Stamped(socket.socket):
    """A connection whose reads are noted."""

    arrivals: Arrivals

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        data, ancillary, _, _ = self.recvmsg(bufsize, 64, flags)
        self.arrivals.note(ancillary)
        return data

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        del nbytes  # asyncio gives none
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
    """A listening socket that notes the reads of all its connections, where the system can.

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

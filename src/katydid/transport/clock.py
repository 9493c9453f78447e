"""When bytes arrived: the kernel's receive timestamps, on the monotonic clock.

Linux stamps each TCP segment as it is received (SO_TIMESTAMPING, Documentation/networking/
timestamping.rst) on the real-time clock. We map a stamp to the monotonic clock by its age at the
moment of reading, taken anew at every read, so a step of the wall clock can disturb only the one read
in which it falls. An age that cannot be is discarded: below zero, or older than the event loop's last look at the
socket. Where segments wait unread the kernel merges
them and keeps the newest stamp: then the time is an upper bound.
"""

import socket
import struct
import sys
import time

READ_SIZE = 256 * 1024
_SO_TIMESTAMPING = 37
_RX_SOFTWARE = 1 << 3
_SOFTWARE = 1 << 4
_TIMESPEC = struct.Struct("=qq")

ANCILLARY_SIZE = 64
"""Room for one control message with three timespecs, CMSG_SPACE(48)."""

SLACK_NS = 50 * 10**6
"""By which bytes may be older than the loop's last look: where many sockets are ready, some wait for a few turns."""

_OLDEST_NS = 60 * 10**9  # no read is further behind than this; an older stamp is a step of the wall clock


def available() -> bool:
    """Whether this machine's kernel stamps what it receives."""
    with socket.socket() as probe:
        return enable(probe)


def enable(sock: socket.socket) -> bool:
    """Ask the kernel for receive timestamps; False where it has none (then reading time is used)."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPING, _RX_SOFTWARE | _SOFTWARE)
    except OSError:
        return False
    return True


def receive(sock: socket.socket, looked_ns: int | None = None) -> tuple[bytes, float, int | None]:
    """One read of a socket that does not block.

    Args:
        sock: with stamps, where `enable` could ask for them.
        looked_ns: when the socket was last seen to be empty, in nanoseconds of the monotonic clock; None: unknown.

    Returns:
        (bytes, at, age): none where the peer has closed; the moment at which they arrived, seconds on the
        monotonic clock; and how many nanoseconds before the reading that was. Without a stamp the age is None,
        and the moment is that of the reading.

    Raises:
        OSError: as of `recv`; BlockingIOError where there is nothing to read.
    """
    if not hasattr(sock, "recvmsg"):  # Windows
        return sock.recv(READ_SIZE), time.monotonic(), None
    wire, ancillary, _, _ = sock.recvmsg(READ_SIZE, ANCILLARY_SIZE)
    now = time.monotonic_ns()
    age = age_ns(ancillary, time.time_ns())
    if age is not None and looked_ns is not None and age > now - looked_ns + SLACK_NS:
        age = None
    return wire, (now - (age or 0)) / 1e9, age


def age_ns(ancillary: list[tuple[int, int, bytes]], real_ns: int) -> int | None:
    """How long ago, in nanoseconds, the bytes of a `recvmsg` arrived; None without a usable stamp.

    Args:
        ancillary: second element of what `recvmsg` returned.
        real_ns: `time.time_ns()` just after it.
    """
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPING:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            age: int = real_ns - (seconds * 10**9 + nanoseconds)
            return age if 0 <= age < _OLDEST_NS else None
    return None

"""When bytes arrived: the kernel's receive timestamps, mapped to the monotonic clock.

Linux timestamps each TCP segment on receipt (SO_TIMESTAMPING, Documentation/networking/timestamping.rst), on the
real-time clock. A timestamp is mapped to the monotonic clock by its age at the moment of reading, measured at every
read, so a step of the wall clock can affect only a single read. An impossible age is discarded: below zero, or older
than the event loop's last check of the socket. If segments wait unread, the kernel merges them and keeps the newest
timestamp; then the time is an upper bound.
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
"""Space for one control message with three timespecs, CMSG_SPACE(48)."""

SLACK_NS = 50 * 10**6
"""How much older than the loop's last check bytes may be: if many sockets are ready, some wait for a few iterations."""

_OLDEST_NS = 60 * 10**9  # no read is delayed by more than this; an older timestamp means a step of the wall clock


def available() -> bool:
    """Return True if this machine's kernel timestamps received data."""
    with socket.socket() as probe:
        return enable(probe)


def enable(sock: socket.socket) -> bool:
    """Switch on receive timestamps for a socket; return False if there are none (then the time of reading is used)."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPING, _RX_SOFTWARE | _SOFTWARE)
    except OSError:
        return False
    return True


def receive(sock: socket.socket, looked_ns: int | None = None) -> tuple[bytes, float, int | None]:
    """Read once from a non-blocking socket.

    Args:
        sock: the socket; see `enable`.
        looked_ns: when the socket was last known to be empty, in nanoseconds on the monotonic clock; None if unknown.

    Returns:
        (bytes, at, age): the bytes, empty if the peer has closed; their arrival in seconds on the monotonic clock;
        and how many nanoseconds before the read that was. Without a timestamp, age is None and `at` is the time of
        the read.

    Raises:
        OSError: from `recvmsg`; BlockingIOError if there is nothing to read.
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
    """Nanoseconds between the arrival of a `recvmsg`'s bytes and its return; None without a usable timestamp.

    Args:
        ancillary: the second element of `recvmsg`'s result.
        real_ns: `time.time_ns()` just after the call.
    """
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPING:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            age: int = real_ns - (seconds * 10**9 + nanoseconds)
            return age if 0 <= age < _OLDEST_NS else None
    return None

"""Reads this process's and its machine's figures from the operating system, through files that are opened once.

A process that has run out of file descriptors must still report its state, then most of all. So the files in /proc
are opened when the run begins and read again and again. Without /proc, psutil is used; figures that cannot be read are
None.
"""

import contextlib
import os
import time

import psutil

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_MOST = 64 * 1024


class KeptFile:
    """A file in /proc that is opened once and read anew each time; `read` returns None if there is no such file."""

    def __init__(self, path: str) -> None:
        try:
            self._fd: int | None = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        except OSError:
            self._fd = None

    def read(self) -> bytes | None:
        """The file's current content."""
        if self._fd is None:
            return None
        try:
            return os.pread(self._fd, _MOST, 0)
        except OSError:
            return None

    def close(self) -> None:
        """Close the file; safe to call again."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class OwnProcess:
    """The figures of this process, until `close`."""

    def __init__(self) -> None:
        self._ps = psutil.Process()
        self._memory = KeptFile("/proc/self/statm")
        self._scheduler = KeptFile("/proc/self/schedstat")
        self._network = KeptFile("/proc/net/dev")
        self._last_memory = 0

    def close(self) -> None:
        """Close the files."""
        for file in (self._memory, self._scheduler, self._network):
            file.close()

    @staticmethod
    def cpu_seconds() -> float:
        """CPU time of all threads."""
        return time.process_time()

    def memory_bytes(self) -> int:
        """Resident memory; the last known value if it cannot be read any more."""
        text = self._memory.read()
        with contextlib.suppress(OSError, psutil.Error, IndexError, ValueError):
            self._last_memory = int(text.split()[1]) * _PAGE if text else self._ps.memory_info().rss
        return self._last_memory

    def waited(self) -> float | None:
        """Seconds that the main thread was runnable without a core (Documentation/scheduler/sched-stats.rst)."""
        text = self._scheduler.read()
        try:
            return int(text.split()[1]) / 1e9 if text else None
        except (IndexError, ValueError):
            return None

    def network(self) -> tuple[int, int] | None:
        """Bytes (sent, received) on all interfaces of the machine."""
        text = self._network.read()
        if text is not None:
            return _sums(text)
        try:
            counters = psutil.net_io_counters()
        except (OSError, psutil.Error):
            return None
        return (counters.bytes_sent, counters.bytes_recv) if counters else None


def _sums(text: bytes) -> tuple[int, int] | None:
    """Sum /proc/net/dev: one line per interface, with eight columns for received data and eight for sent data."""
    sent = received = 0
    try:
        for line in text.decode("ascii", "replace").splitlines()[2:]:
            columns = line.rpartition(":")[2].split()
            received += int(columns[0])
            sent += int(columns[8])
    except (IndexError, ValueError):
        return None
    return sent, received


def suspended() -> float:
    """Seconds that this machine has been suspended since boot; the monotonic clock stops in a suspension."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()

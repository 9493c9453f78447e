"""Measure how well this machine keeps time: its clocks, event-loop timers and kernel receive timestamps.

Measured rather than read from the system: a virtual machine may claim more than it delivers.
"""

import socket
import time
from dataclasses import dataclass

import gevent
import psutil

from katydid.transport import clock

TICKS = 200
TICK = 0.005
"""Seconds of each timer; TICKS timers run one after the other."""
STAMPS = 20
"""Bytes sent over the loopback interface to test the kernel's timestamps."""
SWITCH_ON = 1.0
"""Seconds to wait for the first timestamp: the kernel switches them on in a work queue, which a busy machine delays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The result of measuring for about a second. Times are in milliseconds.

    Attributes:
        resolution_ns: the smallest observed step of the monotonic clock, in nanoseconds.
        late_p50, late_p99: median and 99th percentile of how late the event loop served a timer.
        clock_step: how much the wall clock drifted from the monotonic clock.
        busy: share of all cores' time in use, by any process.
        steal: share of all cores' time that the hypervisor gave to others; 0 if it does not report it.
        stamped: share of reads over the loopback interface with a kernel timestamp.
        stamp_age: median age of a timestamp when it is read; None without timestamps.
    """

    resolution_ns: int
    late_p50: float
    late_p99: float
    clock_step: float
    busy: float
    steal: float
    stamped: float
    stamp_age: float | None


def take_timing() -> Timing:
    """Measure for about a second."""
    psutil.cpu_times_percent()  # the first call starts the measurement
    offset = time.time_ns() - time.monotonic_ns()
    late = _late_timers()
    step = (time.time_ns() - time.monotonic_ns() - offset) / 1e6
    cpu = psutil.cpu_times_percent()
    ages = _stamp_ages()
    return Timing(
        resolution_ns=_resolution_ns(),
        late_p50=late[len(late) // 2],
        late_p99=late[len(late) * 99 // 100],
        clock_step=step,
        busy=1.0 - (cpu.idle + getattr(cpu, "iowait", 0.0)) / 100.0,
        steal=getattr(cpu, "steal", 0.0) / 100.0,
        stamped=len(ages) / STAMPS,
        stamp_age=ages[len(ages) // 2] / 1e6 if ages else None,
    )


def _late_timers() -> list[float]:
    """How late each timer was, in milliseconds, ascending."""
    late = []
    for _ in range(TICKS):
        due = time.monotonic() + TICK
        gevent.sleep(TICK)
        late.append((time.monotonic() - due) * 1000.0)
    return sorted(late)


def _resolution_ns() -> int:
    smallest = 10**9
    for _ in range(1000):
        before = time.monotonic_ns()
        while (after := time.monotonic_ns()) == before:
            pass
        smallest = min(smallest, after - before)
    return smallest


def _stamp_ages() -> list[int]:
    """The ages of the timestamps in nanoseconds, ascending; one for each read that had one."""
    if not hasattr(socket.socket, "recvmsg"):
        return []
    with socket.create_server(("127.0.0.1", 0)) as server:
        sender = socket.create_connection(server.getsockname(), timeout=1.0)
        with sender, server.accept()[0] as receiver:
            receiver.settimeout(1.0)
            sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not clock.enable(receiver):
                return []
            until = time.monotonic() + SWITCH_ON
            while _stamp_age(sender, receiver) is None and time.monotonic() < until:
                time.sleep(0.001)
            return sorted(age for _ in range(STAMPS) if (age := _stamp_age(sender, receiver)) is not None)


def _stamp_age(sender: socket.socket, receiver: socket.socket) -> int | None:
    sender.sendall(b"x")
    _, ancillary, _, _ = receiver.recvmsg(1, clock.ANCILLARY_SIZE)
    return clock.age_ns(ancillary, time.time_ns())

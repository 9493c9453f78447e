"""How well this machine keeps time: its clocks, its event loop's timers, the kernel's receive timestamps.

Measured, not read from a table: a virtual machine may promise what it does not keep.
"""

import socket
import time
from dataclasses import dataclass

import gevent
import psutil

from katydid.transport import clock

TICKS = 200
TICK = 0.005
"""Seconds: timers of the event loop that are watched, one after the other."""
STAMPS = 20
"""Bytes sent over the loopback interface, to see the kernel stamp their arrival."""
SWITCH_ON = 1.0
"""Seconds until the first of them: the kernel begins to stamp in a work queue, which on a busy machine has to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What was measured, in about a second. Milliseconds; shares are of one second of one core.

    Attributes:
        resolution_ns: the smallest step of the monotonic clock that was seen.
        late_p50, late_p99: how late the event loop came to a timer.
        clock_step: by how much the wall clock ran away from the monotonic one.
        busy: share of all cores' time that was used, by whomever.
        steal: share that the hypervisor gave to others; 0 where it does not tell.
        stamped: share of reads over the loopback interface that carried a kernel timestamp.
        stamp_age: the age of such a stamp at its reading, in the median.
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
    """Measure."""
    psutil.cpu_times_percent()  # from here on
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
    """Milliseconds, ascending."""
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
    """Nanoseconds, ascending; one for each read that carried a stamp."""
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

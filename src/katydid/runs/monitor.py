"""The monitor's row: how one process of the generator was doing in one second."""

from dataclasses import dataclass

MACHINE, TARGET = "machine", "target"
WATCHED = frozenset({MACHINE, TARGET})
"""Rows that are not of a process of the generator's: the whole machine that keeps the folder, and the target."""


@dataclass(slots=True)
class MonitorRow:
    """The columns of monitor.parquet.

    Attributes:
        at_ms: from the run's start.
        process: `local`, `master`, or the worker's name; or `machine` or `target` (WATCHED).
        users: running users.
        cpu_percent: of this process, 100 = one core; of the machine, 100 = all its cores.
        cpu_wait_percent: of the second in which it could have gone on, but others had its core; None where the
            system does not tell.
        memory_bytes: resident; of the machine, what is in use.
        sent_bytes, received_bytes: by all of this machine's interfaces in this second.
        loop_lag_ms: how late the event loop came to a timer, at worst in this second.
        open_connections: to the target.
        clock_step_ms: by how much the wall clock ran away from the monotonic clock in this second.
        blocked_ms: of this second, in which the event loop came to nothing: all lags over 5 ms added up, and the time
            for which the machine was suspended; None for rows of WATCHED.
        stamped_reads, unstamped_reads: of answers in this second, timed by the kernel's stamps, and by our own reading.
        in_flight: requests of this process that have begun and not ended; None for rows of WATCHED.
    """

    at_ms: float
    process: str
    users: int
    cpu_percent: float
    cpu_wait_percent: float | None
    memory_bytes: int
    sent_bytes: int | None
    received_bytes: int | None
    loop_lag_ms: float
    open_connections: int
    clock_step_ms: float
    blocked_ms: float | None = None
    stamped_reads: int | None = None
    unstamped_reads: int | None = None
    in_flight: int | None = None

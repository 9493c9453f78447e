"""Measures this machine: limits, cores, memory, clocks. Judges nothing, and knows no target.

A fact is None if the system does not report it.
"""

import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from katydid.model.version import __version__
from katydid.transport import intake
from katydid.transport.timing import Timing, take_timing

_PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_SOCKETS = Path("/proc/net/sockstat")
_TIME_SOURCE = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
_QUOTA_V2 = Path("/sys/fs/cgroup/cpu.max")
_QUOTA_V1, _PERIOD_V1 = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
_MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))

LOCUST_DESCRIPTORS = 10_000
"""Locust raises the soft limit to this if the hard limit allows (`locust.main`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts about this machine.

    Attributes:
        descriptors: open files allowed per process of a run, after Locust has raised the limit; None for no limit.
        soft, hard: this shell's limits on open files; None for no limit.
        ports: first and last port for outgoing connections.
        time_wait: closed connections that still hold their port.
        cores: number of cores that this process may use.
        quota: CPU quota of a container, in cores.
        memory_bytes: available memory, within a container's limit.
        time_source: the kernel's clock source.
        compiled: whether the C module that reads connections was compiled at installation.
    """

    system: str
    python: str
    katydid: str
    locust: str | None
    descriptors: int | None
    soft: int | None
    hard: int | None
    ports: tuple[int, int] | None
    time_wait: int | None
    cores: int
    quota: float | None
    memory_bytes: int
    time_source: str | None
    compiled: bool
    timing: Timing


def gather() -> Facts:
    """Collect all facts; takes about two seconds, mostly to watch the clocks."""
    soft, hard = _descriptor_limits()
    return Facts(
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        katydid=__version__,
        locust=_version("locust"),
        descriptors=usable_descriptors(soft, hard),
        soft=soft,
        hard=hard,
        ports=_ports(),
        time_wait=_time_wait(),
        cores=len(os.sched_getaffinity(0)) if sys.platform == "linux" else (os.cpu_count() or 1),
        quota=_quota(),
        memory_bytes=_memory(),
        time_source=_text(_TIME_SOURCE),
        compiled=intake.compiled is not None,
        timing=take_timing(),
    )


def usable_descriptors(soft: int | None, hard: int | None) -> int | None:
    """The open files allowed per process after Locust has tried to raise the limit; None for no limit."""
    if soft is None or soft >= LOCUST_DESCRIPTORS:
        return soft
    return LOCUST_DESCRIPTORS if hard is None or hard >= LOCUST_DESCRIPTORS else soft


def _descriptor_limits() -> tuple[int | None, int | None]:
    if sys.platform == "win32":
        return None, None
    import resource  # noqa: PLC0415 - Windows has none

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, hard = (None if limit == resource.RLIM_INFINITY else limit for limit in limits)
    return soft, hard


def _ports() -> tuple[int, int] | None:
    if not (text := _text(_PORT_RANGE)):
        return None
    first, last = map(int, text.split())
    return first, last


def _time_wait() -> int | None:
    words = (_text(_SOCKETS) or "").split()
    return int(words[words.index("tw") + 1]) if "tw" in words else None


def _quota() -> float | None:
    """The CPU quota in cores: cgroup v2 has `max 100000` or `150000 100000`, v1 has -1 for no quota."""
    text = _text(_QUOTA_V2) or f"{_text(_QUOTA_V1) or -1} {_text(_PERIOD_V1) or 1}"
    quota, period = text.split()
    return None if quota in {"max", "-1"} else int(quota) / int(period)


def _memory() -> int:
    available = int(psutil.virtual_memory().available)
    for limit in map(_text, _MEMORY_LIMITS):
        if limit is not None and limit.isdigit():
            return min(available, int(limit))
    return available


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return None

"""Checks whether this machine can carry a planned run, and whether the target answers. Sends no load.

The checks of the machine are one table with limits, reasons and remedies, and only judge facts. `bad` means that a run
of this size would fail or be invalid; a warning means that it might.
"""

import ipaddress
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from katydid.doctor.facts import Facts
from katydid.model.errors import ConfigError
from katydid.model.formatting import fraction, plural
from katydid.protocol.target_url import TargetUrl, read_target_url, shown_url

Status = Literal["ok", "warning", "bad"]
CheckResult = tuple[Status, str, str]
"""Status, finding, and remedy (empty if none is needed)."""

GIGABYTE = 1024**3


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """The planned run on this machine.

    Attributes:
        interval: seconds between the starts of a user's requests.
        processes: number of processes that share the users.
    """

    users: int = 100
    interval: float = 20.0
    processes: int = 1

    @property
    def users_each(self) -> int:
        """Largest number of users per process."""
        return -(-self.users // self.processes)


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of a check.

    Attributes:
        blame: whose fault a bad outcome is: `machine`, `configuration` or `target`.
    """

    name: str
    status: Status
    found: str
    limit: str
    why: str
    blame: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Check:
    """A check of the machine."""

    name: str
    limit: str
    why: str
    blame: str
    judge: Callable[[Facts, PlannedRun], CheckResult]


def examine(facts: Facts, plan: PlannedRun) -> list[Checked]:
    """Run all checks."""
    done = []
    for check in CHECKS:
        status, found, remedy = check.judge(facts, plan)
        done.append(Checked(check.name, status, found, check.limit, check.why, check.blame, remedy))
    return done


def spoils(done: Sequence[Checked]) -> bool:
    """Return True if any check is `bad`."""
    return any(check.status == "bad" for check in done)


_OTHER_FILES = 50
"""File descriptors per process besides users' connections: 30 to 40 were measured, with links to two workers."""


def _descriptors(facts: Facts, plan: PlannedRun) -> CheckResult:
    need = plan.users_each + _OTHER_FILES
    if facts.descriptors is None:
        return "ok", "no limit", ""
    found = f"{facts.descriptors:,} per process (soft {_limit(facts.soft)}, hard {_limit(facts.hard)}), {need:,} needed"
    if facts.descriptors < need:
        return "bad", found, f"run `ulimit -n {need}`, or use more --processes"
    return "ok", found, ""


def _limit(value: int | None) -> str:
    return "none" if value is None else f"{value:,}"


_TIME_WAIT_SECONDS = 60


def _ports(facts: Facts, plan: PlannedRun) -> CheckResult:
    if facts.ports is None:
        return "ok", "not reported by the system", ""
    first, last = facts.ports
    free = last - first + 1 - (facts.time_wait or 0)
    found = f"{free:,} free ({first} to {last}, {facts.time_wait or 0:,} in TIME_WAIT), {plan.users:,} needed"
    if free < plan.users:
        return "bad", found, "run `sysctl -w net.ipv4.ip_local_port_range='1024 65535'`, or use more machines"
    if free < plan.users / plan.interval * _TIME_WAIT_SECONDS:
        return "warning", found, "enough only if the target keeps connections open: check that it does"
    return "ok", found, ""


_ENOUGH_OF_A_CORE = 0.95


def _cores(facts: Facts, plan: PlannedRun) -> CheckResult:
    usable = min(float(facts.cores), facts.quota or facts.cores)
    found = f"{facts.cores} usable" + (f", a quota of {facts.quota:g}" if facts.quota else "")
    if usable < plan.processes * _ENOUGH_OF_A_CORE:
        remedy = f"use --processes {max(1, int(usable))}, or a larger machine"
        return "bad", f"{found}, {plan.processes} needed", remedy
    return "ok", found, ""


_BUSY, _STEAL, _MUCH_STEAL = 0.2, 0.02, 0.1


def _load(facts: Facts, plan: PlannedRun) -> CheckResult:
    timing = facts.timing
    free = facts.cores * (1.0 - timing.busy)
    found = f"{fraction(timing.busy)} of all cores busy, {fraction(timing.steal)} taken by the hypervisor"
    if timing.steal > _MUCH_STEAL:
        return "bad", found, "use a machine with dedicated cores"
    if free < plan.processes * (1.0 - _BUSY):
        return "warning", found, "stop other work on this machine, or wait until it ends"
    if timing.steal > _STEAL:
        return "warning", found, "use a machine with dedicated cores"
    return "ok", found, ""


_PROCESS_BYTES, _USER_BYTES = 250 * 1024**2, 40 * 1024
"""Resident memory, with a margin: 600 MB in total were measured at 10,000 users."""


def _memory(facts: Facts, plan: PlannedRun) -> CheckResult:
    need = plan.processes * _PROCESS_BYTES + plan.users * _USER_BYTES
    found = f"{facts.memory_bytes / GIGABYTE:.1f} GB available, about {need / GIGABYTE:.1f} GB needed"
    if facts.memory_bytes < need:
        return "bad", found, "use fewer users, or a larger machine"
    return "ok", found, ""


def _stamps(facts: Facts, _plan: PlannedRun) -> CheckResult:
    timing = facts.timing
    if timing.stamped == 0.0 or timing.stamp_age is None:
        remedy = "run on Linux; elsewhere keep the load low"
        return "warning", "none: times will be taken when the generator reads", remedy
    found = f"on {fraction(timing.stamped)} of the reads of a loopback socket, {timing.stamp_age * 1000:.0f} µs old"
    if timing.stamped < 1.0:
        return "warning", found, "check whether a sandbox or an old kernel removes them"
    return "ok", found, ""


def _reader(facts: Facts, _plan: PlannedRun) -> CheckResult:
    if not facts.compiled:
        return "warning", "in Python", "install a C compiler and Python's headers, then reinstall Katydid"
    return "ok", "in C", ""


_COARSE_NS = 10_000
_SLOW_SOURCES = frozenset({"hpet", "acpi_pm", "pit", "jiffies", "refined-jiffies"})


def _clock(facts: Facts, _plan: PlannedRun) -> CheckResult:
    found = f"steps of {facts.timing.resolution_ns:,} ns" + (f", from {facts.time_source}" if facts.time_source else "")
    if facts.timing.resolution_ns > _COARSE_NS:
        return "warning", found, "use another machine for times below a millisecond"
    if facts.time_source in _SLOW_SOURCES:
        return "warning", found, "switch the kernel to tsc or kvm-clock: each read of this clock takes microseconds"
    return "ok", found, ""


_STEP_MS = 5.0


def _step(facts: Facts, _plan: PlannedRun) -> CheckResult:
    step = facts.timing.clock_step
    found = f"moved {step:+.2f} ms in a second"
    if abs(step) > _STEP_MS:
        return "warning", found, "let time synchronisation settle first (chronyc tracking); durations are unaffected"
    return "ok", found, ""


_LATE_WARNING_MS, _LATE_BAD_MS = 5.0, 50.0


def _timers(facts: Facts, _plan: PlannedRun) -> CheckResult:
    timing = facts.timing
    found = f"{timing.late_p50:.1f} ms late (median), {timing.late_p99:.1f} ms (99th percentile)"
    if timing.late_p99 > _LATE_BAD_MS:
        return "bad", found, "stop other work on this machine; in a container, raise its CPU quota"
    if timing.late_p99 > _LATE_WARNING_MS:
        return "warning", found, "stop other work on this machine"
    return "ok", found, ""


_MOST_STARTS = 5_000.0


def _rate(_facts: Facts, plan: PlannedRun) -> CheckResult:
    each = plan.users / plan.interval / plan.processes
    found = f"{plural(plan.users, 'user')} every {plan.interval:g} s: {each:,.1f} requests/s per process"
    if each > _MOST_STARTS:
        return "warning", found, "use more --processes; `katydid calibrate` measures what this machine can do"
    return "ok", found, ""


_LOCUST = "2.47."


def _versions(facts: Facts, _plan: PlannedRun) -> CheckResult:
    found = f"Katydid {facts.katydid}, Locust {facts.locust}, Python {facts.python}, {facts.system}"
    if facts.locust is None or not facts.locust.startswith(_LOCUST):
        return "warning", found, f"install Locust {_LOCUST}x, with which Katydid is tested"
    return "ok", found, ""


CHECKS = (
    Check("descriptors", "users + 50 per process", "each request in flight needs an open file", "machine",
          _descriptors),
    Check("ports", "one per user", "each connection to an address needs its own port", "machine", _ports),
    Check("cores", "one per process", "a generator that waits for a core attributes the wait to the target", "machine",
          _cores),
    Check("load", "80 % of a core free for each process; hypervisor ≤ 2 %",
          "other work delays the reading of chunks", "machine", _load),
    Check("memory", "250 MB per process and 40 kB per user", "swapping stops the generator", "machine", _memory),
    Check("kernel timestamps", "on every read", "without them, the generator's delays are in all times", "machine",
          _stamps),
    Check("reader", "in C", "in Python, a streamed chunk costs about 50 % more CPU", "machine", _reader),
    Check("monotonic clock", "steps ≤ 10 µs", "times cannot be finer than their clock", "machine", _clock),
    Check("wall clock", "within 5 ms in a second", "logs of several machines are matched by it", "machine", _step),
    Check("timers", "p99 ≤ 5 ms late", "otherwise requests start late; a start counts as late from 50 ms on", "machine",
          _timers),
    Check("planned rate", "≤ 5,000 requests/s per process", "starting them takes half a core", "configuration", _rate),
    Check("versions", "Locust 2.47", "other versions are not tested", "configuration", _versions),
)  # fmt: skip


TRIES = 5
TIMEOUT = 5.0
FAR_MS = 50.0


def reach(host: str, look: Callable[[], str]) -> Checked:
    """Connect a few times, then check the target as the workload does before a run.

    Args:
        host: the target's URL.
        look: the workload's check before its load; returns the model that it will request.
    """

    def checked(status: Status, found: str, blame: str = "target", remedy: str = "") -> Checked:
        why = "the network round trip is part of every measured time"
        return Checked("target", status, found, "answers; connects within 50 ms", why, blame, remedy)

    shown, remedy = shown_url(host), "start it, or correct --host"
    try:
        to = read_target_url(host)
        connects = sorted(_connect_ms(to) for _ in range(TRIES))
        began = time.monotonic()
        model = look()
    except OSError as error:
        return checked("bad", f"{shown} does not answer ({error.strerror or error})", remedy=remedy)
    except ConfigError as error:
        found, _, advice = str(error).rpartition(": ")  # the target's message may contain colons too
        return checked("bad", found or advice, remedy=advice if found else remedy)
    answered = (time.monotonic() - began) * 1000.0
    found = f"{shown}: connects in {connects[TRIES // 2]:.1f} ms, first answer after {answered:.0f} ms, model {model}"
    if connects[TRIES // 2] > FAR_MS:
        return checked("warning", found, "configuration", "run the generator closer to the target")
    if _is_here(to):
        remedy = "for valid figures, run the target on another machine: here it shares the generator's cores"
        return checked("warning", found, "configuration", remedy)
    return checked("ok", found)


def _connect_ms(to: TargetUrl) -> float:
    began = time.monotonic()
    with socket.create_connection((to.host, to.port), TIMEOUT):
        return (time.monotonic() - began) * 1000.0


def _is_here(to: TargetUrl) -> bool:
    try:
        return ipaddress.ip_address(socket.gethostbyname(to.host)).is_loopback
    except (OSError, ValueError):
        return False

"""Whether this machine can carry a planned run: one table of checks, each with its limit, reason and remedy.

Judges facts; looks at nothing itself. `bad` means that a run of this size would be spoilt, and end as
invalid or fail; a warning that it may be.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from katydid.doctor.facts import Facts
from katydid.model.formatting import fraction, plural

Status = Literal["ok", "warning", "bad"]
CheckResult = tuple[Status, str, str]
"""Status, what was found, and what to do (empty where there is nothing to do)."""

GIGABYTE = 1024**3


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """The run that is planned, on this machine.

    Attributes:
        interval: seconds from one request start of a user to its next.
        processes: that share the users.
    """

    users: int = 100
    interval: float = 20.0
    processes: int = 1

    @property
    def users_each(self) -> int:
        """Users of one process, at most."""
        return -(-self.users // self.processes)


@dataclass(frozen=True, slots=True)
class Checked:
    """A check's outcome, as a reader sees it.

    Attributes:
        blame: whose the fault would be: `machine`, `configuration` or `target`.
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
    """One question to the machine."""

    name: str
    limit: str
    why: str
    blame: str
    judge: Callable[[Facts, PlannedRun], CheckResult]


def examine(facts: Facts, plan: PlannedRun) -> list[Checked]:
    """All checks."""
    done = []
    for check in CHECKS:
        status, found, remedy = check.judge(facts, plan)
        done.append(Checked(check.name, status, found, check.limit, check.why, check.blame, remedy))
    return done


def spoils(done: Sequence[Checked]) -> bool:
    """Whether anything would spoil the run."""
    return any(check.status == "bad" for check in done)


_OTHER_FILES = 50
"""Descriptors of a process that are not users' connections: measured 30 to 40 with two links to workers."""


def _descriptors(facts: Facts, plan: PlannedRun) -> CheckResult:
    need = plan.users_each + _OTHER_FILES
    if facts.descriptors is None:
        return "ok", "no limit", ""
    found = f"{facts.descriptors:,} a process (soft {_limit(facts.soft)}, hard {_limit(facts.hard)}), {need:,} needed"
    if facts.descriptors < need:
        return "bad", found, f"ulimit -n {need}, or more --processes"
    return "ok", found, ""


def _limit(value: int | None) -> str:
    return "none" if value is None else f"{value:,}"


_TIME_WAIT_SECONDS = 60


def _ports(facts: Facts, plan: PlannedRun) -> CheckResult:
    if facts.ports is None:
        return "ok", "the system does not tell", ""
    first, last = facts.ports
    free = last - first + 1 - (facts.time_wait or 0)
    found = f"{free:,} free ({first} to {last}, {facts.time_wait or 0:,} in TIME_WAIT), {plan.users:,} needed"
    if free < plan.users:
        return "bad", found, "sysctl -w net.ipv4.ip_local_port_range='1024 65535', or more machines"
    if free < plan.users / plan.interval * _TIME_WAIT_SECONDS:
        return "warning", found, "enough only while the target keeps its connections open: see that it does"
    return "ok", found, ""


_ENOUGH_OF_A_CORE = 0.95


def _cores(facts: Facts, plan: PlannedRun) -> CheckResult:
    usable = min(float(facts.cores), facts.quota or facts.cores)
    found = f"{facts.cores} to run on" + (f", a quota of {facts.quota:g}" if facts.quota else "")
    if usable < plan.processes * _ENOUGH_OF_A_CORE:
        return "bad", f"{found}, {plan.processes} needed", f"--processes {max(1, int(usable))}, or a larger machine"
    return "ok", found, ""


_BUSY, _STEAL, _MUCH_STEAL = 0.2, 0.02, 0.1


def _load(facts: Facts, plan: PlannedRun) -> CheckResult:
    timing = facts.timing
    free = facts.cores * (1.0 - timing.busy)
    found = f"{fraction(timing.busy)} of all cores busy, {fraction(timing.steal)} taken by the hypervisor"
    if timing.steal > _MUCH_STEAL:
        return "bad", found, "use another machine, or one with cores of its own"
    if free < plan.processes * (1.0 - _BUSY):
        return "warning", found, "end other work on this machine, or wait for its end"
    if timing.steal > _STEAL:
        return "warning", found, "use a machine with cores of its own"
    return "ok", found, ""


_PROCESS_BYTES, _USER_BYTES = 250 * 1024**2, 40 * 1024
"""Resident, measured at 10,000 users: 600 MB in all are kept with room to spare."""


def _memory(facts: Facts, plan: PlannedRun) -> CheckResult:
    need = plan.processes * _PROCESS_BYTES + plan.users * _USER_BYTES
    found = f"{facts.memory_bytes / GIGABYTE:.1f} GB available, about {need / GIGABYTE:.1f} GB needed"
    if facts.memory_bytes < need:
        return "bad", found, "fewer users, or a larger machine"
    return "ok", found, ""


def _stamps(facts: Facts, _plan: PlannedRun) -> CheckResult:
    timing = facts.timing
    if timing.stamped == 0.0 or timing.stamp_age is None:
        return "warning", "none: times will be those of our reading", "run on Linux, and keep the load low elsewhere"
    found = f"on {fraction(timing.stamped)} of the reads of a loopback socket, {timing.stamp_age * 1000:.0f} µs old"
    if timing.stamped < 1.0:
        return "warning", found, "see whether a sandbox or an old kernel takes them away"
    return "ok", found, ""


def _reader(facts: Facts, _plan: PlannedRun) -> CheckResult:
    if not facts.compiled:
        return "warning", "in Python", "install a C compiler and Python's headers, then Katydid once more"
    return "ok", "in C", ""


_COARSE_NS = 10_000
_SLOW_SOURCES = frozenset({"hpet", "acpi_pm", "pit", "jiffies", "refined-jiffies"})


def _clock(facts: Facts, _plan: PlannedRun) -> CheckResult:
    found = f"steps of {facts.timing.resolution_ns:,} ns" + (f", from {facts.time_source}" if facts.time_source else "")
    if facts.timing.resolution_ns > _COARSE_NS:
        return "warning", found, "use another machine for times below a millisecond"
    if facts.time_source in _SLOW_SOURCES:
        return "warning", found, "let the kernel use tsc or kvm-clock: each look at this clock costs microseconds"
    return "ok", found, ""


_STEP_MS = 5.0


def _step(facts: Facts, _plan: PlannedRun) -> CheckResult:
    step = facts.timing.clock_step
    found = f"ran {step:+.2f} ms away in a second"
    if abs(step) > _STEP_MS:
        return "warning", found, "let the time service settle first (chronyc tracking); durations are not touched"
    return "ok", found, ""


_LATE_WARNING_MS, _LATE_BAD_MS = 5.0, 50.0


def _timers(facts: Facts, _plan: PlannedRun) -> CheckResult:
    timing = facts.timing
    found = f"{timing.late_p50:.1f} ms late in the median, {timing.late_p99:.1f} ms in the 99th percentile"
    if timing.late_p99 > _LATE_BAD_MS:
        return "bad", found, "end other work on this machine; in a container, raise its CPU quota"
    if timing.late_p99 > _LATE_WARNING_MS:
        return "warning", found, "end other work on this machine"
    return "ok", found, ""


_MOST_STARTS = 5_000.0


def _rate(_facts: Facts, plan: PlannedRun) -> CheckResult:
    each = plan.users / plan.interval / plan.processes
    found = f"{plural(plan.users, 'user')} every {plan.interval:g} s: {each:,.1f} requests/s a process"
    if each > _MOST_STARTS:
        return "warning", found, "more --processes; `katydid calibrate` tells what this machine can do"
    return "ok", found, ""


_LOCUST = "2.47."


def _versions(facts: Facts, _plan: PlannedRun) -> CheckResult:
    found = f"Katydid {facts.katydid}, Locust {facts.locust}, Python {facts.python}, {facts.system}"
    if facts.locust is None or not facts.locust.startswith(_LOCUST):
        return "warning", found, f"install Locust {_LOCUST}x, which Katydid is tested with"
    return "ok", found, ""


CHECKS = (
    Check("descriptors", "users + 50 a process", "each request in flight is an open file", "machine", _descriptors),
    Check("ports", "one a user", "each connection to one address needs a port of its own", "machine", _ports),
    Check("cores", "one a process", "a generator that waits for a core books its waiting as the target's", "machine",
          _cores),
    Check("load", "80 % of a core free for each process; hypervisor ≤ 2 %",
          "what others use is missing when a chunk arrives", "machine", _load),
    Check("memory", "250 MB a process and 40 kB a user", "swapping stops all clocks", "machine", _memory),
    Check("kernel timestamps", "on every read", "without them our own delays are in all times", "machine", _stamps),
    Check("reader", "in C", "in Python a streamed chunk costs about half as much CPU again", "machine", _reader),
    Check("monotonic clock", "steps ≤ 10 µs", "no time is finer than its clock", "machine", _clock),
    Check("wall clock", "within 5 ms in a second", "logs of several machines match by it", "machine", _step),
    Check("timers", "p99 ≤ 5 ms late", "requests start late else: from 50 ms on a start counts as late", "machine",
          _timers),
    Check("planned rate", "≤ 5,000 requests/s a process", "starting them takes half a core", "configuration", _rate),
    Check("versions", "Locust 2.47", "others are not tested", "configuration", _versions),
)  # fmt: skip

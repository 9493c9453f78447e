"""Whether a run may be believed: did the generator do what it was asked to, and see what happened?

One table of rules, each with its limit, the reason for the limit, and what to do. A run that breaks one
is invalid: its numbers may be the generator's, not the target's. A warning leaves it valid. That the
failure threshold ended a run is neither: it is a result.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from katydid.core.metrics import Counts

START_UP_MS = 2000.0
"""Spawning users and opening connections may cost what it costs."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a reader has to know before the numbers."""

    severity: Literal["invalid", "warning"]
    message: str
    remedy: str

    @property
    def text(self) -> str:
        """One line."""
        return f"{self.message}: {self.remedy}" if self.remedy else self.message


@dataclass(frozen=True, slots=True)
class Run:
    """What the rules look at."""

    frame: pd.DataFrame
    monitor: pd.DataFrame
    manifest: dict[str, Any]
    counts: Counts

    @property
    def kernel_time(self) -> bool:
        """Whether receive times are the kernel's, so that our own delay is not in them."""
        return self.manifest.get("timestamp_source") == "kernel"

    @property
    def steady(self) -> pd.DataFrame:
        """The monitor without its first seconds, and of processes that send requests."""
        return self.monitor[self.monitor["at_ms"] > START_UP_MS]


Rule = Callable[[Run], Finding | None]


def findings(frame: pd.DataFrame, monitor: pd.DataFrame, manifest: dict[str, Any], counts: Counts) -> list[Finding]:
    """Everything that the rules find, the invalid first."""
    run = Run(frame, monitor, manifest, counts)
    found = [finding for rule in RULES if (finding := rule(run)) is not None]
    return sorted(found, key=lambda f: f.severity)


def _no_data(run: Run) -> Finding | None:
    if run.counts.requests:
        return None
    return Finding("invalid", "no data: no request was recorded", "let the run last longer than its warm-up")


# 80 %: beyond it the event loop's queueing delay grows quickly; Locust warns at 90 %.
_CPU_MEDIAN = 80.0
_CPU_FULL, _CPU_FULL_SHARE, _CPU_FULL_SECONDS = 95.0, 0.05, 3


def _cpu(run: Run) -> Finding | None:
    for process, rows in run.steady.groupby("process", observed=True):
        cpu = rows["cpu_percent"]
        full = cpu >= _CPU_FULL
        if cpu.median() > _CPU_MEDIAN or (full.mean() > _CPU_FULL_SHARE and full.sum() >= _CPU_FULL_SECONDS):
            return Finding(
                "invalid",
                f"the generator's process {process} used {cpu.median():.0f} % of a core in the median and was at "
                f"{_CPU_FULL:.0f} % or more in {full.mean():.0%} of the seconds",
                "spread the users with --processes, or over more machines",
            )
    return None


# Without kernel timestamps a busy loop is in every time; with them it can only delay starts.
_LAG_MS, _LAG_SHARE, _LAG_SECONDS = 100.0, 0.05, 3


def _loop_lag(run: Run) -> Finding | None:
    slow = run.steady["loop_lag_ms"] > _LAG_MS
    if slow.sum() < _LAG_SECONDS or slow.mean() <= _LAG_SHARE:
        return None
    return Finding(
        "warning" if run.kernel_time else "invalid",
        f"the generator's event loop was more than {_LAG_MS:.0f} ms late in {slow.mean():.0%} of the seconds",
        "spread the users with --processes",
    )


# 1 %: p99 of the starts; 50 ms: what no target's answer hides in, and no idle machine reaches.
_LATE_SHARE, _LATE_ROWS = 0.01, 3


def _late_by_us(run: Run) -> Finding | None:
    """Late starts that no overrun explains: the user was free when its request was due."""
    rows = run.frame[run.frame["counted"] & (run.frame["user"] >= 0)].sort_values(["user", "iteration"])
    previous_end = (rows["start_ms"] + rows["duration_ms"]).groupby(rows["user"]).shift()
    free = previous_end <= rows["scheduled_ms"]
    ours = rows["late"] & free & (rows["late_ms"] - rows["connect_ms"].fillna(0.0) > 0.5 * rows["late_ms"])
    if ours.sum() < _LATE_ROWS or ours.sum() / max(1, int(free.sum())) <= _LATE_SHARE:
        return None
    return Finding(
        "invalid",
        f"the generator started {int(ours.sum())} requests late although their users were free",
        "spread the users with --processes, and keep other work off this machine",
    )


_RATE_OFF = 0.02


def _achieved(run: Run) -> Finding | None:
    """Fewer or more starts than planned, where no overrun can be the reason."""
    counts = run.counts
    if not counts.due or counts.late or run.manifest.get("ended") != "run-time":
        return None
    users = run.manifest.get("users") or 0
    off = counts.requests - counts.due
    if abs(off) <= _RATE_OFF * counts.due + users:  # the window cuts each user's grid at both ends
        return None
    return Finding(
        "invalid",
        f"{counts.requests} requests were started where {counts.due:.0f} were due, and none was late",
        "see whether users were lost (the log names them)",
    )


def _ran_out(run: Run) -> Finding | None:
    ours = run.frame[(run.frame["blame"] == "generator") & ~run.frame["after_stop"].astype(bool)]
    if ours.empty:
        return None
    kinds = ", ".join(f"{count} x {kind}" for kind, count in ours["error"].value_counts().items())
    remedies = {
        "out_of_descriptors": "raise `ulimit -n`",
        "out_of_ports": "keep connections alive, or use more machines",
    }
    remedy = next((text for kind, text in remedies.items() if kind in kinds), "see the errors' texts")
    return Finding("invalid", f"requests failed in the generator itself ({kinds})", remedy)


def _lost(run: Run) -> Finding | None:
    lost, missing = run.manifest.get("lost_workers") or [], run.manifest.get("missing_rows") or 0
    if lost:
        return Finding(
            "invalid",
            f"{len(lost)} worker(s) were lost ({', '.join(map(str, lost))}), and what they last recorded with them",
            "see the workers' logs; keep the machines and the network between them healthy",
        )
    if missing:
        return Finding("invalid", f"{missing} rows of workers never arrived", "run again on a healthy network")
    return None


# 0.5 %: requests that are cut off are the slow ones, so leaving them out flatters the target.
_UNFINISHED = 0.005


def _unfinished(run: Run) -> Finding | None:
    counts = run.counts
    if not counts.requests or counts.aborted / counts.requests <= _UNFINISHED:
        return None
    severity: Literal["invalid", "warning"] = (
        "warning" if run.manifest.get("ended") == "failure-threshold" else "invalid"
    )
    return Finding(
        severity,
        f"{counts.aborted} of {counts.requests} requests were cut off by the end of the run",
        "raise --drain, so that they may finish",
    )


_BOUND_SHARE = 0.05


def _bounded(run: Run) -> Finding | None:
    counts = run.counts
    if not counts.timed or counts.bounded / counts.timed <= _BOUND_SHARE:
        return None
    return Finding(
        "warning",
        f"in {counts.bounded / counts.timed:.0%} of the requests the first read brought several chunks, so their "
        "TTFT is an upper bound",
        "the target sends them together, or the generator is too busy: see its CPU",
    )


def _user_time(run: Run) -> Finding | None:
    if run.kernel_time or not run.counts.timed:
        return None
    return Finding("warning", "times were taken in user space: a busy generator is in them", "")


_STEP_MS = 50.0


def _clock_step(run: Run) -> Finding | None:
    steps = run.monitor["clock_step_ms"].abs()
    if not (steps > _STEP_MS).any():
        return None
    return Finding("warning", f"the wall clock jumped by {steps.max():.0f} ms; durations are not touched by it", "")


def _inside_warm_up(run: Run) -> Finding | None:
    if not run.counts.requests or not (run.frame["counted"] & run.frame["warm_up"].astype(bool)).any():
        return None
    return Finding("warning", "the run ended inside its warm-up: its statistics include it", "")


def _partial(run: Run) -> Finding | None:
    if run.manifest.get("partial"):
        return Finding("warning", "partial: the run never came to its end, and was rebuilt from what was recorded", "")
    if run.manifest.get("ended") == "interrupted":
        return Finding("warning", "the run was interrupted", "")
    if run.manifest.get("ended") == "error":
        return Finding("invalid", "the run broke off", "see the log")
    return None


RULES: tuple[Rule, ...] = (
    _no_data,
    _cpu,
    _loop_lag,
    _late_by_us,
    _achieved,
    _ran_out,
    _lost,
    _unfinished,
    _bounded,
    _user_time,
    _clock_step,
    _inside_warm_up,
    _partial,
)

"""Whether a run may be believed: did the generator do what it was asked to, and see what happened?

One table of rules, each with its limit, the reason for the limit, and what to do. A run that breaks one
is invalid: its numbers may be the generator's, not the target's. A warning leaves it valid. That the
failure threshold ended a run is neither: it is a result. Knows nothing about how good the numbers are.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from katydid.analysis.derived import late_limit_ms
from katydid.core.metrics import Counts
from katydid.store.monitor import WATCHED

Severity = Literal["invalid", "warning"]

START_UP_MS = 2000.0
"""Spawning users and opening connections may cost what it costs."""
FEWEST_SECONDS = 3
"""Seconds in which a process must be overloaded before we say so: one slow second is not a slow run."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a reader has to know before the numbers."""

    severity: Severity
    message: str
    remedy: str = ""
    rule: str = ""

    @property
    def text(self) -> str:
        """One line."""
        return f"{self.message}: {self.remedy}" if self.remedy else self.message


@dataclass(frozen=True, slots=True)
class Run:
    """What the rules look at.

    Attributes:
        frame: samples with derived columns, those that count in no statistic included.
        iterations: rows of whole iterations that count, where the workload has such.
        window: of the statistics, (begin, end) in milliseconds of the run.
    """

    frame: pd.DataFrame
    monitor: pd.DataFrame
    manifest: dict[str, Any]
    counts: Counts
    window: tuple[float, float]
    iterations: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def counted(self) -> pd.DataFrame:
        """The samples that count."""
        return self.frame[self.frame["counted"]]

    @property
    def kernel_time(self) -> bool:
        """Whether receive times are the kernel's, so that our own delay is not in them."""
        return self.manifest.get("timestamp_source") == "kernel"

    @property
    def steady(self) -> pd.DataFrame:
        """The monitor of the generator's processes, without their first seconds."""
        ours = ~self.monitor["process"].isin(WATCHED)
        return self.monitor[ours & (self.monitor["at_ms"] > START_UP_MS)]


@dataclass(frozen=True, slots=True)
class Rule:
    """One question to a run.

    Attributes:
        name: for machines.
        limit: what is asked for, as a report shows it.
        why: the reason for the limit.
        check: a finding where the limit is broken.
        possible: whether the run has what the check looks at; a rule that could not be checked was not kept.
        column: of the samples; the rule is for workloads that have it, None for all.
    """

    name: str
    limit: str
    why: str
    check: Callable[[Run], Finding | None]
    possible: Callable[[Run], bool] = lambda _: True
    column: str | None = None


def rules_for(frame: pd.DataFrame) -> list[Rule]:
    """The rules for a run with these samples."""
    return [rule for rule in RULES if rule.column is None or rule.column in frame]


def findings(run: Run) -> list[Finding]:
    """Everything that the rules find, the invalid first."""
    found = [
        Finding(finding.severity, finding.message, finding.remedy, rule.name)
        for rule in rules_for(run.frame)
        if (finding := rule.check(run)) is not None
    ]
    return sorted(found, key=lambda f: f.severity)


def unchecked(run: Run) -> list[str]:
    """Names of the rules that the run has no data for."""
    return [rule.name for rule in rules_for(run.frame) if not rule.possible(run)]


def _watched(run: Run) -> bool:
    return len(run.steady) > 0


def _has_plan(run: Run) -> bool:
    """A run in stages tells for each of them what was offered and what was started."""
    return bool(run.counts.due) and run.manifest.get("ended") == "run-time" and not run.manifest.get("stages")


def _no_data(run: Run) -> Finding | None:
    if run.counts.requests:
        return None
    return Finding("invalid", "no data: no request was recorded", "see the log; has any user been spawned?")


_CPU_MEDIAN, _CPU_FULL, _CPU_FULL_SHARE = 80.0, 95.0, 0.05


def _cpu(run: Run) -> Finding | None:
    """A process that never rests cannot be on time, whether it or others use its core."""
    for process, rows in run.steady.groupby("process", observed=True):
        cpu = rows["cpu_percent"].dropna()
        waited = _waited(rows).reindex(cpu.index)
        wanted = cpu + waited
        full = wanted >= _CPU_FULL
        too_busy = len(cpu) >= FEWEST_SECONDS and wanted.median() > _CPU_MEDIAN
        if too_busy or (full.sum() >= FEWEST_SECONDS and full.mean() > _CPU_FULL_SHARE):
            others = waited.median() > cpu.median()
            return Finding(
                "invalid",
                f"the generator's process {process} used {cpu.median():.0f} % of a core in the median, waited for "
                f"one in {waited.median():.0f} % of the time, and wanted {_CPU_FULL:.0f} % or more in "
                f"{full.mean():.0%} of the seconds",
                "end other work on this machine, or give the generator cores of its own"
                if others
                else "spread the users with --processes, or over more machines",
            )
    return None


def _waited(rows: pd.DataFrame) -> pd.Series:
    """Zero where the system, or an older Katydid, does not tell."""
    if "cpu_wait_percent" not in rows:
        return pd.Series(0.0, index=rows.index)
    return rows["cpu_wait_percent"].astype(np.float64).fillna(0.0)


_LAG_MS, _LAG_SHARE = 100.0, 0.05


def _loop_lag(run: Run) -> Finding | None:
    for process, rows in run.steady.groupby("process", observed=True):
        slow = rows["loop_lag_ms"].dropna() > _LAG_MS
        if slow.sum() >= FEWEST_SECONDS and slow.mean() > _LAG_SHARE:
            return Finding(
                "warning" if run.kernel_time else "invalid",
                f"the event loop of the generator's process {process} was more than {_LAG_MS:.0f} ms late in "
                f"{slow.mean():.0%} of the seconds",
                "spread the users with --processes, and keep other work off this machine",
            )
    return None


_OURS_SHARE, _OURS_FEWEST = 0.01, 3


def _late_by_us(run: Run) -> Finding | None:
    """Late starts that no overrun explains: the user was free when its request was due."""
    real = run.frame[run.frame["user"] >= 0].sort_values(["user", "iteration"])
    free_since = (real["start_ms"] + real["duration_ms"]).groupby(real["user"]).shift()
    free = (free_since <= real["scheduled_ms"]) & real["counted"]
    connecting = real["connect_ms"].astype(np.float64).fillna(0.0)
    ours = free & (real["late_ms"] - connecting > late_limit_ms(run.manifest))
    if ours.sum() < _OURS_FEWEST or ours.sum() <= _OURS_SHARE * free.sum():
        return None
    return Finding(
        "invalid",
        f"the generator started {int(ours.sum())} of {int(free.sum())} requests late although their users were free",
        "spread the users with --processes, and keep other work off this machine",
    )


_RATE_OFF = 0.02


def _achieved(run: Run) -> Finding | None:
    """More starts than were due, or fewer than overruns explain."""
    due, rows = run.counts.due, run.counted
    started = int(rows["paced"].sum())
    if not due or not started or not _has_plan(run):
        return None
    slack = _RATE_OFF * due + rows["user"].nunique()  # the window cuts each user's grid at both ends
    if due - _explained(run, rows) - slack <= started <= due + slack:
        return None
    return Finding(
        "invalid",
        f"{started} requests were started where {due:.0f} were due, and slow answers do not explain it",
        "see whether users were lost (the log names them)",
    )


def _explained(run: Run, rows: pd.DataFrame) -> float:
    """Starts that overruns cost: pacing does not catch up, so each interval of lateness is one start less."""
    interval = float(run.manifest["interval_s"]) * 1000.0
    timeout = float(run.manifest.get("request_timeout_s") or 60.0) * 1000.0
    paced = rows[rows["paced"]]
    late = paced["late_ms"].clip(lower=0.0).sum()
    unknown = paced["late_ms"].isna().sum() * timeout  # no connection came about: any time up to the time-out
    _, end = run.window
    begun = rows["start_ms"].fillna(rows["scheduled_ms"])
    ended = begun + rows["duration_ms"].fillna(timeout)
    if "retry_at_ms" in rows:
        ended = ended.where(~(rows["retry_at_ms"] > ended), rows["retry_at_ms"])
    spans = pd.DataFrame({"user": rows["user"], "iteration": rows["iteration"], "begun": begun, "ended": ended})
    iterations = spans.groupby(["user", "iteration"]).agg({"begun": "min", "ended": "max"})
    last = iterations.groupby("user").tail(1)
    still_busy = (last["ended"].clip(upper=end) - last["begun"] - interval).clip(lower=0.0).sum()
    return float(late + unknown + still_busy) / interval


_SEND_LATE_SHARE = 0.01


def _audio_late(run: Run) -> Finding | None:
    """Speech that was not sent at the pace of speaking, by our own fault."""
    sent, late = (int(run.counted[column].sum()) for column in ("sent_chunks", "late_chunks"))
    if late <= _SEND_LATE_SHARE * sent:
        return None
    return Finding(
        "invalid",
        f"the generator sent {late} of {sent} chunks of audio more than 20 ms late",
        "spread the users with --processes, and keep other work off this machine",
    )


_REMEDIES = {
    "out_of_descriptors": "raise `ulimit -n`",
    "out_of_ports": "keep connections alive, or use more machines",
    "dns": "check the host's name in --host",
    "tls": "check the certificate, or name its authority with --ca-file",
}


def _not_the_target(run: Run) -> Finding | None:
    """Failures that are not the target's: they would be booked as its own."""
    ended = run.frame[~run.frame["after_stop"].astype(bool)]
    for blame, where in (("generator", "in the generator itself"), ("config", "because of the configuration")):
        kinds = ended.loc[ended["blame"] == blame, "error"].value_counts()
        if len(kinds):
            named = ", ".join(f"{count} × {kind}" for kind, count in kinds.items())
            remedy = next(
                (_REMEDIES[str(kind)] for kind in kinds.index if kind in _REMEDIES), "see the failures' texts"
            )
            return Finding("invalid", f"requests failed {where} ({named})", remedy)
    return None


def _lost(run: Run) -> Finding | None:
    lost, missing = run.manifest.get("lost_workers") or [], run.manifest.get("missing_rows") or 0
    if lost:
        return Finding(
            "invalid",
            f"{len(lost)} worker(s) were lost ({', '.join(map(str, lost))}), and what they last recorded with them",
            "see the workers' logs; keep the machines and the network between them healthy",
        )
    if missing:
        return Finding("invalid", f"{missing} rows never arrived", "see the log; the network or the disk lost them")
    return None


_UNFINISHED = 0.005


def _unfinished(run: Run) -> Finding | None:
    counts = run.counts
    if counts.aborted <= _UNFINISHED * counts.requests:
        return None
    severity: Severity = "warning" if run.manifest.get("ended") == "failure-threshold" else "invalid"
    return Finding(
        severity,
        f"{counts.aborted} of {counts.requests} requests were cut off by the end of the run",
        "raise --drain, so that they may finish",
    )


_BOUND_SHARE = 0.05


def _bounded(run: Run) -> Finding | None:
    counts = run.counts
    if counts.bounded <= _BOUND_SHARE * counts.timed:
        return None
    return Finding(
        "warning",
        f"in {counts.bounded / counts.timed:.0%} of the requests the first read brought several chunks, so their "
        "TTFT is an upper bound",
        "the target sends them together, or the generator is too busy: see its CPU",
    )


def _user_time(run: Run) -> Finding | None:
    if run.manifest.get("timestamp_source") != "user" or not run.counts.ok:
        return None
    return Finding("warning", "times were taken in user space: the delays of a busy generator are in them")


_STEP_MS = 50.0


def _clock_step(run: Run) -> Finding | None:
    step = run.monitor["clock_step_ms"].abs().max()
    if not step > _STEP_MS:  # NaN where there is no monitor
        return None
    return Finding("warning", f"the wall clock jumped by {step:.0f} ms; durations are not touched by it")


def _inside_warm_up(run: Run) -> Finding | None:
    if not run.counted["warm_up"].astype(bool).any():
        return None
    return Finding("warning", "the run ended inside its warm-up: its statistics include it", "let it last longer")


def _how_it_ended(run: Run) -> Finding | None:
    if run.manifest.get("partial"):
        return Finding("warning", "partial: the run never came to its end, and was rebuilt from what was recorded")
    if run.manifest.get("ended") == "interrupted":
        return Finding("warning", "the run was interrupted")
    if run.manifest.get("ended") == "error":
        return Finding("invalid", "the run broke off", "see the log")
    return None


RULES = (
    Rule("data", "at least 1 request", "no verdict without data", _no_data),
    Rule(
        "generator_cpu",
        "each process uses or waits for ≤ 80 % of a core in the median, ≥ 95 % in at most 5 % of the seconds",
        "beyond that its event loop queues, and the queueing would be booked as the target's",
        _cpu,
        _watched,
    ),
    Rule(
        "event_loop",
        "> 100 ms late in at most 5 % of the seconds",
        "without kernel timestamps a busy loop is in every time; with them it only delays starts",
        _loop_lag,
        _watched,
    ),
    Rule(
        "late_starts",
        "≤ 1 % of the starts late by more than 50 ms, or 1 % of the interval, with their user free",
        "the load was not the one that was asked for",
        _late_by_us,
    ),
    Rule(
        "achieved_load",
        "within 2 % of the offered load, less what slow answers held up",
        "users that were lost leave a lighter load than was asked for",
        _achieved,
        _has_plan,
    ),
    Rule(
        "audio_pace",
        "≤ 1 % of the chunks of audio sent more than 20 ms late (p99 ≤ 20 ms)",
        "a recogniser that gets its audio late looks slow",
        _audio_late,
        column="sent_chunks",
    ),
    Rule(
        "blame",
        "no failure of the generator or the configuration",
        "it would count as the target's",
        _not_the_target,
    ),
    Rule("workers", "no worker and no row lost", "what is missing may be what was slow", _lost),
    Rule(
        "unfinished",
        "≤ 0.5 % of the requests cut off",
        "those that are cut off are the slow ones: leaving them out flatters the target",
        _unfinished,
    ),
    Rule("ttft_bound", "≤ 5 % of the TTFTs upper bounds", "the others are exact", _bounded),
    Rule(
        "timestamps",
        "taken by the kernel",
        "else the generator's own delays are in them",
        _user_time,
        lambda run: "timestamp_source" in run.manifest,
    ),
    Rule(
        "clock",
        "wall clock within 50 ms of the monotonic one",
        "logs of several machines match by it",
        _clock_step,
        lambda run: len(run.monitor) > 0,
    ),
    Rule("warm_up", "the run outlasts its warm-up", "cold caches are in the statistics else", _inside_warm_up),
    Rule("end", "the run came to its end", "what came last is missing else", _how_it_ended),
)

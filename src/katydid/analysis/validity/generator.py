"""Whether the generator kept up: it had enough CPU, was never blocked, and sent requests and audio on time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from katydid.analysis.derived import late_limit_ms
from katydid.analysis.validity.rule import FEWEST_SECONDS, START_UP_MS, Run, found_no_user, recorded, rule, watched
from katydid.model.documents.summary import Finding
from katydid.model.formatting import fraction, milliseconds, plural

CPU_MEDIAN, _CPU_FULL, _CPU_FULL_SHARE = 80.0, 95.0, 0.05
_LAG_MS, _LAG_SHARE = 100.0, 0.05
OURS_SHARE, OURS_FEWEST = 0.01, 3
_SEND_LATE_SHARE = 0.01
BLOCKED_SHARE, BLOCKED_FEWEST_MS = 0.015, 100.0
"""The largest blocked share of the window; and a time that is always allowed, for one hiccup in a short window."""
RELEASE_MS_A_USER = 1.0
"""Blocked milliseconds allowed per user if all users start together: each makes and sends a request."""

_PERIOD_MS = 1000.0
_HOLE_MS = 2.0 * _PERIOD_MS
"""Time between two rows of the monitor beyond which at least one row is missing."""
_AROUND_RELEASE_MS = 1000.0
"""Users connect in the second before their start, and the monitor's row for it ends in the second after."""
_OF_A_SECOND = ["blocked_ms", "loop_lag_ms", "cpu_wait_percent", "cpu_percent"]
"""Columns of the monitor that show a stall."""

MORE_PROCESSES = "spread the users with --processes, or over more machines"
FREE_CORES = "end other work on this machine, or give the generator cores of its own"
STOPPED = "do not stop or pause the generator or its machine (SIGSTOP, suspend, a paused VM)"
OWN_CODE = "keep heavy computation out of listeners and tasks, or spread the users with --processes"
LESS_ELSEWHERE = "spread the users with --processes, and keep other work off this machine"


def named(process: object) -> str:
    """The generator's process in a message; without its name if it is the only one."""
    return "the generator" if process == "local" else f"the generator's process {process}"


@rule(
    "each process uses or waits for ≤ 80 % of a core in the median, and ≥ 95 % in at most 5 % of the seconds",
    "a busier process queues requests in its event loop, and that time would count as the target's",
    possible=watched,
)
def generator_cpu(run: Run) -> Finding | None:
    steady = run.steady
    if not (steady["cpu_percent"] + _waited(steady) > CPU_MEDIAN).any():
        return None
    for process, rows in steady.groupby("process", observed=True):
        cpu = rows["cpu_percent"].dropna()
        waited = _waited(rows).reindex(cpu.index)
        wanted = cpu + waited
        full = wanted >= _CPU_FULL
        too_busy = len(cpu) >= FEWEST_SECONDS and wanted.median() > CPU_MEDIAN
        if too_busy or (full.sum() >= FEWEST_SECONDS and full.mean() > _CPU_FULL_SHARE):
            others = waited.median() > cpu.median()
            return Finding(
                "invalid",
                f"{named(process)} was overloaded: in the median it used {cpu.median():.0f}\u00a0% of "
                f"a core and waited for one {waited.median():.0f}\u00a0% of the time, and it needed "
                f"{_CPU_FULL:.0f}\u00a0% or more in {fraction(full.mean())} of the seconds",
                FREE_CORES if others else MORE_PROCESSES,
            )
    return None


def _waited(rows: pd.DataFrame) -> pd.Series:
    """The share of time spent waiting for a core, in percent; 0 if it was not recorded."""
    return recorded(rows, "cpu_wait_percent").astype(np.float64).fillna(0.0)


@rule(
    "> 100 ms late in at most 5 % of the seconds",
    "without kernel timestamps, every time includes the delay; with them, it only delays starts",
    possible=watched,
)
def event_loop(run: Run) -> Finding | None:
    steady = run.steady
    if not (steady["loop_lag_ms"] > _LAG_MS).any():
        return None
    for process, rows in steady.groupby("process", observed=True):
        slow = rows["loop_lag_ms"].dropna() > _LAG_MS
        if slow.sum() >= FEWEST_SECONDS and slow.mean() > _LAG_SHARE:
            return Finding(
                "warning" if run.kernel_time else "invalid",
                f"the event loop of {named(process)} was more than {_LAG_MS:.0f} ms late in "
                f"{fraction(slow.mean())} of the seconds",
                LESS_ELSEWHERE,
            )
    return None


def has_schedule(run: Run) -> bool:
    """Return False for a closed loop: a request is due as soon as its user is free, so it cannot be late."""
    return run.manifest.interval_s != 0


@rule(
    "≤ 1 % of the starts late by more than 50 ms, or 1 % of the interval, although the user was free",
    "the load was not the one that was asked for",
    possible=has_schedule,
)
def late_starts(run: Run) -> Finding | None:
    if not has_schedule(run):
        return None
    real = run.frame[run.frame["user"] >= 0].sort_values(["user", "iteration"])
    free_since = (real["start_ms"] + real["duration_ms"]).groupby(real["user"]).shift()
    free = (free_since <= real["scheduled_ms"]) & real["counted"] & ~found_no_user(real)
    connecting = real["connect_ms"].astype(np.float64).fillna(0.0)
    resent = recorded(real, "resent").eq(True)  # their times are of the second sending
    ours = free & (real["late_ms"] - connecting > late_limit_ms(run.manifest)) & ~resent
    if ours.sum() < OURS_FEWEST or ours.sum() <= OURS_SHARE * free.sum():
        return None
    return Finding(
        "invalid",
        f"the generator started {int(ours.sum())} of {plural(int(free.sum()), 'request')} late although "
        "their users were free",
        LESS_ELSEWHERE,
    )


@rule(
    "≤ 1 % of the audio chunks sent more than 20 ms late (p99 ≤ 20 ms)",
    "a recogniser that gets its audio late looks slow",
    column="sent_chunks",
)
def audio_pace(run: Run) -> Finding | None:
    sent, late = (int(run.counted[column].sum()) for column in ("sent_chunks", "late_chunks"))
    if late <= _SEND_LATE_SHARE * sent:
        return None
    return Finding(
        "invalid",
        f"the generator sent {late} of {plural(sent, 'audio chunk')} more than 20 ms late",
        LESS_ELSEWHERE,
    )


# Stalls: the event loop was blocked, or the monitor has gaps


@dataclass(frozen=True, slots=True)
class Stall:
    """How long a process was blocked in the window, and what it did in those seconds.

    Attributes:
        blocked_ms, window_ms: time blocked, out of the window.
        worst_ms: the longest known blockage.
        waited_ms, used_ms: time that it waited for a core, and used one, in the seconds in which it was blocked.
    """

    process: str
    blocked_ms: float
    window_ms: float
    worst_ms: float
    waited_ms: float
    used_ms: float

    @property
    def share(self) -> float:
        """The blocked share of the window."""
        return self.blocked_ms / self.window_ms if self.window_ms > 0 else 0.0

    @property
    def too_long(self) -> bool:
        """True if the stall may have affected the measurement."""
        return self.blocked_ms > max(BLOCKED_FEWEST_MS, BLOCKED_SHARE * self.window_ms)

    @property
    def cause(self) -> tuple[str, str]:
        """The cause in words, and what to do about it."""
        if self.waited_ms >= self.blocked_ms / 2:
            return "other work used its core", FREE_CORES
        if self.used_ms >= self.blocked_ms / 2:
            return "its own code was computing", OWN_CODE
        return "the process was stopped or paused", STOPPED


@rule(
    "each process's event loop blocked for ≤ 1.5 % of the time (the sum of lags over 5 ms and of gaps in the "
    "monitor; 0.1 s is allowed, and 1 ms per user if all users start together)",
    "requests due in that time were sent late or not at all, and answers were read late",
    possible=watched,
)
def blocked(run: Run) -> Finding | None:
    found = [stall for stall in stalls(run) if stall.too_long]
    if not found:
        return None
    worst = max(found, key=lambda stall: stall.share)
    cause, remedy = worst.cause
    return Finding(
        "invalid",
        f"the event loop of {named(worst.process)} was blocked for "
        f"{milliseconds(worst.blocked_ms)} of {milliseconds(worst.window_ms)} ({fraction(worst.share)}, "
        f"{milliseconds(worst.worst_ms)} at once) because {cause}",
        remedy,
    )


def stalls(run: Run) -> list[Stall]:
    """One row per process that sends requests; the master sends none."""
    begin, end = max(run.window[0], START_UP_MS), run.window[1]
    releases = _releases(run)
    seen = run.generator.reindex(columns=["process", "at_ms", *_OF_A_SECOND])
    found = (
        _stall(str(process), rows.sort_values("at_ms"), begin, end, releases)
        for process, rows in seen.groupby("process", observed=True)
        if process != "master"
    )
    return [stall for stall in found if stall is not None]


def _stall(
    process: str, rows: pd.DataFrame, begin: float, end: float, releases: Sequence[tuple[float, int]]
) -> Stall | None:
    at = rows["at_ms"].to_numpy(dtype=np.float64)
    spans = np.diff(at, prepend=np.nan)
    spans[np.isnan(spans)] = _PERIOD_MS
    inside = (at > begin) & (at - spans < max(end, begin + _PERIOD_MS))
    at, spans = at[inside], spans[inside]
    if not len(at):
        return None
    recorded = rows[_OF_A_SECOND].astype(np.float64).fillna(0.0).to_numpy()  # not every system records all
    summed, lag, waited, used = recorded[inside].T
    excused = _excused(at, summed, releases)
    holes = np.where(spans > _HOLE_MS, spans - _PERIOD_MS, 0.0)
    still = np.maximum(holes, summed - excused)
    seconds = spans[still > 0] / 100.0  # multiplied by percent this gives milliseconds
    worst = np.where(still > 0, np.maximum(lag, holes), 0.0)
    window = max(float(at[-1]), end) - max(begin, float(at[0] - spans[0]))
    return Stall(
        process,
        blocked_ms=min(float(still.sum()), window),  # the first second may have begun before the window
        window_ms=window,
        worst_ms=float(worst.max()),
        waited_ms=float((waited[still > 0] * seconds).sum()),
        used_ms=float((used[still > 0] * seconds).sum()),
    )


def _releases(run: Run) -> list[tuple[float, int]]:
    """The moments at which at least half of the users start together, with the number of users."""
    real = run.frame.loc[run.frame["user"] >= 0, ["scheduled_ms", "user"]]
    real["scheduled_ms"] = real["scheduled_ms"].round()
    moments, users = np.unique(real.drop_duplicates()["scheduled_ms"].dropna(), return_counts=True)
    together = users >= max(2, real["user"].nunique() / 2)
    return list(zip(moments[together].tolist(), users[together].tolist(), strict=True))


def _excused(at: np.ndarray, blocked_ms: np.ndarray, releases: Sequence[tuple[float, int]]) -> np.ndarray:
    """The part of each row's blocked time that users starting together account for."""
    excused = np.zeros(len(at))
    for moment, users in releases:
        left = RELEASE_MS_A_USER * users
        for row in np.flatnonzero((at > moment - _AROUND_RELEASE_MS) & (at < moment + 2 * _AROUND_RELEASE_MS)):
            taken = min(left, blocked_ms[row] - excused[row])
            excused[row] += taken
            left -= taken
    return excused

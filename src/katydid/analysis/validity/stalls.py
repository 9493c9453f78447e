"""Whether the generator ran without stalls: its event loop was not blocked, and its monitor has no gaps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from katydid.analysis.validity.generator import FREE_CORES, named
from katydid.analysis.validity.rule import START_UP_MS, Run
from katydid.model.documents.summary import Finding
from katydid.model.formatting import fraction, milliseconds

BLOCKED_SHARE, BLOCKED_FEWEST_MS = 0.015, 100.0
"""The largest blocked share of the window; and a time that is always allowed, for one hiccup in a short window."""
RELEASE_MS_A_USER = 1.0
"""Blocked milliseconds allowed per user if all users start together: each makes and sends a request."""

_PERIOD_MS = 1000.0
_HOLE_MS = 2.0 * _PERIOD_MS
"""Time between two rows of the monitor beyond which at least one row is missing."""
_AROUND_RELEASE_MS = 1000.0
"""Users connect in the second before their start, and the monitor's row for it ends in the second after."""
_OF_A_SECOND = ("blocked_ms", "loop_lag_ms", "cpu_wait_percent", "cpu_percent")
_SEEN = ["process", "at_ms", *_OF_A_SECOND]
"""Columns of the monitor that show a stall."""

STOPPED = "do not stop or pause the generator or its machine (SIGSTOP, suspend, a paused VM)"
OWN_CODE = "keep heavy computation out of listeners and tasks, or spread the users with --processes"


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


def blocked(run: Run) -> Finding | None:
    """The generator's process stalled: requests due in that time were sent late or not at all, answers read late."""
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
    releases, monitor = _releases(run), run.generator
    seen = monitor[monitor.columns.intersection(_SEEN, sort=False)]
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
    summed, lag, waited, used = (_column(rows, name)[inside] for name in _OF_A_SECOND)
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


def _column(rows: pd.DataFrame, name: str) -> np.ndarray:
    """The column's values; 0 if the system or an older Katydid did not record them."""
    if name not in rows:
        return np.zeros(len(rows))
    values = rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isnan(values), 0.0, values)


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

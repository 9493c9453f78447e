"""Whether the generator went on all the time: its event loop was not blocked, and its monitor has no hole."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from katydid.analysis.validity.generator import FREE_CORES
from katydid.analysis.validity.rule import START_UP_MS, Run
from katydid.model.documents.summary import Finding
from katydid.model.formatting import fraction, milliseconds

BLOCKED_SHARE, BLOCKED_FEWEST_MS = 0.015, 100.0
"""Of the window; and what is one hiccup, however short the window."""
RELEASE_MS_A_USER = 1.0
"""For which the start of all users together may block the loop: each has a request to make and to send."""

_PERIOD_MS = 1000.0
_HOLE_MS = 2.0 * _PERIOD_MS
"""Between two rows of the monitor from which on there is a hole: at least one row is missing."""
_AROUND_RELEASE_MS = 1000.0
"""Users connect in the second before; the monitor's row for it ends in the one after."""
_OF_A_SECOND = ("blocked_ms", "loop_lag_ms", "cpu_wait_percent", "cpu_percent")
_SEEN = ["process", "at_ms", *_OF_A_SECOND]
"""Columns of the monitor that tell of a stall."""

STOPPED = "let nothing stop or pause the generator or its machine (SIGSTOP, suspend, a paused VM)"
OWN_CODE = "keep what computes out of listeners and tasks, or spread the users with --processes"


@dataclass(frozen=True, slots=True)
class Stall:
    """How long a process stood still in the window, and what else it is known to have done in those seconds.

    Attributes:
        blocked_ms, window_ms: out of how many.
        worst_ms: the longest time without a break that is known.
        waited_ms, used_ms: that it waited for a core, and used one, in the seconds in which it was blocked.
    """

    process: str
    blocked_ms: float
    window_ms: float
    worst_ms: float
    waited_ms: float
    used_ms: float

    @property
    def share(self) -> float:
        """Of the window."""
        return self.blocked_ms / self.window_ms if self.window_ms > 0 else 0.0

    @property
    def too_long(self) -> bool:
        """Whether what is measured may be the stall."""
        return self.blocked_ms > max(BLOCKED_FEWEST_MS, BLOCKED_SHARE * self.window_ms)

    @property
    def cause(self) -> tuple[str, str]:
        """In words, and what to do about it."""
        if self.waited_ms >= self.blocked_ms / 2:
            return "other work had its core", FREE_CORES
        if self.used_ms >= self.blocked_ms / 2:
            return "its own code computed", OWN_CODE
        return "the process was stopped or paused", STOPPED


def blocked(run: Run) -> Finding | None:
    """A process that did nothing for a while: what it would have sent or read meanwhile is missing or late."""
    found = [stall for stall in stalls(run) if stall.too_long]
    if not found:
        return None
    worst = max(found, key=lambda stall: stall.share)
    cause, remedy = worst.cause
    return Finding(
        "invalid",
        f"the event loop of the generator's process {worst.process} was blocked for "
        f"{milliseconds(worst.blocked_ms)} of {milliseconds(worst.window_ms)} ({fraction(worst.share)}, "
        f"{milliseconds(worst.worst_ms)} at once): {cause}",
        remedy,
    )


def stalls(run: Run) -> list[Stall]:
    """A row a process that sends requests; the master does not."""
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
    seconds = spans[still > 0] / 100.0  # times percent gives milliseconds
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
    """Zero where an older Katydid, or the system, did not tell."""
    if name not in rows:
        return np.zeros(len(rows))
    values = rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isnan(values), 0.0, values)


def _releases(run: Run) -> list[tuple[float, int]]:
    """Moments at which at least half of the users start together, and how many do."""
    real = run.frame.loc[run.frame["user"] >= 0, ["scheduled_ms", "user"]]
    real["scheduled_ms"] = real["scheduled_ms"].round()
    moments, users = np.unique(real.drop_duplicates()["scheduled_ms"].dropna(), return_counts=True)
    together = users >= max(2, real["user"].nunique() / 2)
    return list(zip(moments[together].tolist(), users[together].tolist(), strict=True))


def _excused(at: np.ndarray, blocked_ms: np.ndarray, releases: Sequence[tuple[float, int]]) -> np.ndarray:
    """Of each row's blocked time, what releases account for."""
    excused = np.zeros(len(at))
    for moment, users in releases:
        left = RELEASE_MS_A_USER * users
        for row in np.flatnonzero((at > moment - _AROUND_RELEASE_MS) & (at < moment + 2 * _AROUND_RELEASE_MS)):
            taken = min(left, blocked_ms[row] - excused[row])
            excused[row] += taken
            left -= taken
    return excused

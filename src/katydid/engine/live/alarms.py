"""Alarms during a run: report a problem once, with a remedy, before more time is wasted.

These are quick versions of the rules in `analysis.validity`, which judge the finished run; the limits are the same. An
alarm is not a verdict: a run that recovers may still be valid. Knows no terminal.
"""

from collections import deque

import numpy as np

from katydid.analysis.derived import late_limit_ms
from katydid.analysis.validity.generator import (
    CPU_MEDIAN,
    FREE_CORES,
    LESS_ELSEWHERE,
    MORE_PROCESSES,
    OURS_FEWEST,
    OURS_SHARE,
)
from katydid.analysis.validity.rule import START_UP_MS
from katydid.engine.live.figures import Batch
from katydid.model.documents.manifest import Manifest
from katydid.model.formatting import number, plural
from katydid.runs.rows import WATCHED

CPU_SECONDS = 10
"""Seconds of a process's CPU that are judged together."""
FEWEST_CPU_SECONDS = 5
OVERRUN_SHARE = 0.05
"""Share of requests that wait for their users' last answers; above it, the load is lighter than asked for."""
FEWEST_STARTS = 20
MOST_USERS = 1_000_000
"""Maximum size of the table of users, whatever user numbers a worker sends."""


class Alarms:
    """The alarms of one run.

    Args:
        interval_s: seconds between a user's requests; 0 without an interval.
        full_load: the whole load should be delivered; False for a search, which overloads the target on purpose.
        at_rate: requests have an arrival rate instead; without either, no request has a due time.
    """

    def __init__(self, interval_s: float, *, full_load: bool, at_rate: bool = False) -> None:
        self._interval = interval_s
        self._at_rate = at_rate
        self._full_load = full_load
        self._late_limit = late_limit_ms(Manifest.of(interval_s=interval_s))
        self._cpu: dict[str, deque[tuple[float, float]]] = {}
        self._iterations = self._free = np.array([])
        """Each user's last iteration, and the end of its last request; NaN before the first one."""
        self._started = self._ours = self._overruns = 0
        self._said: set[str] = set()

    def wants(self, kind: str) -> bool:
        """Return True if batches of this kind are needed; decoding them costs time."""
        return kind == "monitor" or (kind == "samples" and (self._interval > 0 or self._at_rate))

    def add(self, kind: str, batch: Batch) -> list[str]:
        """Take a batch of a kind that it `wants`; return new alarms."""
        if kind == "monitor":
            found = {"cpu": self._look_at_cpu(batch)}
        else:
            self._count(batch)
            found = {"late": self._late_by_us(), "overrun": self._overrun()}
        new = {alarm: text for alarm, text in found.items() if text and alarm not in self._said}
        self._said |= new.keys()
        return list(new.values())

    def _look_at_cpu(self, batch: Batch) -> str | None:
        used, waited = (np.nan_to_num(batch.numbers(name)) for name in ("cpu_percent", "cpu_wait_percent"))
        for at_ms, process, cpu, wait in zip(batch.numbers("at_ms"), batch.words("process"), used, waited, strict=True):
            if process is None or process in WATCHED or at_ms <= START_UP_MS:
                continue
            seconds = self._cpu.setdefault(process, deque(maxlen=CPU_SECONDS))
            seconds.append((cpu, wait))
            cpus, waits = np.array(seconds).T
            wanted = float(np.median(cpus + waits))
            if len(seconds) >= FEWEST_CPU_SECONDS and wanted > CPU_MEDIAN:
                remedy = FREE_CORES if np.median(waits) > np.median(cpus) else MORE_PROCESSES
                which = "it" if process == "local" else f"its process {process}"
                return (
                    f"The generator is at its limit: {which} needs {wanted:.0f} % of a core, so measured times may be "
                    f"its own, not the target's: {remedy}"
                )
        return None

    def _count(self, batch: Batch) -> None:
        scheduled, late = batch.numbers("scheduled_ms"), batch.numbers("late_ms")
        late_by_more = late - np.nan_to_num(batch.numbers("connect_ms")) > self._late_limit
        late_by_more &= batch.numbers("resent") != 1.0  # the first attempt was on time
        ends = batch.numbers("start_ms") + batch.numbers("duration_ms")
        users = batch.numbers("user")
        order = np.argsort(users, kind="stable")
        order = order[(users[order] >= 0) & (users[order] < MOST_USERS)]
        if not len(order):  # no requests of our own users
            return
        users, iterations = users[order].astype(int), batch.numbers("iteration")[order]
        begins = np.flatnonzero(_changes(users) | _changes(iterations))
        ends = np.fmax.reduceat(ends[order], begins)  # an iteration's requests together
        users, iterations, order = users[begins], iterations[begins], order[begins]
        if (missing := int(users[-1]) + 1 - len(self._free)) > 0:
            room = np.full(max(missing, 1000), np.nan)
            self._iterations, self._free = np.append(self._iterations, room), np.append(self._free, room)
        first, last = _changes(users), np.append(users[1:] != users[:-1], [True])
        goes_on = first & (iterations == self._iterations[users])  # without a due time of their own
        ends[goes_on] = np.fmax(ends, self._free[users])[goes_on]
        free = np.where(first, self._free[users], np.roll(ends, 1))
        self._iterations[users[last]], self._free[users[last]] = iterations[last], ends[last]
        counted = ~goes_on & ~np.isnan(free)
        late, was_free = late_by_more[order] & counted, free <= scheduled[order]
        self._started += int(counted.sum())
        self._ours += int((late & was_free).sum())
        self._overruns += int((late & ~was_free).sum())

    def _late_by_us(self) -> str | None:
        if self._ours < OURS_FEWEST or self._ours <= OURS_SHARE * self._started:
            return None
        return (
            f"The generator is late: it started {number(self._ours)} of {plural(self._started, 'request')} after "
            f"they were due, although their users were free: {LESS_ELSEWHERE}"
        )

    def _overrun(self) -> str | None:
        if not self._full_load or self._started < FEWEST_STARTS or self._overruns <= OVERRUN_SHARE * self._started:
            return None
        if self._at_rate:
            return (
                f"No user was free for {number(self._overruns)} of {plural(self._started, 'request')} when they were "
                "due; the load is lighter than asked for: raise --users (the most in flight), or lower --rate"
            )
        return (
            f"Users are late: answers take longer than the interval of {self._interval:g} s, so "
            f"{number(self._overruns)} of {plural(self._started, 'request')} started after the due time; the load is "
            "lighter than asked for: raise --interval, or ask for fewer users"
        )


def _changes(values: np.ndarray) -> np.ndarray:
    """True for each value that differs from the one before it, and for the first value."""
    return np.append([True], values[1:] != values[:-1])

"""What looks wrong while a run goes on, and what to do: said once each, before the time is spent.

Quick forms of the rules of `analysis.validity`, which judge the finished run; the limits are theirs. An
alarm is not a verdict: a run that recovers may yet be valid. Knows no terminal.
"""

import math
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
from katydid.engine.live.batches import Batch
from katydid.model.documents.manifest import Manifest
from katydid.model.formatting import number, plural
from katydid.runs.rows import WATCHED

CPU_SECONDS = 10
"""Seconds of a process that are looked at together."""
FEWEST_CPU_SECONDS = 5
OVERRUN_SHARE = 0.05
"""Share of the requests that wait for their users' last answers, from which on the load is not the one asked for."""
FEWEST_STARTS = 20


class Alarms:
    """One run's alarms.

    Args:
        interval_s: seconds between a user's requests; 0 where no interval says when one is due.
        at_rate: requests arrive at a rate instead; without either, nothing is due at a time of its own.
        full_load: the load was asked for as it is; a search goes beyond what the target carries, on purpose.
    """

    def __init__(self, interval_s: float, *, full_load: bool, at_rate: bool = False) -> None:
        self._interval = interval_s
        self._at_rate = at_rate
        self._full_load = full_load
        self._late_limit = late_limit_ms(Manifest.of(interval_s=interval_s))
        self._cpu: dict[str, deque[tuple[float, float]]] = {}
        self._last: dict[float, tuple[float, float]] = {}
        """Each user's last iteration, and when its last request ended."""
        self._started = self._ours = self._overruns = 0
        self._said: set[str] = set()

    def wants(self, kind: str) -> bool:
        """Whether batches of this kind say anything; decoding them is not free."""
        return kind == "monitor" or (kind == "samples" and (self._interval > 0 or self._at_rate))

    def add(self, kind: str, batch: Batch) -> list[str]:
        """Take a batch of a kind that it `wants`; what is to be said about it now."""
        if kind == "monitor":
            return self._once("cpu", self._look_at_cpu(batch))
        self._count(batch)
        return [*self._once("late", self._late_by_us()), *self._once("overrun", self._overrun())]

    def _once(self, alarm: str, text: str | None) -> list[str]:
        if text is None or alarm in self._said:
            return []
        self._said.add(alarm)
        return [text]

    def _look_at_cpu(self, batch: Batch) -> str | None:
        used, waited = (np.nan_to_num(batch.numbers(name)) for name in ("cpu_percent", "cpu_wait_percent"))
        rows = zip(batch.numbers("at_ms"), batch.words("process"), used, waited, strict=True)
        for at_ms, process, cpu, wait in rows:
            if process is None or process in WATCHED or at_ms <= START_UP_MS:
                continue
            seconds = self._cpu.setdefault(process, deque(maxlen=CPU_SECONDS))
            seconds.append((cpu, wait))
            cpus, waits = np.array(seconds).T
            wanted = float(np.median(cpus + waits))
            if len(seconds) >= FEWEST_CPU_SECONDS and wanted > CPU_MEDIAN:
                remedy = FREE_CORES if np.median(waits) > np.median(cpus) else MORE_PROCESSES
                return (
                    f"The generator is at its limit: its process {process} wants {wanted:.0f} % of a core, and times "
                    f"may be its own, not the target's: {remedy}"
                )
        return None

    def _count(self, batch: Batch) -> None:
        scheduled, late = batch.numbers("scheduled_ms"), batch.numbers("late_ms")
        late_by_more = late - np.nan_to_num(batch.numbers("connect_ms")) > self._late_limit
        late_by_more &= batch.numbers("resent") != 1.0  # the first sending was punctual
        ends = batch.numbers("start_ms") + batch.numbers("duration_ms")
        columns = (batch.numbers("user"), batch.numbers("iteration"), scheduled, late_by_more, ends)
        for user, iteration, due, is_late, end in zip(*(column.tolist() for column in columns), strict=True):
            if user < 0:
                continue
            last, free = self._last.get(user, (None, math.nan))
            if iteration == last:  # not the one that was due by the interval
                self._last[user] = iteration, max(free, end)
                continue
            self._last[user] = iteration, end
            if math.isnan(free):
                continue
            self._started += 1
            if is_late and free <= due:
                self._ours += 1
            elif is_late:
                self._overruns += 1

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

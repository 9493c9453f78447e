"""What a rule of validity is, what it looks at, and what it finds. Knows no rule."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Finding
from katydid.model.metrics.rates import Counts
from katydid.model.sample import LateCause
from katydid.runs.rows import WATCHED

START_UP_MS = 2000.0
"""Spawning users and opening connections may cost what it costs."""
FEWEST_SECONDS = 3
"""Seconds in which a process must be overloaded before we say so: one slow second is not a slow run."""


@dataclass(frozen=True)
class Run:
    """What the rules look at; the selections that many of them share are made once.

    Attributes:
        frame: samples with derived columns, those that count in no statistic included.
        iterations: rows of whole iterations that count, where the workload has such.
        window: of the statistics, (begin, end) in milliseconds of the run.
    """

    frame: pd.DataFrame
    monitor: pd.DataFrame
    manifest: Manifest
    counts: Counts
    window: tuple[float, float]
    iterations: pd.DataFrame = field(default_factory=pd.DataFrame)

    @cached_property
    def counted(self) -> pd.DataFrame:
        """The samples that count."""
        return self.frame[self.frame["counted"]]

    @property
    def kernel_time(self) -> bool:
        """Whether receive times are the kernel's, so that our own delay is not in them."""
        return self.manifest.timestamp_source == "kernel"

    @cached_property
    def generator(self) -> pd.DataFrame:
        """The monitor of the generator's processes."""
        return self.monitor[~self.monitor["process"].isin(WATCHED)]

    @cached_property
    def steady(self) -> pd.DataFrame:
        """The same without their first seconds."""
        ours = self.generator
        return ours[ours["at_ms"] > START_UP_MS]


@dataclass(frozen=True, slots=True)
class Rule:
    """One question to a run.

    Attributes:
        name: for machines.
        limit: what is asked for, as a report shows it.
        why: the reason for the limit.
        check: a finding where the limit is broken.
        possible: whether the run has what the check looks at; a rule that could not be checked was not kept.
        column: of the samples; the rule is for runs that have values of it, None for all.
    """

    name: str
    limit: str
    why: str
    check: Callable[[Run], Finding | None]
    possible: Callable[[Run], bool] = lambda _: True
    column: str | None = None


def watched(run: Run) -> bool:
    """Whether the generator was watched once it had started up."""
    return len(run.steady) > 0


def found_no_user(rows: pd.DataFrame) -> pd.Series:
    """Which requests of a rate arrived while no user was free."""
    return rows["late_cause"] == LateCause.POOL if "late_cause" in rows else pd.Series(data=False, index=rows.index)


def has_plan(run: Run) -> bool:
    """A run in stages tells for each of them what was offered and what was started."""
    ended = run.manifest.ended == "run-time" or (run.manifest.ended == "completed" and run.manifest.trace is not None)
    return bool(run.counts.due) and ended and not run.manifest.stages

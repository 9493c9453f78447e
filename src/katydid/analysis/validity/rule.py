"""The types of validity rules, and the data that they check. Knows no particular rule."""

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
"""The start is not judged: spawning users and opening connections is expensive."""
FEWEST_SECONDS = 3
"""The fewest overloaded seconds that count: one slow second is not a slow run."""


@dataclass(frozen=True)
class Run:
    """The data that rules check, with the selections that many rules share.

    Attributes:
        frame: all samples with derived columns, including those that count in no statistic.
        iterations: rows of whole iterations that count, if the workload has any.
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
        """True if receive times are the kernel's, and so free of the generator's own delay."""
        return self.manifest.timestamp_source == "kernel"

    @cached_property
    def generator(self) -> pd.DataFrame:
        """The monitor of the generator's processes."""
        return self.monitor[~self.monitor["process"].isin(WATCHED)]

    @cached_property
    def steady(self) -> pd.DataFrame:
        """The monitor of the generator's processes, without their first seconds."""
        ours = self.generator
        return ours[ours["at_ms"] > START_UP_MS]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of validity.

    Attributes:
        name: for machines.
        limit: the requirement, as reports show it.
        why: the reason for the limit.
        check: returns a finding if the run violates the limit, else None.
        possible: returns True if the run has the data for the check; an unchecked rule does not count as met.
        column: the rule applies to runs with values in this column of the samples; None for all runs.
    """

    name: str
    limit: str
    why: str
    check: Callable[[Run], Finding | None]
    possible: Callable[[Run], bool] = lambda _: True
    column: str | None = None


def rule(
    limit: str, why: str, *, possible: Callable[[Run], bool] = lambda _: True, column: str | None = None
) -> Callable[[Callable[[Run], Finding | None]], Rule]:
    """Make a rule of its check, which has the rule's name; see `Rule`."""
    return lambda check: Rule(check.__name__, limit, why, check, possible, column)


def watched(run: Run) -> bool:
    """Return True if the monitor has rows of the generator after its start."""
    return len(run.steady) > 0


def recorded(rows: pd.DataFrame, column: str) -> pd.Series:
    """A column that the system or an older Katydid may not have recorded: nulls then."""
    return rows.reindex(columns=[column])[column]


def found_no_user(rows: pd.DataFrame) -> pd.Series:
    """Which requests of a rate arrived while no user was free."""
    return recorded(rows, "late_cause") == LateCause.POOL


def has_plan(run: Run) -> bool:
    """Return True if the offered load of the whole run is known; a run in stages is judged stage by stage instead."""
    ended = run.manifest.ended == "run-time" or (run.manifest.ended == "completed" and run.manifest.trace is not None)
    return bool(run.counts.due) and ended and not run.manifest.stages

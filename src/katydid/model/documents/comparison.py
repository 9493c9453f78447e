"""`katydid compare --json`: two versions compared. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from katydid.model.documents.base import Document, Part
from katydid.model.units import Better, Unit


class Verdict(StrEnum):
    """The verdict on a metric or on a whole comparison; only a comparison can be mixed or invalid."""

    FASTER = "faster"
    SLOWER = "slower"
    MIXED = "mixed"
    NO_DIFFERENCE = "no_difference"
    CANNOT_TELL = "cannot_tell"
    INVALID = "invalid"


_OF_METRICS = frozenset(Verdict) - {Verdict.MIXED, Verdict.INVALID}
MetricVerdict = Annotated[Verdict, Meta(extra_json_schema={"enum": sorted(_OF_METRICS)})]

STREAM = ("ttft.p50", "ttft.p95", "tpot.p50", "duration.p50")
"""Primary metrics of streaming workloads, and the default: time to first token, output speed, total time."""
SAME_LEVEL = 0.05
"""Significance level of each of the two one-sided tests behind "no difference"."""


@dataclass(frozen=True, kw_only=True)
class CompareSettings:
    """Settings of a comparison (`[compare]` and `[policy]` of a thresholds file).

    Attributes:
        primary: metrics that decide, in addition to `failure_rate`, Holm-adjusted; all others are exploratory. The
            default, the metrics of streaming workloads, means the workload's own primary metrics.
        min_change: a change smaller than this fraction is irrelevant.
        same_within: "no difference" means a change within this fraction.
        family_alpha: probability that two equal versions are called different in any primary metric.
        same_level: significance level of each of the two one-sided tests behind "no difference".
    """

    primary: tuple[str, ...] = STREAM
    min_change: float = 0.05
    same_within: float = 0.10
    family_alpha: float = 0.01
    same_level: float = SAME_LEVEL


class ComparedPoints(Part, kw_only=True, frozen=True):
    """The change of a share, in percentage points, with its interval and the smallest detectable change."""

    change: float | None
    low: float | None
    high: float | None
    detectable: float | None


class BothSides(Part, kw_only=True, frozen=True):
    """A metric's values on both sides. `change`, `low` and `high` are new / base − 1.

    Attributes:
        name: flat name, such as `ttft.p95`.
        base, new: the values of both sides, in milliseconds, as fractions or per second.
        change: the change from base to new.
        low, high: the 95 % interval of the change; null on the open side of a bound.
        bound: `lower` or `upper` if the change is only a lower or upper bound; `both` if nothing is known about it.
        verdict: `faster` means better beyond noise, `slower` worse; never `mixed` or `invalid`. Null if the values were
            not compared.
        primary: true if the metric decides the comparison.
        points: the change of a share in percentage points; null for other metrics.
        label: name of the metric for readers.
        unit: unit of the values.
        better: which direction is better: `lower`, `higher` or `neither`.
    """

    name: str
    base: float | None
    new: float | None
    change: float | None
    low: float | None
    high: float | None
    bound: str | None
    verdict: MetricVerdict | None
    primary: bool
    points: ComparedPoints | None
    label: str
    unit: Unit
    better: Better


class ComparedMetric(BothSides, kw_only=True, frozen=True):
    """A metric that was compared. `smallest_detectable` is new / base − 1, too.

    Attributes:
        smallest_detectable: the smallest change that these runs could detect.
        runs_needed: runs per side that a verdict needs.
        p_value: before any adjustment for multiple metrics.
        reason: why the result is inconclusive, or why the verdict is withdrawn.
        design: which data the noise was estimated from.
    """

    verdict: MetricVerdict
    smallest_detectable: float | None
    runs_needed: int | None
    p_value: float | None
    reason: str
    design: str | None

    def __post_init__(self) -> None:
        """Check that the verdict is one of a metric."""
        if self.verdict not in _OF_METRICS:
            raise ValueError(f"`{self.verdict}` is a verdict of comparisons, not of metrics")


class ComparedRun(Part, kw_only=True, frozen=True):
    """A run of one side; `counts` is true if it is part of the comparison."""

    run: str
    started_utc: str | None
    requests: int
    counts: bool


class ComparedSide(Part, kw_only=True, frozen=True):
    """One side of a comparison: its versions, target and runs."""

    versions: list[str]
    host: str | None
    runs: list[ComparedRun]


class RunOutcome(Part, kw_only=True, frozen=True):
    """How a run ended: number of users, requests and seconds.

    Attributes:
        leaving: what the target does for clients that have left; null if no client left.
    """

    run: str
    ended: str | None
    failure_threshold: int | None
    users: float | None
    in_flight: float | None
    requests: int
    ok: int
    failed: int
    failed_after_stop: int
    failure_rate: float | None
    seconds: float | None
    leaving: str | None = None


class Mismatch(Part, frozen=True):
    """A manifest key that differs between the sides; `why` is empty if the difference may not affect the result."""

    key: str
    base: str
    new: str
    why: str

    @property
    def text(self) -> str:
        """One line."""
        because = f": {self.why}" if self.why else ""
        return f"{self.key} differs ({self.base} and {self.new}){because}"


class LookedMetric(Part, kw_only=True, frozen=True):
    """A metric's result at one look of `katydid ab`; see `ComparedMetric`."""

    name: str
    change: float | None
    low: float | None
    high: float | None
    p_value: float | None
    verdict: MetricVerdict


class LookRecord(Part, kw_only=True, frozen=True):
    """A look of `katydid ab` after `pairs` pairs; `level` and `level_same` are its shares of the allowed error."""

    pairs: int
    level: float
    level_same: float
    verdict: Verdict
    metrics: list[LookedMetric]


class Comparison(Document, kw_only=True, frozen=True):
    """The content of `katydid compare --json`, and of `katydid ab --json`, which also has its looks.

    Attributes:
        verdict: verdict on the primary metrics together; `slower` whenever the new version fails more.
        reasons: sentences; `worse:`, `better:` and `largest regression:` say what changed beyond the noise.
        metrics: metrics that both sides have.
        sides: the base, then the new side.
        differences: differences between the sides' manifests.
        outcomes: how each side's runs ended.
        history_runs: number of earlier runs that the noise was also estimated from.
        interleaved: true if the runs alternated and were compared in pairs.
        settled_s: seconds at the start of each run that count in no statistic, because service times had not settled.
        settings: settings of the comparison.
        largest_regression: the metric that regressed the most beyond the noise; null if none did.
        workload: workload of the base's first run.
        declared: columns, metrics and rules that the workload declares.
        pairs, decided, looks: `katydid ab` only: number of pairs, whether the last look decided, and all looks.
    """

    schema_version: int
    verdict: Verdict
    reasons: list[str]
    metrics: list[ComparedMetric]
    sides: list[ComparedSide]
    differences: list[Mismatch]
    outcomes: list[list[RunOutcome]]
    history_runs: int
    interleaved: bool
    settled_s: float
    settings: CompareSettings
    largest_regression: str | None
    workload: str | None = None
    declared: object = None
    pairs: int | None = None
    decided: bool | None = None
    looks: list[LookRecord] | None = None


class VersionComparison(Comparison, kw_only=True, frozen=True):
    """One of several versions, compared with the first.

    Attributes:
        version: label of the version.
    """

    version: str


class Comparisons(Document, kw_only=True, frozen=True):
    """The content of `katydid compare --json` for more than two versions.

    Attributes:
        verdict: the worst verdict of all comparisons.
        comparisons: each other version compared with the first, in the order given.
    """

    schema_version: int
    verdict: Verdict
    comparisons: list[VersionComparison]

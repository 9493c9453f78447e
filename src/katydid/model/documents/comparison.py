"""`katydid compare --json`: two versions compared. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from katydid.model.documents.base import Document, Part
from katydid.model.units import Better, Unit


class Verdict(StrEnum):
    """Of a metric, and of a whole comparison; only the latter can be mixed or invalid."""

    FASTER = "faster"
    SLOWER = "slower"
    MIXED = "mixed"
    NO_DIFFERENCE = "no_difference"
    CANNOT_TELL = "cannot_tell"
    INVALID = "invalid"


_OF_METRICS = frozenset(Verdict) - {Verdict.MIXED, Verdict.INVALID}
MetricVerdict = Annotated[Verdict, Meta(extra_json_schema={"enum": sorted(_OF_METRICS)})]

STREAM = ("ttft.p50", "ttft.p95", "tpot.p50", "duration.p50")
"""Of whatever streams, and the default: when the answer begins, how fast it goes on, and how long it takes."""
SAME_LEVEL = 0.05
"""Of the two one-sided tests that "no difference" takes."""


@dataclass(frozen=True, kw_only=True)
class CompareSettings:
    """What a comparison looks for (`[compare]` and `[policy]` of a thresholds file).

    Attributes:
        primary: metrics that decide beside `failure_rate`, Holm-adjusted; all others are exploratory. The default
            stands for the workload's own, which these are of streams.
        min_change: fraction below which a change is of no interest.
        same_within: fraction that "no difference" means.
        family_alpha: chance that two equal versions are called different in any primary metric.
        same_level: of each of the two one-sided tests behind "no difference".
    """

    primary: tuple[str, ...] = STREAM
    min_change: float = 0.05
    same_within: float = 0.10
    family_alpha: float = 0.01
    same_level: float = SAME_LEVEL


class ComparedPoints(Part, kw_only=True, frozen=True):
    """The difference of a share, in percentage points."""

    change: float | None
    low: float | None
    high: float | None
    detectable: float | None


class BothSides(Part, kw_only=True, frozen=True):
    """A metric's value on both sides. `change`, `low` and `high` are ratios less one.

    Attributes:
        name: flat, as `ttft.p95`.
        base, new: the sides' values: milliseconds, fractions, per second.
        low, high: the 95 % interval of the change; null to the open side of a bound.
        bound: `lower` or `upper`: the change is at least, or at most, what it says; `both`: nothing is known of it.
        verdict: `faster` means better beyond noise, `slower` worse; never `mixed` or `invalid`. Null where the values
            were not compared.
        primary: it decides.
        points: of a share, the difference in percentage points; null of all else.
        unit: of the values.
        better: `lower`, `higher` or `neither`.
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
    """A metric that was compared. `smallest_detectable` is a ratio less one too.

    Attributes:
        smallest_detectable: the change that these runs would show.
        runs_needed: a side, to tell.
        p_value: before any adjustment for several metrics.
        reason: why it cannot be told, or what takes the verdict back.
        design: where the noise was taken from.
    """

    verdict: MetricVerdict
    smallest_detectable: float | None
    runs_needed: int | None
    p_value: float | None
    reason: str
    design: str | None

    def __post_init__(self) -> None:
        """See that the verdict is one of a metric."""
        if self.verdict not in _OF_METRICS:
            raise ValueError(f"`{self.verdict}` is a verdict of comparisons, not of metrics")


class ComparedRun(Part, kw_only=True, frozen=True):
    """A run of a side; `counts` is whether it enters the comparison."""

    run: str
    started_utc: str | None
    requests: int
    counts: bool


class ComparedSide(Part, kw_only=True, frozen=True):
    """A side: its versions, its target, its runs."""

    versions: list[str]
    host: str | None
    runs: list[ComparedRun]


class RunOutcome(Part, kw_only=True, frozen=True):
    """How a run ended: at how many users, after how many requests and seconds.

    Attributes:
        leaving: what its target does for clients that have left, where some did.
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
    """A key whose values differ between the sides; `why` is empty where it may not affect the result."""

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
    """What a look of `katydid ab` saw of a metric; as in `ComparedMetric`."""

    name: str
    change: float | None
    low: float | None
    high: float | None
    p_value: float | None
    verdict: MetricVerdict


class LookRecord(Part, kw_only=True, frozen=True):
    """A look of `katydid ab`, after so many pairs; `level` and `level_same` are its shares of the error allowed."""

    pairs: int
    level: float
    level_same: float
    verdict: Verdict
    metrics: list[LookedMetric]


class Comparison(Document, kw_only=True, frozen=True):
    """The content of `katydid compare --json`, and of `katydid ab --json`, which has its looks too.

    Attributes:
        verdict: of the primary metrics together; a version that fails more is `slower` whatever else.
        reasons: sentences; `worse:`, `better:` and `largest regression:` say what changed beyond the noise.
        metrics: that both sides have.
        sides: the base, then the new one.
        differences: between the sides' manifests.
        outcomes: of each side, its runs' ends.
        history_runs: earlier runs that the noise was taken from too.
        interleaved: the runs alternated, and were compared in pairs.
        settled_s: seconds of each run that count in no statistic, as service times had not settled.
        settings: what was looked for.
        largest_regression: the metric that got worse beyond the noise by the most; null where none did.
        workload: of the base's first run.
        declared: metrics of the workload's own.
        pairs, decided, looks: of `katydid ab`: pairs that were made, whether the last look decided, and all looks.
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
        version: what it is called.
    """

    version: str


class Comparisons(Document, kw_only=True, frozen=True):
    """The content of `katydid compare --json` where it has more than two versions.

    Attributes:
        verdict: the worst of all.
        comparisons: of each other version with the first, in the order given.
    """

    schema_version: int
    verdict: Verdict
    comparisons: list[VersionComparison]

"""`katydid compare --json`: two versions compared. Pure."""

from typing import Literal

from katydid.model.documents.base import Document, Part

MetricVerdict = Literal["faster", "slower", "no_difference", "cannot_tell"]
ComparisonVerdict = Literal["faster", "slower", "mixed", "no_difference", "cannot_tell", "invalid"]


class ComparedPoints(Part, kw_only=True, frozen=True):
    """The difference of a share, in percentage points."""

    change: float | None
    low: float | None
    high: float | None
    detectable: float | None


class ComparedMetric(Part, kw_only=True, frozen=True):
    """A metric on both sides. `change`, `low`, `high` and `smallest_detectable` are ratios less one.

    Attributes:
        name: flat, as `ttft.p95`.
        base, new: the sides' values: milliseconds, fractions, per second.
        low, high: the 95 % interval of the change; null to the open side of a bound.
        bound: `lower` or `upper`: the change is at least, or at most, what it says; `both`: nothing is known of it.
        verdict: `faster` means better beyond noise, `slower` worse; never `mixed` or `invalid`.
        primary: it decides.
        smallest_detectable: the change that these runs would show.
        runs_needed: a side, to tell.
        p_value: before any adjustment for several metrics.
        reason: why it cannot be told, or what takes the verdict back.
        design: where the noise was taken from.
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
    verdict: MetricVerdict
    primary: bool
    smallest_detectable: float | None
    runs_needed: int | None
    p_value: float | None
    reason: str
    design: str | None
    points: ComparedPoints | None
    label: str
    unit: str
    better: str


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
    """How a run ended: at how many users, after how many requests and seconds."""

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


class Difference(Part, kw_only=True, frozen=True):
    """What differs between the sides; `why` is empty where it may not affect the result."""

    key: str
    base: str
    new: str
    why: str


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
    verdict: ComparisonVerdict
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
    verdict: ComparisonVerdict
    reasons: list[str]
    metrics: list[ComparedMetric]
    sides: list[ComparedSide]
    differences: list[Difference]
    outcomes: list[list[RunOutcome]]
    history_runs: int
    interleaved: bool
    settled_s: float
    settings: dict[str, object]
    largest_regression: str | None
    workload: str | None = None
    declared: object = None
    pairs: int | None = None
    decided: bool | None = None
    looks: list[LookRecord] | None = None

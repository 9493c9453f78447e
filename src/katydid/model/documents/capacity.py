"""The result of a capacity search: the key `capacity` of `summary.json`, and `katydid capacity --json`. Pure."""

from msgspec import field

from katydid.model.documents.base import Document, Part

USERS, REQUESTS_PER_S = "users", "requests_per_s"
"""Units of a capacity."""


class Hold(Part, kw_only=True, frozen=True):
    """The measurements of one stage, after it has settled.

    Attributes:
        stage: stage number, from 0.
        users: number of users; in a stage at a rate, the size of the pool.
        purpose: what the stage was for, such as `bracket` or `measure`.
        ended: `time`, or `failures` if it was stopped early.
        seconds: seconds that count.
        requests: requests that count.
        ok: how many of them succeeded.
        failed: how many of them failed.
        offered_per_s: offered load in requests per second, or conversations per second if users start these.
        ok_per_s: successful answers that arrived per second, whenever they were requested.
        sustained: load that the target kept up with, in users, or in requests/s in a stage at a rate.
        keeps_up: true if the target kept up with the offered load.
        p50_ms: median of the service time.
        p95_ms: 95th percentile of the service time.
        judged: number of requests or conversations judged, by criterion of the objective.
        missed: how many of them missed it, by criterion.
        broken: violated criteria of the objective; `keeps_up` if the target fell behind.
        rate_per_s: arrival rate in requests per second; null if users kept an interval.
        requests_each: mean number of requests per offered unit: 1, or the requests of a conversation.
        rate_limited: requests rejected by a rate limiter, if most failures are of this kind.
        limiter_per_s: requests per second that the rate limiter accepts in the long run; null if the stage does not
            show it.
        limiter_window_s: window of the rate limiter; null if the stage does not show it.
        limiter_at_least_s: lower bound of the rate limiter's window.
    """

    stage: int
    users: int
    purpose: str
    ended: str
    seconds: float
    requests: int
    ok: int
    failed: int
    offered_per_s: float
    ok_per_s: float
    sustained: float
    keeps_up: bool
    p50_ms: float | None
    p95_ms: float | None
    judged: dict[str, int]
    missed: dict[str, int]
    broken: tuple[str, ...]
    rate_per_s: float | None = None
    requests_each: float = 1.0
    rate_limited: int = 0
    limiter_per_s: float | None = None
    limiter_window_s: float | None = None
    limiter_at_least_s: float = 0.0


class Step(Hold, kw_only=True, frozen=True):
    """A stage of a search, with the result for the objective.

    Attributes:
        held: true if the objective was met.
        missed_share: share of requests that missed the criterion missed most often.
    """

    held: bool
    missed_share: float


class CapacityFound(Part, kw_only=True, frozen=True):
    """The result of a capacity search.

    Attributes:
        capacity: highest load that meets the objective; the highest load tried if `at_least`; null if no load met it.
        low, high: 95 % interval of the capacity; `high` is null if no load violated the objective.
        at_least: true if no load violated the objective, so that the capacity is a lower bound.
        estimates: estimate of each repeat.
        limiting: the criterion of the objective that is violated first.
        method: `logistic`, `isotonic`, `cliff`, `saturation` or `limiter`; the method of most repeats.
        cliff: true if neighbouring loads meet and violate the objective, with nothing in between.
        knee: load with the highest throughput; null if the loads do not show it.
        limited_by: what ended the growth.
        evidence: evidence for `limited_by`.
        objective: the criteria of the objective, as a person would write them.
        steps: all stages, in order.
        unit: unit of the capacity: `users`, or `requests_per_s` if rates were searched.
        limiter_seen: if a rate limiter violates the objective: whether the stages were long enough to show the rate it
            accepts in the long run; if false, only `high` is known. Null without a rate limiter.
        advice: what to do beyond the capacity; null if unknown.
    """

    capacity: float | None
    low: float | None
    high: float | None
    at_least: bool
    estimates: list[float] = field(default_factory=list)
    limiting: str | None = None
    method: str | None = None
    cliff: bool = False
    knee: float | None = None
    limited_by: str = ""
    evidence: str = ""
    objective: list[str] = field(default_factory=list)
    steps: list[Step]
    unit: str = USERS
    limiter_seen: bool | None = None
    advice: str | None = None

    @property
    def at_rates(self) -> bool:
        """Return True if the capacity is a request rate."""
        return self.unit == REQUESTS_PER_S


class CapacityResult(Document, kw_only=True, frozen=True):
    """The content of `katydid capacity --json`; if the search found nothing, only the last three keys have values.

    Attributes:
        valid: whether the measurement is valid.
        ended: see the manifest.
        run: the run folder.
    """

    schema_version: int
    capacity: float | None
    low: float | None
    high: float | None
    at_least: bool | None
    estimates: list[float] | None
    limiting: str | None
    method: str | None
    cliff: bool | None
    knee: float | None
    limited_by: str | None
    evidence: str | None
    objective: list[str] | None
    steps: list[Step] | None
    unit: str | None = None
    limiter_seen: bool | None = None
    advice: str | None = None
    valid: bool
    ended: str | None
    run: str

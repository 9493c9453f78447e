"""What a search for the capacity found: the key `capacity` of `summary.json`, and `katydid capacity --json`. Pure."""

from msgspec import field

from katydid.model.documents.base import Document, Part

USERS, REQUESTS_PER_S = "users", "requests_per_s"
"""What a capacity is a number of."""


class Hold(Part, kw_only=True, frozen=True):
    """What a stage showed, from its settling to its end.

    Attributes:
        stage: its number, from 0.
        users: that there were; in a stage at a rate, the pool that served it.
        rate_per_s: requests that arrived each second; null where users kept an interval.
        purpose: what it was held for, as `bracket` or `measure`.
        ended: `time`, or `failures` where it was stopped early.
        seconds: that count.
        offered_per_s: requests that were due; conversations, where a user holds one every interval.
        ok_per_s: successful answers that came, whenever they were asked for.
        sustained: users, or requests/s of a stage at a rate, that the target answered at the pace at which they came.
        judged: by part of the objective, how many requests, or conversations, it was asked of.
        missed: how many of those missed it.
        broken: parts of the objective that were broken; `keeps_up` where the target fell behind.
        requests_each: requests of each thing that is offered: 1, or those of a conversation in the mean.
        rate_limited: requests that a rate limiter refused, where most failures are such.
        limiter_per_s: requests that it lets pass each second in the long run; null where the stage does not show it.
        limiter_window_s: its window, null as above.
        limiter_at_least_s: its window is no shorter than this.
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
    """A stage of a search, with what became of the objective.

    Attributes:
        held: the objective was kept.
        missed_share: of the part of the objective that most missed.
    """

    held: bool
    missed_share: float


class CapacityFound(Part, kw_only=True, frozen=True):
    """What a search found.

    Attributes:
        unit: of the capacity: `users`, or `requests_per_s` where rates were searched.
        capacity: at the objective; the most that were tried, where `at_least`; null where nothing held.
        low, high: interval at 95 %; `high` is null where nothing broke.
        at_least: nothing broke.
        estimates: of each repeat.
        limiting: the part of the objective that breaks first.
        method: `logistic`, `isotonic`, `cliff`, `saturation` or `limiter`; of most repeats.
        cliff: the objective is kept and broken at neighbouring loads, with nothing in between.
        knee: load at which throughput is highest; null where the loads do not show it.
        limited_by: what ended the growth.
        evidence: for that.
        objective: its parts, as a person would write them.
        steps: every stage, in their order.
        limiter_seen: of a rate limiter that breaks the objective, whether holds lasted long enough to see what it lets
            pass in the long run; where not, `high` is all that is known. Null where it is not that.
        advice: what to do beyond the capacity; null where nothing is known.
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
        """Whether the capacity is a rate of requests."""
        return self.unit == REQUESTS_PER_S


class CapacityResult(Document, kw_only=True, frozen=True):
    """The content of `katydid capacity --json`; of a run that found nothing, the last three keys alone.

    Attributes:
        valid: whether the measurement is.
        ended: as the manifest's.
        run: the run's folder.
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

"""`summary.json`: what came of a run. Pure."""

import math
from enum import StrEnum
from typing import ClassVar, Literal

from msgspec import Struct, field

from katydid.model.documents.base import Document, Part
from katydid.model.documents.capacity import CapacityFound
from katydid.model.documents.manifest import LeavingSource, Milliseconds

Severity = Literal["invalid", "warning"]


class Finding(Struct, frozen=True):
    """Something that a reader has to know before the numbers."""

    severity: Severity
    message: str
    remedy: str = ""
    rule: str = ""

    @property
    def text(self) -> str:
        """One line."""
        return f"{self.message}: {self.remedy}" if self.remedy else self.message


class Outcome(StrEnum):
    """What came of a run; the first that holds.

    Attributes:
        INVALID: the measurement is not valid, whatever the target did.
        FAILED: no request succeeded, or a check (isolation, safety, resilience) failed.
        INTERRUPTED: before its end, by a person, or by what killed it.
        STOPPED: by its failure threshold, with successes.
        PASSED: none of these.
    """

    INVALID = "invalid"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    PASSED = "passed"

    @property
    def tone(self) -> str:
        """`good`, `note` or `bad`: green, amber or red."""
        return _TONES.get(self, "bad")


_TONES = {Outcome.PASSED: "good", Outcome.STOPPED: "note", Outcome.INTERRUPTED: "note"}


class Headline(Struct, frozen=True):
    """The outcome and the sentence, in which nothing can move a cursor."""

    outcome: Outcome
    text: str


class RequestCounts(Part, kw_only=True, frozen=True):
    """Requests by what became of them.

    Attributes:
        requests: that count.
        users: that made them.
        failed: of those that count; the failure threshold exactly, where that ended the run.
        aborted: cut off by the end of the run.
        abandoned: given up by their clients on purpose (`--abandon`): no failures, and in no latency.
        late: started late, by the generator's fault or for want of a free user; null in a closed loop, where nothing is
            due at a time.
        warm_up: left out, as they started in the warm-up.
        after_stop: ended after the failure threshold had stopped the run.
        failed_after_stop: those of them that failed.
        all: rows.
    """

    requests: int
    ok: int
    failed: int = 0
    users: int = 0
    aborted: int = 0
    abandoned: int = 0
    late: int | None = 0
    warm_up: int = 0
    after_stop: int = 0
    failed_after_stop: int = 0
    all: int = 0


class Measured(Struct, frozen=True):
    """A metric's value in one run: milliseconds, fractions, per second.

    Attributes:
        at_least: it is a lower bound.
    """

    value: float
    at_least: bool = False


class Censored(Part, kw_only=True, frozen=True):
    """Requests that timed out or were cut off, and the metrics that are others when they count.

    They took at least the time they had: a value that lies among them is a lower bound.
    """

    requests: int = 0
    metrics: dict[str, Measured] = field(default_factory=dict)


class ErrorRow(Part, kw_only=True, frozen=True):
    """Failures of one class and blame.

    Attributes:
        error: the class.
        blame: `target`, `generator` or `config`.
        share: of all requests that ended.
        first_ms: when the first of them failed.
        example: the failure's text in one of them, redacted.
        status: the HTTP status of the example.
        name: the request's name in the example.
        check: what to look at, where the configuration is to blame.
        prompts: that failed so again and again, by their places in their file, where they are few.
    """

    error: str
    blame: str | None = None
    count: int
    share: float
    first_ms: float | None = None
    example: str | None = None
    status: int | None = None
    name: str | None = None
    check: str | None = None
    prompts: list[str] | None = None


class NameRow(Part, kw_only=True, frozen=True):
    """Requests of one name."""

    name: str
    requests: int
    failed: int
    p50: float | None = field(name="duration.p50", default=None)
    longest: float | None = field(name="duration.max", default=None)


class Check(Part, kw_only=True, frozen=True):
    """A check that a workload makes of its answers or of the target; it has more keys of its own.

    Attributes:
        passed: null where nothing tells.
    """

    name: str
    passed: bool | None
    violations: int | None = None


class TokenLengths(Part, kw_only=True, frozen=True):
    """Lengths in tokens, of the successful requests that the target counted.

    Attributes:
        asked_mean, asked_sd: of the lengths that were drawn.
        realised_mean, realised_sd: as the target counts them.
        off: by how much the realised mean differs from the one that was asked for, as a fraction of that.
    """

    requests: int
    asked_mean: float
    asked_sd: float
    realised_mean: float
    realised_sd: float
    off: float


class LengthsFound(Part, kw_only=True, frozen=True):
    """Of prompts and of answers; null where no length was asked for."""

    input: TokenLengths | None = None
    output: TokenLengths | None = None


class CachePoint(Part, kw_only=True, frozen=True):
    """The hit rate of requests that started around a moment, in seconds of the run."""

    seconds: float
    hit_rate: float


class CacheFound(Part, kw_only=True, frozen=True):
    """What the target's prefix cache answered, of the successful requests of which it says so.

    Attributes:
        hit_rate: cached tokens of the input tokens.
        beyond_template: the same without the target's template, where the run's probes measured it.
    """

    requests: int
    input_tokens: int
    cached_tokens: int
    hit_rate: float
    beyond_template: float
    over_time: list[CachePoint] = field(default_factory=list)


class LeavingFound(Struct, frozen=True):
    """What the target does with the slot of a client that has left.

    Attributes:
        outcome: `frees` the slot, `computes` on, or `unseen`.
        text: one sentence.
        source: see `LeavingRecord`.
        low_ms: slots stay busy for at least this long.
        high_ms: slots stay busy for at most this long; null if no slot was seen free.
        rest_ms: see `LeavingRecord`.
    """

    outcome: Literal["frees", "computes", "unseen"]
    text: str
    source: LeavingSource | None = None
    low_ms: Milliseconds | None = None
    high_ms: Milliseconds | None = None
    rest_ms: Milliseconds | None = None


class Summary(Document, kw_only=True, frozen=True):
    """The content of `summary.json`. Workloads, sweeps and searches add keys of their own.

    Attributes:
        valid: whether the measurement is.
        invalid_reasons: why it is not, a line each.
        warnings: what a reader should know, a line each.
        findings: both, in their parts.
        unchecked_rules: names of the rules of validity that the run has no data for.
        ended: as the manifest's.
        partial: the run never came to its end.
        users_at_stop: users whose first request had started when the failure threshold ended the run.
        seconds: that the rates are over.
        metrics: by flat names, as `ttft.p95`; times of successes alone, in milliseconds.
        censored: the metrics once requests count that timed out or were cut off.
        too_few: why a metric is missing that the reader would look for.
        upper_bounds: metrics that are upper bounds only.
        errors: the most frequent first.
        names: a row a request name.
        timestamp_source: as the manifest's.
        checks: of sessions and of resilience workloads.
        limited_by: what ended the growth of a sweep or a search; `rate limit` of a run at one load that met one.
        advice: of such a run: what to do about it.
        capacity: what a search for it found.
        lengths: that were asked for and realised.
        cache: hits of the target's prefix cache.
        leaving: what the target does for clients that have left.
        headline: the run in one sentence.
    """

    EARLIER: ClassVar[dict[str, object]] = {
        **Document.EARLIER, "warnings": [], "findings": [], "unchecked_rules": [], "partial": False, "seconds": 0.0,
        "censored": {}, "too_few": {}, "upper_bounds": [], "errors": [], "names": [],
    }  # fmt: skip

    schema_version: int
    valid: bool
    invalid_reasons: list[str]
    warnings: list[str]
    findings: list[Finding]
    unchecked_rules: list[str]
    ended: str | None
    partial: bool
    counts: RequestCounts
    users_at_stop: float | None = None
    seconds: float
    metrics: dict[str, float | None]
    censored: Censored
    too_few: dict[str, str]
    upper_bounds: list[str]
    errors: list[ErrorRow]
    names: list[NameRow]
    timestamp_source: str | None
    checks: list[Check] | None = None
    limited_by: str | None = None
    advice: str | None = None
    capacity: CapacityFound | None = None
    lengths: LengthsFound | None = None
    cache: CacheFound | None = None
    leaving: LeavingFound | None = None
    headline: Headline | None = None

    def measured(self, metric: str) -> Measured | None:
        """A metric's value as gate, reports and history take it: time-outs and cut-off requests counted.

        None where the run has none.
        """
        found = self.censored.metrics.get(metric)
        if found is not None:
            return found
        value = self.metrics.get(metric)
        return None if value is None or math.isnan(value) else Measured(value)

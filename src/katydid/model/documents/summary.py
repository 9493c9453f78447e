"""`summary.json`: the results of a run. Pure."""

import math
from enum import StrEnum
from typing import ClassVar, Literal

from msgspec import Struct, field

from katydid.model.documents.base import Document, Part
from katydid.model.documents.capacity import CapacityFound
from katydid.model.documents.manifest import LeavingSource, Milliseconds

Severity = Literal["invalid", "warning"]


class Finding(Struct, frozen=True):
    """A problem that a reader must know before reading the numbers."""

    severity: Severity
    message: str
    remedy: str = ""
    rule: str = ""

    @property
    def text(self) -> str:
        """One line."""
        return f"{self.message}: {self.remedy}" if self.remedy else self.message


class Outcome(StrEnum):
    """The outcome of a run: the first of these that applies.

    Attributes:
        INVALID: the measurement is not valid, whatever the target did.
        FAILED: no request succeeded, or a check (isolation, safety, resilience) failed.
        INTERRUPTED: a person or a crash ended the run early.
        STOPPED: the failure threshold stopped the run after at least one success.
        PASSED: none of these.
    """

    INVALID = "invalid"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    PASSED = "passed"

    @property
    def tone(self) -> str:
        """The tone: `good` (green), `note` (amber) or `bad` (red)."""
        return _TONES.get(self, "bad")


_TONES = {Outcome.PASSED: "good", Outcome.STOPPED: "note", Outcome.INTERRUPTED: "note"}


class Headline(Struct, frozen=True):
    """The outcome, and a sentence without control characters."""

    outcome: Outcome
    text: str


class RequestCounts(Part, kw_only=True, frozen=True):
    """Numbers of requests by outcome.

    Attributes:
        requests: requests that count in the statistics.
        ok: counted requests that succeeded.
        failed: counted requests that failed; equals the failure threshold if that ended the run.
        users: number of users that sent the counted requests.
        aborted: requests that the end of the run aborted.
        abandoned: requests that their clients abandoned on purpose (`--abandon`); neither failures nor in any latency.
        late: requests that started late; null in a closed loop, where requests have no due times.
        warm_up: requests that started in the warm-up and do not count.
        after_stop: requests that ended after the failure threshold had stopped the run.
        failed_after_stop: how many of these failed.
        all: all requests, one row each.
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
    """A metric's value in one run, in milliseconds, as a fraction or per second.

    Attributes:
        value: the value.
        at_least: true if the value is a lower bound.
    """

    value: float
    at_least: bool = False


class Censored(Part, kw_only=True, frozen=True):
    """Requests that timed out or were aborted, and the metrics whose values change if these requests are included.

    Such a request counts with the time it had, so a quantile that falls among them is a lower bound.
    """

    requests: int = 0
    metrics: dict[str, Measured] = field(default_factory=dict)


class ErrorRow(Part, kw_only=True, frozen=True):
    """Failures with the same error class and blame.

    Attributes:
        error: error class.
        blame: whose fault it is: `target`, `generator` or `config`.
        count: number of failures.
        share: share of all requests that ended.
        first_ms: when the first of them failed.
        example: text of one failure, redacted.
        status: HTTP status of the example.
        name: request name of the example.
        check: what to check, if the configuration is to blame.
        prompts: numbers, in their file, of the prompts that fail repeatedly, if they are few.
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
    """Requests with the same name."""

    name: str
    requests: int
    failed: int
    p50: float | None = field(name="duration.p50", default=None)
    longest: float | None = field(name="duration.max", default=None)


class Check(Part, kw_only=True, frozen=True):
    """A check by a workload, of its answers or of the target; checks have more keys of their own.

    Attributes:
        name: name of the check.
        passed: whether it passed; null if there is no data.
        violations: number of violations.
    """

    name: str
    passed: bool | None
    violations: int | None = None


class TokenLengths(Part, kw_only=True, frozen=True):
    """Lengths in tokens of the successful requests whose tokens the target counted.

    Attributes:
        requests: number of these requests.
        asked_mean, asked_sd: mean and standard deviation of the lengths that were drawn.
        realised_mean, realised_sd: mean and standard deviation as counted by the target.
        off: difference between the realised and the drawn mean, as a fraction of the drawn mean.
    """

    requests: int
    asked_mean: float
    asked_sd: float
    realised_mean: float
    realised_sd: float
    off: float


class LengthsFound(Part, kw_only=True, frozen=True):
    """Lengths of prompts and of answers; null if no lengths were configured."""

    input: TokenLengths | None = None
    output: TokenLengths | None = None


class CachePoint(Part, kw_only=True, frozen=True):
    """The cache hit rate of requests that started around `seconds` of the run."""

    seconds: float
    hit_rate: float


class CacheFound(Part, kw_only=True, frozen=True):
    """Hits of the target's prefix cache, over the successful requests for which the target reports cached tokens.

    Attributes:
        requests: number of these requests.
        input_tokens: their input tokens.
        cached_tokens: their cached input tokens.
        hit_rate: cached tokens / input tokens.
        beyond_template: the hit rate without the target's template, as far as the run's probes measured it.
        over_time: the hit rate over the run.
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
    """The content of `summary.json`. Workloads, sweeps and searches add their own keys.

    Attributes:
        valid: whether the measurement is valid.
        invalid_reasons: why it is invalid, one line each.
        warnings: what a reader should know, one line each.
        findings: invalid reasons and warnings as objects.
        unchecked_rules: names of the validity rules for which the run has no data.
        ended: see the manifest.
        partial: true if the run never finished.
        counts: numbers of requests by outcome.
        users_at_stop: number of users whose first request had started when the failure threshold stopped the run.
        seconds: length of the period that rates are computed over.
        metrics: metrics by flat name, such as `ttft.p95`; times are in milliseconds, of successful requests only.
        censored: the metrics that change if requests that timed out or were aborted are included.
        too_few: why an expected metric is missing.
        upper_bounds: metrics that are only upper bounds.
        errors: failures by class and blame, most frequent first.
        names: one row per request name.
        timestamp_source: see the manifest.
        checks: checks of session and resilience workloads.
        limited_by: what ended the growth of a sweep or a search; `rate limit` if a run at a single load hit one.
        advice: what to do about that limit.
        capacity: the result of a capacity search.
        lengths: configured and realised lengths.
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
        """Return a metric's value as gate, reports and history use it, with timed-out and aborted requests included.

        None if the run does not have the metric.
        """
        found = self.censored.metrics.get(metric)
        if found is not None:
            return found
        value = self.metrics.get(metric)
        return None if value is None or math.isnan(value) else Measured(value)

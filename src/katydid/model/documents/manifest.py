"""`manifest.json`: what made a run, and how it ended. Pure."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from katydid.model.documents.base import Document, Part

Number = Annotated[float, Meta(ge=-1e15, le=1e15)]
"""No time and no rate of a run is larger: what is computed of it stays finite."""
Milliseconds = Annotated[float, Meta(ge=0, le=1e15)]
LeavingSource = Literal["metrics", "slots", "probe"]


class StageRecord(Struct, frozen=True):
    """A stage that is over. Times in milliseconds of the run.

    Attributes:
        settled_ms: from here to `end_ms` its requests count.
        ended: `time`, `failures` where it was stopped early, or `interrupted` with the run.
        rate: requests a second that arrived in it, served by its users; null where these kept an interval.
    """

    stage: int
    users: int
    begin_ms: Number
    settled_ms: Number
    end_ms: Number
    purpose: str = ""
    ended: str = "time"
    rate: Number | None = None


class CriterionRecord(Part, kw_only=True, frozen=True):
    """A part of the objective of a search or a sweep.

    Attributes:
        metric: its flat name.
        allowed: share of the requests that may miss it.
        limit_ms: what a request may take; null where the metric is a share itself.
    """

    metric: str
    allowed: float
    limit_ms: Number | None = None


class Silence(Part, kw_only=True, frozen=True):
    """A stretch in which the master heard nothing of a worker, in seconds of the run; `end` null while it lasts."""

    worker: str
    begin: Number
    end: Number | None = None


class UsersChange(Part, kw_only=True, frozen=True):
    """How many users a run has from a moment on, in milliseconds of the run, where somebody has changed them."""

    at_ms: Number
    users: int


class OtherSetting(Part, kw_only=True, frozen=True):
    """An option that a worker was started with, or a fact of what it sends, and the run's own.

    Attributes:
        process: the worker.
        name: of the option, or the fact.
    """

    process: str
    name: str
    worker: str
    run: str


class Death(Part, kw_only=True, frozen=True):
    """A greenlet of ours that ended on an error of Katydid's own.

    Attributes:
        process: that it ran in.
        name: what it did.
        why: the error.
    """

    process: str
    name: str
    why: str


class Reads(Part, kw_only=True, frozen=True):
    """Reads of answers: timed by the kernel's stamps, and by our own clock."""

    kernel: int
    user: int


class Departed(Struct, frozen=True):
    """A client that left while no other client was connected. Times are from its hang-up.

    Attributes:
        low_ms: its slot was still busy at this time.
        high_ms: its slot was seen free at this time; null if it was never seen free while Katydid watched.
    """

    low_ms: Milliseconds
    high_ms: Milliseconds | None = None


class LeavingRecord(Part, kw_only=True, frozen=True):
    """What Katydid saw when it watched the target's slots after the load.

    Attributes:
        source: what showed whether a slot was free: the target's `metrics` or `slots`, or the first token of a `probe`
            request.
        rest_ms: how much longer the answers would have taken after the hang-up, measured on a client that stayed.
        departed: the clients that left.
        why: why nothing could be seen; empty if something was.
    """

    source: LeavingSource | None = None
    rest_ms: Milliseconds | None = None
    departed: list[Departed] = field(default_factory=list)
    why: str = ""


class Manifest(Document, kw_only=True, frozen=True):
    """The content of `manifest.json`. A workload adds keys of its own, as `prompts_sha256` or `audio`.

    Attributes:
        workload: its name; a search or a sweep says so in front, as `capacity-stream`.
        version: of the service under test.
        host: URL of the target, without credentials.
        model: that requests ask for.
        users: how many there were to be; null where a load shape decided.
        spawn_rate: users a second that Locust starts.
        ramp_per_s: users a second, whose first requests come as they start; null where there is no ramp.
        interval_s: between a user's requests; 0 in a closed loop, null where they arrive at a rate.
        schedule: `closed`, `rate` or `trace`; null where users keep an interval.
        starts: what it starts, as `conversation`; null for requests.
        rate_per_s: requests that arrive each second, of a rate.
        arrivals: how they do, `even`, `poisson` or `gamma(CV)`.
        rate_ramp_per_s: requests/s that are added each second until then; null for the whole rate at once.
        arrivals_begin_ms: when the rate or the trace begins.
        trace: the file that is replayed.
        trace_sha256: of its bytes.
        trace_requests: that are replayed.
        trace_speed: so many times as fast as they were.
        trace_span_s: from the first to the last of them, at that speed.
        trace_shared: share of their input tokens, after the warm-up, in blocks that an earlier one had: in the trace.
        trace_due_ms: of the beginning: when those are due that follow no other.
        phase: where first requests are, `spread` or `burst` …
        phase_asked: the same as it was asked for.
        pulses: users come one by one and wait for their places.
        users_leave: each user has had enough one day, as those of sessions.
        failure_threshold: failed requests at which the run stops; 0 = never.
        run_time_s: as asked for; null where there is no end.
        request_timeout_s: of a request as a whole.
        idle_timeout_s: of an answer that says nothing.
        drain_s: that requests in flight have at the end.
        warm_up_s: left out of the statistics.
        check: how closely answers are looked at, `full` or `light`.
        client: whose HTTP client sends, `katydid` or `requests`.
        timestamp_source: `kernel` or `user`: whose clock times what arrives.
        api: that the target speaks.
        options: as they were given.
        katydid_commit: of the checkout that Katydid runs from; null where it is installed.
        workers: processes that send requests.
        started_utc: ISO 8601.
        plan: `capacity` or `stages`, of runs in stages.
        objective: of such a run.
        stages: that are over.
        users_changed: by somebody, while the run went on.
        other_settings: in which workers differ from the run.
        refused_messages: of workers, that no worker sends.
        declared: columns, metrics and rules of the run's workload.
        ended: `run-time`, `completed`, `failure-threshold`, `interrupted` or `error`; null while the run goes on, and
            where it never came to its end.
        stopped_at_ms: from here on no request started.
        ended_at_ms: all was in.
        leaving: what the target was seen to do for clients that have left; null where none was to leave, and where the
            load came to no end of its own.
        lost_workers: that went away in the run.
        missing_rows: that were promised and never came.
        reads: whose clock really timed what arrived.
        nulled_values: values of rows that did not fit their columns, and are null.
        partial: it never came to its end.
    """

    schema_version: int
    workload: str | None
    version: str | None
    host: str | None
    model: str | None
    users: int | None
    spawn_rate: Number | None
    ramp_per_s: Number | None
    interval_s: Number | None
    phase: str | None
    phase_asked: str | None
    pulses: bool | None
    failure_threshold: int | None
    run_time_s: Number | None
    request_timeout_s: Number | None
    idle_timeout_s: Number | None
    drain_s: Number | None
    warm_up_s: Number | None
    check: str | None
    client: str | None
    options: dict[str, object] | None
    katydid_version: str | None
    locust_version: str | None
    python_version: str | None
    machine: str | None
    cpu_count: int | None
    workers: int | None
    started_utc: str | None
    schedule: str | None = None
    rate_per_s: Number | None = None
    arrivals: str | None = None
    rate_ramp_per_s: Number | None = None
    arrivals_begin_ms: Number | None = None
    trace: str | None = None
    trace_sha256: str | None = None
    trace_requests: int | None = None
    trace_speed: Number | None = None
    trace_span_s: Number | None = None
    trace_shared: Number | None = None
    trace_due_ms: list[Number] | None = None
    timestamp_source: str | None = None
    katydid_commit: str | None = None
    api: str | None = None
    plan: str | None = None
    objective: list[CriterionRecord] | None = None
    stages: list[StageRecord] | None = None
    declared: object = None
    starts: str | None = None
    silences: list[Silence] | None = None
    users_changed: list[UsersChange] | None = None
    users_leave: bool | None = None
    other_settings: list[OtherSetting] | None = None
    refused_messages: int | None = None
    housekeeping_died: list[Death] | None = None
    ended: str | None = None
    stopped_at_ms: Number | None = None
    ended_at_ms: Number | None = None
    leaving: LeavingRecord | None = None
    lost_workers: list[str] | None = None
    missing_rows: int | None = None
    reads: Reads | None = None
    nulled_values: int | None = None
    partial: bool | None = None

    @property
    def is_closed(self) -> bool:
        """Whether it is a closed loop: nothing is due at a time, so nothing is late and nothing is on offer."""
        return self.schedule == "closed"

    @property
    def is_open(self) -> bool:
        """Whether requests arrive at a rate or as in a trace, and users are the pool that serves them."""
        return self.schedule in {"rate", "trace"}

    def stage(self, number: int) -> StageRecord:
        """The record of a stage, which must be there."""
        return next(record for record in self.stages or [] if record.stage == number)

    def option(self, name: str, default: float = 0.0) -> float:
        """An option that is a number; the default where the run has no such option."""
        value = (self.options or {}).get(name)
        return float(value) if isinstance(value, int | float) else default

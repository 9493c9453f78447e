"""`manifest.json`: a run's configuration and environment, and how it ended. Pure."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from katydid.model.documents.base import Document, Part

Number = Annotated[float, Meta(ge=-1e15, le=1e15)]
"""Bounded so that anything computed from it stays finite; no time or rate of a run is larger."""
Milliseconds = Annotated[float, Meta(ge=0, le=1e15)]
LeavingSource = Literal["metrics", "slots", "probe"]


class StageRecord(Struct, frozen=True):
    """A finished stage. Times are milliseconds from the start of the run.

    Attributes:
        stage: stage number, from 0.
        users: number of users.
        begin_ms: start of the stage.
        settled_ms: requests count from this time to `end_ms`.
        end_ms: end of the stage.
        purpose: what the stage was for, such as `bracket` or `measure`.
        ended: `time`, `failures` if it was stopped early, or `interrupted` with the run.
        rate: arrival rate in requests per second; null if users kept an interval.
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
    """One criterion of the objective of a capacity search or a sweep.

    Attributes:
        metric: flat name of the metric.
        allowed: share of the requests that may miss the criterion.
        limit_ms: the longest time that a request may take; null if the metric is itself a share.
    """

    metric: str
    allowed: float
    limit_ms: Number | None = None


class Silence(Part, kw_only=True, frozen=True):
    """A period in which a worker sent nothing to the master, in seconds of the run; `end` is null while it lasts."""

    worker: str
    begin: Number
    end: Number | None = None


class UsersChange(Part, kw_only=True, frozen=True):
    """A change of the number of users by a person: `users` users from `at_ms` on, in milliseconds of the run."""

    at_ms: Number
    users: int


class OtherSetting(Part, kw_only=True, frozen=True):
    """An option, or a property of the requests, in which a worker differs from the run.

    Attributes:
        process: the worker.
        name: name of the option or property.
        worker: the worker's value.
        run: the run's value.
    """

    process: str
    name: str
    worker: str
    run: str


class Death(Part, kw_only=True, frozen=True):
    """A background task of Katydid that ended with an internal error.

    Attributes:
        process: the process it ran in.
        name: what the task did.
        why: the error.
    """

    process: str
    name: str
    why: str


class Reads(Part, kw_only=True, frozen=True):
    """Numbers of reads of answers: timed by kernel timestamps, and by Katydid's own clock."""

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
    """The content of `manifest.json`. Workloads add their own keys, such as `prompts_sha256` or `audio`.

    Attributes:
        workload: name of the workload; a search or a sweep puts its own name in front, such as `capacity-stream`.
        version: version of the service under test.
        host: URL of the target, without credentials.
        model: model that requests ask for.
        users: configured number of users; null if a load shape decides.
        spawn_rate: users per second that Locust spawns.
        ramp_per_s: users per second in a ramp, in which each user sends its first request when spawned; null without a
            ramp.
        interval_s: seconds between a user's requests; 0 in a closed loop, null if requests arrive at a rate.
        schedule: `closed`, `rate` or `trace`; null if users keep an interval.
        starts: what the schedule starts, such as `conversation`; null for requests.
        rate_per_s: arrival rate in requests per second.
        arrivals: arrival process: `even`, `poisson` or `gamma(CV)`.
        rate_ramp_per_s: requests/s added each second until the rate is reached; null = full rate from the start.
        arrivals_begin_ms: when the rate or the trace starts, in milliseconds of the run.
        trace: path of the replayed trace.
        trace_sha256: SHA-256 hash of the trace file.
        trace_requests: number of replayed requests.
        trace_speed: how many times faster than recorded the trace is replayed.
        trace_span_s: seconds from the first replayed request to the last, at that speed.
        trace_shared: share of the trace's input tokens, after the warm-up, in blocks that an earlier request had.
        trace_due_ms: due times of requests that follow no other, in milliseconds from `arrivals_begin_ms`.
        phase: where users' first requests fall: `spread`, `spawn` or `burst`.
        phase_asked: the configured phase, before `auto` is resolved.
        pulses: true if users are spawned in a ramp but `--phase spread` makes them wait, so that the load pulses.
        users_leave: true if users end by themselves, as those of sessions do.
        failure_threshold: number of failed requests that stops the run; 0 = never.
        run_time_s: configured run time; null if there is none.
        request_timeout_s: timeout of a whole request.
        idle_timeout_s: longest time for which nothing of an answer may arrive.
        drain_s: seconds that requests in flight get to finish at the end.
        warm_up_s: seconds at the start that count in no statistic.
        check: how closely answers are checked, `full` or `light`.
        client: the HTTP client, `katydid` or `requests`.
        timestamp_source: which clock times arrivals, `kernel` or `user`.
        api: API that the target speaks.
        options: the configured options.
        katydid_commit: commit of the checkout that Katydid runs from; null if it is installed.
        workers: number of processes that send requests.
        started_utc: start of the run, ISO 8601.
        plan: `capacity` or `stages`, in a run with stages.
        objective: objective of a run with stages.
        stages: the finished stages.
        silences: periods in which the master heard nothing from a worker.
        users_changed: changes of the number of users that a person made during the run.
        other_settings: settings in which workers differ from the run.
        refused_messages: number of messages to the master that cannot come from a worker.
        housekeeping_died: background tasks of Katydid that ended with an internal error.
        declared: columns, metrics and rules that the workload declares.
        ended: `run-time`, `completed`, `failure-threshold`, `interrupted` or `error`; null while the run goes on, or if
            it never finished.
        stopped_at_ms: when the run stopped starting requests.
        ended_at_ms: when all users had stopped.
        leaving: what the target was seen to do for clients that had left; null if no client was to leave, or if the
            load did not finish normally.
        lost_workers: workers that disconnected during the run.
        missing_rows: number of rows that were announced but never arrived.
        reads: how many reads each clock really timed.
        nulled_values: number of values that did not fit their columns and were set to null.
        partial: true if the run never finished.
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
        """Return True for a closed loop, in which requests have no due times and there is no offered load."""
        return self.schedule == "closed"

    @property
    def is_open(self) -> bool:
        """Return True if requests arrive at a rate or follow a trace, and a pool of users serves them."""
        return self.schedule in {"rate", "trace"}

    def stage(self, number: int) -> StageRecord:
        """Return the record of a stage, which must exist."""
        return next(record for record in self.stages or [] if record.stage == number)

    def option(self, name: str, default: float = 0.0) -> float:
        """Return an option that is a number; the default if the run has no such option."""
        value = (self.options or {}).get(name)
        return float(value) if isinstance(value, int | float) else default

"""The options for when requests start, and how many there are. `load.pacing.Mode` lists the kinds of schedule."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from katydid.engine.replay import Replay, replay_of
from katydid.load.arrivals import MOST_RATE, read_process
from katydid.load.pacing import Mode, Phase
from katydid.load.stages import MOST_USERS
from katydid.load.traces.trace import window
from katydid.model.errors import ConfigError
from katydid.model.options import AT_MOST_32_BITS, NOT_NEGATIVE, POSITIVE, Group, Rule, at_most, option
from katydid.model.options.quantities import count, duration

UNNAMED_WARM_UP = 20.0
"""Longest default warm-up in seconds, if no interval shows how long a load takes to become steady."""
BUSY_SECONDS = 20.0
"""Answer time in seconds up to which the default number of users of a rate is enough."""
WARM_UP_SHARE = 5
"""The default warm-up is at most 1/WARM_UP_SHARE of the run time."""
MOST_SPEED = 1e6
SECONDS: dict[str, Any] = {"kind": duration, "rule": NOT_NEGATIVE}
AMOUNT: dict[str, Any] = {"kind": count, "rule": POSITIVE, "most": AT_MOST_32_BITS}
_arrivals = partial(option, group=Group.ARRIVALS)


def _up_to(limit: float) -> Rule:
    return (lambda v: 0 < v <= limit, f"must be more than 0, and at most {limit:g}")


@dataclass(frozen=True, kw_only=True)
class ArrivalOptions:
    """Options of an interval, a closed loop, a rate or a trace. Times in seconds, unless a name says otherwise."""

    starts: ClassVar[str] = "request"
    """The noun for what a schedule starts."""
    interval: float = _arrivals(
        20.0,
        "seconds from one request start of a user to its next; 0 = closed loop: each starts when the previous "
        "one has ended",
        **SECONDS,
    )
    concurrency: int | None = _arrivals(
        None,
        "closed loop with this many users: each sends its next request when its previous one has ended (default: none)",
        **AMOUNT | {"most": at_most(MOST_USERS)},
    )
    rate: float | None = _arrivals(
        None,
        "requests/s of all users together, however long answers take (open loop); --users then limits the requests in "
        "flight (default: none)",
        kind=float,
        rule=_up_to(MOST_RATE),
    )
    arrivals: str | None = _arrivals(
        None, "arrival process of --rate: even, poisson or gamma(CV), where CV is that of the gaps (default: even)"
    )
    drop_late: float | None = _arrivals(
        None,
        "drop a request of a --rate or a --trace that has waited this many seconds for a free user (default: never "
        "drop)",
        **SECONDS,
    )
    trace: str | None = _arrivals(
        None,
        "replay a file's requests with their times, lengths and conversations: Mooncake's JSONL, BurstGPT's or Azure's "
        "CSV, OpenAI messages with times, or CSV with time,input,output,session,parent; may be .gz (default: none)",
    )
    trace_speed: float = _arrivals(
        1.0, "replay a --trace this many times as fast as recorded", kind=float, rule=_up_to(MOST_SPEED)
    )
    trace_window: str | None = _arrivals(
        None,
        "part of a --trace, in time since its first request: 10m, or 1h-1h30m (default: all of it)",
        kind=window,
    )
    phase: str = _arrivals(
        Phase.AUTO.value,
        "when users send their first request: spread = evenly over the interval; spawn = when spawned; burst = all at "
        "once; auto = spawn if spawning takes longer than an interval or there is a --ramp, else spread",
        choices=tuple(p.value for p in Phase),
    )
    ramp: float = _arrivals(
        0.0,
        "spawn this many users per second, one by one; each sends its first request at once; with a --rate, add "
        "this many requests/s every second; 0 = no ramp",
        kind=float,
        rule=NOT_NEGATIVE,
    )
    requests: int | None = option(
        None, "end the run after this many requests (default: no limit)", **AMOUNT, group=Group.RUN
    )

    @property
    def mode(self) -> Mode:
        """The schedule that decides when a request is due."""
        if self.trace is not None:
            return Mode.TRACE
        if self.rate is not None:
            return Mode.RATE
        return Mode.CLOSED if self.concurrency or not self.interval else Mode.PACED

    @property
    def user_interval(self) -> float:
        """Seconds from one request start of a user to its next; 0 if the schedule has no interval."""
        return self.interval if self.mode is Mode.PACED else 0.0

    @property
    def user_ramp(self) -> float:
        """Users per second of a ramp; 0 for none."""
        return 0.0 if self.mode.is_open else self.ramp

    @property
    def replay(self) -> Replay | None:
        """The trace to replay, if there is one; raises what `replay_of` raises."""
        speed, requests = self.trace_speed, self.requests
        return None if self.trace is None else replay_of(self.trace, self.trace_window, speed, requests)

    def expected_time(self, run_time: float | None, users: int | None) -> float | None:
        """Expected duration of a run in seconds, from its run time or number of requests; None if unknown."""
        if (replay := self.replay) is not None:
            return min(replay.trace.span, run_time or replay.trace.span)
        per_second = self.rate or (users or 0) / (self.user_interval or float("inf"))
        by_requests = self.requests / per_second if self.requests and per_second else None
        return min(filter(None, (run_time, by_requests)), default=None)

    def warm_up_by_default(self, expected: float | None) -> float:
        """The default warm-up in seconds: one interval, limited to a part of the expected duration."""
        most = self.user_interval or UNNAMED_WARM_UP
        if expected is None:
            return 0.0 if self.requests else most
        return min(most, expected / WARM_UP_SHARE)

    def arrival_facts(self) -> dict[str, object]:
        """The manifest's entries on when requests are due."""
        what = {} if self.starts == ArrivalOptions.starts else {"starts": self.starts}
        if self.mode is Mode.PACED:
            return {"interval_s": self.interval, **what}
        if self.mode is Mode.CLOSED:
            return {"interval_s": 0.0, "schedule": str(self.mode), **what}
        facts = {"interval_s": None, "phase": None, "phase_asked": None, "schedule": str(self.mode)}
        if (replay := self.replay) is None:
            rate = {"rate_per_s": self.rate, "arrivals": self.arrivals or "even", "rate_ramp_per_s": self.ramp or None}
            return {**facts, **rate, **what}
        size = {"trace_requests": len(replay.trace), "trace_span_s": replay.trace.span, "trace_speed": self.trace_speed}
        return {**facts, "trace": self.trace, "trace_sha256": replay.sha256, **size}

    def due_facts(self, run_time: float | None, warm_up: float) -> dict[str, Any]:
        """The manifest's entries on the requests of a trace that are due within `run_time`; empty without a trace."""
        if (replay := self.replay) is None:
            return {}
        end = float("inf") if run_time is None else run_time
        due = [round(1000.0 * at, 3) for at in replay.trace.first_turns if at <= end]
        return {"trace_due_ms": due, "trace_shared": round(replay.trace.shared(warm_up), 6)}

    def check_shape(self, *, staged: bool) -> None:
        """Check that the options fit a load shape, which spawns and stops users and ends the run itself.

        Raises:
            ConfigError: they do not; only Katydid's own, `staged` shapes may have rates.
        """
        for name in ("ramp", "concurrency", "requests", "trace", *(() if staged else ("rate",))):
            if value := getattr(self, name):
                raise ConfigError(f"{_given(f'--{name}', value)}: a load shape sets its users itself: leave it out")

    def check_processes(self, users: int | None, processes: int) -> None:
        """Check that each process has a user for its part of the requests that are divided beforehand.

        Raises:
            ConfigError: a process would have none.
        """
        if users is None or users >= processes or not (self.requests or self.mode.is_open):
            return
        flag = "--requests" if self.requests else f"--{self.mode}"
        raise ConfigError(f"--users {users} is too few for {flag} in {processes} processes: give at least one for each")

    def check_arrivals(self, users: Sequence[Any], *, at_rates: bool = False) -> None:
        """Check that the options fit each other and the run's user classes that are Katydid's.

        Raises:
            ConfigError: they do not; if a load shape sets the rates, `at_rates`, they need none of their own.
        """
        usual, closed = type(self)(), bool(self.concurrency and not self.interval)  # an interval of 0 is a loop too
        asked = {
            "--interval": None if closed or self.interval == usual.interval else self.interval,
            "--concurrency": self.concurrency,
            "--rate": self.rate,
            "--trace": self.trace,
        }
        given = [_given(flag, value) for flag, value in asked.items() if value is not None]
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(given)} are mutually exclusive: give one of them")
        read_process(self.arrivals)
        if self.rate is None and not at_rates:
            if self.arrivals is not None:
                raise ConfigError("--arrivals applies only to a rate: give --rate, or leave it out")
            if self.drop_late is not None and self.trace is None:
                raise ConfigError("--drop-late applies only to a rate or a trace: give one, or leave it out")
        if self.mode.is_open and self.phase != usual.phase:
            raise ConfigError(f"--phase {self.phase} does not apply to --{self.mode}: leave it out")
        self._check_trace()
        asked_for = [flag for flag in ("--concurrency", "--rate", "--trace", "--requests") if getattr(self, flag[2:])]
        if asked_for and not users:
            raise ConfigError(f"{asked_for[0]}: the locustfile has no user of Katydid's: leave it out")
        if asked_for and (own := next((user for user in users if user.ends_itself), None)):
            why = f"the workload {own.workload} sets its own start times, and ends with its last request"
            raise ConfigError(f"{asked_for[0]}: {why}: leave it out")

    def _check_trace(self) -> None:
        """Check that options of a trace have one, and that the trace can be read."""
        if self.trace is None:
            if self.trace_speed != 1.0 or self.trace_window is not None:
                flag = "--trace-speed" if self.trace_speed != 1.0 else "--trace-window"
                raise ConfigError(f"{flag} applies only to a trace: give --trace, or leave it out")
            return
        if self.starts != ArrivalOptions.starts:
            raise ConfigError(f"--trace {self.trace}: a trace has its own conversations: replay it with stream")
        if self.ramp:
            raise ConfigError(f"--ramp {self.ramp:g}: a trace sets its own start times: leave it out")
        _ = self.replay


def _given(flag: str, value: float | str) -> str:
    return f"{flag} {value}" if isinstance(value, str) else f"{flag} {value:g}"

"""The options that say when requests start, and how many there are. `load.schedule.Mode` has the kinds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from katydid.engine.arrivals.replay import Replay, replay_of
from katydid.load.arrivals import MOST_RATE, read_process
from katydid.load.pacing import Phase
from katydid.load.schedule import Mode
from katydid.load.stages import MOST_USERS
from katydid.load.traces.trace import window
from katydid.model.errors import ConfigError
from katydid.model.options import AT_MOST_32_BITS, NOT_NEGATIVE, POSITIVE, Group, option
from katydid.model.options.quantities import count, duration

UNNAMED_WARM_UP = 20.0
"""Seconds that are left out at the beginning at most, where no interval says how long a load takes to be steady."""
BUSY_SECONDS = 20.0
"""That an answer may take before the users that a rate has by default are all busy."""
WARM_UP_SHARE = 5
"""Of the run time, the part that may be warm-up."""
MOST_SPEED = 1e6
_NO_INTERVAL: dict[str, object] = {"interval_s": None, "phase": None, "phase_asked": None}


@dataclass(frozen=True, kw_only=True)
class ArrivalOptions:
    """Interval, closed loop, rate or trace. Seconds, unless a name says otherwise.

    Attributes:
        starts: what a schedule starts, in a word.
    """

    starts: ClassVar[str] = "request"
    interval: float = option(
        20.0,
        "seconds from one request start of a user to its next; 0 = closed loop, the next when the last has ended",
        kind=duration,
        rule=NOT_NEGATIVE,
        group=Group.ARRIVALS,
    )
    concurrency: int | None = option(
        None,
        "closed loop: so many users, each with its next request when its last has ended (default: none)",
        kind=count,
        rule=POSITIVE,
        most=(lambda v: v <= MOST_USERS, f"must be at most {MOST_USERS}"),
        group=Group.ARRIVALS,
    )
    rate: float | None = option(
        None,
        "requests a second of the whole run, whatever becomes of them; --users is then the most in flight (default: "
        "none)",
        kind=float,
        rule=(lambda v: 0 < v <= MOST_RATE, f"must be more than 0, and at most {MOST_RATE:g}"),
        group=Group.ARRIVALS,
    )
    arrivals: str | None = option(
        None,
        "how the requests of a --rate arrive: even, poisson or gamma(CV), CV being that of the gaps (default: even)",
        group=Group.ARRIVALS,
    )
    drop_late: float | None = option(
        None,
        "seconds that a request of a --rate or a --trace waits for a free user before it is dropped (default: until "
        "there is one)",
        kind=duration,
        rule=NOT_NEGATIVE,
        group=Group.ARRIVALS,
    )
    trace: str | None = option(
        None,
        "replay the requests of a file, with their times, lengths and conversations: Mooncake's JSONL, BurstGPT's or "
        "Azure's CSV, OpenAI messages with times, or CSV with time,input,output,session,parent; also as .gz (default: "
        "none)",
        group=Group.ARRIVALS,
    )
    trace_speed: float = option(
        1.0,
        "replay a --trace so many times as fast as it was",
        kind=float,
        rule=(lambda v: 0 < v <= MOST_SPEED, f"must be more than 0, and at most {MOST_SPEED:g}"),
        group=Group.ARRIVALS,
    )
    trace_window: str | None = option(
        None,
        "part of a --trace, from its first request on: 10m, or 1h-1h30m (default: all of it)",
        kind=window,
        group=Group.ARRIVALS,
    )
    phase: str = option(
        Phase.AUTO.value,
        "users' first requests: spread over the interval, when spawned, or all in one burst; auto: when spawned where "
        "spawning takes longer than an interval or there is a --ramp, else spread",
        choices=tuple(p.value for p in Phase),
        group=Group.ARRIVALS,
    )
    ramp: float = option(
        0.0,
        "users a second: they come one by one at this rate, each with its first request; with a --rate, requests/s "
        "that are added each second; 0 = no ramp asked for",
        kind=float,
        rule=NOT_NEGATIVE,
        group=Group.ARRIVALS,
    )
    requests: int | None = option(
        None,
        "end the run after so many requests (default: at its run time)",
        kind=count,
        rule=POSITIVE,
        most=AT_MOST_32_BITS,
        group=Group.RUN,
    )

    @property
    def mode(self) -> Mode:
        """What decides when a request is due."""
        if self.trace is not None:
            return Mode.TRACE
        if self.rate is not None:
            return Mode.RATE
        return Mode.CLOSED if self.concurrency or not self.interval else Mode.PACED

    @property
    def user_interval(self) -> float:
        """From one request start of a user to its next; 0 where no interval says so."""
        return self.interval if self.mode is Mode.PACED else 0.0

    @property
    def user_ramp(self) -> float:
        """Users a second that were asked for; 0 for none."""
        return 0.0 if self.mode.is_open else self.ramp

    @property
    def replay(self) -> Replay | None:
        """The trace that is replayed, if there is one.

        Raises:
            ConfigError: see `replay_of`.
        """
        if self.trace is None:
            return None
        return replay_of(self.trace, self.trace_window, self.trace_speed, self.requests)

    def expected_time(self, run_time: float | None, users: int | None) -> float | None:
        """Seconds that a run lasts, by its run time or its number of requests; None where nobody can say."""
        if (replay := self.replay) is not None:
            return min(replay.trace.span, run_time or replay.trace.span)
        per_second = self.rate or (users or 0) / (self.user_interval or float("inf"))
        by_requests = self.requests / per_second if self.requests and per_second else None
        return min(filter(None, (run_time, by_requests)), default=None)

    def warm_up_by_default(self, expected: float | None) -> float:
        """Seconds that are left out of the statistics: an interval, at most a part of the time that is expected."""
        most = self.user_interval or UNNAMED_WARM_UP
        if expected is None:
            return 0.0 if self.requests else most
        return min(most, expected / WARM_UP_SHARE)

    def arrival_facts(self) -> dict[str, object]:
        """What a manifest says of when requests are due."""
        what = {} if self.starts == ArrivalOptions.starts else {"starts": self.starts}
        if (replay := self.replay) is not None:
            named: dict[str, Any] = {"trace": self.trace, "trace_sha256": replay.sha256}
            size = {"trace_requests": len(replay.trace), "trace_span_s": replay.trace.span}
            return {**_NO_INTERVAL, "schedule": str(self.mode), **named, **size, "trace_speed": self.trace_speed}
        if self.mode is Mode.RATE:
            named = {"rate_per_s": self.rate, "arrivals": self.arrivals or "even", "rate_ramp_per_s": self.ramp or None}
            return {**_NO_INTERVAL, "schedule": str(self.mode), **named, **what}
        if self.mode is Mode.CLOSED:
            return {"interval_s": 0.0, "schedule": str(self.mode), **what}
        return {"interval_s": self.interval, **what}

    def due_facts(self, run_time: float | None, warm_up: float) -> dict[str, Any]:
        """What a manifest says of a trace's requests that nothing else in it tells.

        Args:
            run_time: seconds after which nothing is due any more; None for no such end.
            warm_up: seconds whose requests are in no statistic.
        """
        if (replay := self.replay) is None:
            return {}
        end = float("inf") if run_time is None else run_time
        due = [round(1000.0 * at, 3) for at in replay.trace.first_turns if at <= end]
        return {"trace_due_ms": due, "trace_shared": round(replay.trace.shared(warm_up), 6)}

    def check_shape(self, *, staged: bool) -> None:
        """See whether a load shape, which has users come and go and ends the run, may have these.

        Args:
            staged: it is one of Katydid's, which knows of rates.

        Raises:
            ConfigError: it may not.
        """
        asked = {"--ramp": self.ramp, "--concurrency": self.concurrency, "--requests": self.requests}
        for flag, value in (asked | {"--trace": self.trace} | ({} if staged else {"--rate": self.rate})).items():
            if value:
                raise ConfigError(f"{_given(flag, value)}: a load shape says itself how its users come; leave it out")

    def check_processes(self, users: int | None, processes: int) -> None:
        """See that each process has users for the requests that are shared out among them beforehand.

        Raises:
            ConfigError: one would have none.
        """
        if users is None or users >= processes or not (self.requests or self.mode.is_open):
            return
        flag = "--requests" if self.requests else f"--{self.mode}"
        raise ConfigError(f"--users {users} is too few for {flag} in {processes} processes: give one for each at least")

    def check_arrivals(self, users: Sequence[Any], *, at_rates: bool = False) -> None:
        """See whether the options fit each other, and the run's users.

        Args:
            users: its user classes that are Katydid's.
            at_rates: its load shape says the rates.

        Raises:
            ConfigError: they do not.
        """
        usual = {name: each.default for name, each in type(self).__dataclass_fields__.items()}
        own_interval = self.interval if self.interval != usual["interval"] else None
        asked = {"--interval": own_interval, "--concurrency": self.concurrency, "--rate": self.rate}
        if self.concurrency and not self.interval:
            del asked["--interval"]  # which says the same
        given = [_given(flag, value) for flag, value in (asked | {"--trace": self.trace}).items() if value is not None]
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(given)} are different arrivals: give one of them")
        read_process(self.arrivals)
        if self.rate is None and not at_rates:
            if self.arrivals is not None:
                raise ConfigError("--arrivals says how requests of a rate arrive: give --rate, or leave it out")
            if self.drop_late is not None and self.trace is None:
                raise ConfigError("--drop-late says how requests of a rate arrive: give --rate, or leave it out")
        if self.mode.is_open and self.phase != usual["phase"]:
            raise ConfigError(f"--phase {self.phase}: with --{self.mode} no request depends on its user: leave it out")
        self._check_trace()
        asked_for = [flag for flag in ("--concurrency", "--rate", "--trace", "--requests") if getattr(self, flag[2:])]
        if asked_for and not users:
            raise ConfigError(f"{asked_for[0]}: the locustfile has no user of Katydid's: leave it out")
        if asked_for and (own := next((user for user in users if user.ends_itself), None)):
            why = f"the workload {own.workload} says itself when its requests start, and ends with the last one"
            raise ConfigError(f"{asked_for[0]}: {why}: leave it out")

    def _check_trace(self) -> None:
        """See whether its options belong to a trace, and the trace can be read."""
        if self.trace is None:
            of_a_trace = {"--trace-speed": self.trace_speed != 1.0, "--trace-window": self.trace_window is not None}
            for flag in (flag for flag, given in of_a_trace.items() if given):
                raise ConfigError(f"{flag} says how a trace is replayed: give --trace, or leave it out")
            return
        if self.starts != ArrivalOptions.starts:
            raise ConfigError(f"--trace {self.trace}: it has conversations of its own: replay them with stream")
        if self.ramp:
            raise ConfigError(f"--ramp {self.ramp:g}: a trace says itself when its requests start: leave it out")
        _ = self.replay


def _given(flag: str, value: float | str) -> str:
    return f"{flag} {value}" if isinstance(value, str) else f"{flag} {value:g}"

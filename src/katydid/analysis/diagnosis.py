"""Find what limited a run: the configuration, the generator, a rate limit, connections, the target or the network.

A table of rules, applied in order; each returns its evidence in numbers, or None. Rules never guess: if none has
evidence, the cause is not determined. They use the whole run and its stages, if it has any.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from katydid.analysis.capacity.holds import HoldResult
from katydid.analysis.configuration import refused, what_to_check, with_blame
from katydid.analysis.derived import quantile, values_of
from katydid.analysis.validity import Run, findings
from katydid.model.formatting import milliseconds, plural, significant
from katydid.model.sample import Blame

NOTHING = "nothing"
NOT_DETERMINED = "not determined"
RATE_LIMIT = "rate limit"
FEWEST_FAILURES = 2
_MOSTLY = 0.5
_RATE_LIMITED = ("rate_limited", "daily_limit")
_REFUSED = ("connect", "reset", "overloaded")
_FLAT = 1.5
"""Answers under load that are slower by less than this factor count as equally fast."""
_CPU_FULL = 90.0
_PLATEAU = 0.1
_SLOW_CONNECT_MS = 100.0
_GREW = 5.0
_GENERATOR_RULES = {"generator_cpu", "event_loop", "late_starts", "blame"}


@dataclass(frozen=True, slots=True)
class LimitingFactor:
    """What limited a run, and the evidence in numbers."""

    cause: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """The data that the rules use.

    Attributes:
        rows: samples that count and ended, with derived columns.
        holds: the stages, ordered by users.
    """

    run: Run
    rows: pd.DataFrame
    holds: Sequence[HoldResult]

    @property
    def low(self) -> HoldResult | None:
        """The smallest stage that met the objective."""
        return next((h for h in self.holds if h.held), None)

    @property
    def broken(self) -> list[HoldResult]:
        """The stages that violated the objective."""
        return [h for h in self.holds if not h.held]

    def of(self, hold: HoldResult, column: str, q: float) -> float | None:
        """A quantile of the successful requests of a stage."""
        rows = self.rows[(self.rows["stage"] == hold.stage) & (self.rows["outcome"] == "ok")]
        values = values_of(rows, column)
        return quantile(values, q) if len(values) else None

    def mostly(self, *errors: str) -> tuple[int, int] | None:
        """The number of failures of these classes, and of all failures; None if these are few, or not most of them."""
        failed = self.rows.loc[self.rows["outcome"] == "failed", "error"]
        count = int(failed.isin(errors).sum())
        return None if count < FEWEST_FAILURES or count < _MOSTLY * len(failed) else (count, len(failed))

    @property
    def slowdown(self) -> float | None:
        """The factor by which median answers are slower in violated stages than in the smallest stage that held."""
        times = [h.p50_ms for h in self.broken if h.p50_ms is not None]
        return float(np.median(times)) / self.low.p50_ms if times and self.low and self.low.p50_ms else None


def diagnose_limit(run: Run, holds: Sequence[HoldResult] = ()) -> LimitingFactor:
    """Find what limited a run; `nothing` if no request failed and every stage met the objective."""
    counted = run.counted
    rows = counted[counted["outcome"].isin(["ok", "failed"])]
    evidence = Evidence(run, rows, sorted(holds, key=lambda h: h.users))
    for cause, rule in RULES:
        if text := rule(evidence):
            return LimitingFactor(cause, text)
    if not evidence.broken and not (rows["outcome"] == "failed").any():
        return LimitingFactor(NOTHING, "no request failed, and no stage violated the objective")
    return LimitingFactor(NOT_DETERMINED, "no rule found enough evidence")


def rate_limited(run: Run) -> LimitingFactor | None:
    """The rate limit that a run without stages met; None if most of its failures have other causes."""
    evidence = _rate_limit(Evidence(run, run.counted, ()))
    return LimitingFactor(RATE_LIMIT, evidence) if evidence else None


def _configuration(e: Evidence) -> str | None:
    """The target rejected the way every request was made, or the configuration made every request fail."""
    rows = with_blame(e.run.frame)
    failed = rows[(rows["outcome"] == "failed") & ~rows["after_stop"].astype(bool)]
    ours = failed[failed["blame"] == Blame.CONFIG]
    if ours.empty or (rows["outcome"] == "ok").any():
        return None
    if not refused(rows):
        if len(ours) < len(failed):
            return None
        named = ", ".join(f"{count} × {kind}" for kind, count in ours["error"].value_counts().items())
        return f"no request succeeded because of the configuration ({named}): see the errors"
    status = int(ours["status"].dropna().mode().iloc[0])
    detail = next((d for d in ours.loc[ours["status"] == status, "detail"] if isinstance(d, str)), "")
    return f"every answered request was rejected with {status}: {what_to_check(status, detail)}"


def _generator(e: Evidence) -> str | None:
    found = [f for f in findings(e.run) if f.rule in _GENERATOR_RULES and f.severity == "invalid"]
    return found[0].message if found else None


def _rate_limit(e: Evidence) -> str | None:
    found = e.mostly(*_RATE_LIMITED)
    if found is None:
        return None
    kinds = e.rows.loc[e.rows["outcome"] == "failed", "error"].value_counts()
    named = ", ".join(f"{count} × {kind}" for kind, count in kinds.items() if kind in _RATE_LIMITED)
    frame = e.run.frame  # requests in the settling time use up the limit too
    ok = frame[frame["outcome"] == "ok"]
    starts = np.sort(values_of(ok, "start_ms"))
    through = np.searchsorted(starts, starts + 60_000.0) - np.arange(len(starts))
    most = f"; at most {plural(int(through.max()), 'request')} succeeded within a minute" if len(starts) else ""
    return f"{named} of {plural(found[1], 'failure')}{most}{_let_pass(e.broken)}"


def _let_pass(broken: Sequence[HoldResult]) -> str:
    """The limiter's long-run rate; or a lower bound of its window, if no stage was long enough to show the rate."""
    per_s = next((h.limiter_per_s for h in broken if h.limiter_per_s is not None), None)
    if per_s is None:
        least = max((h.limiter_at_least_s for h in broken), default=0.0)
        return f"; its window is {least:.3g} s or longer, and no stage lasted two windows" if least else ""
    return f"; in the long run it allows {significant(per_s)} requests/s"


def _connection_limit(e: Evidence) -> str | None:
    """Requests are rejected once a fixed number is in flight, and accepted ones are as fast as under little load."""
    found = e.mostly(*_REFUSED)
    if found is None or (e.slowdown or 0.0) > _FLAT:
        return None
    at_refusal, when_ok = _in_flight(e.rows)
    if at_refusal is None or when_ok is None:
        return None
    return (
        f"{found[0]} of {plural(found[1], 'failure')} were rejected (connect, reset or 503) with a median of "
        f"{at_refusal:.0f} others in flight; at most {when_ok:.0f} were served together, as fast as under little load"
    )


def _in_flight(rows: pd.DataFrame) -> tuple[float | None, float | None]:
    """The number of served requests in flight: the median when one was rejected, and the maximum."""
    ok = rows[(rows["outcome"] == "ok") & rows["start_ms"].notna() & rows["duration_ms"].notna()]
    refused = rows.loc[rows["error"].isin(_REFUSED), "start_ms"].fillna(rows["scheduled_ms"]).dropna()
    if ok.empty or refused.empty:
        return None, None
    starts = np.sort(ok["start_ms"].to_numpy())
    ends = np.sort((ok["start_ms"] + ok["duration_ms"]).to_numpy())

    def at(moments: np.ndarray) -> np.ndarray:
        return np.searchsorted(starts, moments, side="right") - np.searchsorted(ends, moments, side="right")

    return float(np.median(at(refused.to_numpy()))), float(at(starts).max())


def _compute(e: Evidence) -> str | None:
    """The target's CPU is fully used, or the time between chunks grows under load."""
    monitor = e.run.monitor
    cpu = monitor.loc[monitor["process"] == "target", "cpu_percent"].dropna()
    if e.broken and len(cpu) and cpu.max() >= _CPU_FULL:
        return f"the target's process used up to {cpu.max():.0f} % CPU (100 % = one core)"
    if e.low is None or not e.broken:
        return None
    before, after = (e.of(hold, "gap_mean_ms", 0.5) for hold in (e.low, e.broken[-1]))
    if before and after and after > _FLAT * before:
        return (
            f"the time between chunks was {milliseconds(after)} at {e.broken[-1].load_text}, {milliseconds(before)} "
            f"at {e.low.load_text}: all answers share the target's compute"
        )
    return None


def _concurrency(e: Evidence) -> str | None:
    """Answers per second stay the same whatever the offered load: a fixed number is served concurrently."""
    behind = [h for h in e.holds if not h.keeps_up]
    if e.low is None or not behind:
        return None
    rates = [h.sustained / h.users * h.offered_per_s for h in behind]
    if max(rates) > (1 + _PLATEAU) * min(rates) * 1.05:
        return None
    rate = float(np.median(rates))
    base = e.of(e.low, "duration_ms", 0.5)
    if not base:
        return None
    each = e.low.requests_each
    at_a_time = rate * each * base / 1000.0
    what, per, at = "requests/s", "each", "at a time"
    if each > 1:
        what, per = f"conversations/s ({significant(rate * each)} requests/s)", "per request"
        at = "requests at a time"
    least, most = (significant(behind[place].offered_per_s) for place in (0, -1))
    offered = f" when {most} were offered" if least == most else f", whether {least} or {most} were offered"
    return (
        f"the target answered {significant(rate)} {what}{offered}; at {milliseconds(base)} {per} under little load, "
        f"it serves about {significant(at_a_time)} {at}, and the others wait"
    )


def _queue(e: Evidence) -> str | None:
    """Requests are rejected and answers are slower: a fixed number is served, and the queue in front is full."""
    found, slower = e.mostly(*_REFUSED), e.slowdown
    if found is None or slower is None or slower <= _FLAT or e.low is None:
        return None
    rates = [h.ok_per_s for h in e.broken if h.ended == "time"]
    if not rates:
        return None
    served = significant(float(np.median(rates)))
    return (
        f"{found[0]} of {plural(found[1], 'failure')} were rejected (connect, reset or 503), and {served} requests/s "
        f"were served, {significant(slower)} times as slow as at {e.low.load_text}: a fixed number is served at a "
        "time, and the queue is full"
    )


def _network(e: Evidence) -> str | None:
    """Connecting takes long, while answers are as fast as under little load."""
    if e.low is None or not e.broken or (e.slowdown or 0.0) > _FLAT:
        return None
    before, after = (e.of(hold, "connect_ms", 0.95) for hold in (e.low, e.broken[-1]))
    if before is None or after is None or after < max(_SLOW_CONNECT_MS, _GREW * before):
        return None
    at = e.broken[-1].load_text
    return f"connecting took {milliseconds(after)} (p95) at {at}, {milliseconds(before)} at {e.low.load_text}"


RULES: tuple[tuple[str, Callable[[Evidence], str | None]], ...] = (
    ("configuration", _configuration),
    ("generator", _generator),
    (RATE_LIMIT, _rate_limit),
    ("connection limit", _connection_limit),
    ("compute", _compute),
    ("concurrency", _queue),
    ("concurrency", _concurrency),
    ("network", _network),
)
"""Applied in this order: causes that invalidate the other rules' numbers come first."""

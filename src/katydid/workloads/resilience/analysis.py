"""Results of chaos, storm and zombies: the injected events, their consequences, and rules with their verdicts.

Rows with a `role` are what was injected; all other rows are the normal load beside it. Times are seconds of the run.
This module knows nothing of reports.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from katydid.analysis.derived import quantile
from katydid.analysis.validity import Run
from katydid.model.formatting import fraction, plural

RECOVERY_LIMIT_S = 30.0
"""Recovery must not take longer than a caller would wait."""
SETTLE_LIMIT_S = 10.0
"""Limit of the time until every client of a storm knows whether it was accepted."""
MORE_FAILURES = 0.01
"""The failure rate may exceed the rate before by this much."""
SLOWER, SLOWER_MS = 1.10, 20.0
"""The p95 lag of results may grow by this factor, or by this many milliseconds if that is more."""
SLOW_MS = 500.0
"""A result counts as late if its lag exceeds the largest lag before the kill by this much."""
REFUSALS = ("overloaded", "rate_limited")
"""Error classes of clients that were rejected with 503 or 429."""
NEXT = 20
"""The service has recovered if at most one of this many following streams is bad."""
RESAMPLES = 500
MOST_RATIO = 1000.0
"""Cap on ratios of lags, for a lag before that is close to 0."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A rule and its verdict. `value` and `limit` are formatted; `passed` is None if the data do not suffice."""

    name: str
    passed: bool | None
    value: str
    limit: str


@dataclass(frozen=True, slots=True)
class InjectedEvent:
    """One event that was injected; `what` is the row's role."""

    at_s: float
    what: str
    detail: str | None
    outcome: str


@dataclass(frozen=True, slots=True)
class LagChange:
    """p95 lag of results before and beside the zombies, and their ratio with a 95 % interval."""

    before_ms: float
    beside_ms: float
    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Success:
    """Streams of the normal load, and the share of them that succeeded; None if there were no streams."""

    streams: int
    rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resilience:
    """What the report's section reads of the key `resilience` of `summary.json`."""

    events: tuple[InjectedEvent, ...] = ()
    success: dict[str, Success] | None = None
    clients: int | None = None
    load_meanwhile: int = 0
    load_turned_away: int = 0
    load_failed: int = 0
    held: int | None = None


Facts = Mapping[str, float | LagChange | Mapping[str, Success] | None]
ACCEPTED = 101
"""Status of an accepted WebSocket."""


def chaos(run: Run) -> dict[str, object]:
    """Judge killed workers: the dip in throughput, the failures, and the time to recover."""
    load, events = _load(run), _with_role(run, "kill", "restart")
    kills = np.sort(events.loc[(events["role"] == "kill") & (events["outcome"] == "ok"), "start_ms"]) / 1000.0
    if not len(kills):
        return _keys([RuleResult("a process was killed", passed=False, value="none", limit="at least one")], events)
    first, last = float(kills[0]), float(kills[-1])
    before, after = load[load["end_s"] <= first], load[load["end_s"] > first]
    gap = _longest_gap(after, first)
    back = _back_to_normal(before, after, last)
    refused = after[after["status"].isna() & (after["start_s"] > first)]
    checks = [
        RuleResult(
            "the gateway survived", refused.empty, f"{plural(len(refused), 'stream')} without an HTTP answer", "0"
        ),
        RuleResult(
            "the service recovered",
            back is not None and back <= RECOVERY_LIMIT_S,
            "not before the end of the run" if back is None else f"{back:.2f} s after the last kill",
            f"within {RECOVERY_LIMIT_S:g} s",
        ),
    ]
    facts = {
        "failed_requests": int((after["outcome"] == "failed").sum()),
        "outage_s": gap[1] - gap[0],
        "outage_from_s": gap[0],
        "outage_until_s": gap[1],
        "recovery_s": back,
        **_dip(before, after, first),
    }
    until = np.inf if back is None else max(last + back, gap[1])
    during = after[after["start_s"] < until]
    return _keys(checks, events, {**facts, **_success(before, during, after[after["start_s"] >= until])})


def storm(run: Run) -> dict[str, object]:
    """Judge a storm of connections: clients accepted and rejected, how soon they knew, and the load beside them."""
    load, clients = _load(run), _with_role(run, "storm", cut_off=ACCEPTED)
    accepted = clients["outcome"].isin(["ok", "aborted"])
    rejected = clients["error"].isin(REFUSALS)
    other = ~(accepted | rejected)
    if clients.empty:
        return _keys([RuleResult("there was a storm", passed=False, value="none", limit="one")], clients)
    begin = float(clients["start_ms"].min()) / 1000.0
    settled_ms = clients["settled_ms"].fillna(clients["start_ms"] + clients["duration_ms"])
    settle = float(settled_ms.max()) / 1000.0 - begin
    over = float((clients["start_ms"] + clients["duration_ms"]).max()) / 1000.0
    before, after = load[load["end_s"] <= begin], load[load["start_s"] > over]
    during = load[(load["end_s"] > begin) & (load["start_s"] <= over)]
    load_rejected = during["error"].isin(REFUSALS)
    stayed = during[~load_rejected]
    expected = int(run.manifest.option("storm_expect"))
    checks = [
        RuleResult(
            "every client was accepted or rejected", not other.any(), f"{int(other.sum())} failed otherwise", "0"
        ),
        RuleResult(
            "all clients answered in time", settle <= SETTLE_LIMIT_S, f"{settle:.2f} s", f"within {SETTLE_LIMIT_S:g} s"
        ),
        _no_more_failures("the normal load after the storm", before, after),
    ]
    if len(stayed):
        checks.append(_no_more_failures("the normal load during the storm, rejections aside", before, stayed))
    if expected:
        count = int(accepted.sum())
        checks.append(
            RuleResult("the expected number of clients was accepted", count == expected, str(count), str(expected))
        )
    facts = {
        "clients": len(clients),
        "accepted": int(accepted.sum()),
        "rejected": int(rejected.sum()),
        "failed_otherwise": int(other.sum()),
        "settled_s": settle,
        "load_meanwhile": len(during),
        "load_turned_away": int(load_rejected.sum()),
        "load_failed": int((stayed["outcome"] == "failed").sum()),
    }
    return _keys(checks, clients.head(1), {**facts, **_success(before, during, after)})


def zombies(run: Run) -> dict[str, object]:
    """Judge idle connections: the normal load before and beside them."""
    load, held = _load(run), _with_role(run, "zombie")
    if held.empty:
        return _keys([RuleResult("there were zombies", passed=False, value="none", limit="at least one")], held)
    begin = float(held["start_ms"].min()) / 1000.0
    all_there = float(held["start_ms"].max()) / 1000.0
    before, beside = load[load["end_s"] <= begin], load[load["start_s"] > all_there]
    slower = _slower(before, beside)
    checks = [_no_more_failures("the normal load beside the zombies", before, beside)]
    if slower is not None:
        lag = f"{slower.before_ms:.1f} ms before, {slower.beside_ms:.1f} ms beside the zombies"
        limit = max(slower.before_ms * SLOWER, slower.before_ms + SLOWER_MS)
        within = slower.beside_ms <= limit or slower.low <= 1.0
        checks.append(
            RuleResult("the normal load is not slower (p95 lag)", within, lag, f"≤ {limit:.1f} ms, or within its noise")
        )
    facts = {
        "held": int((held["outcome"] == "ok").sum()),
        "refused_or_dropped": int((held["outcome"] == "failed").sum()),
        "lag_p95": slower,
    }
    return _keys(checks, held.head(1), {**facts, **_success(before, load[load["end_s"] > begin], load.head(0))})


def _success(before: pd.DataFrame, during: pd.DataFrame, after: pd.DataFrame) -> dict[str, dict[str, Success]]:
    """Success rates of the normal load: before the events, during them and their consequences, and after."""
    return {
        "success": {
            name: Success(len(rows), float((rows["outcome"] == "ok").mean()) if len(rows) else None)
            for name, rows in (("before", before), ("during", during), ("after", after))
        }
    }


def _keys(checks: list[RuleResult], rows: pd.DataFrame, facts: Facts | None = None) -> dict[str, object]:
    """Return the keys `checks` and `resilience` of `summary.json`; `rows` are the injected events."""
    events = [
        InjectedEvent(
            at_s=float(row["start_ms"]) / 1000.0,
            what=row["role"],
            detail=row["detail"] if isinstance(row["detail"], str) else None,
            outcome=row["outcome"],
        )
        for row in rows.to_dict("records")
    ]
    return {"checks": checks, "resilience": {"events": events, **(facts or {})}}


def _with_role(run: Run, *roles: str, cut_off: int | None = None) -> pd.DataFrame:
    """Return the rows with these roles, without rows aborted by the end of the run unless they have this status."""
    if "role" not in run.frame:
        return run.frame.head(0).assign(role=None)
    ended = (run.frame["outcome"] != "aborted") | (run.frame["status"] == cut_off)
    rows = run.frame[run.frame["role"].isin(roles) & ended]
    began, took = rows["start_ms"].fillna(rows["scheduled_ms"]), rows["duration_ms"].fillna(0.0)
    return rows.assign(start_ms=began.astype(np.float64), duration_ms=took.astype(np.float64))


def _load(run: Run) -> pd.DataFrame:
    """Return the ended streams of the normal load outside the warm-up, with their start and end in seconds."""
    rows = run.counted
    rows = rows[rows["outcome"].isin(["ok", "failed"])]
    began = rows["start_ms"].fillna(rows["scheduled_ms"]) / 1000.0
    return rows.assign(start_s=began, end_s=began + rows["duration_ms"].fillna(0.0) / 1000.0)


def _longest_gap(after: pd.DataFrame, kill: float) -> tuple[float, float]:
    """Return the start and end of the longest time without a successful result since the kill."""
    results = np.sort(after.loc[after["outcome"] == "ok", "end_s"].to_numpy(dtype=np.float64))
    moments = [kill, *results.tolist()]
    return max(pairwise(moments), key=lambda gap: gap[1] - gap[0], default=(kill, kill))


def _back_to_normal(before: pd.DataFrame, after: pd.DataFrame, kill: float) -> float | None:
    """Seconds from the last kill to the end of the last bad stream before recovery; None if there is no recovery.

    A stream is bad if it failed, or if the lag of its result exceeds every lag before the kill by more than SLOW_MS.
    Smaller lags do not count: users that were held up together then speak in step, and delay each other. The service
    has recovered when at most one of the next NEXT streams to end is bad; on a busy machine, single streams are late.
    """
    ok = before.loc[before["outcome"] == "ok", "final_latency_ms"].astype(np.float64)
    limit = (float(ok.max()) if len(ok) else 0.0) + SLOW_MS
    later = after[after["end_s"] > kill].sort_values("end_s")
    slow = later["final_latency_ms"].astype(np.float64) > limit
    bad = ((later["outcome"] == "failed") | slow).to_numpy()
    ends = later["end_s"].to_numpy(dtype=np.float64)
    if not bad.any():
        return 0.0
    for index in np.flatnonzero(bad):
        following = bad[index + 1 : index + 1 + NEXT]
        if len(following) == NEXT and following.sum() <= 1:
            return float(ends[index]) - kill
    return None


def _dip(before: pd.DataFrame, after: pd.DataFrame, kill: float) -> dict[str, float | None]:
    """Successful results per second: before the kill, and in the worst whole second after it."""
    ok = after.loc[after["outcome"] == "ok", "end_s"]
    if ok.empty or before.empty:
        return {"results_per_s_before": None, "results_per_s_lowest": 0 if ok.empty else None}
    seconds = np.arange(kill, max(float(ok.max()), kill + 1.0) + 1e-9, 1.0)
    counts, _ = np.histogram(ok, bins=seconds)
    span = float(before["end_s"].max() - before["end_s"].min())
    return {
        "results_per_s_before": len(before) / span if span > 0 else None,
        "results_per_s_lowest": int(counts.min()),
    }


def _no_more_failures(name: str, before: pd.DataFrame, after: pd.DataFrame) -> RuleResult:
    rule, limit = f"no more failures in {name}", f"at most {fraction(MORE_FAILURES)} more"
    if before.empty or after.empty:
        return RuleResult(rule, None, "no streams to compare", limit)
    was, now = (float((rows["outcome"] == "failed").mean()) for rows in (before, after))
    return RuleResult(rule, now <= was + MORE_FAILURES, f"{fraction(now)} failed, {fraction(was)} before", limit)


def _slower(before: pd.DataFrame, beside: pd.DataFrame) -> LagChange | None:
    """Return how much the p95 lag of results grew, with a bootstrap interval that resamples users.

    None if either part has no results, or a p95 lag of 0.
    """
    lags = [_lags(rows) for rows in (before, beside)]
    if not all(lags):
        return None
    p95 = [quantile(np.concatenate(lag), 0.95) for lag in lags]
    if min(p95) <= 0:
        return None
    random = np.random.default_rng(0)
    ratios = []
    for _ in range(RESAMPLES):
        tails = [quantile(np.concatenate([lag[i] for i in random.choice(len(lag), len(lag))]), 0.95) for lag in lags]
        ratios.append(tails[1] / tails[0] if tails[0] > 0 else np.inf)
    low, high = np.quantile(np.minimum(ratios, MOST_RATIO), (0.025, 0.975))
    return LagChange(p95[0], p95[1], p95[1] / p95[0], float(low), float(high))


def _lags(rows: pd.DataFrame) -> list[np.ndarray]:
    """Return the lags of results of each user."""
    ok = rows[(rows["outcome"] == "ok") & rows["final_latency_ms"].notna()]
    return [group.to_numpy(dtype=np.float64) for _, group in ok.groupby("user")["final_latency_ms"]]

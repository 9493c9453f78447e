"""How a service came through chaos, storm and zombies: what happened, and stated rules with their results.

Reads the rows with a `role` as what was done to the service, and all others as the normal load beside it.
Times are seconds of the run. Knows no reports.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from katydid.analysis.derived import quantile
from katydid.analysis.validity import Run
from katydid.model.formatting import fraction, plural

RECOVERY_LIMIT_S = 30.0
"""A service that needs longer to come back did not recover in a time that a caller waits."""
SETTLE_LIMIT_S = 10.0
"""Until every client of a storm knows whether it was accepted."""
MORE_FAILURES = 0.01
"""Failure rate beyond the baseline's that is still no damage."""
SLOWER, SLOWER_MS = 1.10, 20.0
"""p95 of the result's lag beyond the baseline's that is still no damage: a tenth, or so many milliseconds."""
SLOW_MS = 500.0
"""By how much a result must lag more than before to count as not recovered."""
REFUSALS = ("overloaded", "rate_limited")
"""Errors of who was rejected in words, 503 and 429."""
NEXT = 20
"""Streams that are looked at to see whether all is well again."""
RESAMPLES = 500
MOST_RATIO = 1000.0
"""Of lags, where the one before is too small to divide by."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A rule, and what came of it; `value` and `limit` as they are shown; `passed` is None where nothing tells."""

    name: str
    passed: bool | None
    value: str
    limit: str


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done to the service; `what` is the row's role."""

    at_s: float
    what: str
    detail: str | None
    outcome: str


@dataclass(frozen=True, slots=True)
class LagChange:
    """p95 of the result's lag before and beside, and their ratio with a 95 % interval."""

    before_ms: float
    beside_ms: float
    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Success:
    """Streams of the normal load, and the share of them that ended well; None of none."""

    streams: int
    rate: float | None


Facts = Mapping[str, float | LagChange | Mapping[str, Success] | None]


ACCEPTED = 101
"""Status of a WebSocket that the target has accepted."""


def chaos(run: Run) -> dict[str, object]:
    """Workers were killed: the dip, what failed, and how long until results came as before."""
    load, deeds = _load(run), _with_role(run, "kill", "restart")
    kills = _starts(deeds[(deeds["role"] == "kill") & (deeds["outcome"] == "ok")])
    if not len(kills):
        return _told([RuleResult("something was killed", passed=False, value="nothing", limit="once")], deeds)
    first, last = float(kills[0]), float(kills[-1])
    before, after = load[load["end_s"] <= first], load[load["end_s"] > first]
    gap = _longest_gap(after, first)
    back = _back_to_normal(before, after, last)
    refused = after[after["status"].isna() & (after["start_s"] > first)]
    checks = [
        RuleResult(
            "the gateway survived",
            refused.empty,
            f"{plural(len(refused), 'stream')} found nobody",
            "every stream is answered",
        ),
        RuleResult(
            "it recovered",
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
    return _told(checks, deeds, {**facts, **_success(before, during, after[after["start_s"] >= until])})


def storm(run: Run) -> dict[str, object]:
    """Many connected at once: who was accepted, who was rejected, when that was clear, and the load meanwhile."""
    load, clients = _load(run), _with_role(run, "storm", cut_off=ACCEPTED)
    accepted = clients["outcome"].isin(["ok", "aborted"])
    rejected = clients["error"].isin(REFUSALS)
    other = ~(accepted | rejected)
    if clients.empty:
        return _told([RuleResult("there was a storm", passed=False, value="none", limit="once")], clients)
    begin = float(clients["start_ms"].min()) / 1000.0
    settled_ms = clients["settled_ms"].fillna(clients["start_ms"] + clients["duration_ms"])
    settle = float(settled_ms.max()) / 1000.0 - begin
    over = float((clients["start_ms"] + clients["duration_ms"]).max()) / 1000.0
    before, after = load[load["end_s"] <= begin], load[load["start_s"] > over]
    meanwhile = load[(load["end_s"] > begin) & (load["start_s"] <= over)]
    turned_away = meanwhile["error"].isin(REFUSALS)
    stayed = meanwhile[~turned_away]
    expected = int(run.manifest.option("storm_expect"))
    checks = [
        RuleResult("nobody was left without an answer", not other.any(), f"{int(other.sum())} failed otherwise", "0"),
        RuleResult(
            "all clients answered in time", settle <= SETTLE_LIMIT_S, f"{settle:.2f} s", f"within {SETTLE_LIMIT_S:g} s"
        ),
        _no_more_failures("the normal load afterwards", before, after),
    ]
    if len(stayed):
        checks.append(_no_more_failures("the normal load meanwhile, rejections aside", before, stayed))
    if expected:
        count = int(accepted.sum())
        checks.append(RuleResult("as many as expected were accepted", count == expected, str(count), str(expected)))
    facts = {
        "clients": len(clients),
        "accepted": int(accepted.sum()),
        "rejected": int(rejected.sum()),
        "failed_otherwise": int(other.sum()),
        "settled_s": settle,
        "load_meanwhile": len(meanwhile),
        "load_turned_away": int(turned_away.sum()),
        "load_failed": int((stayed["outcome"] == "failed").sum()),
    }
    return _told(checks, clients.head(1), {**facts, **_success(before, meanwhile, after)})


def zombies(run: Run) -> dict[str, object]:
    """Connections were held that do nothing: the normal load before and beside them."""
    load, held = _load(run), _with_role(run, "zombie")
    if held.empty:
        return _told([RuleResult("there were zombies", passed=False, value="none", limit="some")], held)
    begin = float(held["start_ms"].min()) / 1000.0
    all_there = float(held["start_ms"].max()) / 1000.0
    before, beside = load[load["end_s"] <= begin], load[load["start_s"] > all_there]
    slower = _slower(before, beside)
    checks = [_no_more_failures("the normal load beside them", before, beside)]
    if slower is not None:
        lag = f"{slower.before_ms:.1f} ms before, {slower.beside_ms:.1f} ms beside"
        limit = max(slower.before_ms * SLOWER, slower.before_ms + SLOWER_MS)
        within = slower.beside_ms <= limit or slower.low <= 1.0
        checks.append(
            RuleResult(
                "the normal load is as fast (p95 lag)", within, lag, f"≤ {limit:.1f} ms, or within its own noise"
            )
        )
    facts = {
        "held": int((held["outcome"] == "ok").sum()),
        "refused_or_dropped": int((held["outcome"] == "failed").sum()),
        "lag_p95": slower,
    }
    return _told(checks, held.head(1), {**facts, **_success(before, load[load["end_s"] > begin], load.head(0))})


def _success(before: pd.DataFrame, during: pd.DataFrame, after: pd.DataFrame) -> dict[str, dict[str, Success]]:
    """Streams of the normal load that ended well: before, during what was done and its consequences, and after."""
    return {
        "success": {
            name: Success(len(rows), float((rows["outcome"] == "ok").mean()) if len(rows) else None)
            for name, rows in (("before", before), ("during", during), ("after", after))
        }
    }


def _told(checks: list[RuleResult], deeds: pd.DataFrame, facts: Facts | None = None) -> dict[str, object]:
    events = [
        Deed(
            at_s=float(row["start_ms"]) / 1000.0,
            what=row["role"],
            detail=row["detail"] if isinstance(row["detail"], str) else None,
            outcome=row["outcome"],
        )
        for row in deeds.to_dict("records")
    ]
    return {"checks": checks, "resilience": {"events": events, **(facts or {})}}


def _with_role(run: Run, *roles: str, cut_off: int | None = None) -> pd.DataFrame:
    """Rows of what was done; of those that the end of the run cut off, the ones with this status."""
    if "role" not in run.frame:
        return run.frame.head(0).assign(role=None)
    ended = (run.frame["outcome"] != "aborted") | (run.frame["status"] == cut_off)
    rows = run.frame[run.frame["role"].isin(roles) & ended]
    began, took = rows["start_ms"].fillna(rows["scheduled_ms"]), rows["duration_ms"].fillna(0.0)
    return rows.assign(start_ms=began.astype(np.float64), duration_ms=took.astype(np.float64))


def _load(run: Run) -> pd.DataFrame:
    """The normal load: its streams outside the warm-up that ended, with their begin and end in seconds."""
    rows = run.counted
    rows = rows[rows["outcome"].isin(["ok", "failed"])]
    began = rows["start_ms"].fillna(rows["scheduled_ms"]) / 1000.0
    return rows.assign(start_s=began, end_s=began + rows["duration_ms"].fillna(0.0) / 1000.0)


def _starts(rows: pd.DataFrame) -> np.ndarray:
    return np.sort(rows["start_ms"].to_numpy(dtype=np.float64)) / 1000.0


def _longest_gap(after: pd.DataFrame, kill: float) -> tuple[float, float]:
    """The longest time without a successful result from a kill on, (from, until)."""
    results = np.sort(after.loc[after["outcome"] == "ok", "end_s"].to_numpy(dtype=np.float64))
    moments = np.concatenate([[kill], results])
    if len(moments) < 2:
        return kill, kill
    widest = int(np.argmax(np.diff(moments)))
    return float(moments[widest]), float(moments[widest + 1])


def _back_to_normal(before: pd.DataFrame, after: pd.DataFrame, kill: float) -> float | None:
    """Seconds from the last kill to the end of the last bad stream before all is well again; None if it never is.

    Bad is a stream that failed, or whose result lags SLOW_MS more than any before the kill: less is what users that
    were held up together, and now speak in step, do to each other. All is well where of the next NEXT streams to
    end at most one is bad, since a busy machine is never even.
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
    """Successful results a second: before, and in the worst whole second after the kill."""
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


def _failure_rate(rows: pd.DataFrame) -> float:
    return float((rows["outcome"] == "failed").mean()) if len(rows) else float("nan")


def _no_more_failures(name: str, before: pd.DataFrame, after: pd.DataFrame) -> RuleResult:
    was, now = _failure_rate(before), _failure_rate(after)
    known = bool(np.isfinite(was) and np.isfinite(now))
    value = f"{fraction(now)} failed, {fraction(was)} before" if known else "too few streams to say"
    return RuleResult(
        f"{name}: no more failures",
        now <= was + MORE_FAILURES if known else None,
        value,
        f"at most {fraction(MORE_FAILURES)} more",
    )


def _slower(before: pd.DataFrame, beside: pd.DataFrame) -> LagChange | None:
    """How much slower results are; the interval is over users drawn anew.

    None where either had no result, or no lag that could be measured.
    """
    lags = [_lags(rows) for rows in (before, beside)]
    if any(not lag for lag in lags):
        return None
    p95 = [quantile(np.concatenate(list(lag.values())), 0.95) for lag in lags]
    if min(p95) <= 0:
        return None
    random = np.random.default_rng(0)
    ratios = []
    for _ in range(RESAMPLES):
        drawn = [random.choice(len(lag), len(lag)) for lag in lags]
        tails = [
            quantile(np.concatenate([list(lag.values())[i] for i in chosen]), 0.95)
            for lag, chosen in zip(lags, drawn, strict=True)
        ]
        ratios.append(tails[1] / tails[0] if tails[0] > 0 else np.inf)
    low, high = np.quantile(np.minimum(ratios, MOST_RATIO), (0.025, 0.975))
    return LagChange(p95[0], p95[1], p95[1] / p95[0], float(low), float(high))


def _lags(rows: pd.DataFrame) -> dict[Hashable, np.ndarray]:
    ok = rows[(rows["outcome"] == "ok") & rows["final_latency_ms"].notna()]
    return {user: group.to_numpy(dtype=np.float64) for user, group in ok.groupby("user")["final_latency_ms"]}

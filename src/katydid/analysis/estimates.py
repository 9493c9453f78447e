"""One run's numbers for a comparison: what its samples say once warm-up and censoring are dealt with.

A request that timed out, or that the end of the run cut off, took at least as long as it had: it counts
as that (Kaplan and Meier 1958), and a quantile that lies among such requests is not given. Knows nothing
about other runs.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from katydid.analysis.derived import quantile, with_derived
from katydid.analysis.failures import clumping, episodes
from katydid.analysis.summary import summarise
from katydid.core.metrics import DISTRIBUTIONS, STATISTICS, Distribution, Statistic
from katydid.core.units import Better
from katydid.store.folder import RunFolder
from katydid.store.gaps import counted

NEVER_COMPARED = ["request_id", "worker", "name", "detail"]
"""Columns of text, which would be copied with every selection of rows."""
TIMED_OUT = ("timeout", "idle_timeout")
WHOLE_REQUEST = ("duration", "response")
"""Distributions that every request has, so that a time-out tells something about them."""
TOO_FEW = "too few requests"
"""How the reason begins where a run has no value for want of requests."""


@dataclass(frozen=True)
class RunData:
    """A run as it was read.

    Attributes:
        frame: samples with derived columns.
        summary: by the run's own warm-up.
    """

    path: str
    manifest: dict[str, Any]
    frame: pd.DataFrame
    summary: dict[str, Any]


@dataclass(frozen=True)
class Estimates:
    """A run's value of every metric that it has.

    Attributes:
        values: by the flat names of `core.metrics`; milliseconds, fractions, or per second.
        users_at_stop: users when the failure threshold stopped the run.
        clumping: of its failures (`analysis.failures`); empty where only the episodes are known.
    """

    values: dict[str, float]
    ok: int
    failed: int
    requests: int
    episodes: int
    tokens: float | None
    users_at_stop: float | None
    missing: dict[str, str] = field(default_factory=dict)
    clumping: tuple[float, ...] = ()


def read_run(folder: RunFolder) -> RunData:
    """A run from its folder.

    Raises:
        NoDataError: it cannot be read.
    """
    manifest, samples, monitor = folder.manifest(), folder.samples(), folder.monitor()
    summary = summarise(samples, monitor, manifest, counted(folder.gaps()))
    if manifest.get("ended") == "failure-threshold" and not monitor.empty:
        at_stop = monitor[monitor["at_ms"] <= float(manifest.get("stopped_at_ms") or np.inf)]
        users = at_stop.groupby("process", observed=True)["users"].last().sum()
        summary["users_at_stop"] = float(users) or None
    frame = with_derived(samples.drop(columns=NEVER_COMPARED, errors="ignore"), manifest)
    return RunData(str(folder.path), manifest, frame, summary)


def estimate(run: RunData, settled_ms: float) -> Estimates:
    """A run's values without its warm-up.

    Args:
        run: with a summary of its own.
        settled_ms: milliseconds of the run that count in no statistic, beyond its own warm-up.
    """
    frame = run.frame
    counted = frame[frame["counted"] & (frame["scheduled_ms"] >= settled_ms)]
    ok = counted[counted["outcome"] == "ok"]
    failed = counted[counted["outcome"] == "failed"]
    values: dict[str, float] = {name: value for name, value in run.summary["metrics"].items() if value is not None}
    missing: dict[str, str] = {}
    for distribution in DISTRIBUTIONS:
        for statistic in STATISTICS:
            values.pop(f"{distribution.name}.{statistic.name}", None)
        if distribution.better is not Better.NEITHER and distribution.column in ok:
            _add(values, missing, distribution, ok, _censored(distribution, counted, run.manifest))
    values |= _rates(counted)
    tokens = ok["completion_tokens"].astype(np.float64)
    tokens = tokens if tokens.notna().any() else ok["chunks"].astype(np.float64)
    faltered = episodes(failed["scheduled_ms"].to_numpy(dtype=np.float64))
    return Estimates(
        values=values,
        ok=len(ok),
        failed=len(failed),
        requests=len(counted),
        episodes=faltered,
        tokens=float(tokens.mean()) if tokens.notna().any() else None,
        users_at_stop=run.summary.get("users_at_stop"),
        missing=missing,
        clumping=clumping(_failed_in_order(counted), faltered),
    )


def _rates(counted: pd.DataFrame) -> dict[str, float]:
    ended = counted["outcome"].isin(["ok", "failed"]).sum()
    rates = {"late_share": float(counted["late"].mean())} if len(counted) else {}
    return rates | ({"failure_rate": float((counted["outcome"] == "failed").sum() / ended)} if ended else {})


def _add(
    values: dict[str, float],
    missing: dict[str, str],
    distribution: Distribution,
    ok: pd.DataFrame,
    censored: np.ndarray,
) -> None:
    times = ok[distribution.column].dropna().to_numpy(dtype=np.float64)
    for statistic in STATISTICS:
        name = f"{distribution.name}.{statistic.name}"
        if len(times) + len(censored) < statistic.fewest:
            missing[name] = f"{TOO_FEW} ({len(times)} of {statistic.fewest})"
            continue
        value = _statistic(times, censored, statistic)
        if value is None:
            missing[name] = "it lies among requests that timed out or were cut off"
        else:
            values[name] = value


def _statistic(times: np.ndarray, censored: np.ndarray, statistic: Statistic) -> float | None:
    if statistic.quantile is None:
        if not len(times) or (len(censored) and statistic.name in {"mean", "max"}):
            return None
        return float(getattr(times, statistic.name)())
    if not len(censored):
        return quantile(times, statistic.quantile)
    from scipy import stats  # noqa: PLC0415 - a second to import, and seldom needed

    fit = stats.ecdf(stats.CensoredData(uncensored=times, right=censored)).cdf
    reached = np.flatnonzero(fit.probabilities >= statistic.quantile - 1e-12)
    return float(fit.quantiles[reached[0]]) if len(reached) else None


def _censored(distribution: Distribution, counted: pd.DataFrame, manifest: dict[str, Any]) -> np.ndarray:
    """Times that requests without an answer had at least."""
    if distribution.name not in WHOLE_REQUEST:
        return np.array([])
    timed_out = counted["error"].isin(TIMED_OUT)
    cut_off = counted["outcome"] == "aborted"
    end = float(manifest.get("ended_at_ms") or manifest.get("stopped_at_ms") or 0.0)
    start = counted["start_ms"].astype(np.float64)
    had = counted["duration_ms"].astype(np.float64)
    limit = float(manifest.get("request_timeout_s") or 0.0) * 1000.0
    had = had.where(~timed_out, had.fillna(limit)).where(~cut_off, (end - start).clip(lower=0.0))
    if distribution.name == "response":
        had = had + counted["late_ms"].astype(np.float64).fillna(0.0)
    return np.asarray(had[timed_out | cut_off].dropna().to_numpy(dtype=np.float64))


def _failed_in_order(counted: pd.DataFrame) -> np.ndarray:
    ended = counted[counted["outcome"].isin(["ok", "failed"])].sort_values("scheduled_ms", kind="stable")
    return np.asarray((ended["outcome"] == "failed").to_numpy(dtype=bool))

"""Make a run's summary (`summary.json`): counts, metrics, errors, validity and headline.

Statistics are over the samples that count (`derived.in_statistics`); times are over the successful ones among them.
Knows no reports.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import numpy as np
import pandas as pd

from katydid.analysis.advice import rate_limit_part
from katydid.analysis.capacity.estimate import capacity_part
from katydid.analysis.configuration import error_rows, with_blame
from katydid.analysis.derived import (
    ends_ms,
    failed_later,
    iterations,
    of_the_load,
    of_the_run,
    quantile,
    rows_of,
    values_of,
    warm_up_counts,
    was_stopped,
    with_derived,
)
from katydid.analysis.headline import headline, leaving_found
from katydid.analysis.offered import Window, arrived, missed_starts, offered_load
from katydid.analysis.request_times import RequestTimes, statistic_of
from katydid.analysis.validity import Run, findings, unchecked
from katydid.analysis.validity.clocks import upper_bounds
from katydid.analysis.validity.tokens import cache_found, lengths_found
from katydid.model.documents.base import SCHEMA_VERSION
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Censored, Measured, NameRow, RequestCounts, Summary
from katydid.model.metrics import CORRECTED, ITL, STATISTICS, Statistic
from katydid.model.metrics.declared import Catalogue, catalogue_of
from katydid.model.metrics.rates import RATES, Counts, Stop
from katydid.model.workload import workloads_of
from katydid.runs.folder import RunFolder
from katydid.runs.gaps import counted as gaps_that_count
from katydid.stats.histogram import Histogram


def summarise(
    samples: pd.DataFrame,
    monitor: pd.DataFrame,
    manifest: Manifest,
    gaps: Histogram | None = None,
    frame: pd.DataFrame | None = None,
) -> Summary:
    """Summarise a run.

    Args:
        samples: one row per request.
        monitor: one row per second and process.
        manifest: of the run; missing keys are tolerated.
        gaps: between content chunks, in seconds, of the requests that count; None if they were not recorded.
        frame: the result of `with_derived`, if the caller has it already.
    """
    frame = with_derived(samples, manifest) if frame is None else frame
    counted = frame[frame["counted"]]
    window = _window(counted, manifest)
    conversations = iterations(samples, manifest)
    seconds, due = offered_load(frame, monitor, manifest, window)
    ok = counted[counted["outcome"] == "ok"]
    missed = missed_starts(frame, manifest, window)
    counts = replace(
        _counts(frame, manifest, window, seconds),
        due=due,
        conversations=int(conversations["outcome"].isin(["ok", "failed"]).sum()),
        conversations_ok=int((conversations["outcome"] == "ok").sum()),
        stop=_stop(frame, manifest),
        missed=len(missed),
        unserved=len(missed) if manifest.is_open and not manifest.stages else None,
    )
    catalogue = catalogue_of(manifest)
    metrics, too_few = _metrics(ok, counts, gaps or Histogram(), catalogue, missed)
    censored = _censored(RequestTimes(frame[frame["timed"]], manifest), catalogue)
    for part in catalogue.parts:
        rows = rows_of(frame, part)
        own = rows[rows["counted"] & (rows["outcome"] == "ok")]
        values, few = _metrics(own, _counts(rows, manifest, window, seconds), Histogram(), catalogue, np.array([]))
        metrics |= {part.prefix + name: value for name, value in values.items() if value is not None}
        too_few |= {part.prefix + name: why for name, why in few.items()}
        with_open = _censored(RequestTimes(rows[rows["timed"]], manifest), catalogue).metrics
        censored.metrics.update({part.prefix + name: value for name, value in with_open.items()})
    run = Run(frame, monitor, manifest, counts, window, conversations)
    judged = findings(run)
    valid = not any(f.severity == "invalid" for f in judged)
    summary = Summary(
        schema_version=SCHEMA_VERSION,
        valid=valid,
        invalid_reasons=[f.text for f in judged if f.severity == "invalid"],
        warnings=[f.text for f in judged if f.severity == "warning"],
        findings=judged,
        unchecked_rules=unchecked(run),
        ended=manifest.ended,
        partial=bool(manifest.partial),
        counts=RequestCounts(
            requests=counts.requests,
            users=_users(frame),
            ok=counts.ok,
            failed=counts.failed,
            aborted=counts.aborted,
            abandoned=counts.abandoned,
            late=counts.late,
            warm_up=int((frame["warm_up"] & ~frame["counted"]).sum()),
            after_stop=int(frame["after_stop"].sum()),
            failed_after_stop=int(failed_later(frame).sum()),
            all=len(frame),
        ),
        users_at_stop=metrics["users_at_stop"] if counts.stop else None,
        seconds=counts.seconds,
        metrics=metrics,
        censored=censored,
        too_few=too_few,
        upper_bounds=list(upper_bounds(ok)),
        errors=error_rows(with_blame(frame)),
        names=_names(counted),
        timestamp_source=manifest.timestamp_source,
        lengths=lengths_found(counted),
        cache=cache_found(counted, manifest),
        leaving=leaving_found(manifest),
    ).added(**_parts(run, valid=valid))
    return summary.added(headline=headline(manifest, summary))


def _parts(run: Run, *, valid: bool) -> dict[str, object]:
    """The keys that the run's workload and plan add, and what limited the run."""
    records = workloads_of(run.manifest)
    parts = [record.summarise(run) for record in records if record.summarise]
    if run.manifest.plan == "capacity":
        parts.append(capacity_part(run))
    elif valid and not run.manifest.stages and not any(record.provokes for record in records):
        parts.append(rate_limit_part(run))
    return {key: value for part in parts for key, value in part.items()}


def _counts(frame: pd.DataFrame, manifest: Manifest, window: Window, seconds: float) -> Counts:
    """The counts of these rows, which are all of a run's or those of one model or target."""
    interval = manifest.interval_s
    counted = frame[frame["counted"]]
    outcome = counted["outcome"]
    ok = counted[outcome == "ok"]
    inputs = ok["prompt_tokens"].astype(np.float64)
    tokens, chunks = (
        arrived(frame, name, window)
        if manifest.stopped_at_ms and not manifest.stages  # else the window has no known end, or several parts
        else (int(ok[name].sum()) if ok[name].notna().any() else None)
        for name in ("completion_tokens", "chunks")
    )
    return Counts(
        requests=len(counted),
        ok=len(ok),
        failed=int((outcome == "failed").sum()),
        aborted=int((outcome == "aborted").sum()),
        abandoned=int((outcome == "abandoned").sum()),
        late=None if manifest.is_closed else int(counted["late"].sum()),
        due=None,
        chunks=chunks,
        tokens=tokens,
        input_tokens=int(inputs.sum()) if inputs.notna().any() else None,
        timed=int(ok["ttft_ms"].notna().sum()),
        bounded=int((ok["ttft_bound"].eq(True) & ok["ttft_ms"].notna()).sum()),  # the column may have nulls
        seconds=seconds,
        good=int((ok["response_ms"] <= interval * 1000.0).sum()) if interval and not manifest.is_open else None,
        resent=_resent(counted),
        tokens_per_chunk=_tokens_per_chunk(ok),
    )


def _tokens_per_chunk(ok: pd.DataFrame) -> float | None:
    """Mean tokens per chunk, without reasoning tokens that were counted but not streamed."""
    columns = ok.columns.intersection(["completion_tokens", "chunks", "reasoning_tokens", "ttfo_ms", "ttft_ms"])
    rows = ok.loc[ok["completion_tokens"].notna() & (ok["chunks"] > 0), columns]
    if rows.empty:
        return None
    tokens = rows["completion_tokens"].astype(np.float64)
    if {"reasoning_tokens", "ttfo_ms"} <= set(rows):
        streamed = rows["ttfo_ms"].astype(np.float64) > rows["ttft_ms"].astype(np.float64)
        tokens -= rows["reasoning_tokens"].astype(np.float64).fillna(0.0).where(~streamed, 0.0)
    return float(tokens.sum() / rows["chunks"].sum())


def _resent(counted: pd.DataFrame) -> int | None:
    """The number of requests that were sent again; None if an older version did not record it."""
    if "resent" not in counted or counted["resent"].isna().all():
        return None
    return int(counted["resent"].eq(True).sum())


def _users(frame: pd.DataFrame) -> int:
    """The number of users with a request before the stop."""
    asked = (frame["user"] >= 0) & ~frame["after_stop"].astype(bool)
    return int(frame.loc[asked, "user"].nunique())


def _window(counted: pd.DataFrame, manifest: Manifest) -> Window:
    """From the end of the warm-up (0 if the warm-up counts) to the stop (or the last start), in milliseconds."""
    if counted.empty:
        return 0.0, 0.0
    warm_up = float(manifest.warm_up_s or 0.0) * 1000.0
    first = float(counted["scheduled_ms"].min())
    begin = warm_up if first >= warm_up else 0.0
    last = float((counted["start_ms"].fillna(counted["scheduled_ms"])).max())
    return begin, float(manifest.stopped_at_ms or last)


def _stop(frame: pd.DataFrame, manifest: Manifest) -> Stop | None:
    """The state at which the failure threshold stopped the run; None if it did not, or if no request has a user."""
    stop = manifest.stopped_at_ms
    if not was_stopped(manifest) or stop is None:
        return None
    load = frame[of_the_load(frame)]
    started = load[load["start_ms"] <= float(stop)]
    users = started.loc[started["user"] >= 0, "user"].nunique()
    under_way = ~(ends_ms(started) <= float(stop))  # including requests whose end is unknown
    in_flight = int((under_way & started["after_stop"].astype(bool)).sum())
    ok = int((started["outcome"] == "ok").sum())
    held = None if manifest.is_open else int(users)
    return Stop(held, in_flight, len(started), ok, float(stop) / 1000.0) if users else None


def _metrics(
    ok: pd.DataFrame, counts: Counts, gaps: Histogram, catalogue: Catalogue, missed: np.ndarray
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Values by flat name, and why values are missing that a reader would expect."""
    metrics: dict[str, float | None] = {}
    too_few: dict[str, str] = {}

    def put(metric: str, values: int, of: Callable[[Statistic], float]) -> None:
        for statistic in STATISTICS:
            name = f"{metric}.{statistic.name}"
            metrics[name] = of(statistic) if values >= statistic.fewest else None
            if 0 < values < statistic.fewest:
                too_few[name] = f"too few ({values} of {statistic.fewest})"

    for distribution in catalogue.distributions:
        values = values_of(ok, distribution.column)
        if distribution is CORRECTED and (counts.good is not None or counts.unserved is not None):
            values = np.concatenate([values_of(ok, "response_ms"), missed])
        put(distribution.name, len(values), partial(_statistic, values))
    put(ITL.name, gaps.total, lambda statistic: _of_gaps(gaps, statistic) * 1000.0)
    metrics |= {rate.name: rate.of(counts) for rate in RATES}
    metrics |= {each.name: of_the_run(each, ok, counts.seconds) for each in catalogue.of_the_run}
    return metrics, too_few


def _statistic(values: np.ndarray, statistic: Statistic) -> float:
    if statistic.quantile is not None:
        return quantile(values, statistic.quantile)
    return float(getattr(values, statistic.name)())


def _of_gaps(gaps: Histogram, statistic: Statistic) -> float:
    if statistic.name == "mean":
        return gaps.mean
    return gaps.quantile({"min": 0.0, "max": 1.0}.get(statistic.name, statistic.quantile or 0.0))


def _censored(requests: RequestTimes, catalogue: Catalogue) -> Censored:
    """Metrics of times that also count requests that timed out or were aborted, with the time they had so far.

    A value that falls among such requests is a lower bound (`at_least`).
    """
    metrics: dict[str, Measured] = {}
    for distribution in filter(requests.touched, catalogue.distributions):
        times = requests.known(distribution)
        for statistic in STATISTICS:
            if times is not None and times.count >= statistic.fewest:
                value, at_least = statistic_of(times, statistic)
                metrics[f"{distribution.name}.{statistic.name}"] = Measured(value, at_least)
    return Censored(requests=int(requests.open.sum()), metrics=metrics)


def _names(counted: pd.DataFrame) -> list[NameRow]:
    """A row for each request name."""
    rows = []
    for name, group in counted[["name", "outcome", "duration_ms"]].groupby("name", sort=True, observed=True):
        durations = values_of(group[group["outcome"] == "ok"], "duration_ms")
        rows.append(
            NameRow(
                name=str(name),
                requests=len(group),
                failed=int((group["outcome"] == "failed").sum()),
                p50=quantile(durations, 0.5) if len(durations) else None,
                longest=float(durations.max()) if len(durations) else None,
            )
        )
    return rows


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run with its manifest and summary; `name` is its folder, for messages."""

    name: str
    manifest: Manifest
    summary: Summary

    @classmethod
    def load(cls, folder: RunFolder) -> Self:
        """Load a run; its summary is computed from the samples if the folder has none.

        Raises:
            NoDataError: a file of the run is damaged.
        """
        manifest, summary = folder.manifest(), folder.summary()
        if summary is None:
            gaps = gaps_that_count(folder.gaps(), warm_up=warm_up_counts(manifest))
            summary = summarise(folder.samples(), folder.monitor(), manifest, gaps)
        return cls(str(folder.path), manifest, summary)

    @property
    def version(self) -> str:
        """The version of the service under test."""
        return str(self.manifest.version)

    @property
    def started(self) -> str:
        """The start in ISO 8601, UTC; sorts by time."""
        return self.manifest.started_utc or ""

"""One run's values for a comparison, without its warm-up, with censored times as lower bounds, and its answer lengths.

A request that timed out, or that the end of the run aborted, counts with at least the time observed
(`request_times`). A quantile that falls among such requests is a lower bound. Knows nothing about other runs.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Self

import numpy as np
import pandas as pd

from katydid.analysis.comparison.failures import clumping, episodes
from katydid.analysis.derived import of_the_run, rows_of, warm_up_counts, with_derived
from katydid.analysis.request_times import RequestTimes, statistic_of
from katydid.analysis.summary import summarise
from katydid.model.documents.comparison import RunOutcome
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Summary
from katydid.model.metrics import STATISTICS, Distribution
from katydid.model.metrics.declared import Catalogue, Read, catalogue_of
from katydid.model.units import Better
from katydid.runs.folder import RunFolder
from katydid.runs.gaps import counted
from katydid.stats.censoring import Known
from katydid.stats.within_run import LengthCost, length_cost

NEVER_COMPARED = ["request_id", "worker", "detail"]
"""Text columns, dropped because every selection of rows would copy them."""
TOO_FEW = "too few requests"
"""How the reason begins if a run has too few requests for a value."""
CUT_OFF = "the end of the run aborted conversations, and how long they had taken by then is not known"
STOPPED_EARLY = ("failure-threshold", "interrupted", "error")
"""The manifest's `ended` of runs that were shorter than planned."""
TOKENS = "completion_tokens"
COUNTED = (TOKENS, "chunks")
"""Columns that measure an answer's length, the better one first: the server chooses how many tokens a chunk has."""
FEWEST_REPEATS = 10
"""The fewest repeats of prompts that show how answers to one prompt vary."""


@dataclass(frozen=True, eq=False)
class RunData:
    """A run as read from its folder.

    Attributes:
        path: of the folder.
        frame: samples with derived columns.
        summary: with the run's own warm-up.
    """

    path: str
    manifest: Manifest
    frame: pd.DataFrame
    summary: Summary


class AnswerLengths:
    """Lengths of a run's answers.

    Args:
        requests: the run's requests.
        counted: tokens, or chunks, of each request's answer; NaN if unknown.
        mean: mean length of the successful requests, weighted for those that were aborted.
    """

    def __init__(self, requests: RequestTimes, counted: np.ndarray, mean: float) -> None:
        self._requests, self.mean = requests, mean
        self._lengths = np.where(requests.ok & (counted > 0.0), counted, np.nan) / mean
        self.cost = cache(self._cost)

    def at(self, distribution: Distribution, tokens: float) -> Known | None:
        """The times that these requests would have had with answers of this many tokens."""
        cost = self.cost(distribution)
        own = cost.times_as_long(np.nan_to_num(self._lengths, nan=tokens / self.mean))
        return self._requests.known(distribution, cost.times_as_long(np.array(tokens / self.mean)) / own)

    def _cost(self, distribution: Distribution) -> LengthCost:
        times = self._requests.column(distribution.column)
        known = (times > 0.0) & ~np.isnan(self._lengths)
        return length_cost(times[known], self._lengths[known])

    @cached_property
    def error(self) -> float:
        """Standard error of the mean length, as a fraction of it.

        Taken from the spread of all answers. If prompts repeat, from the spread of answers to the same prompt, because
        both sides send the same prompts.
        """
        known = self._lengths[~np.isnan(self._lengths)]
        if len(known) < 2:
            return np.inf
        prompts, spread = self._requests.prompts(), float(known.var(ddof=1))
        if prompts is not None and len(prompts) == len(known):
            count = np.bincount(prompts)
            if (repeats := len(known) - len(count)) >= FEWEST_REPEATS:
                means = np.bincount(prompts, known) / count
                spread = float(((known - means[prompts]) ** 2).sum()) / repeats
        return float((spread / len(known)) ** 0.5)


def answer_lengths(requests: RequestTimes) -> dict[str, AnswerLengths]:
    """The lengths of a run's answers, by the column that counts them; empty if no answer has a length."""
    counted = {column: requests.of_successes(column) for column in COUNTED}
    means = {column: known.mean()[0] for column, known in counted.items() if known is not None}
    return {
        column: AnswerLengths(requests, requests.column(column), mean) for column, mean in means.items() if mean > 0.0
    }


@dataclass(frozen=True, eq=False)
class Estimates:
    """A run's value of every metric that it has.

    Attributes:
        values: by the flat names of `model.metrics`; milliseconds, fractions, or per second.
        users_at_stop: users when the failure threshold stopped the run.
        missing: why a value is missing, by flat name.
        clumping: of its failures (`analysis.comparison.failures`); empty if only the episodes are known.
        bounds: names of the values that are lower bounds.
        times: by the names of the distributions.
        stopped_early: the run was shorter than planned, so its values are less certain.
        in_ramp: the run was stopped before all of its users had started.
        lengths: of its answers, by the column that counts them.
    """

    values: dict[str, float]
    ok: int
    failed: int
    requests: int
    episodes: int
    users_at_stop: float | None
    missing: dict[str, str] = field(default_factory=dict)
    clumping: tuple[float, ...] = ()
    bounds: frozenset[str] = frozenset()
    times: Mapping[str, Known] = field(default_factory=dict, repr=False)
    stopped_early: bool = False
    in_ramp: bool = False
    lengths: Mapping[str, AnswerLengths] = field(default_factory=dict, repr=False)

    def with_times(self, times: Mapping[str, Known], cut_off: Collection[str] = ()) -> Self:
        """A copy with these distributions and their statistics.

        Args:
            times: by the names of the distributions.
            cut_off: names of those whose statistics are not known, because of `CUT_OFF`.
        """
        values, bounds, missing = {**self.values}, {*self.bounds}, {**self.missing}
        for head, known in times.items():
            for statistic in STATISTICS:
                name = f"{head}.{statistic.name}"
                if head in cut_off:
                    missing[name] = CUT_OFF
                elif known.count < statistic.fewest:
                    missing[name] = f"{TOO_FEW} ({known.count} of {statistic.fewest})"
                else:
                    values[name], at_least = statistic_of(known, statistic)
                    bounds |= {name} if at_least else set()
        return replace(self, values=values, bounds=frozenset(bounds), missing=missing, times={**self.times, **times})


def outcome_of(run: RunData) -> RunOutcome:
    """How one run ended: why, at how many users, after how many requests and seconds.

    `users` are all users, or if the failure threshold stopped the run, those whose first request had started.
    `requests`, `ok`, `failed` and `failure_rate` are of the requests that count.
    """
    manifest, counts, metrics = run.manifest, run.summary.counts, run.summary.metrics
    stopped = manifest.stopped_at_ms
    return RunOutcome(
        run=run.path,
        ended=manifest.ended,
        failure_threshold=manifest.failure_threshold,
        users=metrics.get("users_at_stop") or manifest.users,
        in_flight=metrics.get("in_flight_at_stop"),
        requests=counts.requests,
        ok=counts.ok,
        failed=counts.failed,
        failed_after_stop=counts.failed_after_stop,
        failure_rate=metrics.get("failure_rate"),
        seconds=stopped / 1000.0 if stopped else None,
        leaving=run.summary.leaving.text if run.summary.leaving else None,
    )


def read_run(folder: RunFolder) -> RunData:
    """Read a run from its folder.

    Raises:
        NoDataError: it cannot be read.
    """
    manifest, samples, monitor = folder.manifest(), folder.samples(), folder.monitor()
    frame, gaps = with_derived(samples, manifest), counted(folder.gaps(), warm_up=warm_up_counts(manifest))
    summary = summarise(samples, monitor, manifest, gaps, frame)
    frame = frame.drop(columns=NEVER_COMPARED, errors="ignore").assign(name=frame["name"].astype("category"))
    return RunData(str(folder.path), manifest, frame, summary)


def estimate(run: RunData, settled_ms: float) -> Estimates:
    """Compute a run's values.

    Args:
        run: as read from its folder.
        settled_ms: requests due before this time of the run do not count, even after its own warm-up.
    """
    manifest, catalogue = run.manifest, catalogue_of(run.manifest)
    frame = run.frame[run.frame["scheduled_ms"] >= settled_ms] if settled_ms else run.frame
    counted, outcome = frame["counted"], frame["outcome"]
    ok, failed = counted & (outcome == "ok"), counted & (outcome == "failed")
    values: dict[str, float] = {name: value for name, value in run.summary.metrics.items() if value is not None}
    times: dict[str, Known] = {}
    cut_off: set[str] = set()
    requests = RequestTimes(frame[frame["timed"]], manifest)
    for part in (None, *catalogue.parts):
        rows, prefix = rows_of(frame, part), part.prefix if part else ""
        timed = RequestTimes(rows[rows["timed"]], manifest) if part else requests
        found = _rates(rows[rows["counted"]], catalogue, closed=manifest.is_closed)
        values |= {prefix + name: value for name, value in found.items()}
        for distribution in catalogue.distributions:
            name = prefix + distribution.name
            for statistic in STATISTICS:
                values.pop(f"{name}.{statistic.name}", None)
            if distribution.better is Better.NEITHER or (known := timed.known(distribution)) is None:
                continue
            times[name] = known
            if distribution.name == "conversation" and manifest.ended in STOPPED_EARLY and timed.cut.any():
                cut_off.add(name)
    at_stop, users = run.summary.users_at_stop, manifest.users
    due = frame["scheduled_ms"].to_numpy(dtype=np.float64)
    faltered = episodes(due[failed.to_numpy()])
    return Estimates(
        values=values,
        ok=int(ok.sum()),
        failed=int(failed.sum()),
        requests=int(counted.sum()),
        episodes=faltered,
        users_at_stop=at_stop,
        clumping=clumping(_failed_in_order(due, ok, failed), faltered),
        stopped_early=manifest.ended in STOPPED_EARLY,
        in_ramp=bool(at_stop and users and at_stop < users),
        lengths=answer_lengths(requests),
    ).with_times(times, cut_off)


def _rates(counted: pd.DataFrame, catalogue: Catalogue, *, closed: bool) -> dict[str, float]:
    """Shares, the failure rate, and the share of late starts; a closed loop has no schedule, so no late starts."""
    shares = {m.name: of_the_run(m, counted, 0.0) for m in catalogue.of_the_run if m.read == Read.SHARE}
    rates = {name: value for name, value in shares.items() if value is not None}
    if len(counted) and not closed:
        rates["late_share"] = float(counted["late"].mean())
    if ended := counted["outcome"].isin(["ok", "failed"]).sum():
        rates["failure_rate"] = float((counted["outcome"] == "failed").sum() / ended)
    return rates


def _failed_in_order(due: np.ndarray, ok: pd.Series, failed: pd.Series) -> np.ndarray:
    """For each request that succeeded or failed, whether it failed; in the order in which they were due."""
    ended = ok | failed
    return np.asarray(failed[ended].to_numpy(dtype=bool)[np.argsort(due[ended.to_numpy()], kind="stable")])

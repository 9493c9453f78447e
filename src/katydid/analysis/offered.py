"""The offered load of a run, the requests that were due but never sent, and the tokens that arrived.

Users on an even grid offer users / interval at any time. In a ramp each user sends its first request when it starts,
and one more after each interval, so the offered load is higher: the spawn rate times the number of intervals begun.
The load of a rate or a trace does not depend on users.

A user that waits longer than its interval skips starts. The skipped requests are missing from every share of requests
and every quantile (coordinated omission). wrk2 (G. Tene) sends such requests late and counts from when they were due;
here they count as answered together with the request that their user sent next.
"""

import numpy as np
import pandas as pd

from katydid.analysis.derived import ends_ms, late_limit_ms, of_the_load, was_stopped
from katydid.load.arrivals import Rate, read_process
from katydid.model.documents.manifest import Manifest

Window = tuple[float, float]
"""Begin and end, in milliseconds of the run."""
MOST_ARRIVALS = 1e8
"""The most arrivals of a run; a manifest with more is damaged."""
MOST_MISSED = 1e7
"""The most skipped starts of a run; times that give more are damaged."""
_SAME_MS = 0.001
"""Tolerance for conversions between clocks."""
_COURSE = ("scheduled_ms", "start_ms", "ttft_ms", "duration_ms", "ended_ms")
"""Columns with the times at which a request was due, sent, answered and done."""


def arrivals_due(manifest: Manifest, until_ms: float) -> np.ndarray:
    """When requests of a rate or a trace were due up to a time of the run, in milliseconds, ascending.

    Computed from the manifest alone, so runs with the same settings have the same arrivals. For a run in stages, the
    arrivals of every stage; for a trace, without requests that follow another one.
    """
    if manifest.trace_due_ms is not None:
        due = np.asarray(manifest.trace_due_ms, dtype=np.float64) + (manifest.arrivals_begin_ms or 0.0)
        return np.asarray(due[due < until_ms])
    if manifest.stages:
        stages = (s for s in manifest.stages if s.rate is not None)
        found = [_due_from(s.begin_ms, min(s.end_ms, until_ms), s.rate, manifest, s.stage) for s in stages]
        return np.concatenate(found) if found else np.empty(0)
    due = _due_from(manifest.arrivals_begin_ms or 0.0, until_ms, manifest.rate_per_s, manifest)
    return due[: int(manifest.option("requests")) or None]  # with a number of requests, the run ends after the last


def all_due(frame: pd.DataFrame, manifest: Manifest, until_ms: float) -> np.ndarray:
    """The same, with those requests of a trace that follow another one; they are due when it ends, by the samples."""
    due = arrivals_due(manifest, until_ms)
    if manifest.trace is None or "turn" not in frame:
        return due
    later = frame.loc[(frame["turn"] > 1).fillna(value=False), "scheduled_ms"].to_numpy(dtype=np.float64)
    return np.concatenate([due, later[later < until_ms]])


def _due_from(begin: float, end: float, per_second: float | None, manifest: Manifest, stage: int = 0) -> np.ndarray:
    seconds = (end - begin) / 1000.0
    if not 0.0 < (per_second or 0.0) * seconds < MOST_ARRIVALS:
        return np.empty(0)
    seed, ramp = int(manifest.option("seed")), manifest.rate_ramp_per_s or 0.0
    rate = Rate(per_second or 0.0, read_process(manifest.arrivals), seed, ramp, stage)
    return np.asarray(begin + 1000.0 * np.fromiter(rate.due_until(seconds), np.float64))


def unserved(frame: pd.DataFrame, manifest: Manifest, window: Window) -> np.ndarray:
    """When the requests that were never sent had been due, in the window, in milliseconds; may have duplicates."""
    due = arrivals_due(manifest, window[1])
    due = due[due >= window[0]]
    sent = np.sort(frame["scheduled_ms"].to_numpy(dtype=np.float64))
    place = np.searchsorted(sent, due - _SAME_MS) + np.arange(len(due)) - np.searchsorted(due, due)
    found = place < len(sent)
    found[found] = sent[place[found]] <= due[found] + _SAME_MS
    return np.asarray(due[~found])


def due_times(frame: pd.DataFrame, manifest: Manifest, until_ms: float) -> np.ndarray | None:
    """When requests of a rate, a trace or a ramp were due up to a time of the run, unordered; None for other loads."""
    if manifest.is_open:
        return all_due(frame, manifest, until_ms)
    if manifest.ramp_per_s and manifest.interval_s and manifest.users:  # else their number is not known in advance
        return due_in_a_ramp(frame, manifest.interval_s * 1000.0, until_ms)
    return None


def due_in_a_ramp(frame: pd.DataFrame, interval_ms: float, until_ms: float) -> np.ndarray:
    """When requests were due up to a time of the run: each user's first, and one more after each interval.

    Args:
        frame: samples of the whole run.
        interval_ms: between a user's starts.
        until_ms: time of the run.

    Returns:
        Milliseconds of the run, unordered.
    """
    real = frame[(frame["user"] >= 0) & of_the_load(frame)]
    first = real.groupby("user")["scheduled_ms"].min().to_numpy(dtype=np.float64)
    first = first[first <= until_ms]
    times = np.floor((until_ms - first) / interval_ms).astype(np.int64) + 1
    begun = np.repeat(first, times)
    before = np.repeat(np.cumsum(times) - times, times)
    return np.asarray(begun + (np.arange(len(begun)) - before) * interval_ms)


def offered_load(
    frame: pd.DataFrame, monitor: pd.DataFrame, manifest: Manifest, window: Window
) -> tuple[float, float | None]:
    """The seconds that count, and the requests due in them; None in a closed loop, which has no schedule.

    The seconds are the window's, or those of the stages without pauses and settling.
    """
    begin, end = window
    seconds = max(0.0, end - begin) / 1000.0
    interval = manifest.interval_s
    if manifest.stages and (interval or manifest.is_closed):
        lengths = [max(0.0, s.end_ms - s.settled_ms) / 1000.0 for s in manifest.stages]
        if not interval:
            return sum(lengths), None
        rates = [s.users / interval if s.rate is None else s.rate for s in manifest.stages]
        return sum(lengths), sum(rate * length for rate, length in zip(rates, lengths, strict=True))
    if not seconds or not (interval or manifest.is_open):
        return seconds, None
    due = due_times(frame, manifest, end)
    if due is not None:
        return seconds, float((due >= begin).sum())
    users = _mean_users(monitor, manifest, window)
    return seconds, None if users is None else users * (end - begin) / 1000.0 / (interval or 1.0)


def _mean_users(monitor: pd.DataFrame, manifest: Manifest, window: Window) -> float | None:
    if monitor.empty:
        return manifest.users or None
    seen = (monitor["at_ms"] > window[0]) & (monitor["at_ms"] <= window[1]) & (monitor["process"] != "master")
    inside = monitor.loc[seen, ["process", "users"]]
    return None if inside.empty else float(inside.groupby("process")["users"].mean().sum())


def arrived(frame: pd.DataFrame, column: str, window: Window) -> float | None:
    """How many tokens or chunks arrived in the window; None if no successful answer has a count.

    Tokens of requests from the warm-up count if they arrive in the window; tokens that arrive in the drain do not.

    Args:
        frame: samples with derived columns.
        column: of the counts.
        window: of the statistics.
    """
    told = (frame["outcome"] == "ok") & frame[column].notna() & of_the_load(frame)
    ok = frame.loc[told, frame.columns.intersection([*_COURSE, column], sort=False)]
    if ok.empty:
        return None
    return spread_evenly(ok, column, window)


def spread_evenly(rows: pd.DataFrame, column: str, window: Window) -> float:
    """The part of these counts in the window, if each is spread from its request's first token to its last byte."""
    last = ends_ms(rows).to_numpy(dtype=np.float64)
    first = (rows["start_ms"] + rows["ttft_ms"]).to_numpy(dtype=np.float64)
    first = np.fmin(np.where(np.isnan(first), last, first), last)
    inside = np.clip(np.fmin(last, window[1]) - np.fmax(first, window[0]), 0.0, None)
    length = last - first
    at_once = (last >= window[0]) & (last <= window[1])
    share = np.where(length > 0.0, inside / np.where(length > 0.0, length, 1.0), at_once)
    return float(np.nansum(share * rows[column].to_numpy(dtype=np.float64)))


def missed_starts(frame: pd.DataFrame, manifest: Manifest, window: Window) -> np.ndarray:
    """Response times, in milliseconds, of requests that were due in the window but never sent.

    Each counts from when it was due to the end of the next request of its user. At a rate, and if no next request
    ended, it counts to the end of the window, a lower bound. Empty for closed loops, and for stages, because their
    users come and go.
    """
    if manifest.is_open and not manifest.stages:
        return window[1] - unserved(frame, manifest, window)
    interval = 1000.0 * float(manifest.interval_s or 0.0)
    load = frame.loc[(frame["user"] >= 0) & frame["paced"], frame.columns.intersection(["user", *_COURSE], sort=False)]
    if not interval or manifest.stages or load.empty:
        return np.empty(0)
    late = late_limit_ms(manifest)
    ended = manifest.ended == "run-time" or was_stopped(manifest)
    goes_on = ended and bool(manifest.stopped_at_ms)  # otherwise users may have left before their last start
    load = load.assign(end_ms=ends_ms(load)).sort_values(["user", "scheduled_ms"], kind="stable")
    scheduled, starts, ends = (load[name].to_numpy(np.float64) for name in ("scheduled_ms", "start_ms", "end_ms"))
    last = np.append(np.diff(load["user"].to_numpy()) != 0, True)
    until = np.where(last, window[1] if goes_on else scheduled, np.append(scheduled[1:], 0.0))
    next_ends = np.where(last, np.nan, np.append(ends[1:], 0.0))
    found: list[np.ndarray] = []
    waits = np.flatnonzero(until - scheduled > interval + late)
    if (until - scheduled)[waits].sum() > MOST_MISSED * interval:
        return np.empty(0)
    for at in waits:
        due = np.arange(scheduled[at] + interval, until[at] - late, interval)
        due = due[(due >= window[0]) & (due < window[1])]
        answered = np.where(starts[at] >= due, ends[at], next_ends[at])
        found.append(np.where(np.isnan(answered), window[1], answered) - due)
    return np.concatenate(found) if found else np.empty(0)

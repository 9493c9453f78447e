"""One run's times for each distribution of `model.metrics`, including lower bounds of requests that did not finish.

A request that timed out, or that the end of the run aborted, took at least the time observed. This bounds its service
time and response time, and its time to first token if none had come. For metrics that need the whole answer, such
as the time per token, nothing is known of such requests. But if some were aborted, the successful ones are weighted
(`shares`) to represent them too: the end of a run aborts slow requests, so unweighted successes would look too fast.
Knows nothing about statistics of several runs.
"""

from functools import cached_property

import numpy as np
import pandas as pd

from katydid.model.documents.manifest import Manifest
from katydid.model.metrics import Distribution, Statistic
from katydid.stats.censoring import Known, shares

TIMED_OUT = ("timeout", "idle_timeout")
WHOLE_REQUEST = ("duration", "response")
"""Distributions for which even a request without an answer has a lower bound."""
FIRST_TOKEN = "ttft"  # noqa: S105 - a metric


class RequestTimes:
    """Times of the requests of one run.

    Args:
        rows: the rows that are `timed`, with derived columns.
        manifest: of the run; missing keys are tolerated.

    Attributes:
        ok: which requests succeeded.
        cut: which requests the end of the run aborted.
        open: which requests are censored: aborted or timed out.
    """

    def __init__(self, rows: pd.DataFrame, manifest: Manifest) -> None:
        unsent = (rows["outcome"] == "aborted") & rows["start_ms"].isna()  # never sent, so they have no times
        self._rows = rows = rows[~unsent] if unsent.any() else rows
        outcome = rows["outcome"]
        self.ok = (outcome == "ok").to_numpy()
        self.cut = (outcome == "aborted").to_numpy()
        self.open = self.cut | ((outcome == "failed") & rows["error"].isin(TIMED_OUT)).to_numpy()
        self._failed = ~self.ok & ~self.open
        self._manifest = manifest

    def known(self, distribution: Distribution, factors: np.ndarray | float = 1.0) -> Known | None:
        """The run's times of one distribution; None if it has none.

        Args:
            distribution: with one value per request.
            factors: multiplied with the times of successful requests.
        """
        if distribution.column not in self._rows or (distribution.name == "response" and self._manifest.is_closed):
            return None
        if distribution.name == FIRST_TOKEN:
            return self._first_tokens(distribution.column)
        if distribution.name in WHOLE_REQUEST and self.open.any():
            return self._whole(distribution, factors)
        return self.of_successes(distribution.column, factors)

    def touched(self, distribution: Distribution) -> bool:
        """Return True if censored requests change the statistics of the distribution."""
        return bool(self.cut.any() or (self.open.any() and distribution.name in (*WHOLE_REQUEST, FIRST_TOKEN)))

    def column(self, name: str) -> np.ndarray:
        """One value per request; NaN if it has none."""
        return _floats(self._rows, name)

    def prompts(self) -> np.ndarray | None:
        """The number of the prompt that each successful request sent; None if any of them did not record it."""
        known = self._rows["prompt_id"][self.ok] if "prompt_id" in self._rows else None
        return None if known is None or known.isna().any() else pd.factorize(known)[0]

    def of_successes(self, column: str, factors: np.ndarray | float = 1.0) -> Known | None:
        """The times of a column that only successful requests fill."""
        values = self.column(column) * factors
        there = self.ok & ~np.isnan(values)
        if not there.any():
            return None
        if not self.cut.any():
            return Known.equal(values[there])
        each, _ = self._shares
        return Known.weighted(values[there], each[there], 0.0, np.array([]), int(there.sum()))

    def _whole(self, distribution: Distribution, factors: np.ndarray | float) -> Known:
        times = self._had
        if distribution.name == "response":
            times = times + np.nan_to_num(_floats(self._rows, "late_ms"))
        times = np.where(self.ok, times * factors, times)
        each, left = self._shares
        count = int((self.ok | (self.open & ~self.cut)).sum())
        return Known.weighted(times[self.ok], each[self.ok], left, times[self.open], count)

    def _first_tokens(self, column: str) -> Known | None:
        """Times to the first token; a request that was aborted after its first token has a known time."""
        first = _floats(self._rows, column)
        came = ~np.isnan(first)
        if not self.open.any() or not came.any():
            return self.of_successes(column)
        streams = self._of_streams(came)
        times = np.where(came, first, self._had)[streams]
        open_, cut = ((kind & ~came)[streams] for kind in (self.open, self.cut))
        silent = self.ok & ~came  # successful answers without a token
        return Known.of(times, open_, (self._failed | silent)[streams], cut)

    def _of_streams(self, came: np.ndarray) -> np.ndarray:
        """Which requests have a name under which some answers have a first token."""
        if "name" not in self._rows:
            return np.ones(len(self._rows), dtype=bool)
        names = self._rows["name"]
        return names.isin(names[came].unique()).to_numpy()

    @cached_property
    def _shares(self) -> tuple[np.ndarray, float]:
        return shares(self._had, self.open)

    @cached_property
    def _had(self) -> np.ndarray:
        """Milliseconds from each request's start to its end, or to when it was aborted or timed out."""
        rows, facts = self._rows, self._manifest
        start, had = _floats(rows, "start_ms"), _floats(rows, "duration_ms")
        had = _or(had, _floats(rows, "ended_ms") - start)
        end = float(facts.get("ended_at_ms") or facts.get("stopped_at_ms") or 0.0)
        had = _or(had, np.where(self.cut, np.maximum(end - start, 0.0), np.nan))
        limit = float(facts.get("request_timeout_s") or 0.0) * 1000.0 or np.inf
        idle = float(facts.get("idle_timeout_s") or 0.0) * 1000.0 or limit
        silent = (rows["error"] == "idle_timeout").to_numpy()
        # Rows without a recorded end were alive at their last chunk, and then waited for the next.
        last = np.nan_to_num(_floats(rows, "ttft_ms"))
        last += np.nan_to_num(_floats(rows, "gap_mean_ms") * (_floats(rows, "chunks") - 1.0))
        given_up = np.where(silent, np.minimum(last + idle, limit), limit)
        had = np.where(self.open & ~self.cut, np.minimum(_or(had, given_up), limit), had)
        return _or(np.where(np.isinf(had), np.nan, had), last)


def statistic_of(known: Known, statistic: Statistic) -> tuple[float, bool]:
    """A statistic's value, and whether it is only a lower bound."""
    if statistic.quantile is not None:
        return known.quantile(statistic.quantile)
    return {"mean": known.mean, "min": known.smallest, "max": known.largest}[statistic.name]()


def _floats(rows: pd.DataFrame, column: str) -> np.ndarray:
    """A column's values, with NaN for nulls; all NaN if the run lacks the column."""
    if column not in rows:
        return np.full(len(rows), np.nan)
    return rows[column].to_numpy(dtype=np.float64, na_value=np.nan)


def _or(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), others, values)

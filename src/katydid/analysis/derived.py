"""Columns that follow from others, which rows count, and what a quantile is: one home for each.

Knows of a manifest its interval and how the run ended, and nothing about reports.
"""

import numpy as np
import pandas as pd

from katydid.model.documents.manifest import Manifest
from katydid.model.metrics.declared import Metric, Read, declared_columns
from katydid.model.metrics.parts import RunPart

STOPPED = "failure-threshold"
"""What a manifest's `ended` says of such a run."""
LATE_MS = 50.0
LATE_SHARE_OF_INTERVAL = 0.01


def with_derived(samples: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """The samples with the columns that `model.metrics` names and no sample carries.

    `response_ms`: from when it was due to the last byte. `tpot_ms`, `user_tokens_per_s`: see their metrics.
    `late`: started too late. `paced`: the first request of its iteration, the one that pacing starts; where
    an iteration has several, the others follow as their users get to them. `counted`: enters the
    statistics, see `in_statistics`. `timed`: tells something about times, see `tell_times`. Rows that tell of
    several requests together are left out: see `iterations`. Rows with a `role` are not requests of the load,
    and never count.
    """
    whole = _of_iterations(samples)
    frame = samples[~whole] if whole.any() else samples.copy(deep=False)
    tokens = frame["completion_tokens"].astype(np.float64)
    for column in declared_columns(manifest).intersection(frame.columns):
        frame[column] = _plain(frame[column])
    if manifest.is_closed:  # nothing is due at a time
        frame["late_ms"] = np.nan
    frame["response_ms"] = frame["late_ms"] + frame["duration_ms"]
    frame["tpot_ms"] = (frame["duration_ms"] - frame["ttft_ms"]) / (tokens - 1).where(tokens > 1)
    frame["user_tokens_per_s"] = tokens / frame["duration_ms"].where(frame["duration_ms"] > 0) * 1000.0
    if "ttfo_ms" in frame and not (frame["ttfo_ms"].astype(np.float64) > frame["ttft_ms"].astype(np.float64)).any():
        frame["ttfo_ms"] = np.nan  # no model reasoned first
    frame["late"] = frame["late_ms"] > late_limit_ms(manifest)
    frame["paced"] = (frame["user"] < 0) | ~frame.duplicated(["user", "iteration"])
    frame["counted"] = in_statistics(frame, manifest)
    frame["timed"] = tell_times(frame)
    return frame


def rows_of(frame: pd.DataFrame, part: RunPart | None) -> pd.DataFrame:
    """The rows of one model or target; all of them for None."""
    if part is None:
        return frame
    return frame[frame[part.column] == part.value] if part.column in frame else frame.iloc[:0]


def of_the_load(samples: pd.DataFrame) -> pd.Series:
    """Which rows are requests of the load; those with a `role` were asked beside it."""
    return samples["role"].isna() if "role" in samples else pd.Series(data=True, index=samples.index)


def values_of(rows: pd.DataFrame, column: str) -> np.ndarray:
    """A column's values where it has any; none where the run lacks the column."""
    if column not in rows:
        return np.empty(0)
    values = rows[column].to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(values[~np.isnan(values)])


def ends_ms(samples: pd.DataFrame) -> pd.Series:
    """When each request ended: its last byte came, it failed, or it was cut off; NaN where nobody knows."""
    ends: pd.Series = samples["start_ms"] + samples["duration_ms"]
    return ends.fillna(samples["ended_ms"]) if "ended_ms" in samples else ends


def was_stopped(manifest: Manifest) -> bool:
    """Whether the failure threshold ended the run."""
    return manifest.ended == STOPPED


def warm_up_counts(manifest: Manifest) -> bool:
    """Whether the warm-up is in the statistics: that of a run that the failure threshold stopped.

    It is the beginning of the course that led there, its failures are among those that stopped the run, and often
    its successes are the only ones. In stages every warm-up belongs to its stage, which is steady without it.
    """
    return was_stopped(manifest) and not manifest.stages


def failed_later(samples: pd.DataFrame) -> pd.Series:
    """Failures after the failure threshold had stopped the run: no failure count has them, it ended with its last."""
    later: pd.Series = samples["after_stop"].astype(bool) & (samples["outcome"] == "failed")
    return later


def in_statistics(samples: pd.DataFrame, manifest: Manifest) -> pd.Series:
    """Which rows enter the statistics: the one rule for warm-up and stop.

    - What was started before the stop counts, also where it ended in the drain; only failures in it do not.
    - What started in the warm-up does not count, unless nothing else would.
    - The warm-up of a run that the failure threshold stopped counts, see `warm_up_counts`.
    """
    in_time = ~failed_later(samples) & of_the_load(samples)
    if warm_up_counts(manifest):
        return in_time
    settled = in_time & ~samples["warm_up"].astype(bool)
    return settled if settled.any() else in_time


def tell_times(frame: pd.DataFrame) -> pd.Series:
    """Rows that tell something about times: those that count, and requests that the stop found in flight.

    What those took, or had at least, is as good as any: without them the stop would leave out the slow ones. What its
    client gave up on purpose tells nothing.

    Args:
        frame: samples with the column `counted`.
    """
    later = frame["after_stop"].astype(bool) & of_the_load(frame)
    if not (frame["counted"] & frame["warm_up"]).any():  # else the warm-up counts, too
        later &= ~frame["warm_up"].astype(bool)
    found: pd.Series = (frame["counted"] | later) & (frame["outcome"] != "abandoned")
    return found


def iterations(samples: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """The rows of whole iterations (`kind` is `iteration`) that count."""
    found = samples[_of_iterations(samples)]
    return found[in_statistics(found, manifest)]


def _of_iterations(samples: pd.DataFrame) -> pd.Series:
    if "kind" not in samples:
        return pd.Series(data=False, index=samples.index)
    return samples["kind"] == "iteration"


def late_limit_ms(manifest: Manifest) -> float:
    """From how many milliseconds on a start is late."""
    return max(LATE_MS, (manifest.interval_s or 0.0) * 1000.0 * LATE_SHARE_OF_INTERVAL)


def of_the_run(metric: Metric, counted: pd.DataFrame, seconds: float) -> float | None:
    """A declared rate or share of the successful requests that count; None where no row has a value.

    Args:
        metric: one of `Catalogue.of_the_run`.
        counted: samples with derived columns, those that count.
        seconds: of the statistics.
    """
    ok = counted[counted["outcome"] == "ok"]
    values = ok[metric.column].dropna() if metric.column in ok else pd.Series(dtype=np.float64)
    if values.empty:
        return None
    if metric.read == Read.SHARE:
        return float(values.eq(True).mean())  # a column with nulls holds objects
    return float(values.astype(np.float64).sum()) / seconds if seconds else None


def _plain(column: pd.Series) -> pd.Series:
    """A column that a manifest says holds numbers or truths: whatever else is in it is null."""
    if pd.api.types.is_bool_dtype(column) or column.dropna().map(lambda value: isinstance(value, bool)).all():
        return column
    return pd.to_numeric(column, errors="coerce").astype(np.float64).replace([np.inf, -np.inf], np.nan)


def quantile(values: np.ndarray, q: float) -> float:
    """The smallest observed value that at least a share `q` of the values does not exceed.

    An observation, never a mean of two: it stays right when failed requests stand for infinite times,
    and it is the same everywhere in Katydid.
    """
    return float(np.quantile(values, q, method="inverted_cdf"))

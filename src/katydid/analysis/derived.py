"""Derived columns of the samples, the rule for which rows count, and the definition of a quantile.

Uses the manifest for the schedule and how the run ended. Knows nothing about reports.
"""

import numpy as np
import pandas as pd

from katydid.model.documents.manifest import Manifest
from katydid.model.metrics import RunPart
from katydid.model.metrics.declared import Metric, Read, declared_columns

STOPPED = "failure-threshold"
"""The manifest's `ended` if the failure threshold stopped the run."""
LATE_MS = 50.0
LATE_SHARE_OF_INTERVAL = 0.01


def with_derived(samples: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """The samples with the columns that `model.metrics` uses but samples do not store.

    - `response_ms`: from when the request was due to its last byte.
    - `tpot_ms`, `user_tokens_per_s`: see their metrics.
    - `late`: started too late.
    - `paced`: the first request of its iteration, which pacing starts; the others follow when their users get to them.
    - `counted`: enters the statistics, see `in_statistics`.
    - `timed`: enters the statistics of times with censoring, see `tell_times`.

    Rows of whole iterations are left out, see `iterations`. Rows with a `role` are not requests of the load, and never
    count.
    """
    whole = _of_iterations(samples)
    frame = samples[~whole] if whole.any() else samples.copy(deep=False)
    tokens = frame["completion_tokens"].astype(np.float64)
    for column in declared_columns(manifest).intersection(frame.columns):
        frame[column] = _plain(frame[column])
    if manifest.is_closed:  # there is no schedule
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
    """The rows of one model or target; all rows for None."""
    if part is None:
        return frame
    return frame[frame[part.column] == part.value] if part.column in frame else frame.iloc[:0]


def of_the_load(samples: pd.DataFrame) -> pd.Series:
    """Which rows are requests of the load; rows with a `role` are other requests sent beside it."""
    return samples["role"].isna() if "role" in samples else pd.Series(data=True, index=samples.index)


def values_of(rows: pd.DataFrame, column: str) -> np.ndarray:
    """A column's values without nulls; empty if the run lacks the column."""
    if column not in rows:
        return np.empty(0)
    values = rows[column].to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(values[~np.isnan(values)])


def ends_ms(samples: pd.DataFrame) -> pd.Series:
    """When each request ended: its last byte came, it failed, or it was aborted; NaN if unknown."""
    ends: pd.Series = samples["start_ms"] + samples["duration_ms"]
    return ends.fillna(samples["ended_ms"]) if "ended_ms" in samples else ends


def was_stopped(manifest: Manifest) -> bool:
    """Return True if the failure threshold stopped the run."""
    return manifest.ended == STOPPED


def warm_up_counts(manifest: Manifest) -> bool:
    """Return True if the statistics include the warm-up: if the failure threshold stopped a run without stages.

    Failures in the warm-up are among those that stopped the run, and its successes are often the only ones. In a run
    with stages, each stage has its own warm-up and is steady without it.
    """
    return was_stopped(manifest) and not manifest.stages


def failed_later(samples: pd.DataFrame) -> pd.Series:
    """Failures after the stop of the run; no failure count includes them."""
    later: pd.Series = samples["after_stop"].astype(bool) & (samples["outcome"] == "failed")
    return later


def in_statistics(samples: pd.DataFrame, manifest: Manifest) -> pd.Series:
    """Which rows enter the statistics; the only rule for warm-up and stop.

    - Requests that started before the stop count, even if they ended in the drain; failures in the drain do not.
    - Requests that started in the warm-up do not count, unless there are no others.
    - If the failure threshold stopped the run, the warm-up counts, see `warm_up_counts`.
    """
    in_time = ~failed_later(samples) & of_the_load(samples)
    if warm_up_counts(manifest):
        return in_time
    settled = in_time & ~samples["warm_up"].astype(bool)
    return settled if settled.any() else in_time


def tell_times(frame: pd.DataFrame) -> pd.Series:
    """Which rows enter the statistics of times: those with `counted`, and requests in flight at the stop.

    The times of requests in flight, or their lower bounds, are valid too; without them the stop would leave out the
    slow ones. Requests that their client abandoned on purpose are left out.
    """
    later = frame["after_stop"].astype(bool) & of_the_load(frame)
    if not (frame["counted"] & frame["warm_up"]).any():  # else the warm-up counts too
        later &= ~frame["warm_up"].astype(bool)
    found: pd.Series = (frame["counted"] | later) & (frame["outcome"] != "abandoned")
    return found


def iterations(samples: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """The rows of whole iterations (`kind` is `iteration`) that count."""
    found = samples[_of_iterations(samples)]
    return found[in_statistics(found, manifest)]


def _of_iterations(samples: pd.DataFrame) -> pd.Series:
    kinds: pd.Series = samples["kind"] if "kind" in samples else pd.Series(data="", index=samples.index)
    return kinds == "iteration"


def late_limit_ms(manifest: Manifest) -> float:
    """A start is late if it is later than this, in milliseconds."""
    return max(LATE_MS, (manifest.interval_s or 0.0) * 1000.0 * LATE_SHARE_OF_INTERVAL)


def of_the_run(metric: Metric, counted: pd.DataFrame, seconds: float) -> float | None:
    """A declared rate or share over the successful requests that count; None if no row has a value.

    Args:
        metric: one of `Catalogue.of_the_run`.
        counted: samples with derived columns, those that count.
        seconds: length of the window of the statistics.
    """
    ok = counted[counted["outcome"] == "ok"]
    values = ok[metric.column].dropna() if metric.column in ok else pd.Series(dtype=np.float64)
    if values.empty:
        return None
    if metric.read == Read.SHARE:
        return float(values.eq(True).mean())  # with nulls, the column has objects
    return float(values.astype(np.float64).sum()) / seconds if seconds else None


def _plain(column: pd.Series) -> pd.Series:
    """A declared column as booleans or finite floats; any other value becomes null."""
    if pd.api.types.is_bool_dtype(column) or column.dropna().map(lambda value: isinstance(value, bool)).all():
        return column
    return pd.to_numeric(column, errors="coerce").astype(np.float64).replace([np.inf, -np.inf], np.nan)


def quantile(values: np.ndarray, q: float) -> float:
    """The smallest observed value that at least a share `q` of the values does not exceed.

    It is an observed value, never an average of two, so it stays valid if some times are infinite. All of Katydid uses
    this definition.
    """
    return float(np.quantile(values, q, method="inverted_cdf"))

"""The objective that stages are judged by: from a thresholds file, or a default."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from katydid.analysis.capacity.holds import CONVERSATIONS_OK, Criterion, criterion
from katydid.gate.thresholds import read_thresholds
from katydid.model.errors import ConfigError
from katydid.model.metrics.declared import catalogue_of, declare
from katydid.model.sample import Sample

_REQUEST_COLUMNS = {field.name for field in fields(Sample)} | {"response_ms", "tpot_ms"}
MOST_FAILURES = 0.05
"""Share of requests that may fail, and that may take too long, without a thresholds file."""


def read_criteria(
    thresholds: str | None, limit: float | None, interval: float, users: Sequence[Any] = ()
) -> list[Criterion]:
    """Read the objective.

    Args:
        thresholds: path of a thresholds file; None for the default objective.
        limit: seconds within which 95 % of the answers must end; by default the interval.
        interval: seconds between a user's requests; 0 in a closed loop, which has no default limit.
        users: the run's user classes, which may declare metrics and columns of their own.

    Raises:
        ConfigError: the file has no objective, or none that requests or conversations can meet; or there is also a
            limit.
    """
    if thresholds is None:
        longest = (limit or interval) * 1000.0
        failures = Criterion("failure_rate", MOST_FAILURES)
        return [failures, *([Criterion("duration.p95", MOST_FAILURES, longest)] if longest else [])]
    if limit is not None:
        raise ConfigError("--limit and --thresholds both set the objective: give one of them")
    columns = {name: kind for user in users for name, kind in user.extra_columns.items()}
    catalogue = catalogue_of(declare(columns, dict.fromkeys(metric for user in users for metric in user.metrics)))
    objectives = read_thresholds(Path(thresholds), catalogue).objectives
    every = _REQUEST_COLUMNS | columns.keys()
    right_way = [o for o in objectives if o.limit.is_upper != (o.metric == CONVERSATIONS_OK)]
    found = [c for o in right_way if (c := criterion(o.metric, o.limit.value, every)) is not None]
    if not found:
        raise ConfigError(
            f"{thresholds} has no objective that a stage can meet: give its [objective] a limit of failure_rate, "
            "late_share or a percentile, as duration.p95"
        )
    return found

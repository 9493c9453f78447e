"""The gaps between content chunks of all requests of a run, as a histogram: what ITL is computed from."""

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from katydid.model.gaps import Gaps
from katydid.runs.rows import encode, record_schema
from katydid.stats.histogram import Histogram


@dataclass(slots=True)
class GapRow:
    """The columns of gaps.parquet.

    Attributes:
        warm_up: of requests that started in the warm-up.
        bucket: of `stats.histogram`, in seconds.
        count: gaps in it, of successful requests.
    """

    warm_up: bool
    bucket: int
    count: int


SCHEMA = record_schema(GapRow)


class GapBuffer:
    """Gaps of one process that were not handed on yet."""

    def __init__(self) -> None:
        self._counted = {warm_up: Histogram() for warm_up in (False, True)}

    def add(self, gaps: Gaps, *, warm_up: bool) -> None:
        """Count the gaps of a request."""
        self._counted[warm_up].add(gaps.apart, gaps.together)

    def drain(self) -> bytes | None:
        """All gaps since the last drain as one batch; None where there are none."""
        rows = [(warm_up, *each) for warm_up, counted in self._counted.items() for each in counted.counts.items()]
        if not rows:
            return None
        self._counted = {warm_up: Histogram() for warm_up in (False, True)}
        return encode(list(zip(*rows, strict=True)), SCHEMA)


def merged(rows: pa.Table) -> pa.Table:
    """One row for each bucket."""
    keys = ["warm_up", "bucket"]
    return rows.group_by(keys).aggregate([("count", "sum")]).rename_columns([*keys, "count"]).cast(SCHEMA)


def counted(rows: pd.DataFrame, *, warm_up: bool = False) -> Histogram:
    """The gaps that enter the statistics.

    Args:
        rows: of gaps.parquet.
        warm_up: those of the warm-up too; else only where there are no others.
    """
    settled = rows[~rows["warm_up"].astype(bool)]
    used = rows if warm_up or settled.empty else settled
    total = Histogram()
    for bucket, count in zip(used["bucket"], used["count"], strict=True):
        total.counts[int(bucket)] += int(count)
    return total

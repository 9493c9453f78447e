"""The gaps between content chunks of all requests of a run, as a histogram, from which ITL is computed."""

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from katydid.model.sample import Gaps
from katydid.runs.rows import encode, record_schema
from katydid.stats.histogram import Histogram


@dataclass(slots=True)
class GapRow:
    """A bucket of the histogram of gaps between content chunks, from which ITL is computed.

    Attributes:
        warm_up: True for requests that started in the warm-up.
        bucket: index of the bucket in `stats.histogram`, whose values are in seconds.
        count: gaps of successful requests in the bucket.
    """

    warm_up: bool
    bucket: int
    count: int


SCHEMA = record_schema(GapRow)


class GapBuffer:
    """Gaps of one process that have not been drained yet."""

    def __init__(self) -> None:
        self._counted = {warm_up: Histogram() for warm_up in (False, True)}

    def add(self, gaps: Gaps, *, warm_up: bool) -> None:
        """Count the gaps of a request."""
        self._counted[warm_up].add(gaps.apart, gaps.together)

    def drain(self) -> bytes | None:
        """Return all gaps since the last drain as one batch, or None if there are none."""
        rows = [(warm_up, *each) for warm_up, counted in self._counted.items() for each in counted.counts.items()]
        if not rows:
            return None
        self._counted = {warm_up: Histogram() for warm_up in (False, True)}
        return encode(list(zip(*rows, strict=True)), SCHEMA)


def merged(rows: pa.Table) -> pa.Table:
    """Add up the rows of each bucket."""
    keys = ["warm_up", "bucket"]
    return rows.group_by(keys).aggregate([("count", "sum")]).rename_columns([*keys, "count"]).cast(SCHEMA)


def counted(rows: pd.DataFrame, *, warm_up: bool = False) -> Histogram:
    """The gaps that enter the statistics.

    Args:
        rows: rows of gaps.parquet.
        warm_up: whether to include the gaps of the warm-up; they are used in any case if there are no others.
    """
    settled = rows[~rows["warm_up"].astype(bool)]
    used = rows if warm_up or settled.empty else settled
    total = Histogram()
    for bucket, count in zip(used["bucket"], used["count"], strict=True):
        total.counts[int(bucket)] += int(count)
    return total

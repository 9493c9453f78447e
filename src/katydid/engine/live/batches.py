"""The columns of a batch of rows as arrays, with NaN for missing values."""

import numpy as np
import pyarrow as pa

from katydid.runs.rows import decode


class Batch:
    """A batch of samples or monitor rows, as `RowBuffer.drain` encoded it."""

    def __init__(self, data: bytes) -> None:
        self._table: pa.Table = decode(data)

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def numbers(self, name: str) -> np.ndarray:
        """A column of numbers or booleans, as floats."""
        column = self._table[name].combine_chunks()
        return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))

    def words(self, name: str) -> list[str | None]:
        """A column of strings."""
        return list(self._table[name].to_pylist())

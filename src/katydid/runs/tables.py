"""Parquet files of a run folder, which may come from anybody: read within bounds, and of the types that they must have.

A few kilobytes of Parquet can stand for gigabytes: a value that is repeated costs nothing in the file. What a run
records has a time of its own in each row, and cannot be packed so; a file that claims more rows than that is damaged.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from katydid.model.formatting import plural
from katydid.model.options import YEAR

FEWEST_BYTES_A_ROW = 4
FREE_ROWS = 100_000
"""Rows for which nobody asks how large the file is."""
LONGEST_TEXT = 64 * 1024
"""Bytes; our own texts have some 200 characters."""
MOST = 1e15
"""No number that a run records is larger: what is computed of it stays finite."""
MOST_MS = 1000.0 * YEAR
"""No run lasts longer: what has a place for each of its seconds stays small."""


class TableError(ValueError):
    """A file that no run has written; the message says why."""


def read_table(path: Path, schema: pa.Schema) -> pa.Table:
    """The rows of a file, of the types of the schema, and null for columns that an older version did not write.

    Columns beside those of the schema stay as they are.

    Raises:
        TableError: no run has written this.
        OSError, pa.ArrowException: it cannot be read.
    """
    size = path.stat().st_size
    with pq.ParquetFile(path) as file:
        _check_size(file.metadata, size)
        texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
    with pq.ParquetFile(path, read_dictionary=texts) as file:  # a long text that is repeated stays one
        batches = list(_checked(file.iter_batches(), bound=_bound(size)))
        rows = pa.Table.from_batches(batches, file.schema_arrow)
    return fitted(rows, schema)


def fitted(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows with the columns of a schema.

    Raises:
        TableError: a column has other values than a run records.
    """
    for column in schema:
        if column.name not in rows.column_names:
            rows = rows.append_column(column, pa.nulls(len(rows), column.type))
    return pa.table({name: _fitted(name, rows[name], schema) for name in rows.column_names})


def _fitted(name: str, values: pa.ChunkedArray, schema: pa.Schema) -> pa.ChunkedArray:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if name in schema.names and values.type != schema.field(name).type:
        try:
            values = values.cast(schema.field(name).type)
        except pa.ArrowException as error:
            raise TableError(f"column {name}: {str(error).splitlines()[0]}") from None
    most = MOST_MS if name.endswith("_ms") else MOST
    if _is_number(values.type) and pc.any(pc.greater(pc.abs(values.cast(pa.float64(), safe=False)), most)).as_py():
        raise TableError(f"column {name}: a value that no run has")
    return values


def _check_size(metadata: pq.FileMetaData, size: int) -> None:
    if metadata.num_rows > FREE_ROWS + size / FEWEST_BYTES_A_ROW:
        raise TableError(f"{plural(metadata.num_rows, 'row')} in {size} bytes: no run has so many in so few")
    unpacked = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
    if unpacked > _bound(size):
        raise TableError(f"{unpacked} bytes are packed into {size}: no run's are")


def _bound(size: int) -> int:
    """Bytes that a file of this size may have in memory."""
    return 64 * 2**20 + 100 * size


def _checked(batches: Iterator[pa.RecordBatch], bound: int) -> Iterator[pa.RecordBatch]:
    held = 0
    for batch in batches:
        held += batch.nbytes
        if held > bound or any(_has_long_text(column) for column in batch.columns):
            raise TableError("more is packed into it than a run has")
        yield batch


def _has_long_text(column: pa.Array) -> bool:
    if not pa.types.is_dictionary(column.type) or not _is_text(column.type.value_type):
        return False
    longest = pc.max(pc.binary_length(column.dictionary)).as_py()
    return longest is not None and longest > LONGEST_TEXT


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _is_text(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary))

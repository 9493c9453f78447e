"""Reads the Parquet files of a run folder with bounds and type checks, since the folder may come from anybody.

A few kilobytes of Parquet can expand to gigabytes, because repeated values cost nothing. A run's rows cannot shrink
that far, since each has its own time; a file that claims more rows is damaged.
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
"""Up to this many rows, the file's size is not checked."""
LONGEST_TEXT = 64 * 1024
"""In bytes; Katydid's own texts have about 200 characters."""
MOST = 1e15
"""No recorded number is larger, so that results computed from them stay finite."""
MOST_MS = 1000.0 * YEAR
"""No run lasts longer, so that arrays with one element per second stay small."""


class TableError(ValueError):
    """The file cannot come from a run; the message says why."""


def read_table(path: Path, schema: pa.Schema) -> pa.Table:
    """Read a file, converted to the schema's types; columns that an older version did not write are null.

    Columns outside the schema are returned unchanged.

    Raises:
        TableError: the file cannot come from a run.
        OSError, pa.ArrowException: the file cannot be read.
    """
    size = path.stat().st_size
    with pq.ParquetFile(path) as file:
        _check_size(file.metadata, size)
        texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
    with pq.ParquetFile(path, read_dictionary=texts) as file:  # a repeated long text is kept once
        rows = pa.Table.from_batches(_checked(file.iter_batches(), _bound(size)), file.schema_arrow)
    return fitted(rows, schema)


def fitted(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Add the schema's missing columns and convert the others to its types.

    Raises:
        TableError: a column has values that no run records.
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
    is_number = pa.types.is_floating(values.type) or pa.types.is_integer(values.type)
    if is_number and pc.any(pc.greater(pc.abs(values.cast(pa.float64(), safe=False)), most)).as_py():
        raise TableError(f"column {name}: a value is out of range")
    return values


def _check_size(metadata: pq.FileMetaData, size: int) -> None:
    if metadata.num_rows > FREE_ROWS + size / FEWEST_BYTES_A_ROW:
        raise TableError(f"{plural(metadata.num_rows, 'row')} in {size} bytes are more than a run can write")
    unpacked = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
    if unpacked > _bound(size):
        raise TableError(f"{unpacked} bytes packed into {size} are more than a run can write")


def _bound(size: int) -> int:
    """Largest size in memory, in bytes, for a file of this size."""
    return 64 * 2**20 + 100 * size


def _checked(batches: Iterator[pa.RecordBatch], bound: int) -> Iterator[pa.RecordBatch]:
    held = 0
    for batch in batches:
        held += batch.nbytes
        if held > bound or any(_has_long_text(column) for column in batch.columns):
            raise TableError("it unpacks to more data than a run can write")
        yield batch


def _has_long_text(column: pa.Array) -> bool:
    if not pa.types.is_dictionary(column.type) or not _is_text(column.type.value_type):
        return False
    longest = pc.max(pc.binary_length(column.dictionary)).as_py()
    return longest is not None and longest > LONGEST_TEXT


def _is_text(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary))

"""The rows of a Parquet file of prompts, a few at a time, so that no file takes the memory that it could unpack to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from katydid.load.prompts.collection import Entry
from katydid.load.prompts.entry import CONVERSATIONS, KNOWN, TEXTS
from katydid.model.errors import ConfigError

MOST_AT_ONCE = 16 * 2**20
"""Bytes of the rows that are in memory at a time, about: a dictionary may make each as long as all its texts."""
_MOST_ROWS = 1024
_PAGE_BUFFER = 2**20
_LARGE, _MOST_RATIO = 64 * 2**20, 50
"""A column of more bytes that was packed more tightly than text can be is made to fill a memory."""
_DAMAGED = (pa.ArrowException, ArithmeticError, LookupError, OSError, TypeError, ValueError)
"""What pyarrow raises where a file is not what it says."""


def parquet_rows(path: Path) -> Iterator[Entry]:
    """Each row as an object of the columns that are known.

    Raises:
        ConfigError: the file is damaged, or has no column of prompts.
    """
    number = 0
    try:
        with parquet.ParquetFile(path, buffer_size=_PAGE_BUFFER) as file:
            names = [name for name in file.schema_arrow.names if name.lower() in KNOWN]
            if not {name.lower() for name in names} & {*CONVERSATIONS, *TEXTS}:
                raise ConfigError(f"has no column of prompts: one of {', '.join((*CONVERSATIONS, *TEXTS))}")
            for group in range(file.num_row_groups):
                size = _rows_at_once(file.metadata.row_group(group), names)
                for batch in file.iter_batches(size, row_groups=[group], columns=names, use_threads=False):
                    for row in batch.to_pylist():
                        number += 1
                        yield "row", number, {name.lower(): value for name, value in row.items()}
    except _DAMAGED as error:
        why = next(iter(str(error).splitlines()), type(error).__name__)
        raise ConfigError(f"is damaged after row {number}, or not Parquet ({why[:160]})") from None


def _rows_at_once(group: Any, names: list[str]) -> int:
    """How many rows fit into memory, if each were as long as all that its column has."""
    columns = [group.column(index) for index in range(group.num_columns)]
    used = [column for column in columns if column.path_in_schema.partition(".")[0] in names]
    for column in used:
        packed, size = max(1, column.total_compressed_size), column.total_uncompressed_size
        if size > _LARGE and size / packed > _MOST_RATIO:
            raise ConfigError(f"its column {column.path_in_schema} unpacks to {size >> 20} MiB: send a part of it")
    longest = max((column.total_uncompressed_size for column in used), default=1)
    return max(1, min(_MOST_ROWS, MOST_AT_ONCE // max(1, longest)))

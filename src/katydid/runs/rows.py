"""Rows on their way from memory to disk: Arrow record batches, in memory, on the wire and in a log.

A process buffers rows and drains them about once a second into one self-describing batch (an Arrow
IPC stream, so that it can travel in a message). A log is batches behind each other, each with its
length in front; a log that was cut off anywhere is read up to its last whole batch.

A batch is never lost for one value: what its column cannot hold is null in the batch, and counted. Who fills in
rows gives values that fit (`model.values`); this is the second line of defence.
"""

import errno
import os
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from types import UnionType
from typing import Any, BinaryIO, get_args

import pyarrow as pa

from katydid.model.sample import NO_COLUMNS, Sample

MACHINE, TARGET = "machine", "target"
WATCHED = frozenset({MACHINE, TARGET})
"""Rows that are not of a process of the generator's: the whole machine that keeps the folder, and the target."""


@dataclass(slots=True)
class MonitorRow:
    """The columns of monitor.parquet.

    Attributes:
        at_ms: from the run's start.
        process: `local`, `master`, or the worker's name; or `machine` or `target` (WATCHED).
        users: running users.
        cpu_percent: of this process, 100 = one core; of the machine, 100 = all its cores.
        cpu_wait_percent: of the second in which it could have gone on, but others had its core; None where the
            system does not tell.
        memory_bytes: resident; of the machine, what is in use.
        sent_bytes, received_bytes: by all of this machine's interfaces in this second.
        loop_lag_ms: how late the event loop came to a timer, at worst in this second.
        open_connections: to the target.
        clock_step_ms: by how much the wall clock ran away from the monotonic clock in this second.
        blocked_ms: of this second, in which the event loop came to nothing: all lags over 5 ms added up, and the time
            for which the machine was suspended; None for rows of WATCHED.
        stamped_reads, unstamped_reads: of answers in this second, timed by the kernel's stamps, and by our own reading.
        in_flight: requests of this process that have begun and not ended; None for rows of WATCHED.
    """

    at_ms: float
    process: str
    users: int
    cpu_percent: float
    cpu_wait_percent: float | None
    memory_bytes: int
    sent_bytes: int | None
    received_bytes: int | None
    loop_lag_ms: float
    open_connections: int
    clock_step_ms: float
    blocked_ms: float | None = None
    stamped_reads: int | None = None
    unstamped_reads: int | None = None
    in_flight: int | None = None


@dataclass(slots=True)
class EventRow:
    """The columns of events.parquet.

    Attributes:
        request_id: of the sample that it belongs to.
        at_ms: its arrival, from the run's start; of the read that brought its last byte.
        kind: `text`, `reasoning`, `tool`, `empty`, `finish`, `usage`, `done`, `error` or `other`.
        bytes: of its data.
        tokens: completion tokens that it says the answer has; None where it says nothing.
    """

    request_id: str
    at_ms: float
    kind: str
    bytes: int
    tokens: int | None


_LENGTH = struct.Struct("<4sI")
_MAGIC = b"KTYD"

_ARROW_TYPES: dict[type, pa.DataType] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
}


def _arrow_type(annotation: Any) -> pa.DataType:
    """The column type of a record's field: `float | None` and enumerations of strings included."""
    kinds = [k for k in get_args(annotation) if k is not type(None)] if isinstance(annotation, UnionType) else []
    kind = kinds[0] if kinds else annotation
    return next(arrow for python, arrow in _ARROW_TYPES.items() if issubclass(kind, python))


def _columns(record: type) -> dict[str, pa.DataType]:
    return {f.name: _arrow_type(f.type) for f in fields(record) if f.name not in NO_COLUMNS}


def sample_schema(extra: dict[str, type] | None = None) -> pa.Schema:
    """The columns of samples.parquet, followed by those that a workload adds."""
    columns = _columns(Sample) | {name: _ARROW_TYPES[kind] for name, kind in (extra or {}).items()}
    return pa.schema(list(columns.items()))


def record_schema(record: type) -> pa.Schema:
    """The columns of any dataclass of plain values."""
    return pa.schema(list(_columns(record).items()))


class RowBuffer:
    """Rows of one process that were not handed on yet.

    Args:
        schema: the columns; a row's `extra` is looked up for those that are not attributes of it.

    Attributes:
        nulled: values that did not fit their column, by its name; null in the batches that were drained.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.nulled: Counter[str] = Counter()
        self._rows: list[object] = []

    def __len__(self) -> int:
        return len(self._rows)

    def append(self, row: object) -> None:
        """Keep a row; it may still be changed until the next drain."""
        self._rows.append(row)

    def drain(self) -> bytes | None:
        """All rows since the last drain as one batch; None where there are none."""
        if not self._rows:
            return None
        rows, self._rows = self._rows, []
        return encode([_values(rows, f.name) for f in self.schema], self.schema, self.nulled)


def encode(columns: Sequence[Sequence[object]], schema: pa.Schema, nulled: Counter[str] | None = None) -> bytes:
    """Columns of plain values as one batch.

    Args:
        columns: the values, a sequence for each of the schema's columns.
        schema: of the batch.
        nulled: is told of values that did not fit their column.
    """
    arrays = []
    for values, column in zip(columns, schema, strict=True):
        try:
            array = pa.array(values, column.type)
        except _UNFIT:
            array, unfit = _salvaged(values, column.type)
            if nulled is not None and unfit:
                nulled[column.name] += unfit
        arrays.append(array)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as stream:
        stream.write_batch(pa.record_batch(arrays, schema=schema))
    return bytes(sink.getvalue())


_UNFIT = (pa.ArrowException, ArithmeticError, TypeError, ValueError)
"""What Arrow raises for a value of another type or beyond its column's range."""


def _salvaged(values: Sequence[object], kind: pa.DataType) -> tuple[pa.Array, int]:
    """A column value by value; and how many of them are null since they did not fit."""
    kept: list[object] = []
    for value in values:
        written = value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        try:
            kept.append(pa.scalar(written, kind).as_py())
        except _UNFIT:
            kept.append(None)
    unfit = sum(value is not None and each is None for value, each in zip(values, kept, strict=True))
    return pa.array(kept, kind), unfit


def _values(rows: list[Any], name: str) -> list[object]:
    if hasattr(rows[0], name):
        return list(map(attrgetter(name), rows))
    return [row.extra.get(name) for row in rows]


def decode(batch: bytes) -> pa.Table:
    """The rows of a drained batch."""
    with pa.ipc.open_stream(batch) as stream:
        return stream.read_all()


def decoded(batch: bytes, schema: pa.Schema) -> pa.Table:
    """The same of a batch that comes from elsewhere.

    Raises:
        ValueError: its columns are others.
        pa.ArrowException, OSError: it is none.
    """
    with pa.ipc.open_stream(batch) as stream:
        if stream.schema != schema:
            raise ValueError("other columns than the run's")
        return stream.read_all()


class RowLog:
    """Appends batches to a file, each handed to the operating system at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO = path.open("ab", buffering=0)
        self._end = self._file.tell()

    def append(self, batch: bytes) -> None:
        """Write one batch.

        Raises:
            OSError: it could not be written whole, and is not there at all; what comes later still may be. Also where
                somebody has deleted the file: nobody would find the rows.
        """
        if not os.fstat(self._file.fileno()).st_nlink:
            raise OSError(errno.ENOENT, "the file has been deleted", str(self.path))
        record = _LENGTH.pack(_MAGIC, len(batch)) + batch
        written = self._file.write(record)
        if written != len(record):
            self._file.truncate(self._end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self._end += written

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_log(path: Path, schema: pa.Schema) -> tuple[pa.Table, bool]:
    """All whole batches of a log, and whether nothing was cut off behind them."""
    data = path.read_bytes()
    whole = 0
    tables = []
    for end, batch in _batches(data):
        try:
            tables.append(decode(batch))
        except (pa.ArrowException, OSError):
            break
        whole = end
    return _concat(tables, schema), whole == len(data)


def _batches(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + _LENGTH.size <= len(data):
        magic, length = _LENGTH.unpack_from(data, position)
        start, position = position + _LENGTH.size, position + _LENGTH.size + length
        if magic != _MAGIC or position > len(data):
            return
        yield position, data[start:position]


def _concat(tables: Iterable[pa.Table], schema: pa.Schema) -> pa.Table:
    tables = list(tables)
    if not tables:
        return schema.empty_table()
    return pa.concat_tables(tables, promote_options="default")

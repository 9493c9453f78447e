"""Rows on their way from memory to disk: Arrow record batches in memory, in messages and in logs.

A process buffers rows and drains them about once a second into one self-describing batch, an Arrow IPC stream. A log is
a sequence of batches, each preceded by its length; a truncated log is read up to its last whole batch.

One bad value never costs a batch: a value that does not fit its column becomes null and is counted. Callers already
give values that fit (`model.values`); this is the second line of defence.
"""

import errno
import os
import struct
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from types import UnionType
from typing import Any, BinaryIO, get_args

import pyarrow as pa

from katydid.model.sample import NO_COLUMNS, Sample

MACHINE, TARGET = "machine", "target"
WATCHED = frozenset({MACHINE, TARGET})
"""Processes of rows that are not about the generator: the machine that keeps the run folder, and the target."""


@dataclass(slots=True)
class MonitorRow:
    """The state of a process of the generator, of the machine, or of the target, in one second.

    Attributes:
        at_ms: time since the run's start.
        process: `local`, `master` or the worker's name; `machine` or `target` for their own rows.
        users: running users.
        cpu_percent: CPU of the process, 100 = one core; for the machine, 100 = all its cores.
        cpu_wait_percent: share of the second in which the process was ready to run but waited for a core; None if the
            system does not report it.
        memory_bytes: resident memory of the process; memory in use on the machine.
        sent_bytes: bytes sent on all of the machine's network interfaces in this second.
        received_bytes: bytes received on them.
        loop_lag_ms: the longest delay of a timer of the event loop in this second.
        open_connections: open connections to the target.
        clock_step_ms: how far the wall clock moved against the monotonic clock in this second.
        blocked_ms: time in this second in which the event loop was blocked: the sum of all lags over 5 ms, and the time
            for which the machine was suspended; None for the rows of `machine` and `target`.
        stamped_reads: reads of answers in this second that the kernel timestamped.
        unstamped_reads: reads of answers in this second that the generator timed itself.
        in_flight: requests in flight in this process; None for the rows of `machine` and `target`.
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
    """One event of a streamed answer, recorded with `--record-events`.

    Attributes:
        request_id: the request's sample.
        at_ms: when the read with the event's last byte arrived, since the run's start.
        kind: `text`, `reasoning`, `tool`, `empty`, `finish`, `usage`, `done`, `error` or `other`.
        bytes: size of the event's data.
        tokens: completion tokens of the answer so far, if the event reports them; else None.
    """

    request_id: str
    at_ms: float
    kind: str
    bytes: int
    tokens: int | None


_LENGTH = struct.Struct("<4sI")
_MAGIC = b"KTYD"

_ARROW_TYPES: dict[type, pa.DataType] = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}


def _arrow_type(annotation: Any) -> pa.DataType:
    """The column type of a record's field, which may be `float | None` or an enumeration of strings."""
    kinds = [k for k in get_args(annotation) if k is not type(None)] if isinstance(annotation, UnionType) else []
    kind = kinds[0] if kinds else annotation
    return next(arrow for python, arrow in _ARROW_TYPES.items() if issubclass(kind, python))


def record_schema(record: type, extra: Mapping[str, type] | None = None) -> pa.Schema:
    """The columns for a dataclass of plain values, followed by `extra` columns."""
    columns = {f.name: f.type for f in fields(record) if f.name not in NO_COLUMNS}
    return pa.schema([(name, _arrow_type(kind)) for name, kind in {**columns, **(extra or {})}.items()])


def sample_schema(extra: Mapping[str, type] | None = None) -> pa.Schema:
    """The columns of samples.parquet, followed by the workload's own."""
    return record_schema(Sample, extra)


class RowBuffer:
    """Rows of one process that have not been drained yet.

    Args:
        schema: the columns; a column that is not an attribute of a row is taken from the row's `extra`.

    Attributes:
        nulled: by column, the number of values that did not fit and became null.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.nulled: Counter[str] = Counter()
        self._rows: list[Any] = []

    def __len__(self) -> int:
        return len(self._rows)

    def append(self, row: object) -> None:
        """Add a row; the caller may still change it until the next drain."""
        self._rows.append(row)

    def drain(self) -> bytes | None:
        """Return all rows since the last drain as one batch, or None if there are none."""
        if not self._rows:
            return None
        rows, self._rows = self._rows, []
        attributes = _reader(rows[0].__class__, tuple(self.schema.names))(rows)
        columns = [attributes.get(name) or [row.extra.get(name) for row in rows] for name in self.schema.names]
        return encode(columns, self.schema, self.nulled)


def encode(columns: Sequence[Sequence[object]], schema: pa.Schema, nulled: Counter[str] | None = None) -> bytes:
    """Make a batch from columns of plain values; `nulled` counts, by column, the values that did not fit."""
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
"""What Arrow raises for a value of the wrong type or out of its column's range."""


def _salvaged(values: Sequence[object], kind: pa.DataType) -> tuple[pa.Array, int]:
    """Convert a column value by value; also return how many values did not fit and became null."""
    kept: list[object] = []
    for value in values:
        written = value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        try:
            kept.append(pa.scalar(written, kind).as_py())
        except _UNFIT:
            kept.append(None)
    unfit = sum(value is not None and each is None for value, each in zip(values, kept, strict=True))
    return pa.array(kept, kind), unfit


@lru_cache
def _reader(record: type, names: tuple[str, ...]) -> Callable[[list[Any]], dict[str, list[object]]]:
    """A function that returns the columns of records, by name; a name that is no attribute has none.

    Made as source text, like a `namedtuple`: with the names written out, reading takes half of `attrgetter`'s time.
    """
    own = {each.name for each in fields(record)}
    columns = ", ".join(f"{name!r}: [row.{name} for row in rows]" for name in names if name in own)
    read: Callable[[list[Any]], dict[str, list[object]]] = eval(f"lambda rows: {{{columns}}}")  # noqa: S307 - the names of a dataclass's fields
    return read


def decode(batch: bytes) -> pa.Table:
    """The rows of a drained batch."""
    with pa.ipc.open_stream(batch) as stream:
        return stream.read_all()


def decoded(batch: bytes, schema: pa.Schema) -> pa.Table:
    """The rows of a batch from another process.

    Raises:
        ValueError: the batch has other columns than the schema.
        pa.ArrowException, OSError: the bytes are not a batch.
    """
    rows = decode(batch)
    if rows.schema != schema:
        raise ValueError("other columns than the run's")
    return rows


class RowLog:
    """Appends batches to a file without buffering."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO = path.open("ab", buffering=0)
        self._end = self._file.tell()

    def append(self, batch: bytes) -> None:
        """Write one batch.

        Raises:
            OSError: the batch could not be written whole, and the file ends before it; later batches may still succeed.
                Also if the file has been deleted, since its rows would be lost.
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
        """Close the log."""
        self._file.close()


def read_log(path: Path, schema: pa.Schema) -> tuple[pa.Table, bool]:
    """The rows of all whole batches of a log, and whether the log ends with a whole batch."""
    data, whole, tables = path.read_bytes(), 0, []
    while whole + _LENGTH.size <= len(data):
        magic, length = _LENGTH.unpack_from(data, whole)
        start, end = whole + _LENGTH.size, whole + _LENGTH.size + length
        if magic != _MAGIC or end > len(data):
            break
        try:
            tables.append(decode(data[start:end]))
        except (pa.ArrowException, OSError):
            break
        whole = end
    rows = pa.concat_tables(tables, promote_options="default") if tables else schema.empty_table()
    return rows, whole == len(data)

"""Parquet that comes from anybody: bounded before it is unpacked, and of the types that a run records."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from katydid.model.errors import NoDataError
from katydid.runs.folder import RunWriter
from katydid.runs.rows import sample_schema
from katydid.runs.tables import LONGEST_TEXT
from runfolders import write_run


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path, users=2, cycles=3)


def with_column(run, name, values):
    table = run.path / "samples.parquet"
    rows = pq.read_table(table)
    pq.write_table(rows.set_column(rows.column_names.index(name), name, values(len(rows))), table)
    return run


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("duration_ms", lambda n: pa.array(["slow"] * n)),
        ("duration_ms", lambda n: pa.array([float("inf")] * n)),
        ("duration_ms", lambda n: pa.array([-1e300] * n)),
        ("scheduled_ms", lambda n: pa.array([1e14] * n)),
        ("bytes", lambda n: pa.array([2**62] * n)),
        ("user", lambda n: pa.array([1.5] * n)),
        ("status", lambda n: pa.array([[1]] * n)),
        ("warm_up", lambda n: pa.array(["perhaps"] * n)),
        ("detail", lambda n: pa.array(["x" * (LONGEST_TEXT + 1)] * n)),
    ],
)
def test_a_column_of_what_no_run_records_is_damage(run, name, values):
    with pytest.raises(NoDataError, match=r"samples\.parquet is damaged") as told:
        with_column(run, name, values).samples()
    assert len(str(told.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("status", pa.nulls),
        ("chunks", lambda n: pa.array([3.0] * n)),
        ("detail", lambda n: pa.array(["a"] * n).dictionary_encode()),
    ],
)
def test_what_other_writers_make_of_the_same_values_is_read(run, name, values):
    frame = with_column(run, name, values).samples()
    assert len(frame) == 6
    assert frame[name].isna().all() or set(frame[name]) <= {3, "a"}


def test_more_rows_than_such_a_file_can_hold_are_not_unpacked(run):
    rows = 3_000_000
    columns = {name: pa.array(np.zeros(rows), pa.float64()) for name in ("scheduled_ms", "duration_ms")}
    pq.write_table(pa.table(columns), run.path / "samples.parquet", compression="zstd")
    with pytest.raises(NoDataError, match="rows in"):
        run.samples()


def test_a_text_that_is_repeated_is_not_unpacked(run):
    text = "x" * 1_000_000
    rows = pa.table({"detail": pa.DictionaryArray.from_arrays(pa.array([0] * 50_000, pa.int32()), pa.array([text]))})
    pq.write_table(rows, run.path / "samples.parquet", compression="zstd")
    assert (run.path / "samples.parquet").stat().st_size < 100_000
    before = pa.total_allocated_bytes()
    with pytest.raises(NoDataError, match="it unpacks to more data"):
        run.samples()
    assert pa.total_allocated_bytes() - before < 2**20


def test_a_log_of_other_columns_is_damage_too(tmp_path):
    writer = RunWriter(tmp_path / "run", {"workload": "stream"})
    sink = pa.BufferOutputStream()
    odd = pa.record_batch({"scheduled_ms": pa.array(["soon"])})
    with pa.ipc.new_stream(sink, odd.schema) as stream:
        stream.write_batch(odd)
    writer.append("samples", sink.getvalue().to_pybytes())
    writer.close()
    from katydid.runs.folder import RunFolder

    with pytest.raises(NoDataError, match="column scheduled_ms"):
        RunFolder(writer.path).samples()
    assert "scheduled_ms" in sample_schema().names

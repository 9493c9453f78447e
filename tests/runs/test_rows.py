"""Rows in memory, on the wire and in a log."""

import pytest

from katydid.model.sample import ErrorClass, Sample
from katydid.runs.rows import RowBuffer, RowLog, decode, read_log, sample_schema


def sample(number: int, **extra: object) -> Sample:
    return Sample(
        request_id=f"r{number}",
        user=number,
        iteration=0,
        worker="local",
        name="/",
        scheduled_ms=1.5,
        extra=extra,
    )


def test_a_batch_brings_back_every_row_and_its_missing_values():
    buffer = RowBuffer(sample_schema())
    row = sample(1)
    row.fail(ErrorClass.TIMEOUT, "late")
    buffer.append(row)
    (back,) = decode(buffer.drain()).to_pylist()
    assert back["request_id"] == "r1"
    assert (back["outcome"], back["error"], back["blame"]) == ("failed", "timeout", "target")
    assert back["ttft_ms"] is None
    assert back["after_stop"] is False


def test_draining_empties_the_buffer():
    buffer = RowBuffer(sample_schema())
    buffer.append(sample(1))
    assert buffer.drain() is not None
    assert buffer.drain() is None


def test_a_workload_adds_its_own_columns():
    buffer = RowBuffer(sample_schema({"turn": int}))
    buffer.append(sample(1, turn=3))
    buffer.append(sample(2))
    assert decode(buffer.drain()).column("turn").to_pylist() == [3, None]


ODD = [2**63, 2**64 - 1, 10**400, True, "12", [1], "n/a", float("nan"), float("inf"), b"x", {}, (), object()]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: f"{type(odd).__name__}{ODD.index(odd)}")
@pytest.mark.parametrize("column", ["prompt_tokens", "duration_ms", "detail", "after_stop", "queue"])
def test_a_value_that_its_column_cannot_hold_is_null_and_costs_no_row(column, odd):
    buffer = RowBuffer(sample_schema({"queue": int}))
    for number in range(5):
        buffer.append(sample(number, queue=number))
    strange = sample(5, queue=5)
    if column == "queue":
        strange.extra[column] = odd
    else:
        setattr(strange, column, odd)
    buffer.append(strange)
    buffer.append(sample(6, queue=6))
    rows = decode(buffer.drain()).to_pylist()
    assert [row["request_id"] for row in rows] == [f"r{number}" for number in range(7)]
    others = [row for row in rows if row["request_id"] != "r5"]
    assert [row["queue"] for row in others] == [0, 1, 2, 3, 4, 6]
    assert buffer.nulled == ({column: 1} if rows[5][column] is None else {})


def test_a_text_that_is_no_unicode_is_kept_but_for_what_is_not():
    buffer = RowBuffer(sample_schema())
    row = sample(1)
    row.fail(ErrorClass.OTHER, "half a \ud83d face")
    buffer.append(row)
    assert decode(buffer.drain()).column("detail").to_pylist() == ["half a ? face"]
    assert not buffer.nulled


def filled_log(path, batches=4, rows=3):
    log, buffer = RowLog(path), RowBuffer(sample_schema())
    ends = [0]
    for batch in range(batches):
        for row in range(rows):
            buffer.append(sample(batch * rows + row))
        log.append(buffer.drain())
        ends.append(path.stat().st_size)
    log.close()
    return ends


def test_a_log_is_read_back_in_order(tmp_path):
    path = tmp_path / "samples.rows"
    filled_log(path)
    rows, whole = read_log(path, sample_schema())
    assert whole
    assert rows.column("user").to_pylist() == list(range(12))


def test_a_log_that_was_cut_off_anywhere_gives_its_whole_batches(tmp_path):
    path = tmp_path / "samples.rows"
    ends = filled_log(path)
    data = path.read_bytes()
    for size in range(0, len(data), 97):
        path.write_bytes(data[:size])
        rows, whole = read_log(path, sample_schema())
        assert rows.num_rows == 3 * sum(end <= size for end in ends[1:])
        assert whole == (size in ends)


def test_a_damaged_batch_ends_what_can_be_read(tmp_path):
    path = tmp_path / "samples.rows"
    ends = filled_log(path)
    data = bytearray(path.read_bytes())
    data[ends[2] + 2] ^= 0xFF
    path.write_bytes(data)
    rows, whole = read_log(path, sample_schema())
    assert (rows.num_rows, whole) == (6, False)


def test_an_empty_log_has_all_columns(tmp_path):
    path = tmp_path / "samples.rows"
    path.touch()
    rows, whole = read_log(path, sample_schema())
    assert whole
    assert rows.schema.equals(sample_schema())


@pytest.mark.parametrize("column", ["request_id", "ttft_bound", "after_stop", "gap_p99_ms"])
def test_the_columns_are_those_of_the_sample(column):
    assert column in sample_schema().names

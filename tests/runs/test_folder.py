"""A run folder, while it is written and afterwards."""

import json
import os
import resource
from datetime import UTC, datetime
from tempfile import TemporaryFile

import pyarrow as pa
import pytest

from katydid.model.errors import ConfigError, NoDataError
from katydid.model.sample import Sample
from katydid.runs.folder import RunFolder, RunWriter, check_results, new_run_path, row_schemas
from katydid.runs.rows import RowBuffer, encode, sample_schema

STARTED = datetime(2026, 11, 21, 9, 30, 5, tzinfo=UTC)


def batch(*users: int) -> bytes:
    buffer = RowBuffer(sample_schema())
    for user in users:
        buffer.append(
            Sample(
                request_id=str(user),
                user=user,
                iteration=0,
                worker="local",
                name="/",
                scheduled_ms=100.0 - user,
            )
        )
    return buffer.drain()


@pytest.fixture
def writer(tmp_path):
    run = RunWriter(new_run_path(tmp_path, "stream", "v1", STARTED), {"workload": "stream"})
    yield run
    run.close()


def test_its_path_says_workload_version_and_time(tmp_path):
    assert new_run_path(tmp_path, "stream", "v1.2", STARTED) == tmp_path / "stream" / "v1.2" / "20261121T093005Z"


def test_a_second_run_in_the_same_second_gets_a_suffix(tmp_path):
    for expected in ("20261121T093005Z", "20261121T093005Z-2", "20261121T093005Z-3"):
        run = RunWriter(new_run_path(tmp_path, "stream", "v1", STARTED), {"workload": "stream"})
        assert run.path.name == expected
        run.close()


@pytest.mark.parametrize("version", ["../../etc", "feature/x", "..", "/", "a b"])
def test_no_version_label_leaves_the_results_folder(tmp_path, version):
    path = new_run_path(tmp_path, "stream", version, STARTED)
    assert path.parent.parent == tmp_path / "stream"
    assert path.resolve().is_relative_to(tmp_path.resolve() / "stream")


def test_a_finished_run_is_read_from_parquet_in_the_order_of_its_schedule(writer):
    writer.append("samples", batch(1, 2))
    writer.append("samples", batch(3))
    folder = writer.finish(ended="run-time")
    assert list(folder.samples()["user"]) == [3, 2, 1]
    assert not folder.manifest()["partial"]
    assert sorted(p.name for p in folder.path.iterdir()) == [
        "manifest.json",
        "monitor.parquet",
        "samples.parquet",
    ]


def test_a_run_that_never_ended_is_read_from_its_log_and_says_partial(writer):
    writer.append("samples", batch(1, 2))
    folder = RunFolder(writer.path)
    assert len(folder.samples()) == 2
    assert folder.manifest()["partial"]


def test_recovering_a_killed_run_makes_its_parquet_files(writer):
    writer.append("samples", batch(1, 2))
    folder = RunFolder(writer.path)
    assert folder.recover()
    assert (folder.path / "samples.parquet").is_file()
    writer.append("samples", batch(3))
    assert len(folder.samples()) == 3, "a run that goes on is still read from its log"


def test_a_run_without_rows_still_has_all_columns(writer):
    folder = writer.finish(ended="error")
    assert "ttft_ms" in folder.samples().columns
    assert "loop_lag_ms" in folder.monitor().columns


def test_a_folder_that_is_no_run_says_so(tmp_path):
    with pytest.raises(NoDataError, match=r"not a run folder"):
        RunFolder(tmp_path)


def test_a_damaged_manifest_says_so(writer):
    (writer.path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(NoDataError, match=r"damaged"):
        RunFolder(writer.path).manifest()


def test_a_truncated_table_says_so(writer):
    folder = writer.finish(ended="run-time")
    table = folder.path / "samples.parquet"
    table.write_bytes(table.read_bytes()[:100])
    with pytest.raises(NoDataError, match=r"samples.parquet is damaged") as told:
        folder.samples()
    message = str(told.value)
    assert message.endswith("): the run cannot be read; restore the file, or remove the run from its folder")
    assert message.count(str(table)) == 1


def test_the_manifest_tells_its_schema(writer):
    assert json.loads((writer.path / "manifest.json").read_text())["schema_version"] == 1


def test_results_that_cannot_be_written_are_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"--results .*: not a directory; name a folder"):
        check_results(tmp_path / "file" / "reports")


def test_looking_whether_results_can_be_written_leaves_no_folder(tmp_path):
    check_results(tmp_path / "new" / "reports", str(tmp_path / "beside" / "result.json"))
    assert list(tmp_path.iterdir()) == []


def test_two_that_look_in_the_same_moment_do_not_refuse_each_other(tmp_path, monkeypatch):
    looks = []

    def other_run_ends_its_look(**where):
        looks.append(where["dir"])
        if len(looks) == 1:
            where["dir"].rmdir()
        return TemporaryFile(**where)

    monkeypatch.setattr("katydid.runs.folder.tempfile.TemporaryFile", other_run_ends_its_look)
    check_results(tmp_path / "reports")
    assert len(looks) == 2


def test_a_file_beside_the_run_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be written: is a directory"):
        check_results(tmp_path / "reports", str(tmp_path))


def test_two_runs_that_found_the_same_path_free_get_a_folder_each(tmp_path):
    path = new_run_path(tmp_path, "stream", "v1", STARTED)
    made = [RunWriter(path, {"workload": "stream"}) for _ in range(3)]
    for run in made:
        run.close()
    assert [run.path.name for run in made] == [path.name, f"{path.name}-2", f"{path.name}-3"]


@pytest.mark.parametrize(
    "labels",
    [
        ("release/2.0", "release-2.0", "release 2.0"),
        ("версия", "版本", "unversioned", ".."),
        ("a" * 250 + "/1", "a" * 250 + "/2"),
    ],
)
def test_no_two_labels_share_a_folder(tmp_path, labels):
    folders = {new_run_path(tmp_path, "stream", label, STARTED).parent for label in labels}
    assert len(folders) == len(labels)
    assert all(len(folder.name) <= 255 for folder in folders)


def test_a_link_that_somebody_left_in_a_run_folder_is_not_written_through(writer, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder = writer.finish(ended="run-time")
    for name in ("summary.json.tmp", "report.html.tmp", "manifest.json.tmp"):
        (folder.path / name).symlink_to(victim)
    (folder.path / "report.html").symlink_to(victim)
    folder.write_text("summary.json", "{}")
    folder.write_text("report.html", "<p>")
    assert victim.read_text() == "mine"
    assert not (folder.path / "report.html").is_symlink()


@pytest.fixture
def no_descriptors(writer):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    os.close(next_one := os.dup(0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_one, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("kind", ["samples", "monitor", "events", "gaps"])
def test_rows_are_kept_where_no_descriptor_is_left(writer, no_descriptors, kind):
    writer.append(kind, b"batch")
    assert (writer.path / f"{kind}.rows").stat().st_size > len(b"batch")


@pytest.mark.parametrize("kind", ["monitor", "events", "gaps"])
def test_a_kind_with_rows_has_them_in_its_table(writer, kind):
    schema = row_schemas({})[kind]
    values = {pa.string(): "a", pa.bool_(): True}
    writer.append(kind, encode([[values.get(column.type, 1)] for column in schema], schema))
    folder = writer.finish()
    assert len(getattr(folder, kind)()) == 1
    assert not (folder.path / f"{kind}.rows").exists()


def test_a_kind_without_rows_leaves_no_file(writer):
    writer.append("samples", batch(1))
    assert {each.name for each in writer.finish().path.iterdir()} == {
        "manifest.json", "samples.parquet", "monitor.parquet"
    }  # fmt: skip


def test_rows_for_a_log_that_was_deleted_are_not_swallowed(writer):
    writer.append("samples", batch(1))
    (writer.path / "samples.rows").unlink()
    with pytest.raises(OSError, match="deleted"):
        writer.append("samples", batch(2))

"""Disks that are full, read-only, or lost half a file: what is whole stays readable, and no half passes for a whole."""

import json
import shutil
import subprocess
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from katydid.cli import main
from katydid.model.sample import Sample
from katydid.runs.folder import RunFolder, RunWriter, new_run_path
from katydid.runs.rows import MonitorRow, RowBuffer, RowLog, read_log, record_schema, sample_schema
from katydid.target.process import start_target
from running import BIN, Run, Running, katydid, the_run

LOAD = ("--users", 20, "--interval", 0.2, "--run-time", "40s", "--warm-up", 0)


# A full disk, while a run goes on


def can_mount():
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return bool(shutil.which("unshare")) and not subprocess.run(command, check=False, capture_output=True).returncode


FULL = {
    "a limit on the size of a file": ("bash", "-c", 'ulimit -f 40; exec "$@"'),
    "a small file system": (
        "unshare", "-rm", "bash", "-c",
        """mkdir small kept && mount -t tmpfs -o size=100k tmpfs small && cd small
           "$@"; code=$?; cp -r reports ../kept; exit $code""",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.parametrize("how", FULL)
def test_a_full_disk_ends_the_run_invalid_and_keeps_what_was_written(tmp_path, how):
    if "unshare" in FULL[how] and not can_mount():
        pytest.skip("takes a mount of its own")
    with start_target(ttft=0.01, chunk_interval=0.001, chunks=5) as target:
        command = [*FULL[how], "-", BIN / "katydid", "run", "stream", "--host", target.url, *LOAD]
        running = Running(command, tmp_path)
        assert running.wait(60) == 4, running.err
    complaints = running.err.splitlines()
    assert sum("rows cannot be written" in line for line in complaints) == 1, running.err
    assert "Traceback" not in running.err
    run = the_run(tmp_path)
    assert not list(run.path.glob("*.tmp"))
    again = katydid("report", run.path, folder=tmp_path / "again")
    # Where there was no room for the manifest's end either, the run is as one that was killed; one may be valid.
    assert again.wait() in ({4} if "ended" in run.manifest else {0, 4}), again.err
    assert ("aborted by an error" if "ended" in run.manifest else "partial") in again.out
    assert len(RunFolder(run.path).samples()) > 20


def batch(first, count):
    buffer = RowBuffer(sample_schema())
    for user in range(first, first + count):
        buffer.append(
            Sample(
                request_id=f"{user}", user=user, iteration=0, worker="local", name="/", scheduled_ms=float(user),
                start_ms=float(user), late_ms=0.0, ttft_ms=10.0, duration_ms=20.0, chunks=3, status=200,
            )
        )  # fmt: skip
    return buffer.drain()


def watched(at):
    buffer = RowBuffer(record_schema(MonitorRow))
    buffer.append(MonitorRow(at * 1000.0, "local", 1, 10.0, None, 1, None, None, 1.0, 1, 0.0))
    return buffer.drain()


class _Full:
    """A disk that takes only half of what it is given, once."""

    def __init__(self, file):
        self._file, self._full = file, True

    def write(self, data):
        if self._full:
            self._full = False
            return self._file.write(data[: len(data) // 2])
        return self._file.write(data)

    def __getattr__(self, name):
        return getattr(self._file, name)


def test_a_row_that_the_disk_took_half_of_does_not_spoil_those_after_it(tmp_path):
    log = RowLog(tmp_path / "samples.rows")
    log.append(batch(0, 2))
    log._file = _Full(log._file)
    with pytest.raises(OSError, match="No space left"):
        log.append(batch(2, 2))
    log.append(batch(4, 2))
    log.close()
    rows, whole = read_log(log.path, sample_schema())
    assert rows.column("user").to_pylist() == [0, 1, 4, 5]
    assert whole


# Folders that nobody may write to


@pytest.mark.skipif(not can_mount(), reason="takes a mount of its own")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("report", "."), "cannot be written (read-only file system): free some space, or copy the run"),
        (("run", "stream", "--results", "."), "--results .: read-only file system; name a folder that can be written"),
    ],
)
def test_a_read_only_folder_gets_one_line_and_exit_2(run, tmp_path, words, message):
    with start_target() as target:
        where = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$0" && exec "$@"'
        host = ("--host", target.url) if words[0] == "run" else ()
        running = Running(["unshare", "-rm", "bash", "-c", where, run, BIN / "katydid", *words, *host], tmp_path / "x")
        assert running.wait(30) == 2, running.err
    assert message in running.err
    assert len(running.err.strip().splitlines()) == 1


# Half files


@pytest.fixture
def writer(tmp_path):
    path = new_run_path(tmp_path, "stream", "v1", datetime(2026, 11, 21, tzinfo=UTC))
    made = RunWriter(path, {"workload": "stream", "version": "v1", "interval_s": 1.0, "users": 1, "options": {}})
    for second in range(4):
        made.append("samples", batch(second * 30, 30))
        made.append("monitor", watched(second))
    yield made
    made.close()


@pytest.fixture
def run(writer):
    return writer.finish(ended="run-time", stopped_at_ms=120.0, ended_at_ms=120.0).path


def cuts(file):
    """The file's bytes, cut at every 1,000th and in the middle of its first and last few."""
    data = file.read_bytes()
    for at in sorted({0, 1, 7, *range(1000, len(data), 1000), len(data) - 2}):
        yield at, data[:at]


@pytest.mark.parametrize("command", ["report", "compare"])
@pytest.mark.parametrize("name", ["manifest.json", "samples.parquet", "monitor.parquet"])
def test_half_a_file_of_a_finished_run_is_never_taken_for_a_whole_one(run, capsys, name, command):
    whole = (run / name).read_bytes()
    for at, half in cuts(run / name):
        (run / name).write_bytes(half)
        code = main([command, str(run), *([str(run)] if command == "compare" else [])])
        said = capsys.readouterr()
        assert code == 4, (at, said)
        assert f"{name} is damaged" in said.err
        assert len(said.err.strip().splitlines()) == 1, said.err
    (run / name).write_bytes(whole)
    assert main(["report", str(run)]) == 0


def test_a_run_can_be_read_without_its_damaged_monitor(run, capsys):
    (run / "monitor.parquet").write_bytes(b"PAR1")
    main(["report", str(run)])
    assert "delete this file to read the run without it" in capsys.readouterr().err
    (run / "monitor.parquet").unlink()
    assert main(["report", str(run)]) == 0


@pytest.mark.parametrize("name", ["summary.json", "report.html"])
def test_a_damaged_output_is_made_again(run, name):
    main(["report", str(run)])
    whole = (run / name).read_bytes()
    for half in (b"", whole[:1000], whole[:-1]):
        (run / name).write_bytes(half)
        assert main(["report", str(run)]) == 0
        assert (run / name).read_bytes() == whole


def test_half_a_log_of_a_killed_run_gives_its_whole_batches_marked_partial(writer, capsys):
    folder, log = writer.path, writer.path / "samples.rows"
    ends = []
    for at, half in cuts(log):
        log.write_bytes(half)
        code = main(["report", str(folder)])
        said = capsys.readouterr()
        assert said.err == ""
        assert "partial" in said.out.lower()
        rows = pq.read_table(folder / "samples.parquet").num_rows
        assert rows % 30 == 0
        assert list(RunFolder(folder).samples()["user"]) == list(range(rows)), at
        assert code == (0 if rows else 4)
        ends.append(rows)
    assert ends == sorted(ends)
    assert ends[0] == 0
    assert ends[-1] == 90
    assert json.loads((folder / "summary.json").read_text())["valid"]


def test_zeros_and_noise_behind_a_log_are_not_rows(writer):
    """What a power loss leaves: a file of the right length whose end never reached the disk."""
    log = writer.path / "samples.rows"
    data = log.read_bytes()
    for tail in (bytes(5000), data[100:2000], b"KTYD\xff\xff\xff\xff" + bytes(100), b"KTYD\x08\x00\x00\x00notarrow"):
        log.write_bytes(data + tail)
        assert len(RunFolder(writer.path).samples()) == 120


def test_an_interrupted_replacement_leaves_the_file_that_was_there(run, monkeypatch):
    before = (run / "manifest.json").read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert main(["report", str(run)]) == 2
    assert (run / "manifest.json").read_bytes() == before
    assert not (run / "summary.json").exists()
    assert not list(run.glob("*.tmp"))


def test_a_run_of_an_older_version_has_null_in_columns_that_it_did_not_know(run):
    table = pq.read_table(run / "samples.parquet").drop_columns(["read_lag_ms", "detail"])
    pq.write_table(table, run / "samples.parquet")
    assert RunFolder(run).samples()["detail"].isna().all()
    assert main(["report", str(run)]) == 0


@pytest.mark.parametrize("text", ["[" * 100_000, "\xff", '{"a": 1', "[]", "null"])
def test_a_manifest_that_is_none_gets_one_line(run, capsys, text):
    (run / "manifest.json").write_bytes(text.encode("latin-1"))
    assert main(["report", str(run)]) == 4
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_the_run_that_the_tests_cut_is_a_good_one(run):
    assert main(["report", str(run)]) == 0
    assert Run(run).summary["valid"]

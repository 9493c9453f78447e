"""Gaps between chunks on their way from the users to the summary: counted once, merged, and warm-up left out."""

import pytest

from katydid.model.sample import Gaps
from katydid.runs.folder import RunFolder, RunWriter
from katydid.runs.gaps import GapBuffer, counted
from katydid.stats.histogram import Histogram


def batch(*gaps, warm_up=False):
    buffer = GapBuffer()
    for each in gaps:
        buffer.add(Gaps(each), warm_up=warm_up)
    return buffer.drain()


def test_what_was_handed_on_is_not_handed_on_again():
    buffer = GapBuffer()
    assert buffer.drain() is None
    buffer.add(Gaps([0.02, 0.02]), warm_up=False)
    assert buffer.drain() is not None
    assert buffer.drain() is None


def test_the_gaps_of_all_processes_are_one_histogram_with_one_row_a_bucket(tmp_path):
    writer = RunWriter(tmp_path / "run", {"workload": "stream"})
    writer.append("gaps", batch([0.02, 0.02, 0.5]))
    writer.append("gaps", batch([0.02], [0.04]))
    folder = writer.finish(ended="run-time")
    rows = folder.gaps()
    assert sorted(rows["count"]) == [1, 1, 3]
    assert counted(rows).quantile(0.5) == pytest.approx(0.02, rel=0.004)


def test_a_run_that_was_killed_keeps_its_gaps(tmp_path):
    writer = RunWriter(tmp_path / "run", {"workload": "stream"})
    writer.append("gaps", batch([0.02]))
    writer.append("gaps", batch([0.02]))
    writer.close()
    folder = RunFolder(tmp_path / "run")
    assert folder.recover()
    assert counted(folder.gaps()).total == 2


def test_the_warm_up_is_left_out_unless_there_is_nothing_else(tmp_path):
    writer = RunWriter(tmp_path / "run", {"workload": "stream"})
    writer.append("gaps", batch([1.0, 1.0], warm_up=True))
    assert counted(RunFolder(tmp_path / "run").gaps()).total == 2
    writer.append("gaps", batch([0.02]))
    gaps = writer.finish(ended="run-time").gaps()
    assert counted(gaps).quantile(1.0) == pytest.approx(0.02, rel=0.004)
    assert counted(gaps, warm_up=True).total == 3


def test_a_run_without_chunks_has_no_gaps_and_no_file(tmp_path):
    folder = RunWriter(tmp_path / "run", {"workload": "batch"}).finish(ended="run-time")
    assert counted(folder.gaps()).counts == Histogram().counts
    assert not (folder.path / "gaps.parquet").exists()

"""Which runs a path stands for, and which lie beside them."""

import pytest

from katydid.model.errors import ConfigError, NoDataError
from katydid.runs import find
from katydid.runs.find import earlier_runs, runs_of
from runfolders import write_run

SMALL = {"users": 2, "cycles": 3}


def names(runs):
    return [f"{run.path.parent.name}/{run.path.name}" for run in runs]


@pytest.fixture
def stream(tmp_path):
    for version in ("old", "new"):
        for number in range(3):
            write_run(tmp_path, version, number=number, **SMALL)
    return tmp_path / "stream"


def test_a_version_s_folder_stands_for_its_runs_oldest_first(stream):
    assert names(runs_of(stream / "old")) == [f"old/20261101T08{minutes}000Z" for minutes in (0, 1, 2)]


def test_a_workload_s_folder_stands_for_its_only_version(tmp_path):
    write_run(tmp_path, "unversioned", **SMALL)
    assert names(runs_of(tmp_path / "stream")) == ["unversioned/20261101T080000Z"]


def test_a_workload_s_folder_of_several_versions_stands_for_none_of_them(stream):
    with pytest.raises(ConfigError, match=r"has several versions \(new, old\): name the folder of one of them"):
        runs_of(stream)


def test_a_folder_that_does_not_exist_is_a_slip_of_the_pen_and_one_without_runs_has_no_data(stream, tmp_path):
    with pytest.raises(ConfigError, match="no such folder"):
        runs_of(tmp_path / "nowhere")
    (stream / "empty").mkdir()
    with pytest.raises(NoDataError, match="has no runs"):
        runs_of(stream / "empty")


def test_the_other_runs_of_the_workload_are_the_history_whatever_way_the_sides_are_named(stream, monkeypatch):
    monkeypatch.chdir(stream)
    base, new = runs_of(stream / "old")[:1], runs_of(stream.__class__("new"))
    assert names(earlier_runs(base, new)) == ["old/20261101T081000Z", "old/20261101T082000Z"]


def test_a_damaged_run_is_no_part_of_the_history(stream):
    base = runs_of(stream / "old")
    (runs_of(stream / "new")[1].path / "manifest.json").write_text("{")
    assert names(earlier_runs(base)) == ["new/20261101T080000Z", "new/20261101T082000Z"]


def test_only_the_newest_are_read(stream, monkeypatch):
    monkeypatch.setattr(find, "MOST_EARLIER", 2)
    assert names(earlier_runs(runs_of(stream / "old"))) == ["new/20261101T081000Z", "new/20261101T082000Z"]


def test_a_folder_with_runs_of_several_versions_is_no_side(stream):
    (stream / "new" / "20261101T080000Z").rename(stream / "old" / "20261101T083000Z")
    with pytest.raises(ConfigError, match=r"runs of several versions \(new, old\)"):
        runs_of(stream / "old")

"""A damaged manifest or summary is one line that names the file and the key, wherever the run is read."""

import json

import pytest

from katydid import cli
from katydid.analysis.summary import RunResult
from katydid.model.errors import NoDataError
from katydid.report.build import build_report
from katydid.runs.folder import MANIFEST, SUMMARY, RunFolder, load_run
from runfolders import copy_run, write_run

LOAD = {"users": 4, "cycles": 6}
DAMAGE = {
    "cut off": lambda _: "{",
    "no object": lambda _: "[]",
    "deep": lambda _: "[" * 100_000,
    "not finite": lambda told: json.dumps(told | {"users": float("nan"), "valid": float("nan")}),
    "a wrong type": lambda told: json.dumps(told | {"users": "ten", "metrics": "many"}),
    "a wrong part": lambda told: json.dumps(told | {"stages": [{"stage": None}], "counts": {"requests": "all"}}),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    results = tmp_path_factory.mktemp("reports")
    return [write_run(results, version, number=number, **LOAD) for number, version in enumerate(("v1", "v2"))]


@pytest.fixture
def damaged(runs, tmp_path):
    """A copy of the second run, beside one of the first, with a file damaged in the given way."""

    def make(name, how):
        copy_run(runs[0], tmp_path / "stream" / "v1" / runs[0].path.name)
        run = copy_run(runs[1], tmp_path / "stream" / "v2" / runs[1].path.name)
        (run.path / name).write_text(DAMAGE[how](json.loads((run.path / name).read_text())))
        return run.path

    return make


def said(capsys, *arguments):
    """The exit code, and what is wrong with which file."""
    code = cli.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    line = next(line for line in (captured.err + captured.out).splitlines() if " is damaged (" in line)
    return code, line[line.index(str(arguments[1])) :].partition("stream/")[2].rstrip(".")


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_manifest_is_the_same_line_in_every_command(damaged, how, tmp_path, capsys):
    run = damaged(MANIFEST, how)
    limits = tmp_path / "limits.toml"
    limits.write_text('[objective]\nfailure_rate = "<= 10 %"\n')
    told = [
        said(capsys, "report", run),
        said(capsys, "gate", run, "--thresholds", limits),
        said(capsys, "compare", run, run.parents[1] / "v1"),
        said(capsys, "history", run.parents[1]),
    ]
    assert [code for code, _ in told] == [4, 4, 4, 0], "one that is damaged among others is left out of a history"
    assert len({line for _, line in told}) == 1
    assert told[0][1].startswith(f"v2/{run.name}/{MANIFEST} is damaged (")


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_summary_is_a_line_that_says_how_to_make_it_again(damaged, how):
    run = damaged(SUMMARY, how)
    with pytest.raises(NoDataError) as told:
        RunResult.load(RunFolder(run))
    assert str(told.value).startswith(f"{run / SUMMARY} is damaged (")
    assert str(told.value).endswith(f"): make it again with `katydid report {run}`")
    build_report(RunFolder(run))
    assert RunResult.load(load_run(run)).summary.valid


def test_a_document_is_read_once(runs, tmp_path):
    run = copy_run(runs[0], tmp_path / "run")
    manifest = run.manifest()
    (run.path / MANIFEST).write_text("{")
    assert run.manifest() is manifest


JUNK = (None, True, -1, 1e14, "", "x", "\0\n", "http://[", [], [1], ["x"], {}, [{}], {"x": {}})


@pytest.mark.parametrize(
    "key", ["options", "declared", "workload", "users", "interval_s", "host", "stages", "objective", "stopped_at_ms"]
)
def test_a_manifest_that_holds_something_odd_is_reported_or_refused_in_one_line(runs, tmp_path, key):
    for number, value in enumerate(JUNK):
        run = copy_run(runs[0], tmp_path / str(number))
        told = json.loads((run.path / MANIFEST).read_text()) | {key: value}
        (run.path / MANIFEST).write_text(json.dumps(told))
        try:
            build_report(run)
        except NoDataError as error:
            assert len(str(error).splitlines()) == 1, value  # noqa: PT017 - some values are sound

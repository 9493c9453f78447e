"""`katydid gate` on run folders: each case with its exit code, and what people are told."""

import json
import shutil
from xml.etree import ElementTree as ET

import pytest

from documents import comparison_with
from katydid.cli import main
from katydid.runs.folder import RunFolder
from runfolders import change_samples, copy_run, write_run
from schemas import misfits
from synthetic import HOSTILE
from verdicts import compared

GOOD = {"failing": 0.0, "users": 20, "cycles": 12}
KEPT = '[objective]\n"ttft.p95" = "< 5s"\n"failure_rate" = "< 1%"\n'
BROKEN = '[objective]\n"ttft.p95" = "< 1ms"\n'
FAIL = '[policy]\ncannot_tell = "fail"\n'


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run folders of every kind, by name: the path that a user would give."""
    results = tmp_path_factory.mktemp("reports")
    stream = results / "stream"
    made = {"good": write_run(results, "good", **GOOD).path}
    for number in range(3):
        write_run(results, "three", number=number, slower=1.0 if number else 40.0, **GOOD)
    write_run(results, "mixed", **GOOD)
    write_run(results, "mixed", number=1, **GOOD, lost_workers=["w9"])
    write_run(results, "loads", **GOOD)
    write_run(results, "loads", number=1, **GOOD | {"users": 30})
    write_run(results, "invalid", **GOOD, lost_workers=["w9"])
    write_run(results, "partial", **GOOD, partial=True, summary=False)
    write_run(results, "few", failing=0.0, users=4, cycles=8)
    write_run(results, "failing", failing=0.2, users=20, cycles=12)
    write_run(results, "stopped", **GOOD, ended="failure-threshold", failure_threshold=5)
    write_run(results, "interrupted", **GOOD, ended="interrupted")
    write_run(results, "unsummarised", **GOOD, summary=False)
    change_samples(write_run(results, "empty", **GOOD), lambda frame: frame.iloc[:0])
    for name, more in (
        ("all-failed", {}),
        ("all-failed-invalid", {"lost_workers": ["w9"]}),
        ("stopped-at-once", {"ended": "failure-threshold", "failure_threshold": 5}),
    ):
        change_samples(write_run(results, name, **GOOD, **more), lambda frame: frame.assign(outcome="failed"))
    change_samples(
        write_run(results, "unknown-host", **GOOD),
        lambda frame: frame.assign(outcome="failed", error="dns", blame="config", status=None),
    )
    write_run(results, "few-failing", failing=0.5, users=4, cycles=8)
    (write_run(results, "damaged", **GOOD, summary=False).path / "samples.parquet").write_bytes(b"PAR1")
    (write_run(results, "half-written", **GOOD).path / "summary.json").write_text("{")
    (write_run(results, "no-manifest", **GOOD).path / "manifest.json").write_text("[]")
    (stream / "hollow").mkdir()
    made |= {path.name: path for path in stream.iterdir() if path.name != "good"}
    return made


class Gate:
    """Runs the command in this process."""

    def __init__(self, folder, capsys, monkeypatch):
        self.folder, self.capsys, self.monkeypatch = folder, capsys, monkeypatch

    def __call__(self, new, thresholds=KEPT, *more, comparison=None):
        file = self.folder / "limits.toml"
        file.write_text(thresholds)
        if comparison is not None:
            found = comparison_with(comparison)
            self.monkeypatch.setattr("katydid.analysis.comparison.compare.compare_versions", lambda *_, **__: found)
        code = main(["gate", str(new), "--thresholds", str(file), *map(str, more)])
        self.out, self.err = self.capsys.readouterr()
        return code


@pytest.fixture
def judge(tmp_path, capsys, monkeypatch):
    return Gate(tmp_path, capsys, monkeypatch)


CASES = {
    "two runs of different loads": ("loads", KEPT, 4, "is not a repeat of"),
    "objectives kept": ("good", KEPT, 0, "PASSED. 2 objectives met."),
    "a broken objective": ("good", BROKEN, 1, "FAILED. ttft.p95 is "),
    "too many failures": ("failing", KEPT, 1, "FAILED. failure_rate is "),
    "every request failed": ("all-failed", KEPT, 1, "FAILED. failure_rate is 100 %, limit < 1%."),
    "every request failed, of an invalid run": (
        "all-failed-invalid",
        KEPT,
        4,
        "INVALID (the generator's fault): 1 worker was lost",
    ),
    "every request failed because of the name": ("unknown-host", KEPT, 1, "FAILED. failure_rate is 100 %"),
    "every request failed, and the threshold ended it": ("stopped-at-once", KEPT, 1, "FAILED. failure_rate is 100 %"),
    "every request failed, and nobody asks how many": ("all-failed", BROKEN, 4, "INVALID. ttft.p95: no value"),
    "too many failures, and too few requests": ("few-failing", KEPT, 1, "FAILED. failure_rate is "),
    "a run without a single request": ("empty", KEPT, 4, "INVALID (the configuration's fault): no data"),
    "an invalid run": ("invalid", KEPT, 4, "INVALID (the generator's fault): 1 worker was lost"),
    "an invalid run with a broken objective": (
        "invalid",
        BROKEN,
        4,
        "INVALID (the generator's fault): 1 worker was lost",
    ),
    "a run that was killed": ("partial", KEPT, 4, "INVALID. partial: the run never finished."),
    "too few requests": ("few", KEPT, 4, "INVALID. ttft.p95: too few ("),
    "a run that its failure threshold ended": ("stopped", KEPT, 1, "FAILED. the run was stopped by the failure"),
    "the same, where the file allows it": ("stopped", KEPT + '[policy]\nstopped_early = "warn"', 0, "PASSED."),
    "an interrupted run": ("interrupted", KEPT, 0, "the run was interrupted"),
    "a run without its summary": ("unsummarised", KEPT, 0, "PASSED."),
    "the median of three runs": (
        "three",
        KEPT,
        0,
        "the median of 3 runs; too close to call: 1 of 3 runs beyond the limit",
    ),
    "one of two runs invalid": ("mixed", KEPT, 4, "20261101T081000Z: 1 worker was lost"),
    "damaged samples": ("damaged", KEPT, 4, "samples.parquet is damaged"),
    "a damaged summary": ("half-written", KEPT, 4, "summary.json is damaged"),
    "a damaged manifest": ("no-manifest", KEPT, 4, "manifest.json is damaged"),
    "a folder without runs": ("hollow", KEPT, 4, "hollow has no runs"),
    "a metric that this workload lacks": ("all-failed", '[objective]\n"tpot.p50" = "< 1s"', 4, "tpot.p50: no value"),
    "nobody's metric": ("good", '[objective]\n"ttft.p59" = "< 1s"', 2, "did you mean ttft.p99 or ttft.p95"),
    "malformed TOML": ("good", "[objective", 2, "limits.toml is not TOML"),
    "an empty file": ("good", "", 2, "has no limits"),
    "an unknown key": ("good", KEPT + "[policy]\nlenient = true", 2, '[policy]: there is no "lenient"'),
    "no baseline where one is expected": ("good", KEPT + "[compare]", 0, "met; no baseline"),
    "the same, where that fails": ("good", KEPT + "[compare]\n" + FAIL, 3, "CANNOT TELL. no baseline"),
    "the same with a broken objective": ("good", BROKEN + "[compare]\n" + FAIL, 1, "FAILED. ttft.p95 is "),
}


@pytest.mark.parametrize("name", CASES)
def test_one_version(judge, runs, name):
    new, thresholds, code, said = CASES[name]
    assert judge(runs[new], thresholds) == code
    assert said in " ".join((judge.out + judge.err).split())
    if code == 2:
        assert (judge.out, judge.err.count("\n")) == ("", 1)


COMPARED = {
    "no difference": (compared("no_difference"), KEPT, 0, "met, against the baseline: no difference."),
    "faster": (compared("faster"), KEPT, 0, "against the baseline: faster."),
    "slower": (compared("slower"), KEPT, 1, "FAILED. v2 is slower than v1: service time, p50 +20 %"),
    "slower, and a broken objective": (compared("slower"), BROKEN, 1, "(and 1 more check)"),
    "cannot tell": (compared("cannot_tell"), KEPT, 0, "met; CANNOT TELL whether v2 differs"),
    "cannot tell, where that fails": (compared("cannot_tell"), KEPT + FAIL, 3, "CANNOT TELL whether v2 differs"),
    "sides that cannot be compared": (
        compared("invalid", reasons=["users differs (20 and 40)"]), KEPT, 4, "INVALID. v2 cannot be compared with v1"
    ),
    "the same with a broken objective": (compared("invalid", reasons=["users differs"]), BROKEN, 4, "INVALID. v2"),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPARED)
def test_two_versions(judge, runs, name):
    comparison, thresholds, code, said = COMPARED[name]
    assert judge(runs["good"], thresholds, "--baseline", runs["three"], comparison=comparison) == code
    assert said in " ".join(judge.out.split())


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """Five real runs of each version, and what differs; with noise from run to run of 1 %."""
    results = tmp_path_factory.mktemp("versions")
    for version, slower, more in (
        ("old", 1.0, {}), ("same", 1.0, {}), ("slow", 1.3, {}), ("fast", 0.7, {}), ("other", 1.0, {"interval": 6.0})
    ):  # fmt: skip
        for number in range(5):
            noise = 1.0 + 0.01 * ((number * 7 + len(version)) % 5 - 2)
            write_run(results, version, number=number, slower=slower * noise, **GOOD | more)
    return results / "stream"


@pytest.mark.parametrize(
    ("new", "code", "said"),
    [
        ("same", 0, "against the baseline: no difference"),
        ("slow", 1, "FAILED. slow is slower than old: time to first token, p50 +"),
        ("fast", 0, "against the baseline: faster"),
        ("other", 4, "INVALID. other cannot be compared with old: interval_s differs (5 and 6)"),
    ],
)
def test_versions_are_compared_with_the_noise_of_their_runs(judge, versions, new, code, said):
    assert judge(versions / new, KEPT, "--baseline", versions / "old") == code
    assert said in " ".join(judge.out.split())


def test_every_row_with_a_baseline_shows_it_and_the_change(judge, versions):
    limits = KEPT + '"requests_per_s" = "> 1/s"\n"response.max" = "< 1min"\n'
    assert judge(versions / "slow", limits, "--baseline", versions / "old", "--json", "-") == 1
    told = json.loads(judge.out)
    assert misfits("gate", told) == []
    checks = [check for check in told["checks"] if check["kind"] != "run"]
    assert len(checks) == 4 + 5
    assert all(check["compared"]["base"] is not None for check in checks)
    lines = {line.split()[0]: line.split() for line in judge.err.splitlines()}
    assert all(lines[check["metric"]][3].startswith(("+", "-", "0")) for check in checks)
    assert abs(float(lines["response.max"][3]) - 30) < 5


def test_one_run_a_side_is_judged_by_three_times_the_noise_of_the_runs_beside_them(judge, versions):
    old, slow = (next((versions / version).iterdir()) for version in ("old", "slow"))
    assert judge(slow, KEPT, "--baseline", old, "--json", "-") == 0
    comparison = json.loads(judge.out)["comparison"]
    assert comparison["history_runs"] > 10
    assert comparison["verdict"] == "cannot_tell"
    assert any("3 times the history's" in reason for reason in comparison["reasons"])


def test_one_run_a_side_alone_can_tell_nothing(judge, versions, tmp_path):
    lonely = [
        copy_run(RunFolder(next((versions / v).iterdir())), tmp_path / v / v / "run").path for v in ("old", "slow")
    ]
    assert judge(lonely[1], KEPT + FAIL, "--baseline", lonely[0]) == 3
    assert "one run per side" in " ".join(judge.out.split())


USAGE = {
    "no such run": (["gate", "nowhere", "--thresholds", "stream"], "nowhere: no such folder"),
    "no such baseline": (["gate", "GOOD", "--thresholds", "stream", "--baseline", "none"], "none: no such folder"),
    "a version against itself": (["gate", "GOOD", "--thresholds", "stream", "--baseline", "GOOD"], "share runs: name"),
    "no such thresholds file": (["gate", "GOOD", "--thresholds", "none.toml"], "none.toml: no such file"),
    "no thresholds at all": (["gate", "GOOD"], "the following arguments are required: --thresholds"),
    "no run at all": (["gate", "--thresholds", "stream"], "the following arguments are required: NEW"),
    "a result that cannot be written": (
        ["gate", "GOOD", "--thresholds", "stream", "--junit", "/dev/null/x"], "/dev/null/x cannot be written"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", USAGE)
def test_wrong_usage_is_one_line_and_exit_2(runs, capsys, tmp_path, monkeypatch, name):
    arguments, said = USAGE[name]
    monkeypatch.chdir(tmp_path)
    assert main([str(runs["good"]) if word == "GOOD" else word for word in arguments]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_an_error_of_our_own_is_not_taken_for_a_failed_gate(judge, runs, monkeypatch):
    monkeypatch.setattr("katydid.gate.judge.judge", lambda *_: 1 / 0)
    assert judge(runs["good"]) == 70
    assert "bug in Katydid" in judge.err


def test_the_workload_s_name_stands_for_the_file_that_we_ship(runs, capsys):
    assert main(["gate", str(runs["good"]), "--thresholds", "stream"]) == 0
    assert "PASSED" in capsys.readouterr().out


def test_a_thresholds_file_can_be_read_without_a_run(capsys, tmp_path):
    assert main(["gate", "--thresholds", "stream", "--only-read"]) == 0
    primary = "ttft.p50, ttft.p95, tpot.p50, duration.p50, failure_rate"
    assert f"stream.toml: 4 objectives, compared by {primary}" in capsys.readouterr().out
    (tmp_path / "limits.toml").write_text("[objectives]")
    assert main(["gate", "--thresholds", str(tmp_path / "limits.toml"), "--only-read"]) == 2


def test_without_a_run_a_file_may_name_what_any_workload_of_ours_declares(tmp_path):
    (tmp_path / "chat.toml").write_text('[objective]\n"ttft_later_turns.p95" = "< 1s"\n')
    assert main(["gate", "--thresholds", str(tmp_path / "chat.toml"), "--only-read"]) == 0


def test_json_has_standard_output_to_itself(judge, runs):
    assert judge(runs["good"], BROKEN, "--json", "-") == 1
    told = json.loads(judge.out)
    assert (told["passed"], told["exit_code"]) == (False, 1)
    (broken,) = (check for check in told["checks"] if check["verdict"] == "failed")
    assert broken["metric"] == "ttft.p95"
    assert broken["limit"] == "< 1ms"
    assert broken["value"] > 1
    assert "FAILED" in judge.err


def test_all_results_are_written_at_once_and_say_the_same(judge, runs, tmp_path):
    files = [tmp_path / name for name in ("junit.xml", "gate.md", "gate.json")]
    options = [word for pair in zip(("--junit", "--markdown", "--json"), files, strict=True) for word in pair]
    assert judge(runs["three"], BROKEN, *options) == 1
    junit, markdown, told = (file.read_text() for file in files)
    assert ET.fromstring(junit).get("failures") == "1"
    assert markdown.startswith("### FAILED. ttft.p95 is ")
    assert json.loads(told)["exit_code"] == 1
    assert judge.out.startswith("FAILED. ttft.p95 is ")


def test_results_are_written_for_a_run_that_cannot_be_read(judge, runs, tmp_path):
    assert judge(runs["damaged"], KEPT, "--junit", tmp_path / "junit.xml") == 4
    (error,) = ET.fromstring((tmp_path / "junit.xml").read_text()).iter("error")
    assert "samples.parquet is damaged" in error.get("message")


def test_what_a_run_says_cannot_paint_a_terminal_or_break_a_result(judge, runs, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(next(runs["invalid"].iterdir()), folder)
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"invalid_reasons": [HOSTILE]}))
    files = tmp_path / "junit.xml", tmp_path / "gate.md"
    assert judge(folder, KEPT, "--junit", files[0], "--markdown", files[1]) == 4
    assert not {"\x1b", "\u202e"} & set(judge.out)
    assert ET.fromstring(files[0].read_text()).get("errors") == "1"
    assert not {"<", "\x1b"} & set(files[1].read_text())


def test_markdown_has_standard_output_to_itself(judge, runs):
    assert judge(runs["good"], BROKEN, "--markdown", "-") == 1
    assert judge.out.startswith("### ")
    assert "FAILED" in judge.err


def test_two_results_do_not_share_standard_output(judge, runs):
    assert judge(runs["good"], BROKEN, "--json", "-", "--markdown", "-") == 2
    assert (judge.out, judge.err.count("both want standard output")) == ("", 1)

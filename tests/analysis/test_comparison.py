"""Two versions compared, from their run folders to the verdict."""

import json

import numpy as np
import pytest

from folders import write_run, write_version
from katydid.analysis.comparison import CompareSettings, compare_versions
from katydid.analysis.estimates import estimate, read_run
from katydid.analysis.warmup import settled_after
from synthetic import synthetic_run

LUCK = (0.01, -0.008, 0.004, -0.012, 0.006)


def sides(tmp_path, *, runs=5, slower=0.0, **changed):
    base = write_version(tmp_path, "old", LUCK[:runs], step=2)
    new = write_version(tmp_path, "new", LUCK[:runs][::-1], first_minute=1, step=2, slower=slower, **changed)
    return base, new


def metric(result, name):
    return next(m for m in result["metrics"] if m["name"] == name)


@pytest.mark.parametrize(("slower", "verdict"), [(0.2, "slower"), (-0.2, "faster"), (0.0, "no_difference")])
def test_the_verdict_is_the_truth_with_an_interval_around_it(tmp_path, slower, verdict):
    result = compare_versions(*sides(tmp_path, slower=slower))
    assert result["verdict"] == verdict
    assert metric(result, "duration.p50")["low"] <= slower <= metric(result, "duration.p50")["high"]
    assert metric(result, "duration.p50")["primary"]
    assert not metric(result, "ttft.p50")["primary"]


def test_one_run_each_is_never_a_verdict_and_says_what_it_would_take(tmp_path):
    result = compare_versions(*sides(tmp_path, runs=1, slower=1.0))
    assert result["verdict"] == "cannot_tell"
    assert metric(result, "duration.p50")["design"] == "within one run"
    assert metric(result, "duration.p50")["runs_needed"] >= 2
    assert "one run a side" in result["reasons"][0]


def test_a_history_makes_one_run_each_tell(tmp_path):
    base, new = sides(tmp_path, runs=1, slower=0.5)
    history = write_version(tmp_path, "older", LUCK * 2, first_minute=-50)
    result = compare_versions(base, new, history=history)
    assert result["history_runs"] == 10
    assert result["verdict"] == "slower"


def test_a_history_of_another_load_is_left_out(tmp_path):
    base, new = sides(tmp_path, runs=1)
    history = write_version(tmp_path, "older", LUCK, first_minute=-50, users=20)
    assert compare_versions(base, new, history=history)["history_runs"] == 0


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"users": 41}, "users"),
        ({"request_timeout_s": 30.0}, "request_timeout_s"),
        ({"model": "other"}, "model"),
        ({"prompts_sha256": "abc"}, "prompts_sha256"),
        ({"options": {"max_tokens": 64}}, "option max_tokens"),
    ],
)
def test_another_load_is_invalid_and_named(tmp_path, changed, key):
    result = compare_versions(*sides(tmp_path, runs=2, **changed))
    assert result["verdict"] == "invalid"
    assert any(reason.startswith(f"{key} differs (") for reason in result["reasons"])


def test_another_machine_is_only_listed(tmp_path):
    result = compare_versions(*sides(tmp_path, cpu_count=4))
    assert result["verdict"] == "no_difference"
    assert [d["key"] for d in result["differences"]] == ["cpu_count"]


def test_runs_that_may_not_be_believed_are_left_out_and_named(tmp_path):
    base, new = sides(tmp_path, runs=3)
    (spoiled,) = write_version(tmp_path, "spoiled", [3.0], lost_workers=["w1"])
    result = compare_versions(base, [*new, spoiled])
    assert result["verdict"] != "invalid"
    assert any("is left out: it is invalid" in reason for reason in result["reasons"])
    assert compare_versions(base, [spoiled])["verdict"] == "invalid"


def test_a_partial_run_is_left_out(tmp_path):
    base, new = sides(tmp_path, runs=2)
    manifest = json.loads((new[0].path / "manifest.json").read_text())
    del manifest["ended"]
    (new[0].path / "manifest.json").write_text(json.dumps(manifest))
    result = compare_versions(base, new)
    assert any("it is partial" in reason for reason in result["reasons"])


def test_a_version_that_fails_more_is_not_called_faster(tmp_path):
    result = compare_versions(*sides(tmp_path, slower=-0.3, failing=0.3))
    assert metric(result, "failure_rate")["verdict"] == "slower"
    assert result["verdict"] == "cannot_tell"
    assert any("fails more often" in reason for reason in result["reasons"])


def test_few_failures_tell_nothing_about_rates(tmp_path):
    result = compare_versions(*sides(tmp_path, runs=1, failing=0.001))
    assert metric(result, "failure_rate")["verdict"] in {"cannot_tell", "no_difference"}


def test_shorter_answers_take_back_the_verdict_on_whole_answers(tmp_path):
    base = write_version(tmp_path, "old", LUCK, step=2)
    new = write_version(tmp_path, "new", LUCK, first_minute=1, step=2, slower=-0.3)
    for folder in new:
        samples = folder.samples()
        samples["completion_tokens"] *= 0.5
        samples.to_parquet(folder.path / "samples.parquet")
    result = compare_versions(base, new)
    assert result["verdict"] == "cannot_tell"
    assert metric(result, "ttft.p50")["verdict"] == "faster"
    assert any("tokens instead of" in reason for reason in result["reasons"])


def test_the_primary_metrics_are_those_that_the_settings_name(tmp_path):
    result = compare_versions(*sides(tmp_path), settings=CompareSettings(primary=("ttft.p95",)))
    assert [m["name"] for m in result["metrics"] if m["primary"]] == ["ttft.p95"]


def test_runs_stopped_by_the_failure_threshold_are_shown_as_what_they_are(tmp_path):
    """The origin's table: 270 users, 412 requests, 41.3 % failed against 305, 499, 55.5 %."""
    folders = []
    for number, (version, users, requests, failing) in enumerate([("old", 270, 412, 0.413), ("new", 305, 499, 0.555)]):
        run = synthetic_run(
            users=400, cycles=2, failing=0.0, version=version, ended="failure-threshold", failure_threshold=5,
            stopped_at_ms=6000.0,
        )  # fmt: skip
        run.samples = run.samples.head(requests).copy()
        run.samples["outcome"] = np.where(np.arange(requests) < round(failing * requests), "failed", "ok")
        run.samples["warm_up"] = False
        run.monitor["users"] = np.where(run.monitor["process"] == "w1", users, 0)
        folders.append([write_run(tmp_path / version, run, minute=number)])
    result = compare_versions(*folders)
    assert result["verdict"] == "cannot_tell"
    old, new = (side[0] for side in result["outcomes"])
    assert (old["users"], old["requests"], round(old["failure_rate"], 3)) == (270, 412, 0.413)
    assert (new["users"], new["requests"], round(new["failure_rate"], 3)) == (305, 499, 0.555)
    assert "270 users and 305 (+13%), 412 requests and 499 (+21%)" in result["reasons"][0]
    assert "one run each cannot tell" in result["reasons"][0]


def test_a_time_out_counts_as_at_least_its_time(tmp_path):
    run = synthetic_run(failing=0.0)
    rows = np.arange(len(run.samples)) % 10 == 0
    run.samples.loc[rows, ["outcome", "error", "duration_ms"]] = ["failed", "timeout", 60_000.0]
    estimates = estimate(read_run(write_run(tmp_path / "run", run)), 0.0)
    ok = run.samples[~rows & ~run.samples["warm_up"]]["duration_ms"]
    assert estimates.values["duration.p90"] == pytest.approx(ok.max(), rel=0.05)
    assert "duration.p90" not in estimates.bounds
    assert estimates.values["duration.p95"] == 60_000.0
    assert {"duration.p95", "duration.mean"} <= estimates.bounds


def test_failures_that_come_together_are_one_episode(tmp_path):
    run = synthetic_run(failing=0.0)
    for second in (20.0, 20.5, 21.0, 60.0, 60.2):
        row = (run.samples["scheduled_ms"] - second * 1000.0).abs().idxmin()
        run.samples.loc[row, ["outcome", "error"]] = ["failed", "reset"]
    assert estimate(read_run(write_run(tmp_path / "run", run)), 0.0).episodes == 2


def test_a_slow_beginning_is_cut_off_and_a_steady_run_is_not():
    run = synthetic_run(failing=0.0, cycles=60)
    steady = run.samples.copy()
    steady["duration_ms"] = 1000.0 * np.exp(np.random.default_rng(1).normal(0, 0.2, len(steady)))
    assert settled_after([steady]) == 0.0
    cold = steady.copy()
    cold["duration_ms"] *= 1.0 + np.exp(-cold["scheduled_ms"] / 20_000.0)
    assert 25.0 <= settled_after([cold]) <= 120.0

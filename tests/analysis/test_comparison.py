"""Two versions compared, from their run folders to the verdict."""

import json

import numpy as np
import pytest

from folders import write_run, write_version
from katydid.analysis.comparison.compare import compare_versions
from katydid.analysis.comparison.estimates import estimate, read_run
from katydid.cli import main
from katydid.model.documents.comparison import CompareSettings
from katydid.model.jsontext import json_text
from katydid.report.comparison_sections import USERS_HELD, sections
from katydid.report.verdict import comparison_sentence
from katydid.stats.within_run import settled_after
from schemas import misfits
from synthetic import synthetic_run

LUCK = (0.01, -0.008, 0.004, -0.012, 0.006)


def sides(tmp_path, *, runs=5, slower=0.0, **changed):
    base = write_version(tmp_path, "old", LUCK[:runs], step=2)
    new = write_version(tmp_path, "new", LUCK[:runs][::-1], first_minute=1, step=2, slower=slower, **changed)
    return base, new


def spoil(folders, chosen):
    """Let the requests fail that `chosen(samples)` is true of."""
    for folder in folders:
        samples = folder.samples()
        samples.loc[chosen(samples), ["outcome", "error", "blame"]] = ["failed", "reset", "target"]
        samples.loc[chosen(samples), ["ttft_ms", "completion_tokens"]] = np.nan
        samples.to_parquet(folder.path / "samples.parquet")


def metric(result, name):
    return next(m for m in result["metrics"] if m["name"] == name)


@pytest.mark.parametrize(("slower", "verdict"), [(0.2, "slower"), (-0.2, "faster"), (0.0, "no_difference")])
def test_the_verdict_is_the_truth_with_an_interval_around_it(tmp_path, slower, verdict):
    result = compare_versions(*sides(tmp_path, slower=slower))
    assert result["verdict"] == verdict
    assert metric(result, "duration.p50")["low"] <= slower <= metric(result, "duration.p50")["high"]
    assert metric(result, "duration.p50")["primary"]
    assert not metric(result, "gap.p50")["primary"]


def test_one_run_each_is_never_a_verdict_and_says_what_it_would_take(tmp_path):
    result = compare_versions(*sides(tmp_path, runs=1, slower=1.0))
    assert result["verdict"] == "cannot_tell"
    assert metric(result, "duration.p50")["design"] == "within one run"
    assert metric(result, "duration.p50")["runs_needed"] >= 2
    assert "one run per side" in result["reasons"][0]


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
    assert any("is left out: it is invalid (" in reason for reason in result["reasons"])
    assert compare_versions(base, [spoiled])["verdict"] == "invalid"


def test_a_partial_run_is_left_out(tmp_path):
    base, new = sides(tmp_path, runs=2)
    manifest = json.loads((new[0].path / "manifest.json").read_text())
    del manifest["ended"]
    (new[0].path / "manifest.json").write_text(json.dumps(manifest))
    result = compare_versions(base, new)
    assert any("it is partial" in reason for reason in result["reasons"])


def test_a_version_that_fails_more_is_slower_however_fast_its_successes_are(tmp_path):
    result = compare_versions(*sides(tmp_path, slower=-0.3, failing=0.3))
    assert metric(result, "failure_rate")["verdict"] == "slower"
    assert metric(result, "duration.p50")["verdict"] == "faster"
    assert result["verdict"] == "slower"
    assert any("fails more often" in reason for reason in result["reasons"])


@pytest.mark.parametrize(("runs", "failing"), [(1, 0.5), (2, 0.5), (3, 0.2), (5, 0.05), (3, 0.9)])
def test_a_version_that_fails_more_is_slower_and_fails_the_gate(tmp_path, capsys, runs, failing):
    sides(tmp_path, runs=runs, failing=failing)
    limits = tmp_path / "limits.toml"
    limits.write_text('[compare]\nprimary = ["duration.p50"]\n')
    folders = [str(tmp_path / name) for name in ("old", "new")]
    assert main(["compare", *folders]) == 0
    assert capsys.readouterr().out.startswith("SLOWER. new fails more often than old: failure rate +")
    assert main(["gate", folders[1], "--thresholds", str(limits), "--baseline", folders[0]]) == 1
    assert capsys.readouterr().out.startswith("FAILED. new fails more often than old: failure rate +")


@pytest.mark.parametrize("runs", [1, 2])
def test_a_version_that_fails_always_is_slower(tmp_path, runs):
    base, new = sides(tmp_path, runs=runs)
    spoil(new, lambda frame: frame["scheduled_ms"] >= 0)
    result = compare_versions(base, new)
    assert result["verdict"] == "slower"
    assert "only in the failure rate: no request succeeded" in result["reasons"][0]
    limits = tmp_path / "limits.toml"
    limits.write_text('[compare]\nprimary = ["duration.p50"]\n')
    assert main(["gate", str(tmp_path / "new"), "--thresholds", str(limits), "--baseline", str(tmp_path / "old")]) == 1
    files = [f"--html={tmp_path / 'c.html'}", f"--markdown={tmp_path / 'c.md'}"]
    assert main(["compare", str(tmp_path / "old"), str(tmp_path / "new"), *files]) == 0


def test_a_run_in_which_all_failed_leaves_the_times_of_the_others(tmp_path):
    base, new = sides(tmp_path, runs=4)
    spoil(base[:1], lambda frame: frame["scheduled_ms"] >= 0)
    result = compare_versions(base, new)
    assert metric(result, "duration.p50")["verdict"] == "no_difference"
    assert metric(result, "failure_rate")["base"] == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("several", [4, 40])
def test_one_hiccup_does_not_decide(tmp_path, several):
    base, new = sides(tmp_path, runs=3)
    spoil(new[:1], lambda frame: frame.index.isin(range(300, 300 + several)))
    result = compare_versions(base, new)
    assert metric(result, "failure_rate")["verdict"] in {"cannot_tell", "no_difference"}
    assert result["verdict"] == ("no_difference" if several == 4 else "cannot_tell")


def test_a_version_that_may_fail_more_is_not_called_faster(tmp_path):
    base, new = sides(tmp_path, runs=3, slower=-0.3)
    spoil(new[:1], lambda frame: frame["scheduled_ms"] > 80_000)
    result = compare_versions(base, new)
    assert metric(result, "failure_rate")["verdict"] == "cannot_tell"
    assert result["verdict"] == "cannot_tell"
    assert any(reason.startswith("Failure rate: +") for reason in result["reasons"])


def test_a_version_that_fails_less_is_faster_and_with_longer_times_mixed(tmp_path):
    base = write_version(tmp_path, "old", LUCK, step=2, failing=0.1)
    equal = write_version(tmp_path, "equal", LUCK, first_minute=1, step=2)
    longer = write_version(tmp_path, "longer", LUCK, first_minute=1, step=2, slower=0.3)
    assert compare_versions(base, equal)["verdict"] == "faster"
    mixed = compare_versions(base, longer)
    assert mixed["verdict"] == "mixed"
    assert comparison_sentence(mixed).startswith("MIXED. longer is slower than old: ")
    assert "; better: failure rate \u2212" in comparison_sentence(mixed)
    assert [r.partition(":")[0] for r in mixed["reasons"] if r.startswith(("worse", "better"))] == ["worse", "better"]


def test_equal_versions_that_fail_equally_are_the_same(tmp_path):
    base = write_version(tmp_path, "old", LUCK, step=2, failing=0.004)
    new = write_version(tmp_path, "new", LUCK[::-1], first_minute=1, step=2, failing=0.004)
    result = compare_versions(base, new)
    assert metric(result, "failure_rate")["base"] > 0
    assert metric(result, "failure_rate")["verdict"] == "no_difference"
    assert result["verdict"] == "no_difference"


def test_few_failures_tell_nothing_about_rates(tmp_path):
    result = compare_versions(*sides(tmp_path, runs=1, failing=0.001))
    assert metric(result, "failure_rate")["verdict"] in {"cannot_tell", "no_difference"}


def test_shorter_answers_take_back_the_verdict_on_whole_answers(tmp_path):
    base = write_version(tmp_path, "old", LUCK, step=2)
    new = write_version(tmp_path, "new", LUCK, first_minute=1, step=2, slower=-0.3)
    for folder in new:
        samples = folder.samples()
        samples["completion_tokens"] = (samples["completion_tokens"] * 0.5).round().astype("Int64")
        samples.to_parquet(folder.path / "samples.parquet")
    result = compare_versions(base, new)
    assert result["verdict"] == "mixed"  # half as many tokens in seven tenths of the time
    assert metric(result, "duration.p50")["verdict"] == "cannot_tell"
    assert metric(result, "tpot.p50")["verdict"] == "slower"
    assert metric(result, "ttft.p50")["verdict"] == "faster"
    assert any("tokens instead of" in reason for reason in result["reasons"])


def test_the_primary_metrics_are_those_that_the_settings_name(tmp_path):
    result = compare_versions(*sides(tmp_path), settings=CompareSettings(primary=("ttft.p95",)))
    assert [m["name"] for m in result["metrics"] if m["primary"]] == ["ttft.p95", "failure_rate"]


def stopped(folder, *, users, requests, failed, minute):
    """A run of a ramp that the failure threshold stopped."""
    run = synthetic_run(
        users=400, cycles=2, failing=0.0, version=folder.name, ended="failure-threshold", failure_threshold=failed,
        stopped_at_ms=9000.0, phase="spawn", ramp_per_s=80.0, seed=minute + 1,
    )  # fmt: skip
    run.samples = run.samples[run.samples["user"] < users].head(requests).copy()
    run.samples["outcome"] = np.where(np.arange(requests) < requests - failed, "ok", "failed")
    return write_run(folder / str(minute), run, minute=minute)


def test_runs_stopped_by_the_failure_threshold_are_shown_as_what_they_are(tmp_path):
    """The origin's table: 270 users, 412 requests, 41.3 % failed against 305, 499, 55.5 %."""
    old = stopped(tmp_path / "old", users=270, requests=412, failed=170, minute=0)
    new = stopped(tmp_path / "new", users=305, requests=499, failed=277, minute=1)
    manifest = new.manifest().json | {"failure_threshold": 170}
    manifest.pop("partial")
    new.write_json("manifest.json", manifest)
    result = compare_versions([old], [new])
    assert result["verdict"] == "cannot_tell"
    ours, theirs = (side[0] for side in result["outcomes"])
    assert (ours["users"], ours["requests"], round(ours["failure_rate"], 3)) == (270, 412, 0.413)
    assert (theirs["users"], theirs["requests"], round(theirs["failure_rate"], 3)) == (305, 499, 0.555)
    assert "270 users and 305 (+13\u00a0%)" in result["reasons"][0]
    assert "412 requests and 499 (+21\u00a0%)" in result["reasons"][0]
    assert "one run each cannot tell" in result["reasons"][0]
    assert metric(result, "users_at_stop")["primary"]


def test_several_runs_that_were_stopped_say_which_version_holds_more_and_nothing_else_decides(tmp_path):
    users = [(270, 305), (272, 304), (269, 306), (271, 303), (270, 305)]
    sides = [
        [
            stopped(tmp_path / version, users=pair[side], requests=400, failed=5, minute=2 * number + side)
            for number, pair in enumerate(users)
        ]
        for side, version in enumerate(("old", "new"))
    ]
    result = compare_versions(*sides)
    assert result["verdict"] == "faster"
    assert [m["name"] for m in result["metrics"] if m["primary"]] == ["users_at_stop"]
    assert metric(result, "users_at_stop")["change"] == pytest.approx(0.126, abs=0.002)
    told = comparison_sentence(result)
    assert "new holds more users than old" in told
    assert "270 and 305 at the stop" in told
    method = next(section for section in sections(result) if section.key == "method")
    assert USERS_HELD in method.text


def test_a_version_that_was_not_stopped_holds_at_least_its_users(tmp_path):
    base = stopped(tmp_path / "old", users=270, requests=400, failed=5, minute=0)
    run = synthetic_run(users=400, cycles=2, failing=0.0, version="new", phase="spawn", ramp_per_s=80.0)
    run.manifest |= {"failure_threshold": 5}
    result = compare_versions([base], [write_run(tmp_path / "new", run, minute=1)])
    users = metric(result, "users_at_stop")
    assert (result["verdict"], users["bound"], users["new"]) == ("faster", "lower", 400)
    assert "at least +48" in comparison_sentence(result)


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


@pytest.mark.parametrize("case", ["runs", "one run", "failures", "stopped", "another interval"])
def test_a_comparison_is_as_its_schema_says(tmp_path, case):
    if case == "stopped":
        at = [stopped(tmp_path / str(n), users=n, requests=400, failed=5, minute=n) for n in (270, 400)]
        base, new = [at[0]], [at[1]]
    else:
        more = {"failing": 0.3} if case == "failures" else {"interval": 9.0} if case == "another interval" else {}
        base, new = sides(tmp_path, runs=1 if case == "one run" else 2, **more)
    told = json.loads(json_text(compare_versions(base, new)))
    assert misfits("comparison", told) == []

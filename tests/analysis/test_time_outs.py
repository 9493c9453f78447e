"""A quantile that lies among requests that timed out: a lower bound, for the comparison, the summary and the gate."""

from functools import cache

import numpy as np
import pytest

from folders import write_run
from katydid.analysis.comparison.compare import compare_versions
from katydid.analysis.comparison.estimates import Estimates, estimate, read_run
from katydid.analysis.comparison.sides import Sides
from katydid.analysis.comparison.verdicts import judge_metrics
from katydid.analysis.summary import RunResult
from katydid.gate.judge import judge
from katydid.gate.thresholds import parse_thresholds
from katydid.model.documents.comparison import CompareSettings, Verdict
from katydid.report.comparison import comparison_markdown
from katydid.report.verdict import change_text
from katydid.stats.censoring import Known
from synthetic import synthetic_run

LUCK = (0.01, -0.008, 0.004, -0.012, 0.006)
LIMIT = 60_000.0
POOL = 1000
"""Runs of each kind that simulations draw from."""


def timing_out(folder, version, share, *, minute=0, first_token=False, runs=5):
    """Runs of one version of which a share of the requests times out, at random or the latest."""
    folders = []
    for number, luck in enumerate(LUCK[:runs]):
        made = synthetic_run(seed=100 + number + minute, version=version, failing=0.0)
        times = ["ttft_ms", "duration_ms"]
        made.samples[times] *= float(np.exp(luck))
        count = round(share * len(made.samples))
        order = np.random.default_rng(number).permutation(len(made.samples))
        lost = made.samples.index[order[:count]]
        made.samples.loc[lost, ["outcome", "error", "blame"]] = ["failed", "timeout", "target"]
        made.samples.loc[lost, ["duration_ms", "completion_tokens"]] = np.nan
        if not first_token:
            made.samples.loc[lost, "ttft_ms"] = np.nan
        folders.append(write_run(folder / version / f"run-{number}", made, minute + 2 * number))
    return folders


def metric(result, name):
    return next(m for m in result["metrics"] if m["name"] == name)


def compared(tmp_path, base, new, **more):
    return compare_versions(
        timing_out(tmp_path, "old", base, **more), timing_out(tmp_path, "new", new, minute=1, **more)
    )


@pytest.mark.parametrize(
    ("share", "name"), [(0.06, "duration.p95"), (0.2, "duration.p90"), (0.6, "duration.p50"), (0.6, "ttft.p50")]
)
def test_a_side_that_times_out_is_slower_by_at_least_the_time_it_had(tmp_path, share, name):
    found = metric(compared(tmp_path, 0.0, share), name)
    assert (found["verdict"], found["bound"]) == ("slower", "lower")
    assert found["new"] == pytest.approx(LIMIT)
    assert found["change"] == pytest.approx(LIMIT / found["base"] - 1.0)
    assert found["low"] > 0.05
    assert found["high"] is None


def test_a_side_that_no_longer_times_out_is_faster_by_at_least_that(tmp_path):
    found = metric(compared(tmp_path, 0.2, 0.0), "duration.p95")
    assert (found["verdict"], found["bound"]) == ("faster", "upper")
    assert found["base"] == pytest.approx(LIMIT)
    assert found["low"] is None
    assert found["high"] < -0.05


def test_bounds_on_both_sides_cannot_tell(tmp_path):
    found = metric(compared(tmp_path, 0.2, 0.3), "duration.p95")
    assert (found["verdict"], found["bound"], found["change"]) == ("cannot_tell", "both", None)
    assert "timed out" in found["reason"]


def test_runs_some_of_which_reach_the_quantile_still_tell(tmp_path):
    base = timing_out(tmp_path, "old", 0.0)
    new = [
        *timing_out(tmp_path, "new", 0.055, minute=1, runs=4),
        *timing_out(tmp_path, "newer", 0.04, minute=50, runs=1),
    ]
    found = metric(compare_versions(base, new), "duration.p95")
    assert (found["verdict"], found["bound"]) == ("slower", "lower")
    assert found["low"] >= 0.05


@pytest.mark.parametrize("share", [0.04, 0.05, 0.06])
def test_equal_shares_of_time_outs_at_the_edge_of_a_quantile_are_not_called_different(tmp_path, share):
    """By luck, all runs of one side may lie on this side of the edge, and all of the other beyond."""
    base = timing_out(tmp_path, "old", share - 0.003, runs=3)
    new = timing_out(tmp_path, "new", share + 0.003, minute=1, runs=3)
    assert metric(compare_versions(base, new), "duration.p95")["verdict"] in {"cannot_tell", "no_difference"}


def test_a_first_token_that_came_before_the_time_out_is_known(tmp_path):
    found = metric(compared(tmp_path, 0.0, 0.2, first_token=True), "ttft.p95")
    assert (found["verdict"], found["bound"]) == ("no_difference", None)


def test_few_time_outs_leave_the_quantile_what_it_is(tmp_path):
    found = metric(compared(tmp_path, 0.0, 0.002), "duration.p95")
    assert (found["bound"], found["verdict"]) == (None, "no_difference")


def test_pages_say_at_least(tmp_path):
    result = compared(tmp_path, 0.0, 0.2)
    (found,) = (m for m in result.metrics if m.name == "duration.p95")
    assert change_text(found).startswith("at least +")
    assert "≥\u00a060.0\u00a0s" in comparison_markdown(result)


@pytest.mark.parametrize(
    ("first", "chunks", "gap", "had"),
    [(200.0, 1, np.nan, 30_200.0), (200.0, 11, 50.0, 30_700.0), (np.nan, 0, np.nan, 30_000.0)],
)
def test_an_idle_time_out_waited_from_its_last_chunk(tmp_path, first, chunks, gap, had):
    """The whole request's limit of 60 s is not what it had."""
    run = synthetic_run(failing=0.0, request_timeout_s=60.0, idle_timeout_s=30.0)
    lost = run.samples.index[::8]
    run.samples.loc[lost, ["outcome", "error"]] = ["failed", "idle_timeout"]
    run.samples.loc[lost, ["duration_ms", "ttft_ms", "chunks", "gap_mean_ms"]] = [np.nan, first, chunks, gap]
    estimates = estimate(read_run(write_run(tmp_path / "run", run)), 0.0)
    assert estimates.values["duration.p90"] == pytest.approx(had)
    assert "duration.p90" in estimates.bounds


def test_a_request_that_says_when_it_ended_is_believed(tmp_path):
    run = synthetic_run(failing=0.0, idle_timeout_s=30.0)
    lost = run.samples.index[::8]
    run.samples.loc[lost, ["outcome", "error"]] = ["failed", "idle_timeout"]
    run.samples.loc[lost, "duration_ms"] = np.nan
    run.samples["ended_ms"] = np.nan
    run.samples.loc[lost, "ended_ms"] = run.samples.loc[lost, "start_ms"] + 41_000.0
    estimates = estimate(read_run(write_run(tmp_path / "run", run)), 0.0)
    assert estimates.values["duration.p90"] == pytest.approx(41_000.0)


# The gate


def check(tmp_path, limit, share, name="duration.p95"):
    (folder,) = timing_out(tmp_path, "v1", share, runs=1)
    run = read_run(folder)
    thresholds = parse_thresholds({"objective": {name: limit}}, "limits.toml")
    judgement = judge(thresholds, [RunResult("run", run.manifest, run.summary)])
    return next(c for c in judgement.checks if c.metric == name)


@pytest.mark.parametrize("name", ["duration.p95", "response.p95", "ttft.p95", "duration.max", "duration.mean"])
def test_an_upper_limit_that_the_bound_breaks_is_failed(tmp_path, name):
    found = check(tmp_path, "< 2s", 0.2, name)
    assert (found.verdict, found.at_least) == ("failed", True)
    assert found.value > 2000.0


def test_an_upper_limit_beyond_the_bound_is_not_passed(tmp_path):
    found = check(tmp_path, "< 90s", 0.2)
    assert (found.verdict, found.exit_code) == ("no_data", 4)
    assert "at least 60.0\u00a0s" in found.reason


def test_time_outs_below_the_quantile_count_and_the_limit_is_kept(tmp_path):
    found = check(tmp_path, "< 5s", 0.02)
    assert (found.verdict, found.at_least) == ("passed", False)


def test_the_quantile_counts_the_time_outs_although_it_lies_below_them(tmp_path):
    few, none = (check(tmp_path / str(share), "< 60s", share).value for share in (0.04, 0.0))
    assert few > none * 1.05


def test_a_lower_limit_is_kept_by_a_bound_above_it_alone(tmp_path):
    assert check(tmp_path / "kept", "> 2s", 0.2).verdict == "passed"
    assert check(tmp_path / "open", "> 90s", 0.2).verdict == "no_data"


def test_a_run_of_time_outs_alone_breaks_its_limit(tmp_path):
    assert check(tmp_path, "< 20s", 1.0).verdict == "failed"


def test_the_metrics_of_the_summary_stay_those_of_successes_and_it_says_what_it_counts_beside_them(tmp_path):
    (folder,) = timing_out(tmp_path, "v1", 0.2, runs=1)
    summary = read_run(folder).summary
    assert summary["metrics"]["duration.p95"] < 10_000.0
    assert summary["censored"]["requests"] > 0
    assert summary["censored"]["metrics"]["duration.p95"] == {"value": LIMIT, "at_least": True}
    assert summary["censored"]["metrics"]["duration.p50"]["at_least"] is False
    assert "tpot.p50" not in summary["censored"]["metrics"]


def test_a_summary_without_time_outs_counts_none(tmp_path):
    (folder,) = timing_out(tmp_path, "v1", 0.0, runs=1)
    assert read_run(folder).summary["censored"] == {"requests": 0, "metrics": {}}


def test_successes_that_are_shorter_because_the_long_answers_timed_out_take_no_bound_back(tmp_path):
    base = timing_out(tmp_path, "old", 0.0)
    new = timing_out(tmp_path, "new", 0.0, minute=1)
    for folder in new:
        samples = folder.samples()
        long = samples["completion_tokens"] > samples["completion_tokens"].quantile(0.8)
        samples.loc[long, ["outcome", "error", "blame", "duration_ms", "completion_tokens"]] = [
            "failed", "timeout", "target", np.nan, np.nan,
        ]  # fmt: skip
        samples.to_parquet(folder.path / "samples.parquet")
    result = compare_versions(base, new)
    assert any("tokens instead of" in reason for reason in result["reasons"])
    assert metric(result, "duration.p95")["verdict"] == "slower"


# By simulation


def run_of(random, share, requests=250):
    """A run's estimates: service times of a median of 1 s, with a run's luck, and timeouts at 60 s."""
    times = random.lognormal(random.normal(np.log(1000.0), 0.02), 0.4, requests)
    open_ = random.random(requests) < share
    none = np.zeros(requests, dtype=bool)
    known = Known.of(np.where(open_, LIMIT, times), open_, none, none)
    value, at_least = known.quantile(0.95)
    return Estimates(
        values={"duration.p95": value}, ok=requests, failed=0, requests=requests, episodes=0,
        users_at_stop=None, bounds=frozenset({"duration.p95"} if at_least else ()), times={"duration": known},
    )  # fmt: skip


@cache
def runs_of(share):
    """Runs of one version to draw from: they take longer to make than to judge."""
    random = np.random.default_rng(3)
    return [run_of(random, share) for _ in range(POOL)]


def drawn(random, share, count):
    return [runs_of(share)[number] for number in random.choice(POOL, count, replace=False)]


def called(base, new, *, runs, pairs=600, history=10):
    """The share of pairs that are called slower, and faster, by p95; of two versions' shares of timeouts."""
    random, said = np.random.default_rng(3), []
    for _ in range(pairs):
        ours = drawn(random, base, 2 * runs + history)
        theirs = ours[runs : 2 * runs] if base == new else drawn(random, new, runs)
        settings = CompareSettings(primary=("duration.p95",))
        sides = Sides(ours[:runs], theirs, [ours[2 * runs :]], True, lambda _: None)
        said += judge_metrics(["duration.p95"], sides, settings)
    verdicts = [metric.verdict for metric in said]
    return verdicts.count(Verdict.SLOWER) / pairs, verdicts.count(Verdict.FASTER) / pairs


@pytest.mark.parametrize("share", [0.02, 0.04, 0.05, 0.06, 0.08])
@pytest.mark.parametrize(("runs", "history"), [(1, 10), (3, 0), (5, 10)])
def test_equal_versions_that_time_out_are_hardly_ever_called_different(share, runs, history):
    found = called(share, share, runs=runs, history=history)
    assert sum(found) <= 0.02


@pytest.mark.parametrize(("share", "runs"), [(0.06, 5), (0.1, 3), (0.2, 3), (0.6, 3), (0.2, 1)])
def test_time_outs_on_one_side_are_found(share, runs):
    slower, faster = called(0.0, share, runs=runs, pairs=100)
    assert slower >= 0.9
    assert faster == 0.0

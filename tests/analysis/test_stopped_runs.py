"""Runs that were stopped early: what was in flight counts as what it had, and nothing looks faster for it."""

from dataclasses import replace

import numpy as np
import pytest
from simulate_stopped_runs import METRICS, different, pool

from folders import write_run
from katydid.analysis.comparison.bounds import weigh
from katydid.analysis.comparison.compare import compare_versions
from katydid.analysis.comparison.estimates import Estimates, estimate, read_run
from katydid.model.documents.comparison import CompareSettings
from katydid.stats.censoring import Known
from katydid.stats.inference import Design, Difference
from synthetic import synthetic_run

LUCK = (0.01, -0.008, 0.004, -0.012, 0.006)


def stopped_run(path, version, *, after=11.0, luck=0.0, minute=0, marked=True, **manifest):
    """A run of which a fifth fails; a request takes nearly as long as the run counts.

    Args:
        after: seconds until the stop, 5 of them warm-up; None: it goes on to its end.
        marked: what was in flight is marked `after_stop`, as the failure threshold leaves it.
    """
    run = synthetic_run(
        seed=minute + 5, users=400, cycles=12, interval=5.0, failing=0.0, version=version, detail="-", **manifest
    )
    rows = run.samples
    rows[["ttft_ms", "duration_ms"]] *= 3.0 * float(np.exp(luck))
    lost = np.random.default_rng(minute).random(len(rows)) < 0.2
    rows.loc[lost, ["outcome", "error", "blame", "duration_ms", "ttft_ms"]] = [
        "failed",
        "http_5xx",
        "target",
        20.0,
        np.nan,
    ]
    if after is not None:
        stop = after * 1000.0
        rows = rows[rows["start_ms"] < stop].copy()
        cut = rows["start_ms"] + rows["duration_ms"] > stop
        rows.loc[cut & (rows["start_ms"] + rows["ttft_ms"] > stop), "ttft_ms"] = np.nan
        rows.loc[cut, ["outcome", "duration_ms", "completion_tokens", "after_stop"]] = [
            "aborted",
            np.nan,
            np.nan,
            marked,
        ]
        run.manifest |= {
            "ended": "failure-threshold",
            "stopped_at_ms": stop,
            "ended_at_ms": stop,
            "failure_threshold": 5,
        }
        run.monitor = run.monitor[run.monitor["at_ms"] <= stop + 1000.0]
        run.samples = rows
    return write_run(path / version / str(minute), run, minute)


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("name", ["duration.p50", "duration.p90", "response.p50", "ttft.p50", "ttft.p90", "tpot.p50"])
def test_requests_in_flight_at_the_stop_count_as_what_they_had(tmp_path, name, marked):
    whole = estimate(read_run(stopped_run(tmp_path / "whole", "v", after=None)), 0.0)
    found = estimate(read_run(stopped_run(tmp_path / "cut", "v", marked=marked)), 0.0)
    assert found.values[name] == pytest.approx(whole.values[name], rel=0.06)


def test_a_version_that_was_stopped_is_not_faster_for_it(tmp_path):
    base = [stopped_run(tmp_path, "old", after=None, luck=luck, minute=2 * n) for n, luck in enumerate(LUCK)]
    new = [stopped_run(tmp_path, "new", luck=luck, minute=2 * n + 1) for n, luck in enumerate(LUCK)]
    result = compare_versions(base, new, settings=CompareSettings(primary=METRICS))
    said = {metric["name"]: metric["verdict"] for metric in result["metrics"] if metric["name"] in METRICS}
    assert "faster" not in said.values()
    assert "slower" not in said.values()


def test_times_under_a_ramp_that_was_stopped_get_no_verdict(tmp_path):
    """500 users were to come, 400 were there."""
    base = [stopped_run(tmp_path, "old", luck=luck, minute=2 * n) for n, luck in enumerate(LUCK)]
    new = [stopped_run(tmp_path, "new", luck=luck + 0.5, minute=2 * n + 1) for n, luck in enumerate(LUCK)]
    for folder in (*base, *new):
        manifest = folder.manifest().json | {"users": 500}
        manifest.pop("partial")
        folder.write_json("manifest.json", manifest)
    result = compare_versions(base, new)
    found = next(metric for metric in result["metrics"] if metric["name"] == "duration.p50")
    assert found["verdict"] == "cannot_tell"
    assert "users were still being added" in found["reason"]


def test_of_a_conversation_that_was_cut_off_nothing_is_known(tmp_path):
    run = synthetic_run(failing=0.0, ended="failure-threshold")
    run.samples["conversation_ms"] = run.samples["duration_ms"] * 3
    run.samples.loc[run.samples.index[-9:], ["outcome", "duration_ms", "after_stop"]] = ["aborted", np.nan, True]
    found = estimate(read_run(write_run(tmp_path / "run", run)), 0.0)
    assert "conversation.p50" not in found.values
    assert "aborted" in found.missing["conversation.p50"]


# The noise of short runs

DIFFERENCE = Difference(log_ratio=-0.2, se=0.05, df=13, design=Design.RUNS)


def made(count, requests, *, early=False):
    known = Known.equal(np.linspace(900.0, 1100.0, requests))
    one = Estimates(
        values={"duration.p50": 1000.0}, ok=requests, failed=0, requests=requests, episodes=0,
        users_at_stop=None, times={"duration": known}, stopped_early=early,
    )  # fmt: skip
    return [one] * count


def test_a_short_run_has_the_noise_of_its_few_requests():
    groups = [made(1, 1000), made(1, 100, early=True), made(10, 1000)]
    widened = weigh("duration.p50", DIFFERENCE, groups, 0.05).difference
    assert widened.se == pytest.approx(0.05 * (11 / 2) ** 0.5)
    assert widened.df == pytest.approx(9)


def test_the_degrees_of_freedom_are_those_of_the_runs_that_make_the_noise():
    groups = [made(3, 100, early=True), made(3, 100, early=True), made(10, 10_000)]
    assert 4.0 < weigh("duration.p50", DIFFERENCE, groups, 0.05).difference.df < 4.3


def test_runs_that_came_to_their_end_are_left_as_they_are():
    assert weigh("duration.p50", DIFFERENCE, [made(1, 1000), made(1, 100), made(10, 1000)], 0.05) is None


def test_pairs_have_their_own_noise():
    groups = [made(5, 1000), made(5, 100, early=True)]
    pairs = replace(DIFFERENCE, design=Design.PAIRS)
    assert weigh("duration.p50", pairs, groups, 0.05).difference == pairs


# By simulation; benchmarks/simulate_stopped_runs.py has the whole table


@pytest.mark.parametrize("load", ["closed", "paced"])
def test_stopping_a_run_biases_no_quantile_and_calls_no_equal_versions_different(load):
    random = np.random.default_rng(7)
    drawn = pool(random, load=load, failures="both", runs=80)
    assert {name: error for name, error in drawn.errors.items() if abs(error) > 0.025} == {}
    assert different(random, drawn, runs=1, pairs=100, both=False) <= 0.03
    assert different(random, drawn, runs=3, pairs=100, both=True) <= 0.03


@pytest.mark.slow
@pytest.mark.parametrize("load", ["closed", "paced"])
@pytest.mark.parametrize("failures", ["at once", "late"])
def test_the_same_of_many_runs(load, failures):
    random = np.random.default_rng(8)
    drawn = pool(random, load=load, failures=failures, runs=500)
    assert {name: error for name, error in drawn.errors.items() if abs(error) > 0.02} == {}
    for runs in (1, 3, 5):
        for both in (False, True):
            assert different(random, drawn, runs=runs, pairs=600, both=both) <= 0.015, (runs, both)

"""The verdict on runs: what passes, what fails, what cannot be judged, and which of them wins."""

import json

import pytest

from katydid.model.errors import ExitCode
from katydid.model.jsontext import json_text
from verdicts import compared, judged, judged_run

TTFT = {"ttft.p95": "< 1.5s"}
COMPARE = {"primary": ["duration.p50", "duration.p95"]}
FAIL = {"cannot_tell": "fail"}


def check(judgement, metric):
    (found,) = (check for check in judgement.checks if check.metric == metric)
    return found


def test_a_value_within_its_limit_passes():
    judgement = judged(objective=TTFT)
    assert (judgement.passed, judgement.exit_code) == (True, 0)
    assert (check(judgement, "ttft.p95").verdict, check(judgement, "ttft.p95").value) == ("passed", 1000.0)


def test_a_value_beyond_its_limit_fails():
    judgement = judged(objective={"ttft.p95": "< 900ms", "failure_rate": "< 2%"})
    assert (judgement.passed, judgement.exit_code) == (False, 1)
    assert check(judgement, "ttft.p95").verdict == "failed"
    assert check(judgement, "failure_rate").verdict == "passed"


def test_a_run_without_requests_never_passes():
    judgement = judged(judged_run(counts={"requests": 0}), objective=TTFT)
    assert judgement.exit_code == 4
    assert check(judgement, "valid").verdict == "no_data"


def test_a_quantile_of_too_few_requests_never_passes():
    run = judged_run(metrics={"ttft.p95": None}, few={"ttft.p95": "too few (30 of 90)"})
    judgement = judged(run, objective=TTFT)
    assert judgement.exit_code == 4
    assert check(judgement, "ttft.p95").reason.startswith("too few (30 of 90) requests: run longer")


@pytest.mark.parametrize("metrics", [{"ttft.p95": None}, {"ttft.p95": float("nan")}])
def test_a_missing_value_never_passes(metrics):
    judgement = judged(judged_run(metrics=metrics), objective=TTFT)
    assert judgement.exit_code == 4
    assert check(judgement, "ttft.p95").verdict == "no_data"


def test_a_metric_that_the_workload_does_not_measure_never_passes():
    judgement = judged(objective={"tpot.p50": "< 1s"})
    assert judgement.exit_code == 4
    assert "does not measure it" in check(judgement, "tpot.p50").reason


def test_a_value_missing_in_one_of_several_runs_never_passes():
    judgement = judged(judged_run(), judged_run(metrics={"ttft.p95": None}), objective=TTFT)
    assert judgement.exit_code == 4
    assert "in 1 of 2 runs" in check(judgement, "ttft.p95").reason


def test_an_invalid_run_makes_all_invalid_and_is_named():
    bad = judged_run("second", valid=False, invalid_reasons=["the generator was too busy"])
    judgement = judged(judged_run("first"), bad, judged_run("third"), objective={"ttft.p95": "< 1ms"})
    assert judgement.exit_code == 4
    assert check(judgement, "valid").reason == "second: the generator was too busy"


def test_a_run_that_says_no_reason_for_being_invalid_is_invalid():
    assert judged(judged_run(valid=False), objective=TTFT).exit_code == 4


def test_a_partial_run_is_invalid():
    judgement = judged(judged_run(partial=True), objective=TTFT)
    assert judgement.exit_code == 4
    assert check(judgement, "valid").reason == "partial: the run never finished"


def test_runs_of_different_loads_are_not_judged_together():
    judgement = judged(judged_run("a"), judged_run("b", users=200), objective=TTFT)
    assert judgement.exit_code == 4
    assert check(judgement, "valid").reason.startswith("b is not a repeat of a: users differs (20 and 200)")


def test_warnings_of_a_valid_run_are_told_and_harm_nothing():
    judgement = judged(judged_run(warnings=["times were taken in user space"]), objective=TTFT)
    assert judgement.exit_code == 0
    assert check(judgement, "valid").reason == "times were taken in user space"


def test_a_run_that_its_failure_threshold_ended_fails_unless_the_file_allows_it():
    run = judged_run(ended="failure-threshold")
    assert judged(run, objective=TTFT).exit_code == 1
    assert "raise --failure-threshold" in check(judged(run, objective=TTFT), "ended").reason
    allowed = judged(run, objective=TTFT, policy={"stopped_early": "warn"})
    assert allowed.exit_code == 0
    assert "stopped by the failure threshold" in check(allowed, "ended").reason


def runs_at(*values, metric="ttft.p95"):
    return [judged_run(str(i), metrics={metric: value}) for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "limit", "middle", "code"),
    [
        ((1.0, 2.0, 900.0), "< 3ms", 2.0, 0),
        ((900.0, 2.0, 800.0), "< 3ms", 800.0, 1),
        ((1.0, 2.0, 4.0, 5.0), "< 3ms", 4.0, 1),
        ((1.0, 2.0, 4.0, 5.0), "> 3ms", 2.0, 1),
        ((1.0, 2.0), "< 3ms", 2.0, 0),
    ],
)
def test_of_several_runs_the_middle_one_decides_and_the_worse_of_two(values, limit, middle, code):
    judgement = judged(*runs_at(*values), objective={"ttft.p95": limit})
    assert (check(judgement, "ttft.p95").value, judgement.exit_code) == (middle, code)
    assert check(judgement, "ttft.p95").values == values


def test_that_the_median_was_taken_is_said_and_that_runs_disagree():
    reason = check(judged(*runs_at(1.0, 2.0, 900.0), objective={"ttft.p95": "< 3ms"}), "ttft.p95").reason
    assert reason == "the median of 3 runs; too close to call: 1 of 3 runs beyond the limit"


@pytest.mark.parametrize(
    ("comparison", "policy", "code"),
    [
        (compared("no_difference"), {}, 0),
        (compared("faster"), {}, 0),
        (compared("slower"), {}, 1),
        (compared("cannot_tell"), {}, 0),
        (compared("cannot_tell"), FAIL, 3),
        (compared("invalid", reasons=["users differs (20 and 40)"]), {}, 4),
        (compared("slower", duration_p50="faster", duration_p95="slower"), {}, 1),
        (compared("faster", duration_p50="faster", duration_p95="cannot_tell"), {}, 0),
        (compared("faster", duration_p50="faster", duration_p95="cannot_tell"), FAIL, 3),
        (compared("slower", duration_p50="cannot_tell", duration_p95="slower"), FAIL, 1),
        (None, {}, 0),
        (None, FAIL, 3),
    ],
)
def test_a_comparison_decides_with_the_policy(comparison, policy, code):
    assert judged(comparison=comparison, compare=COMPARE, policy=policy).exit_code == code


def test_only_primaries_decide():
    comparison = compared("no_difference", duration_p50="no_difference")
    comparison["metrics"].append(comparison["metrics"][0] | {"name": "ttft.p99", "verdict": "slower", "primary": False})
    assert judged(comparison=comparison, compare=COMPARE).exit_code == 0


def test_a_primary_that_a_side_lacks_never_passes():
    comparison = compared("cannot_tell")
    comparison["metrics"][0] |= {"base": None, "change": None, "low": None, "high": None, "reason": "too few"}
    judgement = judged(comparison=comparison, compare=COMPARE)
    assert judgement.exit_code == 4
    assert check(judgement, "duration.p50").reason == "cannot tell: too few"


def test_a_version_that_fails_more_is_not_passed_for_its_fast_successes():
    comparison = compared("cannot_tell", duration_p50="faster", reasons=["the new version fails more often"])
    judgement = judged(comparison=comparison, compare=COMPARE, policy=FAIL)
    assert judgement.exit_code == 3
    assert check(judgement, "comparison").reason == "the new version fails more often"


def test_a_comparison_says_its_change_and_what_would_tell():
    judgement = judged(comparison=compared("cannot_tell"), compare={"min_change": "3%"})
    told = check(judgement, "duration.p50")
    assert told.reason == "cannot tell: +4.0\u00a0% (+1.0\u00a0% to +7.0\u00a0%); about 8 runs per side would decide"
    assert told.limit == "no regression ≥ 3 % vs baseline"


def test_an_expected_baseline_that_is_missing_is_said():
    assert check(judged(compare=COMPARE), "comparison").reason.startswith("no baseline")


def test_a_file_that_asks_for_no_comparison_gets_none():
    assert {check.kind for check in judged(objective=TTFT).checks} == {"run", "objective"}


INVALID = {"valid": False, "invalid_reasons": ["x"]}
SLOW = {"ttft.p95": "< 1ms"}


@pytest.mark.parametrize(
    ("run", "objective", "comparison", "code"),
    [
        (INVALID, SLOW, compared("cannot_tell"), 4),
        ({}, SLOW, compared("cannot_tell"), 1),
        ({}, TTFT, compared("cannot_tell"), 3),
        ({}, TTFT, compared("invalid", reasons=["x"]), 4),
        ({}, SLOW, compared("invalid", reasons=["x"]), 4),
        ({}, TTFT, compared("faster"), 0),
    ],
)
def test_invalid_before_failed_before_cannot_tell(run, objective, comparison, code):
    judgement = judged(judged_run(**run), objective=objective, comparison=comparison, policy=FAIL)
    assert judgement.exit_code == code


def test_its_json_has_what_others_rely_on():
    told = json.loads(json_text(judged(objective=TTFT, comparison=compared("slower")).result()))
    assert (told["passed"], told["exit_code"]) == (False, ExitCode.GATE_FAILED)
    assert all({"metric", "value", "limit", "verdict", "reason"} <= check.keys() for check in told["checks"])
    assert told["comparison"]["verdict"] == "slower"


def test_mixed_fails_as_slower_does():
    comparison = compared("mixed", duration_p50="slower", ttft_p50="faster")
    assert judged(comparison=comparison, compare=COMPARE).exit_code == 1
    del comparison["metrics"][:]
    assert judged(comparison=comparison, compare=COMPARE).exit_code == 1


def test_an_objective_stands_beside_the_comparison_of_its_metric():
    comparison = compared("no_difference", ttft_p95="no_difference")
    judgement = judged(comparison=comparison, objective=TTFT)
    (objective,) = (c for c in judgement.checks if c.kind == "objective")
    assert (objective.compared.base, objective.compared.change) == (1000.0, 0.01)


def test_an_objective_that_is_not_compared_stands_beside_the_baseline_s_middle():
    baseline = [judged_run(str(rate), metrics={"requests_per_s": rate}) for rate in (5.0, 8.0, 50.0)]
    limits = {"requests_per_s": "> 1/s", "failure_rate": "< 2%", "tpot.p50": "< 1s"}
    judgement = judged(comparison=compared("no_difference"), objective=limits, baseline=baseline)
    rows = {c.metric: c.compared for c in judgement.checks if c.kind == "objective"}
    assert (rows["requests_per_s"].base, rows["requests_per_s"].change) == (8.0, 0.25)
    assert rows["failure_rate"].points.change == 0.0
    assert rows["tpot.p50"] is None


def test_a_baseline_of_another_load_is_set_beside_nothing():
    comparison = compared("invalid", reasons=["users differs (20 and 40)"])
    judgement = judged(comparison=comparison, objective=TTFT, baseline=[judged_run(users=40)])
    assert check(judgement, "ttft.p95").compared is None


@pytest.mark.parametrize(
    ("whole", "failures", "code"), [("no_difference", "cannot_tell", 0), ("cannot_tell", "cannot_tell", 3)]
)
def test_a_failure_or_two_raise_no_doubt_where_the_comparison_has_none(whole, failures, code):
    comparison = compared(whole, duration_p50="no_difference", failure_rate=failures)
    comparison["metrics"][-1] |= {"name": "failure_rate"}
    judgement = judged(comparison=comparison, compare=COMPARE, policy=FAIL)
    assert judgement.exit_code == code
    assert check(judgement, "failure_rate").reason.startswith("cannot tell: ")


@pytest.mark.parametrize(("reason", "code"), [("no request succeeded on one side", 1), ("a run lacks it", 4)])
def test_where_every_request_failed_that_is_what_fails(reason, code):
    comparison = compared("slower", duration_p50="cannot_tell", failure_rate="slower")
    comparison["metrics"][-1] |= {"name": "failure_rate"}
    comparison["metrics"][0] |= {"new": None, "change": None, "low": None, "high": None, "reason": reason}
    assert judged(comparison=comparison, compare=COMPARE, policy={}).exit_code == code

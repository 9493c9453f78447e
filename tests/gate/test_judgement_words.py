"""What the gate says to people and programs, whole: every reason in its words, every check with its limit."""

from dataclasses import replace

import pytest

from katydid.gate.judge import unreadable
from katydid.gate.judgement import CheckKind, GateCheck, GateVerdict
from katydid.gate.thresholds import Policy, parse_thresholds
from katydid.model.documents.summary import Summary
from katydid.model.errors import ExitCode
from verdicts import compared, judged, judged_run

TTFT = {"ttft.p95": "< 1.5s"}
NO_LOSS = "no regression ≥ 5 % vs baseline"


def told(judgement, metric):
    (found,) = (check for check in judgement.checks if check.metric == metric)
    return found.verdict, found.limit, found.reason


def test_a_good_run_gets_its_checks_in_order_and_needs_no_words():
    judgement = judged(objective=TTFT)
    assert judgement.checks == (
        GateCheck(CheckKind.RUN, "valid", "valid measurement", GateVerdict.PASSED),
        GateCheck(CheckKind.RUN, "ended", "not stopped early", GateVerdict.PASSED),
        GateCheck(CheckKind.OBJECTIVE, "ttft.p95", "< 1.5s", GateVerdict.PASSED, value=1000.0),
    )
    assert (judgement.thresholds, judgement.runs, judgement.comparison) == ("limits.toml", ("run",), None)


def test_its_json_is_whole():
    comparison = compared("slower")
    (row,) = comparison["metrics"]
    plain = {"reason": "", "value": None, "values": [], "at_least": False, "compared": None, "exit_code": 0}
    assert judged(objective=TTFT, comparison=comparison).result().json == {
        "schema_version": 1,
        "passed": False,
        "exit_code": 1,
        "thresholds": "limits.toml",
        "runs": ["run"],
        "checks": [
            plain | {"kind": "run", "metric": "valid", "limit": "valid measurement", "verdict": "passed"},
            plain | {"kind": "run", "metric": "ended", "limit": "not stopped early", "verdict": "passed"},
            plain
            | {"kind": "objective", "metric": "ttft.p95", "limit": "< 1.5s", "verdict": "passed", "value": 1000.0},
            plain
            | {
                "kind": "comparison",
                "metric": "duration.p50",
                "limit": NO_LOSS,
                "verdict": "failed",
                "reason": "slower: +20\u00a0% (+17\u00a0% to +23\u00a0%)",
                "value": 1200.0,
                "compared": row,
                "exit_code": 1,
            },
        ],
        "comparison": comparison,
    }


def test_a_run_that_cannot_be_read_is_no_data_with_the_reason():
    judgement = unreadable(parse_thresholds({"objective": TTFT}, "limits.toml"), ["a", "b"], "b is not a run folder")
    assert judgement.checks == (
        GateCheck(CheckKind.RUN, "valid", "valid measurement", GateVerdict.NO_DATA, "b is not a run folder"),
    )
    assert (judgement.thresholds, judgement.runs, judgement.exit_code) == ("limits.toml", ("a", "b"), ExitCode.INVALID)


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        ({"counts": {"requests": 0}}, "no_data", "no data: no request was recorded"),
        ({"counts": {"requests": 0}, "invalid_reasons": ["it was cut"]}, "no_data", "it was cut"),
        ({"partial": True}, "invalid", "partial: the run never finished"),
        ({"partial": True, "invalid_reasons": ["busy"]}, "invalid", "busy; partial: the run never finished"),
        ({"valid": False}, "invalid", "the run is marked as invalid"),
        ({"valid": False, "invalid_reasons": ["busy", "late"]}, "invalid", "busy; late"),
        ({"warnings": ["old kernel", "few cores"]}, "passed", "old kernel; few cores"),
    ],
)
def test_whether_a_run_may_be_believed(changes, verdict, reason):
    assert told(judged(judged_run(**changes), objective=TTFT), "valid") == (verdict, "valid measurement", reason)


def test_a_summary_that_leaves_out_what_is_optional_is_read():
    run = judged_run(metrics={"ttft.p95": None})
    old = {key: value for key, value in run.summary.items() if key not in {"partial", "warnings", "too_few"}}
    run = replace(run, summary=Summary.read(old))
    judgement = judged(run, objective=TTFT)
    assert told(judgement, "valid") == ("passed", "valid measurement", "")
    assert told(judgement, "ttft.p95")[2].startswith("no value: ")


def test_of_several_runs_each_reason_names_its_run_and_each_warning_stands_once():
    warned = [judged_run(name, warnings=["old kernel"]) for name in "abc"]
    assert told(judged(*warned, objective=TTFT), "valid")[2] == "old kernel"
    empty = judged_run("c", counts={"requests": 0})
    bad = judged(judged_run("a", valid=False), judged_run("b"), empty, objective=TTFT)
    reason = "a: the run is marked as invalid; c: no data: no request was recorded"
    assert told(bad, "valid") == ("no_data", "valid measurement", reason)


def test_every_run_of_another_load_than_the_first_is_named():
    runs = [judged_run("a"), judged_run("b"), judged_run("c", users=30), judged_run("d", users=40)]
    why = "a different number of users: not comparable"
    reason = "; ".join(
        f"{run} is not a repeat of a: users differs (20 and {users}): {why}" for run, users in (("c", 30), ("d", 40))
    )
    assert told(judged(*runs, objective=TTFT), "valid") == ("invalid", "valid measurement", reason)


STOPPED = "stopped by the failure threshold; later requests are not judged"
RAISE = "if so many failures are acceptable, raise --failure-threshold or set stopped_early under [policy]"


def test_a_run_that_was_stopped_early_is_told_what_to_do():
    one = judged(judged_run(ended="failure-threshold"), objective=TTFT)
    assert told(one, "ended") == ("failed", "not stopped early", f"the run was {STOPPED}; {RAISE}")
    allowed = judged(judged_run(ended="failure-threshold"), objective=TTFT, policy={"stopped_early": "warn"})
    assert told(allowed, "ended") == ("passed", "not stopped early", f"the run was {STOPPED}")
    assert {check.kind for check in allowed.checks} == {"run", "objective"}


def test_of_several_runs_it_is_said_how_many_were_stopped_early():
    runs = [judged_run("a"), judged_run("b", ended="failure-threshold")]
    assert told(judged(*runs, objective=TTFT), "ended")[2] == f"1 of 2 runs were {STOPPED}; {RAISE}"


def at(*values):
    return [judged_run(str(i), metrics={"ttft.p95": value}) for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "verdict", "reason"),
    [
        ((1.0, 2.0), "passed", "the worse of the two middle values of 2 runs"),
        ((1.0, 2.0, 900.0), "passed", "the median of 3 runs; too close to call: 1 of 3 runs beyond the limit"),
        ((1.0, 900.0, 901.0), "failed", "the median of 3 runs; too close to call: 2 of 3 runs beyond the limit"),
        ((900.0, 901.0, 902.0), "failed", "the median of 3 runs"),
    ],
)
def test_how_several_runs_became_one_value(values, verdict, reason):
    assert told(judged(*at(*values), objective={"ttft.p95": "< 3ms"}), "ttft.p95") == (verdict, "< 3ms", reason)


def test_a_single_value_says_it_all_and_is_no_list():
    (found,) = (c for c in judged(objective={"ttft.p95": "< 3ms"}).checks if c.metric == "ttft.p95")
    assert (found.value, found.values, found.reason, found.verdict) == (1000.0, (), "", "failed")


LAST_LONGER = "run longer, or limit a lower quantile"
NONE_HAD_ONE = "no successful request has this value, or the workload does not measure it"


@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        ([judged_run(metrics={"ttft.p95": None})], f"no value: {NONE_HAD_ONE}"),
        (
            [judged_run(metrics={"ttft.p95": None}, few={"ttft.p95": "too few (9 of 90)"})],
            f"too few (9 of 90) requests: {LAST_LONGER}",
        ),
        (
            [judged_run("a"), judged_run("b", metrics={"ttft.p95": None}), judged_run("c", metrics={"ttft.p95": None})],
            f"no value in 2 of 3 runs: {NONE_HAD_ONE}",
        ),
        (
            [judged_run("a"), judged_run("b", metrics={"ttft.p95": None}, few={"ttft.p95": "too few (9 of 90)"})],
            f"too few (9 of 90) requests in 1 of 2 runs: {LAST_LONGER}",
        ),
        (
            [judged_run(metrics={"ttft.p95": None}, few={"ttft.p99": "too few (9 of 459)"})],
            f"no value: {NONE_HAD_ONE}",
        ),
    ],
)
def test_why_there_is_no_value(runs, reason):
    assert told(judged(*runs, objective=TTFT), "ttft.p95") == ("no_data", "< 1.5s", reason)


def test_a_value_of_zero_is_a_value():
    assert judged(judged_run(metrics={"failure_rate": 0}), objective={"failure_rate": "<= 0%"}).passed


@pytest.mark.parametrize(("policy", "code"), [("warn", 0), ("fail", 3)])
def test_a_baseline_that_is_missing_is_asked_for_and_the_policy_decides(policy, code):
    judgement = judged(compare={"primary": ["duration.p50"]}, policy={"cannot_tell": policy})
    reason = "no baseline: name one with --baseline"
    assert told(judgement, "comparison") == ("cannot_tell", NO_LOSS, reason)
    assert (judgement.checks[-1].kind, judgement.exit_code) == ("comparison", code)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "cannot tell: +4.0\u00a0% (+1.0\u00a0% to +7.0\u00a0%); about 8 runs per side would decide"),
        ({"runs_needed": None}, "cannot tell: +4.0\u00a0% (+1.0\u00a0% to +7.0\u00a0%)"),
        ({"reason": "too few"}, "cannot tell: +4.0\u00a0% (+1.0\u00a0% to +7.0\u00a0%): too few"),
        (
            {"low": None, "high": None, "smallest_detectable": None, "runs_needed": 3},
            (
                "cannot tell: +4.0\u00a0%; one run per side does not show the noise between runs; "
                "about 3 runs per side would decide"
            ),
        ),
        ({"low": None}, "cannot tell: +4.0\u00a0%; about 8 runs per side would decide"),
        ({"high": None}, "cannot tell: +4.0\u00a0%; about 8 runs per side would decide"),
        ({"change": None, "low": None, "high": None, "runs_needed": None}, "cannot tell"),
        (
            {"verdict": "no_difference", "change": -0.0123},
            "no difference: \u22121.2\u00a0% (+1.0\u00a0% to +7.0\u00a0%)",
        ),
    ],
)
def test_a_comparison_says_its_change_its_interval_and_what_would_tell(row, reason):
    comparison = compared("cannot_tell")
    comparison["metrics"][0] |= row
    verdict = row.get("verdict", "cannot_tell").replace("no_difference", "passed")
    metrics = {c.metric: c for c in judged(comparison=comparison, compare={}).checks}
    assert (metrics["duration.p50"].verdict, metrics["duration.p50"].reason) == (verdict, reason)


@pytest.mark.parametrize("side", ["base", "new"])
def test_a_metric_that_either_side_lacks_is_no_data(side):
    comparison = compared("no_difference")
    comparison["metrics"][0][side] = None
    assert told(judged(comparison=comparison, compare={}), "duration.p50")[0] == "no_data"


def test_an_invalid_comparison_says_why_and_none_of_its_rows():
    comparison = compared("cannot_tell") | {"verdict": "invalid", "reasons": ["users differs", "model differs"]}
    judgement = judged(comparison=comparison, compare={}, policy={"cannot_tell": "fail"})
    assert [c.metric for c in judgement.checks if c.kind is CheckKind.COMPARISON] == ["comparison"]
    assert told(judgement, "comparison") == ("invalid", NO_LOSS, "users differs; model differs")


def test_a_comparison_whose_rows_say_the_same_needs_no_check_of_its_own():
    judgement = judged(comparison=compared("slower", duration_p50="slower", ttft_p50="faster"), compare={})
    assert [c.metric for c in judgement.checks if c.kind is CheckKind.COMPARISON] == ["duration.p50", "ttft.p50"]


def test_every_check_of_a_comparison_carries_the_policy_and_the_whole_its_own():
    comparison = compared("cannot_tell", duration_p50="faster", reasons=["it fails more often"])
    judgement = judged(comparison=comparison, compare={}, policy={"cannot_tell": "fail"})
    checks = [c for c in judgement.checks if c.kind is CheckKind.COMPARISON]
    assert [(c.metric, c.doubt, c.exit_code) for c in checks] == [
        ("duration.p50", Policy.FAIL, 0),
        ("comparison", Policy.FAIL, 3),
    ]


@pytest.mark.parametrize(("change", "said"), [("2.5%", "2.5 %"), ("0%", "0 %"), ("3.1416%", "3.14 %")])
def test_the_loss_that_matters_stands_in_the_limit(change, said):
    judgement = judged(comparison=compared("slower"), compare={"min_change": change})
    assert told(judgement, "duration.p50")[1] == f"no regression ≥ {said} vs baseline"


def test_of_two_runs_the_one_that_is_wrong_is_named():
    judgement = judged(judged_run("a"), judged_run("b", valid=False), objective=TTFT)
    assert told(judgement, "valid")[2] == "b: the run is marked as invalid"


@pytest.mark.parametrize(
    "runs",
    [
        [judged_run(valid=False)],
        [judged_run(metrics={"ttft.p95": None})],
        [judged_run("a"), judged_run("b")],
        [judged_run(ended="failure-threshold")],
    ],
)
def test_whatever_comes_of_a_check_its_kind_stays(runs):
    kinds = [check.kind for check in judged(*runs, objective=TTFT, comparison=compared("slower")).checks]
    assert kinds == ["run", "run", "objective", "comparison"]

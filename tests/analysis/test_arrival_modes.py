"""What a run can say when its requests come in a closed loop, or at a rate: what means nothing is absent, not 0."""

from dataclasses import replace

import numpy as np
import pytest

from documents import manifest_with
from folders import write_version
from katydid.analysis.comparison.compare import compare_versions
from katydid.analysis.derived import with_derived
from katydid.analysis.offered import arrivals_due
from katydid.analysis.series import over_time
from katydid.analysis.summary import summarise
from katydid.model.formatting import load_text
from katydid.model.metrics.rates import OF_DUE_TIMES
from rows import ABORTED, FAILED, MANIFEST, monitor, samples, started, steady
from verdicts import judged, judged_run

CLOSED = {"interval_s": 0.0, "schedule": "closed"}
RATE = {
    "interval_s": None, "schedule": "rate", "rate_per_s": 10.0, "arrivals": "even", "arrivals_begin_ms": 0.0,
    "stopped_at_ms": 10_000.0, "users": 8,
}  # fmt: skip


def summary_of(*rows, **manifest):
    return summarise(samples(*rows), monitor(10), manifest_with(MANIFEST | manifest))


def at_rate(count=100, **more):
    return [started(i * 100.0, user=i % 8, iteration=i // 8, **more) for i in range(count)]


def told(summary):
    """Names of the metrics that have a value."""
    return {name for name, value in summary["metrics"].items() if value is not None}


def of_due_times(names):
    return {name for name in names if name.partition(".")[0] in OF_DUE_TIMES}


# A trace

TRACE = {
    "interval_s": None, "schedule": "trace", "trace": "t.csv", "trace_due_ms": [0.0, 0.0, 0.0, 500.0, 4000.0],
    "arrivals_begin_ms": 1000.0, "stopped_at_ms": 4900.0, "users": 8, "ended": "completed",
}  # fmt: skip


def test_what_is_due_in_a_trace_the_manifest_says():
    assert list(arrivals_due(manifest_with(TRACE), 4900.0)) == [1000.0, 1000.0, 1000.0, 1500.0]


def test_of_several_requests_at_once_each_is_looked_for():
    rows = [started(at, user=number) for number, at in enumerate([1000.0, 1500.0])]
    summary = summary_of(*rows, **TRACE)
    assert summary["metrics"]["unserved_share"] == pytest.approx(0.5)
    assert "achieved_load" in {finding["rule"] for finding in summary["findings"]}


def test_requests_that_follow_another_are_due_when_their_rows_say():
    rows = samples(started(1000.0, user=0), started(2000.0, user=1)).assign(turn=[1, 2])
    told = manifest_with(MANIFEST | TRACE | {"trace_due_ms": [0.0], "warm_up_s": 0.0})
    summary = summarise(rows, monitor(10), told)
    assert summary["metrics"]["offered_per_s"] == pytest.approx(2 / 4.9)
    assert summary["metrics"]["unserved_share"] == 0.0


def test_too_small_a_pool_is_told_with_what_to_do_about_a_trace():
    rows = [started(1000.0 + 10.0 * number, user=number, late_ms=900.0, late_cause="pool") for number in range(4)]
    found = next(f for f in summary_of(*rows, **TRACE)["findings"] if f["rule"] == "pool")
    assert "at this trace" in found["message"]
    assert "lower --trace-speed" in found["remedy"]


# Closed loop


def test_a_closed_loop_has_no_figure_of_due_times():
    summary = summary_of(*steady(500, 600.0), started(0.0, base=FAILED), **CLOSED)
    assert of_due_times(told(summary)) == set()
    assert {"duration.p99", "ttft.p99", "failure_rate", "requests_per_s"} <= told(summary)
    assert summary["counts"]["late"] is None


def test_nor_has_it_where_requests_were_cut_off_or_timed_out():
    rows = [*steady(20, 600.0), started(12_000.0, base=ABORTED, ended_ms=13_000.0)]
    summary = summary_of(*rows, **CLOSED)
    assert of_due_times(summary["censored"]["metrics"]) == set()
    assert "duration.max" in summary["censored"]["metrics"]


def test_a_closed_loop_is_not_judged_by_lateness():
    summary = summary_of(*steady(100, 600.0), **CLOSED)
    assert summary["valid"]
    assert {"late_starts", "achieved_load"} <= set(summary["unchecked_rules"])
    assert not {finding["rule"] for finding in summary["findings"]} & {"late_starts", "achieved_load", "pool"}


def test_nothing_is_on_offer_in_a_closed_loop_and_requests_in_flight_are_followed():
    frame = with_derived(samples(*steady(20, 500.0)), manifest_with(MANIFEST | CLOSED))
    course = over_time(frame, monitor(10), manifest_with(MANIFEST | CLOSED))
    assert course["offered"].isna().all()
    assert course["in_flight"].to_numpy()[:10] == pytest.approx(np.ones(10))


@pytest.mark.parametrize("metric", ["late_share", "response.p95", "goodput", "response_corrected.p50"])
def test_a_gate_that_asks_for_lateness_says_why_there_is_none(metric):
    limits = {metric: "< 1s" if "." in metric else "< 1%"}
    judgement = judged(replace(judged_run(), manifest=manifest_with(CLOSED)), objective=limits)
    (check,) = [check for check in judgement.checks if check.metric == metric]
    assert (check.verdict, judgement.exit_code) == ("no_data", 4)
    assert "which a closed loop does not have" in check.reason


def test_a_gate_that_asks_a_rate_for_goodput_says_why_there_is_none():
    judgement = judged(replace(judged_run(), manifest=manifest_with(RATE)), objective={"goodput": "> 99%"})
    (check,) = [check for check in judgement.checks if check.metric == "goodput"]
    assert check.verdict == "no_data"
    assert "limit duration.p95 or response.p95" in check.reason


def test_two_closed_loops_are_compared_without_lateness(tmp_path):
    luck = (0.01, -0.008, 0.004, -0.012, 0.006)
    base = write_version(tmp_path, "old", luck, step=2, **CLOSED)
    new = write_version(tmp_path, "new", luck[::-1], first_minute=1, step=2, slower=0.2, **CLOSED)
    result = compare_versions(base, new)
    assert result["verdict"] == "slower"
    assert of_due_times(row["name"] for row in result["metrics"]) == set()


@pytest.mark.parametrize("other", [{}, RATE, CLOSED | {"users": 2}])
def test_a_closed_loop_is_not_comparable_with_another_load(tmp_path, other):
    base = write_version(tmp_path, "old", (0.0,), **CLOSED)
    new = write_version(tmp_path, "new", (0.0,), first_minute=1, **other)
    assert compare_versions(base, new)["verdict"] == "invalid"


# Rate


def test_a_rate_offers_what_its_manifest_says():
    summary = summary_of(*at_rate(), **RATE)
    assert (summary["metrics"]["offered_per_s"], summary["metrics"]["requests_per_s"]) == (10.0, 10.0)
    assert summary["metrics"]["unserved_share"] == 0.0
    assert summary["metrics"]["goodput"] is None, "nothing says what is in time"
    assert summary["metrics"]["response.p50"] == 500.0
    assert summary["valid"]
    assert summary["findings"] == []


def test_arrivals_that_found_no_free_user_are_told_and_wait_to_the_end():
    rows = [*at_rate(50), *(started(5000.0 + i * 100.0, late=900.0, late_cause="pool", user=i % 8) for i in range(30))]
    summary = summary_of(*rows, **RATE)
    assert summary["metrics"]["unserved_share"] == 0.2
    assert summary["metrics"]["late_share"] == pytest.approx(30 / 80)
    assert summary["metrics"]["response_corrected.max"] == 2000.0, "due at 8 s, and never sent"
    assert [(found["rule"], found["severity"]) for found in summary["findings"]] == [("pool", "warning")]


def test_arrivals_that_nobody_took_although_users_were_free_make_a_run_invalid():
    summary = summary_of(*at_rate()[:80], **RATE)
    assert ("achieved_load", "invalid") in [(found["rule"], found["severity"]) for found in summary["findings"]]


def test_a_start_that_the_generator_was_late_with_is_its_fault_at_a_rate_too():
    rows = [
        row | ({"late_ms": 80.0, "start_ms": row["start_ms"] + 80.0} if i % 9 == 8 else {})
        for i, row in enumerate(at_rate())
    ]
    assert "late_starts" in [found["rule"] for found in summary_of(*rows, **RATE)["findings"]]


def test_the_rate_on_offer_is_followed_over_time():
    manifest = manifest_with(MANIFEST | RATE | {"rate_ramp_per_s": 2.0})
    course = over_time(with_derived(samples(*at_rate()), manifest), monitor(10), manifest)
    assert course["offered"].to_numpy()[:10] == pytest.approx([1, 3, 5, 7, 9, 10, 10, 10, 10, 10], abs=1.0)


def test_how_many_users_a_pool_has_tells_nothing_of_a_stop():
    rows = [*at_rate(90), *(started(9000.0 + i * 100.0, base=FAILED) for i in range(5))]
    summary = summary_of(
        *rows, **RATE | {"ended": "failure-threshold", "stopped_at_ms": 9500.0, "failure_threshold": 5}
    )
    assert summary.users_at_stop is None
    assert summary["metrics"]["in_flight_at_stop"] is not None
    assert "users" not in summary.headline.text


@pytest.mark.parametrize(
    "damage",
    [{"rate_per_s": 0.0}, {"rate_per_s": -5.0}, {"rate_per_s": 1e15}, {"rate_per_s": None}, {"stopped_at_ms": 1e15}],
)
def test_a_damaged_manifest_offers_nothing(damage):
    manifest = manifest_with(MANIFEST | RATE | damage)
    assert len(arrivals_due(manifest, manifest.stopped_at_ms)) == 0


@pytest.mark.parametrize(
    ("manifest", "text"),
    [
        ({"users": 20, "interval_s": 5.0}, "20 users, one request per user every 5 s (4 requests/s)"),
        (
            {"users": 64, **CLOSED},
            "64 in flight (closed loop: each user starts its next request when the last one ends)",
        ),
        (RATE | {"users": 1000, "arrivals": "poisson"}, "10 requests/s (poisson arrivals), at most 1,000 in flight"),
        (
            {"users": 8, "starts": "conversation", **CLOSED},
            "8 conversations in flight (closed loop: each user starts its next conversation when the last one ends)",
        ),
        (RATE | {"users": 9, "starts": "conversation"}, "10 conversations/s (even arrivals), at most 9 in flight"),
        (
            {"users": 20, "interval_s": 60.0, "starts": "conversation"},
            "20 users, one conversation per user every 60 s (20 conversations/min)",
        ),
        (
            RATE | {"rate_ramp_per_s": 2.0},
            "10 requests/s (even arrivals, 2 more each second until then), at most 8 in flight",
        ),
    ],
)
def test_a_load_is_told_in_words(manifest, text):
    assert load_text(manifest_with(manifest)) == text


# Stages at a rate


def stage(number, rate, begin, **more):
    return {
        "stage": number, "users": 100, "begin_ms": begin, "settled_ms": begin, "end_ms": begin + 10_000.0,
        "purpose": "measure 1", "rate": rate,
    } | more  # fmt: skip


def in_stage(number, rate, begin, duration):
    """Requests of a stage, each as slow as `duration` says of its number."""
    return [
        started(
            begin + i * 1000.0 / rate,
            user=1000 * number + i % 100,
            iteration=i // 100,
            stage=number,
            duration_ms=duration(i),
        )
        for i in range(int(10 * rate))
    ]


STAGED = {
    "interval_s": 2.0, "schedule": "rate", "arrivals": "even", "users": None, "plan": "capacity",
    "objective": [{"metric": "duration.p95", "allowed": 0.05, "limit_ms": 1000.0}],
    "stages": [stage(0, 5.0, 0.0), stage(1, 10.0, 20_000.0)],
}  # fmt: skip


def test_a_search_for_a_rate_finds_requests_a_second():
    rows = [*in_stage(0, 5.0, 0.0, lambda _: 200.0), *in_stage(1, 10.0, 20_000.0, lambda i: 200.0 + 100.0 * i)]
    found = summary_of(*rows, **STAGED).capacity
    assert (found.unit, found.at_rates) == ("requests_per_s", True)
    assert 4.0 < found.capacity < 6.0, "it answers 5 requests a second"
    assert [(step.users, step.rate_per_s, step.held) for step in found.steps] == [(100, 5.0, True), (100, 10.0, False)]


def test_stages_at_rates_offer_what_they_say():
    rows = [*in_stage(0, 5.0, 0.0, lambda _: 200.0), *in_stage(1, 10.0, 20_000.0, lambda _: 200.0)]
    summary = summary_of(*rows, **STAGED)
    assert summary["metrics"]["offered_per_s"] == 7.5
    assert summary["metrics"]["goodput"] is None
    assert len(arrivals_due(manifest_with(MANIFEST | STAGED), 30_000.0)) == 150

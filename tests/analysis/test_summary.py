"""Numbers that were computed by hand."""

import json

import numpy as np
import pytest

from documents import manifest_with
from katydid.analysis.derived import quantile, with_derived
from katydid.analysis.headline import headline_details
from katydid.analysis.offered import missed_starts
from katydid.analysis.summary import summarise
from katydid.model.metrics import METRICS
from katydid.stats.histogram import Histogram
from rows import ABANDONED, ABORTED, FAILED, MANIFEST, OK, monitor, samples, started, steady


def summary_of(*rows, watched=None, **manifest):
    return summarise(samples(*rows), monitor() if watched is None else watched, manifest_with(MANIFEST | manifest))


def test_a_summary_has_every_metric_and_is_json():
    summary = summary_of(*steady(3))
    assert summary["metrics"].keys() == METRICS.keys()
    assert json.loads(json.dumps(summary.json, allow_nan=False)) == summary.json


@pytest.mark.parametrize(
    ("q", "expected"),
    [(0.0, 1), (0.1, 1), (0.11, 2), (0.5, 5), (0.51, 6), (0.9, 9), (0.95, 10), (1.0, 10)],
)
def test_a_quantile_is_an_observed_value(q, expected):
    assert quantile(np.arange(10, 0, -1, dtype=float), q) == expected


def test_a_quantile_beside_failures_that_count_as_infinite_is_not_a_mean_with_infinity():
    assert quantile(np.array([1.0, 2.0, np.inf, np.inf]), 0.5) == 2.0


def timed(bounds, exact):
    rows = [started(i * 1000, iteration=i, ttft_ms=50.0 + i / 100, ttft_bound=False) for i in range(exact)]
    return [
        *rows,
        *(started((exact + i) * 1000, iteration=exact + i, ttft_ms=82.0, ttft_bound=True) for i in range(bounds)),
    ]


def test_quantiles_that_stand_on_upper_bounds_are_upper_bounds():
    assert summary_of(*timed(bounds=5, exact=95))["upper_bounds"] == []
    assert summary_of(*timed(bounds=33, exact=67))["upper_bounds"] == ["ttft.p90", "ttft.p95", "ttft.p99", "ttft.max"]
    assert "ttft.p50" in summary_of(*timed(bounds=60, exact=40))["upper_bounds"]


def test_gaps_of_all_requests_are_pooled_and_need_as_many_values_as_any_quantile():
    gaps = Histogram()
    gaps.add([0.01] * 80 + [0.5] * 20)
    metrics = summarise(samples(*steady(3)), monitor(), manifest_with(MANIFEST), gaps)["metrics"]
    assert (metrics["itl.p50"], metrics["itl.p95"]) == (pytest.approx(10, rel=0.004), pytest.approx(500, rel=0.004))
    assert metrics["itl.mean"] == pytest.approx(108, rel=0.004)
    assert metrics["itl.p99"] is None


def test_times_are_of_successful_requests_only():
    rows = [*steady(6), *(started(6000 + i, base=FAILED, duration_ms=9000.0) for i in range(4))]
    assert summary_of(*rows)["metrics"]["duration.max"] == 500.0


def test_goodput_is_what_was_answered_before_the_next_was_due():
    interval = MANIFEST["interval_s"] * 1000.0
    rows = [
        started(0, duration_ms=interval),
        started(1000, duration_ms=interval + 1.0),
        started(2000, late=100.0, duration_ms=interval - 50.0),  # in time by itself, but not for who waited for it
        started(3000, base=FAILED, duration_ms=1.0),
    ]
    metrics = summary_of(*rows)["metrics"]
    assert metrics["goodput"] == 0.25
    assert metrics["goodput_per_s"] > 0


def test_starts_that_never_came_are_misses_and_wait_until_the_next_answer():
    """A user of an interval of 1 s waits for 10 s: nine of its starts never come."""
    rows = [
        *steady(5),
        started(5000, iteration=5, duration_ms=10_000.0),
        started(6000, iteration=6, late=9000.0),
        *(started(16_000 + i * 1000, iteration=7 + i) for i in range(4)),
    ]
    metrics = summary_of(*rows, stopped_at_ms=20_000.0)["metrics"]
    assert metrics["goodput"] == pytest.approx(9 / 20)  # of 11 that came two were late; and 7, 8 … 15 s never came
    assert metrics["response.max"] == 10_000.0
    assert metrics["response_corrected.max"] == 10_000.0
    assert metrics["response_corrected.p50"] == 500.0
    waited = [8500 - 1000 * i for i in range(9)]  # from 7, 8 … 15 s to 15.5 s, when the next request ended
    assert metrics["response_corrected.mean"] == pytest.approx((9 * 500 + 10_000 + 9500 + sum(waited)) / 20)


def test_a_user_that_waits_to_the_end_has_missed_what_was_due_until_then():
    rows = [*steady(5), started(5000, iteration=5, base=ABORTED)]
    metrics = summary_of(*rows, stopped_at_ms=10_000.0)["metrics"]
    assert metrics["goodput"] == pytest.approx(5 / 9)  # 6, 7, 8 and 9 s; whoever was cut off has not ended
    assert metrics["response_corrected.max"] == 4000.0


@pytest.mark.parametrize(
    "more",
    [
        {"ended": "completed"},
        {"stages": [{"stage": 0, "users": 1, "begin_ms": 0.0, "settled_ms": 0.0, "end_ms": 60_000.0}]},
    ],
)
def test_users_that_left_have_missed_nothing(more):
    manifest = manifest_with(MANIFEST | more)
    assert len(missed_starts(with_derived(samples(*steady(5)), manifest), manifest, (0.0, 60_000.0))) == 0


def test_a_start_that_is_a_little_late_is_no_missed_one():
    rows = [started(i * 1003.0, iteration=i) for i in range(10)]
    assert summary_of(*rows, stopped_at_ms=9500.0)["metrics"]["goodput"] == 1.0


def test_tokens_that_arrive_after_the_stop_do_not_count():
    """Four answers of 1 s and 10 tokens from the first on; the last began half a second before the stop."""
    answer = {"ttft_ms": 0.0, "duration_ms": 1000.0, "completion_tokens": 10, "chunks": 20}
    rows = [started(at, iteration=i, **answer) for i, at in enumerate([0.0, 1000.0, 2000.0, 3500.0])]
    metrics = summary_of(*rows, stopped_at_ms=4000.0)["metrics"]
    assert metrics["tokens_per_s"] == pytest.approx(35 / 4)
    assert metrics["chunks_per_s"] == pytest.approx(70 / 4)


def test_tokens_of_the_warm_up_s_requests_that_arrive_after_it_count():
    answer = {"ttft_ms": 0.0, "duration_ms": 1000.0, "completion_tokens": 10}
    rows = [started(500, warm_up=True, **answer), started(1500, iteration=1, **answer)]
    metrics = summary_of(*rows, stopped_at_ms=3000.0, warm_up_s=1.0)["metrics"]
    assert metrics["tokens_per_s"] == pytest.approx(15 / 2)


def test_an_answer_that_comes_at_once_counts_where_it_comes():
    rows = [started(at, iteration=i, ttft_ms=None, duration_ms=1000.0) for i, at in enumerate([0.0, 1000.0, 2500.0])]
    assert summary_of(*rows, stopped_at_ms=3000.0)["metrics"]["tokens_per_s"] == pytest.approx(22 / 3)


def test_without_an_interval_nothing_is_due_and_there_is_no_goodput():
    assert summary_of(OK, interval_s=0)["metrics"]["goodput"] is None


def test_failure_rate_leaves_out_what_was_cut_off():
    metrics = summary_of(OK, OK, OK, FAILED, ABORTED)["metrics"]
    assert (metrics["failure_rate"], metrics["aborted_share"]) == (0.25, 0.2)


def test_warm_up_and_what_came_after_the_stop_enter_no_statistic():
    rows = [
        started(0, warm_up=True, duration_ms=7000.0),
        started(1000, duration_ms=200.0),
        started(2000, base=FAILED, after_stop=True),
    ]
    summary = summary_of(*rows, warm_up_s=1.0)
    assert summary["metrics"]["duration.max"] == 200.0
    assert summary["metrics"]["failure_rate"] == 0.0
    counts = summary["counts"]
    assert (counts["requests"], counts["warm_up"], counts["after_stop"], counts["all"]) == (1, 1, 1, 3)
    assert summary["errors"] == []


def test_a_run_that_ended_inside_its_warm_up_is_judged_by_what_there_is():
    rows = [started(i, base=FAILED, warm_up=True) for i in range(5)]
    summary = summary_of(*rows, warm_up_s=9.0, ended="failure-threshold")
    assert summary["valid"]
    assert summary["metrics"]["failure_rate"] == 1.0
    assert "warm-up" in summary["warnings"][0]


def test_response_time_counts_from_when_the_request_was_due():
    metrics = summary_of(started(0, late=300.0, duration_ms=500.0))["metrics"]
    assert (metrics["duration.max"], metrics["response.max"], metrics["late.max"]) == (500.0, 800.0, 300.0)


def test_tpot_is_over_all_tokens_but_the_first():
    metrics = summary_of(started(0, ttft_ms=100.0, duration_ms=500.0, completion_tokens=11))["metrics"]
    assert metrics["tpot.max"] == 40.0


@pytest.mark.parametrize("tokens", [None, 0, 1])
def test_without_a_second_token_there_is_no_tpot(tokens):
    assert summary_of(started(0, completion_tokens=tokens))["metrics"]["tpot.max"] is None


@pytest.mark.parametrize(
    ("interval", "late", "counts"), [(1.0, 50.0, 0), (1.0, 50.1, 1), (20.0, 199.0, 0), (20.0, 201.0, 1)]
)
def test_a_start_is_late_beyond_50_ms_or_one_percent_of_the_interval(interval, late, counts):
    assert summary_of(started(0, late=late), interval_s=interval)["counts"]["late"] == counts


@pytest.mark.parametrize(
    ("count", "p90", "p95", "p99"),
    [(43, False, False, False), (44, True, False, False), (90, True, True, False), (458, True, True, False),
     (459, True, True, True)],
)  # fmt: skip
def test_a_quantile_is_given_only_where_enough_requests_back_it(count, p90, p95, p99):
    summary = summary_of(*steady(count))
    given = tuple(summary["metrics"][f"ttft.{name}"] is not None for name in ("p90", "p95", "p99"))
    assert given == (p90, p95, p99)
    if not p95:
        assert summary["too_few"]["ttft.p95"] == f"too few ({count} of 90)"


def test_rates_are_over_the_time_from_the_warm_up_to_the_stop():
    rows = [started(i * 1000, iteration=i, warm_up=i < 2) for i in range(10)]
    summary = summary_of(*rows, watched=monitor(10), warm_up_s=2.0, stopped_at_ms=10_000.0)
    assert summary["seconds"] == 8.0
    metrics = summary["metrics"]
    assert (metrics["requests_per_s"], metrics["offered_per_s"], metrics["chunks_per_s"]) == (1.0, 1.0, 10.0)
    assert metrics["tokens_per_s"] == 11.0


def test_offered_load_follows_the_users_that_there_were():
    watched = monitor(10, users=[1] * 5 + [3] * 5)
    summary = summary_of(*steady(10), watched=watched, stopped_at_ms=10_000.0)
    assert summary["metrics"]["offered_per_s"] == 2.0


def test_the_share_of_bounds_is_of_requests_with_a_ttft():
    rows = [started(0, ttft_bound=True), started(1), started(2, ttft_ms=None, ttft_bound=None), started(3), started(4)]
    assert summary_of(*rows)["metrics"]["ttft_bound_share"] == 0.25


def test_the_share_of_requests_sent_again_is_of_all_whatever_became_of_them():
    rows = [started(0, resent=True), started(1, resent=False), started(2, base=FAILED, resent=True), started(3)]
    assert summary_of(*rows)["metrics"]["resent_share"] == 0.5


def test_runs_of_before_resending_was_recorded_have_no_share_of_it():
    assert summary_of(*steady(3))["metrics"]["resent_share"] is None


def test_errors_are_grouped_with_the_most_frequent_first_and_one_example():
    timeout = FAILED | {"error": "timeout", "detail": None}
    errors = summary_of(OK, FAILED, timeout, FAILED)["errors"]
    assert [(e["error"], e["blame"], e["count"], e["share"], e["example"]) for e in errors] == [
        ("overloaded", "target", 2, 0.5, "busy"),
        ("timeout", "target", 1, 0.25, None),
    ]


def test_each_request_name_has_its_own_row():
    rows = [OK, OK | {"name": "tools", "duration_ms": 900.0}, FAILED | {"name": "tools"}]
    names = {row["name"]: row for row in summary_of(*rows)["names"]}
    assert (names["chat"]["requests"], names["tools"]["requests"], names["tools"]["failed"]) == (1, 2, 1)
    assert names["tools"]["duration.p50"] == 900.0


def test_a_run_of_failures_only_is_valid_and_has_no_times():
    summary = summary_of(FAILED, FAILED)
    assert summary["valid"]
    assert summary["metrics"]["ttft.p50"] is None
    assert summary["metrics"]["failure_rate"] == 1.0


def test_nothing_recorded_is_no_valid_run():
    summary = summary_of()
    assert not summary["valid"]
    assert summary["invalid_reasons"][0].startswith("no data")
    assert set(summary["metrics"].values()) == {None}


def test_only_rows_after_the_stop_are_no_data_either():
    assert summary_of(FAILED | {"after_stop": True})["invalid_reasons"][0].startswith("no data")


def test_a_manifest_without_anything_is_tolerated():
    summary = summarise(samples(*steady(3)), monitor(), manifest_with())
    assert summary["valid"]
    assert summary["metrics"]["offered_per_s"] is None


STOPPED = {"ended": "failure-threshold", "warm_up_s": 20.0, "interval_s": 20.0, "stopped_at_ms": 22_500.0}


def ramp_to_failure(**more):
    """A user a second that is answered in 10 s; the target holds ten, so the failures come after the warm-up."""
    healthy = [started(1000.0 * u, user=u, warm_up=u < 20, duration_ms=10_000.0) for u in range(20)]
    for row in healthy:
        row["after_stop"] = row["start_ms"] + 10_000.0 > 22_500.0
    refused = [started(20_000.0 + 500 * u, user=20 + u, base=FAILED, duration_ms=5.0) for u in range(5)]
    return [*healthy, *refused, *more.get("rows", [])]


def test_the_warm_up_of_a_stopped_run_hides_nothing_and_the_run_says_so():
    summary = summary_of(*ramp_to_failure(), **STOPPED)
    counts = summary["counts"]
    assert (counts["requests"], counts["ok"], counts["failed"], counts["warm_up"]) == (25, 20, 5, 0)
    assert summary["metrics"]["failure_rate"] == 0.2
    assert summary["metrics"]["duration.p50"] == 10_000.0
    assert "warm_up" in {finding["rule"] for finding in summary["findings"]}


def test_what_succeeds_in_the_drain_counts_and_what_fails_in_it_does_not():
    later = [
        started(12_400.0, user=30, base=FAILED, duration_ms=11_000.0, after_stop=True),
        started(22_400.0, user=31, base=ABORTED, ended_ms=23_300.0, after_stop=True),
    ]
    summary = summary_of(*ramp_to_failure(rows=later), **STOPPED)
    counts = summary["counts"]
    assert (counts["ok"], counts["failed"], counts["aborted"], counts["failed_after_stop"]) == (20, 5, 1, 1)
    assert counts["requests"] == 26
    assert counts["after_stop"] == 7 + 2
    assert sum(error["count"] for error in summary["errors"]) == 5
    assert summary["errors"][0]["share"] == summary["metrics"]["failure_rate"] == 0.2


def test_users_at_the_stop_are_those_whose_first_request_had_started():
    rows = [
        *ramp_to_failure(),
        started(22_499.0, user=40, duration_ms=10_000.0, after_stop=True),
        started(22_501.0, user=41, duration_ms=10_000.0, after_stop=True),
        started(22_000.0, user=0, iteration=1, duration_ms=10_000.0, after_stop=True),
    ]
    summary = summary_of(*rows, **STOPPED)
    assert summary["users_at_stop"] == 26
    metrics = summary["metrics"]
    assert (metrics["users_at_stop"], metrics["in_flight_at_stop"]) == (26, 7 + 2)
    assert (metrics["requests_at_stop"], metrics["ok_at_stop"], metrics["time_to_stop"]) == (27, 22, 22_500.0)


def test_a_run_that_was_not_stopped_has_no_users_at_the_stop():
    summary = summary_of(*ramp_to_failure(), **(STOPPED | {"ended": "run-time"}))
    assert "users_at_stop" not in summary
    assert summary["counts"]["warm_up"] == 20


def test_a_stopped_sweep_keeps_each_stages_settling_out():
    stage = {"stage": 0, "users": 5, "begin_ms": 0.0, "settled_ms": 20_000.0, "end_ms": 22_500.0}
    summary = summary_of(*ramp_to_failure(), **STOPPED, stages=[stage])
    assert summary["counts"]["warm_up"] == 20


def test_a_ramp_offers_its_spawn_rate_times_the_intervals_begun():
    rows = [
        started(1000.0 * u + 10_000.0 * i, user=u, iteration=i) for u in range(25) for i in range(3)
        if 1000.0 * u + 10_000.0 * i < 25_000.0
    ]  # fmt: skip
    manifest = {"interval_s": 10.0, "users": 25, "ramp_per_s": 1.0, "stopped_at_ms": 24_999.0}
    metrics = summary_of(*rows, **manifest)["metrics"]
    assert metrics["offered_per_s"] == pytest.approx((10 * 1 + 10 * 2 + 5 * 3) / 25, rel=1e-3)
    assert metrics["requests_per_s"] == pytest.approx(metrics["offered_per_s"])


def test_the_first_failure_is_when_it_failed_not_when_it_started():
    rows = [started(0.0, base=FAILED, duration_ms=None, ended_ms=30_000.0), started(10.0, base=FAILED, duration_ms=7.0)]
    (row,) = summarise(samples(*rows), monitor(2), manifest_with(MANIFEST)).errors
    assert row.first_ms == 17.0
    (alone,) = summarise(samples(rows[0]), monitor(2), manifest_with(MANIFEST)).errors
    assert alone.first_ms == 30_000.0


def test_visible_output_has_a_metric_where_a_model_reasons_first():
    rows = [started(i, iteration=i, ttft_ms=100.0, ttfo_ms=100.0 + 400.0 * (i % 2)) for i in range(10)]
    assert summary_of(*rows)["metrics"]["ttfo.max"] == 500.0
    assert summary_of(*rows)["metrics"]["ttfo.p50"] == 100.0
    plain = [row | {"ttfo_ms": 100.0} for row in rows]
    assert summary_of(*plain)["metrics"]["ttfo.max"] is None, "it is the TTFT"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, 1.0),
        ({"chunks": 5}, 2.0),
        ({"chunks": None}, None),
        ({"chunks": 0}, None),
        ({"completion_tokens": None}, None),
        ({"chunks": 5, "reasoning_tokens": 5, "ttfo_ms": 100.0}, 1.0),  # it was not streamed
        ({"chunks": 5, "reasoning_tokens": 5, "ttfo_ms": 300.0}, 2.0),
    ],
)
def test_tokens_per_chunk_are_those_that_were_sent(more, expected):
    row = started(0, **{"completion_tokens": 10, "ttft_ms": 100.0, "chunks": 10} | more)
    assert summary_of(row)["metrics"]["tokens_per_chunk"] == expected


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (["3", "7", "3", "7"], ["3", "7"]),
        (["3", "7", "3"], None),  # 7 may have failed by chance
        (["3", None, "3"], None),
        ([str(number) for number in range(6)] * 2, None),  # that is no matter of single prompts
    ],
)
def test_prompts_that_alone_fail_are_named(sent, named):
    rows = [started(i * 1000, base=FAILED, iteration=i, prompt_id=name) for i, name in enumerate(sent)]
    (error,) = summary_of(*rows, started(9000, iteration=99, prompt_id="1"))["errors"]
    assert error["prompts"] == named


def test_what_its_client_gave_up_counts_apart_and_is_in_no_latency_and_no_failure_rate():
    rows = steady(100)
    left = [started(i * 1000.0, iteration=100 + i, user=1, base=ABANDONED) for i in range(25)]
    with_them, without = summary_of(*rows, *left), summary_of(*rows)
    counts = with_them.counts
    assert (counts.requests, counts.ok, counts.failed, counts.aborted, counts.abandoned) == (125, 100, 0, 0, 25)
    assert with_them.metrics["abandoned_share"] == 0.2
    assert without.metrics["abandoned_share"] is None
    of_load = {"abandoned_share", "requests_per_s", "offered_per_s", "late_share"}
    changed = {name for name in METRICS if with_them.metrics[name] != without.metrics[name]}
    assert changed <= of_load | {name for name in METRICS if name.startswith("response_corrected")}
    assert with_them.censored == without.censored, "they are no requests that took at least the time they had"
    assert "25 abandoned" in " ".join(headline_details(manifest_with(MANIFEST), with_them))
    assert "abandoned" not in without.headline.text
    assert with_them.errors == []


def test_a_run_whose_clients_all_left_has_failed_at_nothing():
    summary = summary_of(*(started(i * 1000.0, iteration=i, base=ABANDONED) for i in range(10)))
    assert (summary.headline.outcome, summary.metrics["failure_rate"]) == ("passed", None)

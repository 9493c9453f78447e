"""Courses and distributions, counted by hand and against the plain way of computing them."""

import numpy as np
import pandas as pd
import pytest

from documents import manifest_with
from katydid.analysis.derived import quantile, with_derived
from katydid.analysis.series import MOST_BINS, histogram, over_time, percentile_curve, quantile_course, quantile_width
from rows import ABANDONED, ABORTED, FAILED, MANIFEST, monitor, samples, started, steady


def course_of(*rows, watched=None, **manifest):
    told = manifest_with(MANIFEST, manifest)
    return over_time(with_derived(samples(*rows), told), monitor() if watched is None else watched, told)


def test_requests_start_in_one_bin_and_end_in_another():
    course = course_of(started(200, duration_ms=1500.0), started(1100, base=FAILED, duration_ms=100.0))
    assert course["started"].tolist() == [1.0, 1.0]
    assert course["ok"].tolist() == [0.0, 1.0]
    assert course["failed"].tolist() == [0.0, 1.0]


def test_a_client_that_left_is_under_way_until_then_and_neither_completed_nor_failed():
    course = course_of(started(0, base=ABANDONED, ended_ms=1500.0), started(2000, duration_ms=1.0))
    assert course["abandoned"].tolist() == [0.0, 1.0, 0.0]
    assert course["in_flight"].tolist() == pytest.approx([1.0, 0.5, 0.001])
    assert (course["ok"] + course["failed"]).tolist() == [0.0, 0.0, 1.0]


def test_in_flight_is_the_mean_number_under_way():
    course = course_of(started(500, duration_ms=1000.0), started(1000, duration_ms=250.0))
    assert course["in_flight"].tolist() == pytest.approx([0.5, 0.75])


@pytest.mark.parametrize(("q", "fewest"), [(0.5, 7), (0.95, 90)])
def test_a_quantile_of_a_bin_is_that_of_the_summary_where_the_bin_has_the_requests_for_it(q, fewest):
    random = np.random.default_rng(7)
    at, took = random.uniform(0, 30, 400), random.lognormal(6, 0.5, 400)
    for width in (1, 5, 10):
        course = quantile_course(at, took, q, width)
        assert [x for x, _ in course] == [(place + 0.5) * width for place in range(30 // width)]
        for place, (_, value) in enumerate(course):
            inside = took[at // width == place]
            if len(inside) >= fewest:
                assert value == quantile(inside, q)
            else:
                assert np.isnan(value)


def test_the_bins_of_a_high_quantile_are_wider_and_most_requests_lie_in_bins_that_have_it():
    at = np.arange(0.0, 120.0, 0.125)
    assert [quantile_width(at, q) for q in (0.5, 0.95)] == [5, 15]
    burst = np.concatenate([np.full(12, 2.5), [0.5, 4.5, 6.5]])
    assert quantile_width(burst, 0.5) == 1, "the burst has the requests for it, whatever the mean rate is"


def test_where_no_bin_would_have_a_quantile_one_holds_the_whole_run():
    assert quantile_width(np.arange(0.0, 100.0, 1.0), 0.95) >= 90


def test_users_of_all_workers_are_added_and_the_master_is_none_of_them():
    watched = monitor(4, users=3)
    other, master = watched.assign(process="w2"), watched.assign(process="master", users=99)
    course = course_of(*steady(4), watched=pd.concat([watched, other, master]))
    assert set(course["users"]) == {6.0}


def test_nothing_is_offered_after_the_stop():
    course = course_of(*steady(4, duration_ms=3500.0), watched=monitor(8), stopped_at_ms=4000.0)
    assert course["offered"].notna().tolist() == [True] * 4 + [False] * 3


@pytest.mark.parametrize("hours", [0.01, 1, 24, 24 * 30])
def test_a_course_never_has_more_bins_than_can_be_drawn(hours):
    at = np.linspace(0, hours * 3_600_000, 5000)
    assert len(course_of(*(started(a) for a in at))) <= MOST_BINS + 1


def test_a_run_without_requests_has_no_course():
    assert course_of().empty


@pytest.mark.parametrize(
    "values", [[5.0], [5.0] * 100, [0.0, 1.0], [1.0, 1e6], list(range(1000)), [-3.0, 2.0]], ids=str
)
def test_a_histogram_holds_every_value(values):
    edges, counts = histogram(np.array(values, dtype=float))
    assert counts.sum() == len(values)
    assert len(edges) == len(counts) + 1
    assert (np.diff(edges) > 0).all()


def test_a_percentile_curve_ends_where_the_sample_does():
    assert percentile_curve(np.array([])) == []
    assert max(q for q, _ in percentile_curve(np.arange(90.0))) == 0.95
    assert max(q for q, _ in percentile_curve(np.arange(5000.0))) == 0.999


def test_what_drains_and_what_is_cut_stay_in_flight_until_they_end():
    rows = [
        started(0, user=0, duration_ms=3000.0, after_stop=True),
        started(0, user=1, base=ABORTED, ended_ms=2000.0, after_stop=True),
    ]
    course = course_of(*rows, ended="failure-threshold", stopped_at_ms=1000.0)
    assert course["in_flight"].tolist() == pytest.approx([2.0, 2.0, 1.0, 0.0])


def test_a_ramp_offers_in_steps():
    rows = [
        started(100.0 * u + 1000.0 * i, user=u, iteration=i) for u in range(30) for i in range(3)
        if 100.0 * u + 1000.0 * i < 3000.0
    ]  # fmt: skip
    course = course_of(*rows, interval_s=1.0, users=30, ramp_per_s=10.0, stopped_at_ms=3000.0)
    assert course["offered"].tolist()[:3] == [10.0, 20.0, 30.0]
    assert course["offered"].tolist()[:3] == course["started"].tolist()[:3]

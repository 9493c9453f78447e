"""Erlang's formulas, against tables and against what they must be."""

import math

import pytest

from katydid.core.queueing import burst_seconds, burst_share, erlang_b, erlang_c, servers_for, wait_quantile


@pytest.mark.parametrize(
    ("servers", "load", "blocked"),
    [
        pytest.param(1, 1.0, 0.5, id="a / (1 + a)"),
        pytest.param(2, 1.0, 0.2, id="by hand: 0.5 / 2.5"),
        pytest.param(10, 5.08, 0.020, id="telephone tables: 5.08 erlang on 10 lines at 2 %"),
        pytest.param(50, 37.90, 0.010, id="telephone tables: 37.90 erlang on 50 lines at 1 %"),
    ],
)
def test_erlang_b_is_that_of_the_tables(servers, load, blocked):
    assert erlang_b(servers, load) == pytest.approx(blocked, rel=0.01)


def test_one_server_waits_with_the_probability_that_it_is_busy():
    assert erlang_c(1, 0.8) == pytest.approx(0.8)


def test_two_servers_wait_as_computed_by_hand():
    # M/M/2 with a = 1: C = 1/3 (Kleinrock, equation 3.40).
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)


def test_everybody_waits_where_the_servers_cannot_keep_up():
    assert erlang_c(50, 50.0) == 1.0
    assert wait_quantile(50, 50.0, 0.1, 0.95) == math.inf


def test_the_p95_wait_of_one_server_is_that_of_the_exponential_tail():
    # P(W > t) = 0.8 exp(-2 t) at 8 arrivals and 10 services a second.
    assert wait_quantile(1, 0.8, 0.1, 0.95) == pytest.approx(math.log(0.8 / 0.05) / 2)


def test_the_p95_wait_is_nothing_where_fewer_than_5_percent_wait():
    assert erlang_c(72, 50.0) < 0.05
    assert wait_quantile(72, 50.0, 0.1, 0.95) == 0.0


@pytest.mark.parametrize(
    ("load", "utilisation", "workers"),
    [(50.0, 1.0, 50), (50.0, 0.7, 72), (0.3 * 10, 0.1 * 3, 10), (0.01, 0.7, 1)],
)
def test_workers_are_concurrency_times_rtf_over_utilisation(load, utilisation, workers):
    assert servers_for(load, utilisation) == workers


def test_the_500th_of_500_jobs_on_one_worker_is_done_after_50_seconds():
    assert burst_seconds(1, 500, 0.1) == pytest.approx(50.0)
    assert burst_share(1, 500, 0.1, 60.0) == 1.0


def test_who_is_not_done_in_time_is_counted_out():
    assert burst_share(1, 500, 0.2, 60.0) == pytest.approx(0.6)
    assert burst_share(4, 10, 1.0, 2.5) == pytest.approx(0.8)

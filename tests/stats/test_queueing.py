"""Erlang's formulas, against tables and against what they must be, and the simulation against them."""

import math

import numpy as np
import pytest

from katydid.stats.queueing import (
    burst_seconds,
    burst_share,
    erlang_b,
    erlang_c,
    servers_for,
    service_times,
    simulate_waits,
    wait_quantile,
)


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


@pytest.mark.parametrize(
    ("servers", "jobs", "seconds"), [(1, 1, 0.5), (3, 3, 0.5), (3, 4, 1.0), (3, 9, 1.5), (10, 3, 0.5)]
)
def test_a_burst_takes_as_many_rounds_as_the_servers_need(servers, jobs, seconds):
    assert burst_seconds(servers, jobs, 0.5) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("patience", "share"), [(0.0, 0.0), (0.3, 0.25), (0.29, 0.0), (0.9, 0.75), (1.2, 1.0), (9.0, 1.0)]
)
def test_a_round_that_ends_with_the_patience_counts_and_nobody_is_served_twice(patience, share):
    assert burst_share(2, 8, 0.3, patience) == pytest.approx(share)


@pytest.mark.parametrize(
    ("servers", "load", "service", "q"), [(2, 1.0, 1.0, 0.9), (3, 2.5, 0.2, 0.95), (4, 3.0, 2, 0.5)]
)
def test_a_wait_quantile_is_the_inverse_of_the_waits_tail(servers, load, service, q):
    t = wait_quantile(servers, load, service, q)
    assert t > 0
    assert erlang_c(servers, load) * math.exp(-(servers - load) * t / service) == pytest.approx(1 - q)


def test_a_load_just_below_the_servers_still_has_an_end():
    assert 0.99 < erlang_c(2, 1.999) < 1.0
    assert math.isfinite(wait_quantile(2, 1.999, 1.0, 0.95))


def test_there_is_always_a_server_and_rounding_buys_none():
    assert [servers_for(load, 1.0) for load in (0.0, 1.0, 1.0 + 1e-12, 1.001, 2.0)] == [1, 1, 1, 2, 2]


def test_no_load_blocks_and_delays_nobody():
    assert (erlang_b(1, 0.0), erlang_c(1, 0.0)) == (0.0, 0.0)


# Service times that no formula covers


def exponential(mean):
    quantiles = (np.arange(20_000) + 0.5) / 20_000
    return -mean * np.log1p(-quantiles)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.7), (5, 4.0), (60, 50.0)])
def test_the_simulation_agrees_with_erlang_where_service_times_are_exponential(servers, load):
    found = simulate_waits(servers, load / 0.1, exponential(0.1))
    assert found.waiting == pytest.approx(erlang_c(servers, load), rel=0.05)
    assert found.p95 == pytest.approx(wait_quantile(servers, load, 0.1, 0.95), rel=0.1)


def test_equal_jobs_on_one_worker_wait_half_as_long_as_exponential_ones():
    # Pollaczek–Khinchine: the mean wait goes with (1 + variation²) / 2.
    equal = simulate_waits(1, 8.0, service_times(0.1, 0.0))
    varied = simulate_waits(1, 8.0, exponential(0.1))
    assert equal.p95 == pytest.approx(varied.p95 / 2, rel=0.1)


def test_a_simulation_without_end_says_so():
    assert math.isinf(simulate_waits(2, 20.0, service_times(0.1, 0.5)).p95)


def test_lognormal_service_times_have_the_mean_and_variation_asked_for():
    times = service_times(0.1, 0.5)
    assert times.mean() == pytest.approx(0.1)
    assert times.std() / times.mean() == pytest.approx(0.5, rel=0.05)

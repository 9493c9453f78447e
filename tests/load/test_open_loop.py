"""Requests that arrive at a rate: the instants of a whole run, who takes which, and why one starts late."""

import math
from itertools import islice, pairwise
from statistics import fmean, pstdev

import pytest

from katydid.load.arrivals import ArrivalQueue, PoolTurn, Rate, read_process
from katydid.load.pacing import Pacer, late_cause
from katydid.model.errors import ConfigError
from katydid.model.sample import LateCause


def rate(text, per_second=50.0, **more):
    return Rate(per_second, read_process(text), **more)


def gaps(of, seconds=600.0):
    return [b - a for a, b in pairwise(of.due_until(seconds))]


def kolmogorov_smirnov(values, distribution):
    """The p value of the largest distance between the values and a distribution, by its limit for many values."""
    ordered = sorted(values)
    n = len(ordered)
    distance = max(
        max((i + 1) / n - distribution(value), distribution(value) - i / n) for i, value in enumerate(ordered)
    )
    return 2 * sum((-1) ** (k - 1) * math.exp(-2 * k**2 * n * distance**2) for k in range(1, 101))


def test_even_arrivals_are_a_grid_that_begins_at_once():
    assert list(islice(rate("even").due(), 4)) == [0.0, 0.02, 0.04, 0.06]


@pytest.mark.parametrize(
    ("text", "cv", "off"),
    [("even", 0.0, 1e-6), ("poisson", 1.0, 0.02), ("gamma(2)", 2.0, 0.08), ("gamma(0.5)", 0.5, 0.02)],
)
def test_gaps_vary_as_their_process_says_at_the_rate(text, cv, off):
    found = gaps(rate(text))
    assert 1 / fmean(found) == pytest.approx(50.0, rel=0.03)
    assert pstdev(found) / fmean(found) == pytest.approx(cv, abs=off)


def test_poisson_arrivals_have_exponential_gaps():
    found = gaps(rate("poisson"), 120.0)
    assert kolmogorov_smirnov(found, lambda gap: 1 - math.exp(-50.0 * gap)) > 0.01
    assert kolmogorov_smirnov(gaps(rate("gamma(2)"), 120.0), lambda gap: 1 - math.exp(-50.0 * gap)) < 0.01


@pytest.mark.parametrize("text", ["poisson", "gamma(2)"])
def test_the_seed_decides_and_each_stage_has_gaps_of_its_own(text):
    first = list(islice(rate(text, seed=1).due(), 50))
    assert list(islice(rate(text, seed=1).due(), 50)) == first
    assert list(islice(rate(text, seed=2).due(), 50)) != first
    assert list(islice(rate(text, seed=1, stage=1).due(), 50)) != first


@pytest.mark.parametrize("text", ["even", "poisson"])
def test_a_ramp_adds_requests_a_second_each_second(text):
    due = list(rate(text, 100.0, ramp=10.0).due_until(20.0))
    in_second = [sum(second <= at < second + 1 for at in due) for second in range(20)]
    off = 0.5 if text == "even" else 45  # four standard deviations of a second's number
    assert in_second[:10] == pytest.approx([10 * second + 5 for second in range(10)], abs=off + 0.1)
    assert in_second[10:] == pytest.approx([100] * 10, abs=off + 0.5)
    assert due == sorted(due)


@pytest.mark.parametrize("processes", [2, 3, 8])
@pytest.mark.parametrize("text", ["even", "poisson", "gamma(2)"])
def test_processes_share_the_very_instants_of_one(text, processes):
    alone = ArrivalQueue(rate(text), 7.0)
    together = [ArrivalQueue(rate(text), 7.0, rank=rank, processes=processes) for rank in range(processes)]
    taken = sorted(queue.take(0.0) for queue in together for _ in range(40))
    assert taken == [alone.take(0.0) for _ in range(40 * processes)]


def test_an_idle_user_takes_the_next_arrival_and_waits_until_it_is_due():
    queue = ArrivalQueue(rate("even", 10.0), 5.0)
    one, other = PoolTurn(queue), PoolTurn(queue)
    assert (one.wait(4.0), one.scheduled, one.arrival) == (1.0, 5.0, 0)
    assert (other.wait(4.0), other.scheduled, other.arrival) == (pytest.approx(1.1), 5.1, 1)
    assert one.held_up is None


def test_an_arrival_that_finds_no_free_user_waits_for_one():
    turn = PoolTurn(ArrivalQueue(rate("even", 10.0), 0.0))
    turn.wait(0.0)
    assert (turn.wait(3.0), turn.scheduled, turn.held_up) == (0.0, 0.1, LateCause.POOL)


def test_or_is_dropped_once_it_has_waited_too_long():
    turn = PoolTurn(ArrivalQueue(rate("even", 10.0), 0.0, drop_late=0.25))
    turn.wait(0.0)
    assert (turn.wait(3.0), turn.scheduled, turn.arrival) == (0.0, pytest.approx(2.8), 28)


@pytest.mark.parametrize(
    "text", ["poison", "gamma", "gamma()", "gamma(0)", "gamma(-1)", "gamma(11)", "gamma(nan)", "2"]
)
def test_other_processes_are_refused_in_one_line(text):
    with pytest.raises(ConfigError, match=r"^--arrivals ") as refused:
        read_process(text)
    assert "\n" not in str(refused.value)


def test_an_even_process_is_the_usual_one():
    assert read_process(None) == read_process("even")


@pytest.mark.parametrize(
    ("late_ms", "connect_ms", "held_up", "cause"),
    [
        pytest.param(49.0, None, LateCause.POOL, None, id="within the limit is not late"),
        pytest.param(None, None, LateCause.POOL, None, id="never started"),
        pytest.param(80.0, None, LateCause.POOL, LateCause.POOL, id="no user was free"),
        pytest.param(
            80.0, None, LateCause.TARGET, LateCause.TARGET, id="the last answer took longer than the interval"
        ),
        pytest.param(80.0, None, None, LateCause.GENERATOR, id="woken late"),
        pytest.param(80.0, 10.0, None, LateCause.GENERATOR, id="woken late, and connected"),
        pytest.param(80.0, 60.0, None, LateCause.TARGET, id="the connection took that long"),
    ],
)
def test_a_late_start_has_one_cause(late_ms, connect_ms, held_up, cause):
    assert late_cause(late_ms, connect_ms, held_up, 50.0) is cause


def test_an_overrun_is_the_targets_doing_and_a_late_first_request_is_not():
    pacer = Pacer(2.0, 0.0)
    pacer.wait(1.0)
    assert pacer.held_up is None, "there was no answer that it could have waited for"
    pacer.wait(4.0)
    assert (pacer.scheduled, pacer.held_up) == (3.0, LateCause.TARGET)
    pacer.wait(5.5)
    assert (pacer.scheduled, pacer.held_up) == (6.0, None)


def test_in_a_closed_loop_nothing_is_held_up():
    pacer = Pacer(0.0, 0.0)
    for now in (1.0, 2.0, 5.0):
        pacer.wait(now)
        assert pacer.held_up is None

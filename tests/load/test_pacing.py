"""When a user's next request is due."""

import pytest

from katydid.load.schedule import Pacer, Phase, first_start, spread_fraction


def starts(pacer: Pacer, durations: list[float], wake_up_late: float = 0.0) -> list[float]:
    """Play a user whose requests last `durations`, and who wakes up late each time."""
    now, begun = pacer.scheduled, []
    for duration in durations:
        wait = pacer.wait(now)
        now += wait + (wake_up_late if wait else 0.0)
        begun.append(now)
        now += duration
    return begun


@pytest.mark.parametrize(
    ("durations", "expected"),
    [
        pytest.param([0.1] * 4, [0, 2, 4, 6], id="a fast server gets the same load"),
        pytest.param([1.5] * 4, [0, 2, 4, 6], id="a slow server gets the same load"),
        pytest.param([2.0] * 4, [0, 2, 4, 6], id="a request that ends when the next is due is no overrun"),
        pytest.param([3.0] * 4, [0, 3, 6, 9], id="an overrun starts the next at once and is not caught up"),
        pytest.param([3.0, 0.5, 0.5], [0, 3, 5], id="after an overrun the interval counts from the late start"),
    ],
)
def test_starts_of_a_user_with_an_interval_of_two_seconds(durations, expected):
    assert starts(Pacer(2.0, 0.0), durations) == pytest.approx(expected)


def test_a_hundred_late_wake_ups_do_not_add_up():
    begun = starts(Pacer(1.0, 0.0), [0.2] * 101, wake_up_late=0.004)
    assert begun[100] == pytest.approx(100.004)


def test_without_an_interval_a_request_is_due_when_its_user_is_ready():
    pacer = Pacer(0.0, 5.0)
    assert (pacer.wait(4.0), pacer.scheduled) == (1.0, 5.0)
    assert (pacer.wait(5.7), pacer.scheduled) == (0.0, 5.7)
    assert (pacer.wait(5.9), pacer.scheduled) == (0.0, 5.9)


def test_without_an_interval_there_is_nothing_to_spread_over():
    assert first_start(Phase.SPREAD, index=3, users=5, interval=0.0, origin=1.0, ready=2.0) == 2.0


def test_a_wait_is_never_negative():
    pacer = Pacer(1.0, 0.0)
    pacer.wait(0.0)
    assert pacer.wait(50.0) == 0.0


def test_users_that_were_held_up_together_go_on_together_at_no_more_than_their_rate():
    users = [Pacer(2.0, first) for first in (0.0, 0.5, 1.0, 1.5)]
    begun = [starts(user, [9.0 - user.scheduled, 0.1, 0.1, 0.1]) for user in users]
    assert [user[1:] for user in begun] == [[9.0, 11.0, 13.0]] * 4


def test_an_overrun_keeps_the_time_that_was_missed():
    pacer = Pacer(2.0, 0.0)
    pacer.wait(0.0)
    pacer.wait(3.0)
    assert pacer.scheduled == 2.0
    pacer.wait(6.0)
    assert pacer.scheduled == 5.0


def test_a_known_number_of_users_is_spread_evenly():
    assert [spread_fraction(i, 4) for i in range(5)] == [0, 0.25, 0.5, 0.75, 0]


@pytest.mark.parametrize("users", [3, 10, 50, 89])
def test_a_growing_number_of_users_is_spread_nearly_evenly(users):
    places = sorted(spread_fraction(i, None) for i in range(users))
    gaps = [b - a for a, b in zip(places, [*places[1:], places[0] + 1.0], strict=True)]
    assert max(gaps) < 2.7 / users
    assert min(gaps) > 0.3 / users


def first(phase: Phase, **facts: float) -> float:
    return first_start(phase, index=5, users=10, interval=20.0, origin=100.0, **facts)


def test_spread_places_a_user_in_the_interval():
    assert first(Phase.SPREAD, ready=101.0) == 110.0


def test_a_user_that_is_spawned_after_its_place_takes_the_next_one():
    assert first(Phase.SPREAD, ready=110.5) == 130.0


@pytest.mark.parametrize("phase", [Phase.SPAWN, Phase.BURST])
def test_other_phases_start_when_the_user_is_ready(phase):
    assert first(phase, ready=103.0) == 103.0


def test_a_user_knows_its_first_start_before_it_waits():
    pacer = Pacer(2.0, 7.0)
    assert (pacer.scheduled, pacer.interval) == (7.0, 2.0)
    assert (pacer.wait(4.0), pacer.scheduled) == (3.0, 7.0)
    assert (pacer.wait(8.0), pacer.scheduled) == (1.0, 9.0)


def test_a_user_that_is_ready_just_at_its_place_starts_there():
    assert first(Phase.SPREAD, ready=110.0) == 110.0


def test_a_user_that_comes_after_several_intervals_takes_the_next_place():
    assert first(Phase.SPREAD, ready=171.0) == 190.0


def test_the_golden_ratio_spreads_without_knowing_how_many_there_will_be():
    assert [spread_fraction(i, None) for i in (0, 1, 2)] == pytest.approx([0.0, 0.618034, 0.236068], abs=1e-6)


def test_a_place_lies_behind_the_origin_by_the_users_share_of_the_interval():
    places = [
        first_start(Phase.SPREAD, index=index, users=10, interval=20.0, origin=100.0, ready=100.0) for index in range(4)
    ]
    assert places == pytest.approx([100.0, 102.0, 104.0, 106.0])

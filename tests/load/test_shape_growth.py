"""A load shape's answers, of which each adds a few users, are a ramp where they go on for longer than an interval."""

import pytest

from katydid.load.ramps import FURTHEST, Growth, growth_ends, spacing_rate


def adding(users, rate, until=float("inf"), every=1):
    """A shape that adds so many users at each answer, or at every third."""
    return lambda at, _: (users * (1 + int(min(at, until) / every)), float(rate))


def at_once(users, rate):
    return lambda *_: (users, float(rate))


def carried_out(shape, seconds, interval):
    """What Locust makes of a shape: for each answer that adds users, when, and whether it is part of a ramp."""
    growth, there, found = Growth(), 0, []
    for at in range(seconds):
        users, _ = shape(at, there)
        if users > there:
            found.append((at, growth.is_ramp(shape, float(at), there, interval)))
        there = users
    return found


@pytest.mark.parametrize(
    ("shape", "ramp"),
    [
        pytest.param(adding(10, 10), True, id="ten more at each answer"),
        pytest.param(adding(10, 100), True, id="and however fast they may come"),
        pytest.param(adding(1, 1), True, id="one more at each answer"),
        pytest.param(adding(5, 5, every=2), True, id="at every other answer"),
        pytest.param(adding(10, 10, until=25), True, id="for longer than an interval, and not for ever"),
        pytest.param(adding(10, 10, until=15), False, id="for less than an interval"),
        pytest.param(adding(10, 10, every=5), False, id="in steps"),
        pytest.param(at_once(200, 100), False, id="all at once"),
        pytest.param(at_once(500, 10), True, id="one answer that takes a minute"),
    ],
)
def test_a_shape_is_a_ramp_from_its_first_users_on(shape, ramp):
    assert {is_ramp for _, is_ramp in carried_out(shape, 60, 20.0)} == {ramp}


def test_the_last_users_of_a_ramp_belong_to_it():
    found = carried_out(adding(10, 10, until=25), 60, 20.0)
    assert [at for at, _ in found] == list(range(26))


def test_a_step_long_after_a_ramp_is_a_step():
    shape = lambda at, _: (10 * (1 + int(min(at, 25))) + (7 if at >= 40 else 0), 100.0)  # noqa: E731
    assert carried_out(shape, 60, 20.0)[-2:] == [(25, True), (40, False)]


def test_without_an_interval_nothing_is_a_ramp():
    assert {is_ramp for _, is_ramp in carried_out(adding(10, 10), 30, 0.0)} == {False}


def test_what_cannot_be_foreseen_is_a_ramp_once_it_has_gone_on_for_longer_than_an_interval():
    growth = Growth()
    found = [growth.is_ramp(lambda *_: None, float(at), 10 * at, 20.0) for at in range(30)]
    assert found == [at > 20 for at in range(30)]


def test_growth_ends_where_users_leave():
    assert growth_ends(lambda at, _: (int(10 * at) + 1 if at < 8 else 3, 100.0), 0.0, 0, 20.0) == 7.0


def test_an_interval_of_a_year_is_not_looked_through():
    asked = []

    def shape(at, _):
        asked.append(at)
        return len(asked), 1.0

    growth_ends(shape, 0.0, 0, 3e7)
    assert len(asked) <= FURTHEST + 2


@pytest.mark.parametrize(("users", "spawn_rate", "rate"), [(10, 100, 10), (10, 10, 10), (30, 10, 10), (1, 0.5, 0.5)])
def test_users_of_an_answer_are_spread_until_the_next_one_comes(users, spawn_rate, rate):
    assert spacing_rate(users, spawn_rate) == rate

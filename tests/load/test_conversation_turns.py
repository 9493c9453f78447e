"""Turns and think times: how people write them, and what is drawn from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from katydid.load.conversation import LONGEST_THINKING, MOST_TURNS, Rhythm, place_of, think_time, turns
from katydid.model.options.quantities import QuantityError


def rhythm(how_many="5", thinking="0s", seed=0):
    return Rhythm.read(seed, how_many, thinking)


@pytest.mark.parametrize(
    ("text", "written"),
    [("8", "8"), (8, "8"), (" Normal(8, 2)", "normal(8,2)"), ("lognormal(6.5,5)", "lognormal(6.5,5)"),
     ("uniform(2,10)", "uniform(2,10)")],
)  # fmt: skip
def test_turns_have_one_spelling(text, written):
    assert turns(text) == turns(written) == written


@pytest.mark.parametrize("text", ["0", "-1", "2.5", "2s", "1001", "many", "uniform(1.5,3)", "normal(2)", "poisson(3)"])
def test_what_is_not_a_number_of_turns_is_refused(text):
    with pytest.raises(QuantityError):
        turns(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [("0", "0s"), (0.5, "500ms"), ("2", "2s"), ("normal(5s,500ms)", "normal(5s,500ms)"),
     ("uniform(0,1m)", "uniform(0s,1m)"),
     ("lognormal(8,6)", "lognormal(8s,6s)")],
)  # fmt: skip
def test_think_times_are_durations_and_have_one_spelling(text, written):
    assert think_time(text) == think_time(written) == written


@pytest.mark.parametrize(
    "text",
    ["-1", "2h", "nan", "inf", "normal(1s,2s)", "lognormal(0s,0s)", "uniform(5s,1s)", "normal(1s,soon)", "8 turns"],
)
def test_what_is_not_a_think_time_is_refused(text):
    with pytest.raises(QuantityError):
        think_time(text)


def test_every_conversation_has_as_many_turns_as_were_asked_for():
    assert {rhythm("8").turns_of(user, iteration) for user in range(9) for iteration in range(9)} == {8}


def test_drawn_turns_reach_both_ends_and_are_the_conversations_own():
    spread = rhythm("uniform(2,4)")
    drawn = [spread.turns_of(user, 0) for user in range(200)]
    assert set(drawn) == {2, 3, 4}
    assert drawn == [rhythm("uniform(2,4)").turns_of(user, 0) for user in range(200)]
    assert drawn != [rhythm("uniform(2,4)", seed=1).turns_of(user, 0) for user in range(200)]


def test_nobody_thinks_before_the_first_turn():
    assert rhythm(thinking="2s").seconds_before(0, 0, 1) == 0.0
    assert rhythm(thinking="2s").seconds_before(0, 0, 2) == 2.0


def test_think_times_have_the_mean_that_was_asked_for():
    thinking = rhythm(thinking="lognormal(8s,6s)")
    drawn = [thinking.seconds_before(user, 0, turn) for user in range(500) for turn in range(2, 8)]
    assert sum(drawn) / len(drawn) == pytest.approx(8.0, rel=0.05)
    assert len(set(drawn)) == len(drawn)


@given(st.integers(0, 10**6), st.sampled_from(["normal(1s,1s)", "lognormal(30m,5h)"]))
def test_no_think_time_is_negative_or_without_end(user, text):
    assert 0.0 <= rhythm(thinking=text).seconds_before(user, 0, 2) <= LONGEST_THINKING


def test_a_conversation_takes_its_turns_answers_and_thinking():
    assert rhythm("uniform(2,4)", "2s").mean_seconds(10.0) == 3 * 12.0


def test_no_two_turns_of_a_user_have_the_same_place():
    assert place_of(0, MOST_TURNS) < place_of(1, 1)
    assert place_of(0, 1) == 0

"""Plans of stages, and what is said of impossible ones."""

from dataclasses import asdict

import pytest

from katydid.load.stages import (
    MOST_USERS,
    AtRates,
    FixedPlan,
    Hold,
    Outlook,
    Stage,
    StageRecord,
    read_stage_rates,
    read_stages,
)
from katydid.model.errors import ConfigError


def test_stages_are_read_in_their_order():
    assert read_stages("100,200, 1000") == (100, 200, 1000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "give numbers of users separated by commas"),
        ("10,many", "give numbers of users separated by commas"),
        ("100,100", "100 follows 100: each stage must have more users than the last"),
        ("200,100", "100 follows 200"),
        ("0,10", "a stage must have from 1 to 1000000 users"),
        ("1,2000000", "a stage must have from 1 to 1000000 users"),
    ],
)
def test_impossible_stages_are_refused_in_one_line(text, said):
    with pytest.raises(ConfigError) as refused:
        read_stages(text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_rates_of_stages_are_read_in_their_order():
    assert read_stage_rates("0.5,2, 10") == (0.5, 2.0, 10.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "give rates in requests/s separated by commas"),
        ("1,many", "give rates in requests/s separated by commas"),
        ("1,nan", "a rate must be more than 0 and at most 100000"),
        ("0,1", "a rate must be more than 0"),
        ("1,inf", "a rate must be more than 0"),
        ("2,2", "2 follows 2: each stage must have more requests/s than the last"),
    ],
)
def test_impossible_rates_are_refused_in_one_line(text, said):
    with pytest.raises(ConfigError, match=said):
        read_stage_rates(text)


def test_a_fixed_plan_ends_after_its_last_hold():
    holds = [Hold(users, 10.0, 1.0) for users in (1, 2)]
    plan = FixedPlan(holds)
    assert [plan.next_hold() for _ in range(3)] == [*holds, None]


def test_a_plan_of_users_is_carried_out_at_the_rates_that_they_would_offer():
    plan = AtRates(FixedPlan([Hold(10, 10.0, 1.0), Hold(40, 10.0, 1.0)]), 4.0, pool=lambda rate: int(100 * rate))
    assert [plan.next_hold() for _ in range(3)] == [
        Hold(250, 10.0, 1.0, rate=2.5), Hold(1000, 10.0, 1.0, rate=10.0), None
    ]  # fmt: skip
    assert plan.outlook() == Outlook(holds=0, seconds=0.0, certain=True)


def test_a_fixed_plan_knows_what_is_yet_to_come():
    plan = FixedPlan([Hold(1, 10.0, 1.0), Hold(2, 10.0, 1.0, pause=3.0)])
    plan.next_hold()
    assert plan.outlook() == Outlook(holds=1, seconds=13.0, certain=True)


def test_what_is_due_before_a_stage_has_settled_counts_in_no_statistic():
    stage = Stage(number=3, users=10, begin=100.0, settle=5.0)
    assert [stage.is_settling(ms) for ms in (100_000.0, 104_999.0, 105_000.0)] == [True, True, False]


def test_a_stage_is_over_at_its_end_and_without_one_never():
    assert [Stage(0, 1, 0.0, 0.0, end=10.0).is_over(at) for at in (9.9, 10.0)] == [False, True]
    assert not Stage(0, 1, 0.0, 0.0).is_over(1e9)


def test_without_settling_everything_counts():
    assert not Stage(number=0, users=None, begin=0.0, settle=0.0).is_settling(-50.0)


def test_a_stage_is_the_same_after_its_way_to_a_worker():
    stage = Stage(number=3, users=10, begin=100.25, settle=5.0)
    assert Stage(**asdict(stage)) == stage


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "--stages 'x': give numbers of users separated by commas, such as 100,200,1000"),
        ("0,5", "--stages '0,5': a stage must have from 1 to 1000000 users"),
        ("3,3", "--stages '3,3': 3 follows 3: each stage must have more users than the last"),
        ("1,5,4,9", "--stages '1,5,4,9': 4 follows 5: each stage must have more users than the last"),
    ],
)
def test_what_is_wrong_with_stages_is_said_with_what_was_written(text, said):
    with pytest.raises(ConfigError) as refused:
        read_stages(text)
    assert str(refused.value) == said


def test_a_stage_of_one_user_and_of_the_most_users_are_possible():
    assert read_stages("1,1000000") == (1, MOST_USERS)
    assert read_stages("5") == (5,)
    with pytest.raises(ConfigError):
        read_stages("1,2,1000001")


def test_a_plan_is_its_own_and_heeds_no_result():
    holds = [Hold(1, 10.0, 1.0)]
    plan = FixedPlan(holds)
    holds.clear()
    plan.finished(StageRecord(0, 1, 0.0, 0.0, 10.0))
    assert plan.next_hold() == Hold(1, 10.0, 1.0)


def test_a_stage_settles_from_its_own_beginning():
    stage = Stage(number=0, users=1, begin=2.0, settle=0.5)
    assert [stage.is_settling(ms) for ms in (0.0, 2499.9, 2500.0)] == [True, True, False]

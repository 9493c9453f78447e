"""A ramp: when spawning is one, and when the users of Locust's batches are due."""

from dataclasses import asdict

import pytest

from katydid.load.pacing import Phase, effective_phase
from katydid.load.ramps import Batch, Batches, is_ramp


@pytest.mark.parametrize(
    ("users", "spawn_rate", "interval", "ramp"),
    [
        pytest.param(500, 10, 20, True, id="50 s are more than an interval of 20 s"),
        pytest.param(500, 25, 20, False, id="an interval is not longer than itself"),
        pytest.param(501, 25, 20, True, id="but less than this"),
        pytest.param(200, 100, 20, False, id="our default rate"),
        pytest.param(200, 1, 20, True, id="one a second, which is Locust's own default"),
        pytest.param(30, 0.5, 20, True, id="less than one a second"),
        pytest.param(4, 4, 0.5, False, id="users of one batch take no time at all"),
        pytest.param(1, 0.01, 20, False, id="a single user is there at once"),
        pytest.param(500, 10, 0, False, id="no interval, nothing to fall into"),
    ],
)
def test_spawning_is_a_ramp_where_it_takes_longer_than_an_interval(users, spawn_rate, interval, ramp):
    assert is_ramp(users, spawn_rate, interval) is ramp


@pytest.mark.parametrize(
    ("asked", "ramp", "phase"),
    [
        (Phase.AUTO, True, Phase.SPAWN),
        (Phase.AUTO, False, Phase.SPREAD),
        (Phase.SPREAD, True, Phase.SPREAD),
        (Phase.SPAWN, False, Phase.SPAWN),
        (Phase.BURST, True, Phase.BURST),
    ],
)
def test_only_auto_depends_on_the_ramp(asked, ramp, phase):
    assert effective_phase(asked, ramp=ramp) is phase


def dues(batch: Batch, **users: int) -> list[float]:
    """When all users of a batch are due, of which each process has so many."""
    return sorted(batch.due(process, user) for process, count in users.items() for user in range(count))


def spread(begin: float, users: int, rate: float) -> list[float]:
    return pytest.approx([begin + user / rate for user in range(users)])


def test_users_of_a_batch_are_spaced_evenly_over_its_second():
    batches = Batches(lead=0.05)
    assert dues(batches.next(-0.25, {"local": 10}, 10.0), local=10) == spread(0.0, 10, 10)
    assert dues(batches.next(0.75, {"local": 20}, 10.0), local=10) == spread(1.0, 10, 10)


def test_batches_follow_on_each_other_though_locust_comes_a_little_late_each_time():
    batches, late, seen = Batches(lead=0.05), 0.0, []
    for second in range(40):
        seen += dues(batches.next(second - 0.25 + late, {"local": 5 * (second + 1)}, 5.0), local=5)
        late += 0.002
    assert seen == spread(0.0, 200, 5)


def test_a_batch_that_comes_much_too_late_is_spaced_like_any_other():
    batches = Batches(lead=0.05)
    batches.next(-0.25, {"local": 10}, 10.0)
    assert dues(batches.next(1.95, {"local": 20}, 10.0), local=10) == spread(2.0, 10, 10)
    assert dues(batches.next(2.75, {"local": 30}, 10.0), local=10) == spread(3.0, 10, 10)


@pytest.mark.parametrize("rate", [0.5, 2.5, 10.5])
def test_rates_need_not_be_whole(rate):
    size = max(1, int(rate))
    batches, seen = Batches(lead=0.05), []
    for number in range(8):
        now = number * size / rate - 0.25
        seen += dues(batches.next(now, {"local": (number + 1) * size}, rate), local=size)
    assert seen == spread(0.0, 8 * size, rate)


@pytest.mark.parametrize(
    "turns",
    [
        pytest.param([{"a": 5, "b": 5}, {"a": 10, "b": 10}], id="even parts"),
        pytest.param([{"a": 3, "b": 2}, {"a": 5, "b": 5}], id="Locust goes on with the next worker"),
        pytest.param([{"a": 4, "b": 3, "c": 3}, {"a": 7, "b": 7, "c": 6}], id="three workers"),
        pytest.param([{"a": 1, "b": 0}, {"a": 1, "b": 1}], id="one a batch"),
        pytest.param([{"a": 3, "b": 0}, {"a": 3, "b": 3}], id="a worker that gets them all"),
    ],
)
def test_processes_share_a_batch_so_that_together_they_are_even(turns):
    batches, before, seen = Batches(lead=0.05), {}, []
    rate = float(sum(turns[0].values()))
    for second, users in enumerate(turns):
        batch = batches.next(second - 0.25, users, rate)
        seen += dues(batch, **{p: n - before.get(p, 0) for p, n in users.items()})
        before = users
    assert seen == spread(0.0, sum(before.values()), rate)


def test_users_that_leave_move_nobody():
    batches = Batches(lead=0.05)
    batches.next(0.0, {"local": 10}, 10.0)
    batches.next(30.0, {"local": 4}, 10.0)
    assert dues(batches.next(60.0, {"local": 6}, 2.0), local=2) == pytest.approx([60.05, 60.55])


def test_without_a_ramp_a_batch_has_no_times():
    batch = Batches(lead=0.05).next(3.0, {"local": 10}, None)
    assert batch.due("local", 3) is None


def test_a_batch_comes_out_of_a_message_as_it_went_in():
    batch = Batches(lead=0.05).next(0.0, {"a": 2, "b": 1}, 3.0)
    assert Batch(**asdict(batch)) == batch


def test_a_worker_that_joined_late_has_a_place_too():
    batch = Batches(lead=0.05).next(0.0, {"a": 2, "b": 1}, 3.0)
    assert batch.due("stranger", 0) == batch.due("a", 0)

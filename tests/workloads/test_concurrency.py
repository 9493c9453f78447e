"""What serves a burst in this way? Answers from queues whose slots are known, and from none."""

import heapq

import numpy as np
import pytest
from simulate_bursts import ROWS, counted

from katydid.stats.concurrency_model import Burst, chance_of_noise, fits, starts
from katydid.workloads.burst.contradictions import Probes
from katydid.workloads.burst.diagnosis import diagnose_burst

SERVICE, TIMEOUT, USERS = 7800.0, 30_000.0, 10


def served(random, slots, users=USERS, *, jitter=0.1, timeout=TIMEOUT):
    """What users see of a service with so many slots and service times that vary evenly by `jitter` either way."""
    free, ends = [0.0] * slots, []
    for _ in range(users):
        end = heapq.heappop(free) + SERVICE * (1 + random.uniform(-jitter, jitter))
        heapq.heappush(free, end)
        ends.append(end)
    return burst(ends, timeout)


def burst(ends, timeout=TIMEOUT):
    ends = np.asarray(ends)
    return Burst(np.sort(ends[ends < timeout]), np.full(int((ends >= timeout).sum()), timeout))


def verdict(*bursts, rejected=None, probes=None):
    return diagnose_burst(bursts, rejected or [0] * len(bursts), probes).verdict


def room_for_all(random):
    """Half of the users, and one alone, are answered in the same time."""
    return Probes(SERVICE, SERVICE, served(random, USERS, USERS // 2))


KINDS = {
    "one at a time": lambda r: verdict(served(r, 1)),
    "2 at a time": lambda r: verdict(served(r, 2)),
    "4 at a time": lambda r: verdict(served(r, 4)),
    "8 at a time": lambda r: verdict(served(r, 8)),
    "all at once": lambda r: verdict(served(r, USERS), probes=room_for_all(r)),
    "admits 4 and rejects the rest": lambda r: verdict(served(r, 4, 4), rejected=[6]),
    "admits 6 and rejects the rest": lambda r: verdict(served(r, 3, 6), rejected=[4]),
}


def test_at_least_48_of_50_seeded_trials_are_right():
    wrong = []
    for seed in range(50):
        truth = list(KINDS)[seed % len(KINDS)]
        said = KINDS[truth](np.random.default_rng(seed))
        wrong += [] if said == truth else [(seed, truth, said)]
    assert len(wrong) <= 2, wrong


NOISE = {
    "even": lambda r: r.uniform(0, 30_000, USERS),
    "even, a third timed out": lambda r: r.uniform(0, 45_000, USERS),
    "exponential": lambda r: r.exponential(8_000, USERS),
    "log-normal": lambda r: r.lognormal(9, 0.7, USERS),
    "gamma": lambda r: r.gamma(2, 6_000, USERS),
}


@pytest.mark.parametrize("kind", NOISE)
def test_noise_is_not_determined(kind):
    said = [verdict(burst(NOISE[kind](np.random.default_rng(seed)))) for seed in range(12)]
    assert said.count("not determined") >= 11, said


def test_the_chance_of_noise_is_large_for_noise_and_small_for_a_queue():
    """It errs on the side of noise: its two kinds are taken together, whichever does better."""
    noise = [burst(np.random.default_rng(seed).uniform(0, 30_000, 6)) for seed in range(40)]
    chances = [chance_of_noise([each], fits([each])[0]) for each in noise]
    assert sum(chance <= 0.75 for chance in chances) <= 11
    queue = served(np.random.default_rng(0), 4)
    assert chance_of_noise([queue], fits([queue])[0]) < 0.01


def test_the_sentence_says_its_verdict_and_a_person_what_to_do():
    for kind in ("one at a time", "4 at a time", "all at once", "admits 4 and rejects the rest"):
        random = np.random.default_rng(1)
        slots = {"o": 1, "4": 4}.get(kind[0], USERS)
        found = diagnose_burst([served(random, slots)], [0], room_for_all(random) if slots == USERS else None)
        if kind.startswith("admits"):
            found = diagnose_burst([served(np.random.default_rng(1), 4, 4)], [6])
        assert kind in found.sentence
        assert found.cause
        assert found.remedy


def test_the_service_time_lies_in_its_interval_and_the_slots_in_their_range():
    found = diagnose_burst([served(np.random.default_rng(3), 4)], [0])
    assert found.service_low_ms < SERVICE < found.service_high_ms
    assert found.slots_low <= found.slots == 4 <= found.slots_high


def test_a_fixed_queue_is_told_from_slots():
    found = diagnose_burst([served(np.random.default_rng(0), 3, 6)], [4])
    assert (found.admitted, found.slots) == (6, 3)
    assert "queues 3" in found.sentence


def test_four_together_and_then_nobody_is_not_four_at_a_time():
    """The table of the first experiment: 7.78 s four times, 30 s six times."""
    found = diagnose_burst([burst([7780.0, 7780.0, 7781.0, 7783.0] + [30_000.0] * 6)], [0])
    assert found.verdict == "admits 4 and rejects the rest"
    assert "by never answering" in found.sentence


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        ([30_000.0] * 10, "no request was answered"),
        ([7800.0, 15_600.0] + [30_000.0] * 8, "only 2 requests got an answer"),
        ([7800.0], "a single request"),
        ([1000.0, 2500.0, 9000.0, 9100.0, 14_000.0, 21_000.0, 29_000.0], "irregular times"),
    ],
)
def test_too_little_to_go_by_is_said(ends, reason):
    found = diagnose_burst([burst(ends)], [0])
    assert found.verdict == "not determined"
    assert reason in found.sentence


def test_bursts_are_taken_together():
    random = np.random.default_rng(2)
    bursts = [served(random, 8, jitter=0.1) for _ in range(4)]
    together, alone = diagnose_burst(bursts, [0] * 4), diagnose_burst(bursts[:1], [0])
    assert together.verdict == "8 at a time"
    assert together.service_high_ms - together.service_low_ms < alone.service_high_ms - alone.service_low_ms


def test_each_start_is_the_answer_before_which_no_slot_was_free():
    assert starts(np.array([5.0, 6.0, 10.0]), 2, 6).tolist() == [0.0, 0.0, 5.0, 6.0, 10.0, np.inf]


def test_a_hundred_users_are_diagnosed_too():
    found = diagnose_burst([served(np.random.default_rng(5), 16, 100, timeout=1e9)], [0])
    assert found.verdict == "16 at a time"
    assert fits([served(np.random.default_rng(5), 16, 100, timeout=1e9)])[0].slots == 16


# What looks like slots, and is not

SIMULATED = {name: row for name, row in ROWS.items() if row.possible} | {"a slot for each": ROWS["a slot for each"]}


@pytest.mark.parametrize("users", [8, 20])
@pytest.mark.parametrize("name", SIMULATED)
def test_no_other_pattern_is_taken_for_slots(name, users):
    right, _, said = counted(SIMULATED[name], users, 8)
    assert right == 8, said


@pytest.mark.parametrize(
    ("name", "possible"),
    [
        ("2 servers, one 2 × slower", "unlike_servers"),
        ("sharing, 4 cores", "sharing"),
        ("continuous batching", "sharing"),
    ],
)
def test_what_it_may_be_is_named(name, possible):
    _, named, _ = counted(ROWS[name], 20, 8)
    assert named == 8, possible


def test_all_at_once_takes_two_sizes():
    random = np.random.default_rng(7)
    whole = served(random, USERS)
    alone = diagnose_burst([whole], [0], Probes(SERVICE, SERVICE))
    assert (alone.verdict, alone.possible) == ("not determined", ("sharing", "cold_start"))
    assert verdict(whole, probes=room_for_all(random)) == "all at once"


def test_a_limiter_is_named_where_it_cannot_be_told_from_one_slot():
    found = diagnose_burst([served(np.random.default_rng(2), 1, timeout=1e9)], [0])
    assert (found.verdict, found.possible) == ("one at a time", ("limiter",))
    assert "a rate limiter admits requests" in found.cause


def test_slots_that_make_each_other_slower_are_slots_all_the_same():
    found = diagnose_burst(
        [served(np.random.default_rng(3), 4, 20, timeout=1e9)], [0], Probes(SERVICE / 2, SERVICE / 2)
    )
    assert (found.verdict, found.possible) == ("4 at a time", ("sharing",))
    assert (found.alone_before_ms, found.alone_after_ms) == (SERVICE / 2, SERVICE / 2)

"""Whole searches on simulated queues whose capacity is known: how near, how sure, how long."""

import math

import pytest
from msgspec import structs

from capacity_targets import Bucket, Sharing, Slots, Target, Windows
from documents import manifest_with
from katydid.analysis.capacity.estimate import estimate_capacity, first_crossing, usl_knee
from katydid.analysis.capacity.holds import Criterion, HoldResult, measure_hold
from katydid.analysis.capacity.search import CapacitySearch, SearchSettings
from katydid.analysis.derived import with_derived
from katydid.load.stages import StageRecord
from queue_model import Queue, search
from rows import FAILED, OK, samples, started

T = 2.0
PAUSE, AROUND = 1.0, 10.0
"""Seconds that a real search takes from one hold to the next, and for its beginning and its reports."""
MOST_SECONDS = 330
OBJECTIVE = [Criterion("failure_rate", 0.05), Criterion("duration.p95", 0.05, 1000.0)]


def settings(**more):
    return SearchSettings(**({"interval": T, "hold": 6 * T, "max_users": 500} | more))


def capacity_of(queue, seed=0, **more):
    results, seconds = search(queue, settings(seed=seed, **more), OBJECTIVE, seed)
    return estimate_capacity(results, OBJECTIVE), results, seconds


QUEUES = {
    "10 slots of 0.2 s hold 100 users, and no more": (Queue(10, 0.2), 100),
    "4 slots of 0.1 s hold 80": (Queue(4, 0.1), 80),
    "25 connections of 0.5 s hold 100, and 100 / 0.95 with the failures allowed": (
        Queue(1000, 0.5, connections=25),
        None,
    ),
    "a short queue refuses what is too much": (Queue(8, 0.2, queue_limit=4), None),
    "answers that vary make it slow gradually": (Queue(8, 0.2, jitter=0.8), None),
}


@pytest.mark.parametrize("name", QUEUES)
def test_the_estimate_is_within_5_percent_and_the_interval_holds_the_truth(name):
    queue, computed = QUEUES[name]
    truth = computed or queue.capacity(T, OBJECTIVE, most=300)
    for seed in range(2):
        found, results, seconds = capacity_of(queue, seed)
        assert found.capacity == pytest.approx(truth, rel=0.05)
        assert found.low <= truth <= found.high
        assert seconds + PAUSE * len(results) + AROUND < MOST_SECONDS
        assert not found.at_least


def test_the_interval_holds_the_truth_in_19_of_20_searches():
    queue = Queue(6, 0.1, jitter=0.5, noise=0.01)
    found = [capacity_of(queue, seed)[0] for seed in range(20)]
    assert sum(f.low <= 120 <= f.high for f in found) >= 19
    assert sum(f.capacity for f in found) / 20 == pytest.approx(120, rel=0.02)


@pytest.mark.slow
def test_where_a_target_slows_gradually_19_of_20_searches_are_right_and_none_takes_too_long():
    queue = Queue(16, 0.4, jitter=0.8)
    truth = queue.capacity(T, OBJECTIVE, most=200)
    searches = [capacity_of(queue, seed) for seed in range(20)]
    found = [capacity for capacity, *_ in searches]
    assert sum(f.low <= truth <= f.high for f in found) >= 19
    assert all(f.capacity == pytest.approx(truth, rel=0.05) for f in found)
    assert all(seconds + PAUSE * len(holds) + AROUND < MOST_SECONDS for _, holds, seconds in searches)


def test_where_nothing_breaks_it_is_at_least_that():
    found, results, _ = capacity_of(Queue(1000, 0.1), max_users=60)
    assert (found.capacity, found.low, found.high, found.at_least) == (60.0, 60.0, None, True)
    assert [r.users for r in results if r.purpose.startswith("measure")] == [60, 60, 60]


def test_a_target_that_fails_at_one_user_has_no_capacity():
    found, results, _ = capacity_of(Queue(1, 5.0))
    assert found.capacity is None
    assert results[-1].users == 1
    assert found.limiting in {"duration.p95", "keeps_up"}


def test_no_load_is_above_the_most_that_is_allowed():
    _, results, _ = capacity_of(Queue(10, 0.2), max_users=98)
    assert max(r.users for r in results) <= 98


def test_loads_of_a_repeat_are_shuffled_and_moved_from_repeat_to_repeat():
    _, results, _ = capacity_of(Queue(10, 0.2))
    repeats = [[r.users for r in results if r.purpose == f"measure {n}"] for n in (1, 2, 3)]
    assert all(loads != sorted(loads) for loads in repeats)
    assert len({tuple(sorted(loads)) for loads in repeats}) == 3


def test_the_same_seed_makes_the_same_search():
    first, second = (capacity_of(Queue(10, 0.2), seed=4)[1] for _ in range(2))
    assert [r.users for r in first] == [r.users for r in second]


def test_what_is_left_of_a_search_is_told_before_it_is_known_and_shrinks_to_nothing():
    def measure(record):
        users = record.users
        return hold(users, purpose=record.purpose, keeps_up=users <= 50, sustained=min(users, 50))

    plan, told = CapacitySearch(settings(), OBJECTIVE[:1], measure), []
    while (asked := plan.next_hold()) is not None:
        outlook = plan.outlook()
        told.append((len(told) + 1 + outlook.holds, outlook.seconds))
        plan.finished(StageRecord(len(told), asked.users, 0, 0, 0, asked.purpose))
    totals, seconds = zip(*told, strict=True)
    assert all(abs(total - len(told)) <= 4 for total in totals), totals
    assert seconds[0] > seconds[len(told) // 2] > 0
    assert told[-1] == (len(told), 0.0)


def test_a_hold_ends_early_only_beyond_what_the_objective_allows():
    plan = CapacitySearch(settings(start=100), OBJECTIVE, lambda _: None)
    hold = plan.next_hold()
    assert hold.most_failures > 0.05 * hold.users * hold.seconds / T
    assert CapacitySearch(settings(failure_limit=0), OBJECTIVE, lambda _: None).next_hold().most_failures == 0


def hold(users, *, missed=0, requests=200, keeps_up=True, sustained=None, purpose="measure 1", rate=None, **more):
    broken = ("failure_rate",) if missed > 0.05 * requests else ()
    return HoldResult(
        stage=0, users=users, purpose=purpose, ended="time", seconds=10.0, requests=requests, ok=requests - missed,
        failed=missed, offered_per_s=users / T, ok_per_s=users / T if rate is None else rate,
        sustained=sustained or users, keeps_up=keeps_up, p50_ms=100.0, p95_ms=100.0,
        judged={"failure_rate": requests}, missed={"failure_rate": missed},
        broken=broken if keeps_up else (*broken, "keeps_up"), **more,
    )  # fmt: skip


FAILURES = [Criterion("failure_rate", 0.05)]


def test_a_smooth_curve_is_read_off_where_it_passes_the_limit():
    def share(users):
        return 1 / (1 + math.exp(-20 * math.log(users / 116)))

    holds = [hold(u, missed=round(1000 * share(u)), requests=1000) for u in (80, 90, 100, 110, 120)]
    found = estimate_capacity(holds, FAILURES)
    assert found.method == "logistic"
    assert found.capacity == pytest.approx(116 * math.exp(math.log(0.05 / 0.95) / 20), rel=0.01)


def test_a_cliff_is_said_to_be_one_and_lies_between_its_loads():
    found = estimate_capacity([hold(90), hold(100), hold(110, missed=190), hold(120, missed=195)], FAILURES)
    assert found.cliff
    assert found.capacity == pytest.approx(math.sqrt(100 * 110))
    assert found.limiting == "failure_rate"


def test_a_curve_that_is_not_smooth_is_read_off_a_rising_line():
    shares = {80: 0, 90: 16, 100: 2, 110: 50, 120: 60, 130: 140}
    found = estimate_capacity([hold(u, missed=m) for u, m in shares.items()], FAILURES)
    assert found.method == "isotonic"
    assert 90 <= found.capacity <= 110


def test_failures_that_a_short_stage_had_by_chance_do_not_draw_the_estimate_down():
    short = [hold(10, missed=2, requests=20, purpose="bracket"), hold(20, missed=3, requests=40, purpose="bracket")]
    kept = [structs.replace(stage, broken=()) for stage in short]  # so few requests say nothing against 5 %
    found = estimate_capacity([*kept, hold(96, missed=11), hold(100, missed=9), hold(105, missed=11)], FAILURES)
    assert 90 <= found.capacity <= 105


def test_estimates_that_differ_make_the_interval_wide():
    near = [
        hold(u, purpose=f"measure {n}", keeps_up=u < 105, sustained=min(u, 100)) for n in (1, 2, 3) for u in (95, 110)
    ]
    far = [hold(u, purpose=f"measure {n}", keeps_up=False, sustained=s) for n, s in ((1, 90), (2, 100), (3, 112))
           for u in (130,)] + [hold(80, purpose="bracket")]  # fmt: skip
    widths = [found.high / found.low for found in (estimate_capacity(near, FAILURES), estimate_capacity(far, FAILURES))]
    assert widths[0] < 1.07
    assert widths[1] > 1.4


def test_one_repeat_alone_is_not_trusted_to_two_percent():
    found = estimate_capacity([hold(95), hold(110, keeps_up=False, sustained=100)], FAILURES)
    assert (found.low, found.high) == pytest.approx((100 / 1.13, 113))


def test_the_knee_is_where_the_scalability_law_has_its_top():
    loads = (10, 50, 100, 150, 200, 300, 400)
    sigma, kappa = 0.02, 2e-5

    def law(n):
        return 0.5 * n / (1 + sigma * (n - 1) + kappa * n * (n - 1))

    holds = [hold(n, rate=law(n), keeps_up=n < 100) for n in loads]
    assert usl_knee(holds) == pytest.approx(math.sqrt((1 - sigma) / kappa), rel=0.05)
    assert usl_knee(holds[:5]) is None, "too few loads"


def search_where(short, long, **more):
    """Short holds say that `short` users are held, the longer ones that `long` are."""

    def measure(record):
        limit = short if record.purpose == "bracket" else long
        return hold(
            record.users, purpose=record.purpose, keeps_up=record.users <= limit, sustained=min(record.users, limit)
        )

    plan, seconds = CapacitySearch(settings(**more), FAILURES, measure), 0.0
    while (asked := plan.next_hold()) is not None:
        seconds += asked.seconds + PAUSE
        plan.finished(StageRecord(0, asked.users, 0, 0, 0, asked.purpose))
    return plan.results, seconds


@pytest.mark.parametrize(("short", "long"), [(100, 130), (130, 100), (40, 80)])
def test_where_a_repeat_shows_that_the_range_was_wrong_it_looks_further_on_the_right_side(short, long):
    results, _ = search_where(short, long)
    measured = [r for r in results if r.purpose == "measure 1"]
    assert len(measured) > 5
    assert {r.held for r in measured} == {True, False}
    found = estimate_capacity(results, FAILURES)
    assert found.capacity == pytest.approx(long, rel=0.05)
    assert found.low <= long <= found.high


@pytest.mark.parametrize(("short", "long"), [(100, 130), (130, 100), (40, 80), (480, 400), (20, 490), (400, 20)])
def test_however_wrong_the_range_was_a_search_takes_no_longer_than_it_may(short, long):
    _, seconds = search_where(short, long)
    assert seconds + AROUND < MOST_SECONDS


def test_a_short_hold_that_broke_by_chance_is_overruled_by_longer_ones_that_held_more():
    found = estimate_capacity([hold(40, purpose="bracket", keeps_up=False, sustained=39), hold(60), hold(70)], FAILURES)
    assert (found.capacity, found.at_least) == (70, True)


def test_a_search_that_was_interrupted_still_says_what_it_knows():
    results = [hold(40, purpose="bracket"), hold(80, purpose="bracket", keeps_up=False, sustained=60)]
    found = estimate_capacity(results, FAILURES)
    assert found.capacity == pytest.approx(60)


def test_records_of_stages_are_plain_values():
    assert StageRecord(0, 1, 0.0, 1.0, 2.0).ended == "time"


# Chance, and what really broke


def searched(target, seed=0, objective=FAILURES, **more):
    results, _ = search(target, settings(**({"seed": seed} | more)), objective, seed)
    return estimate_capacity(results, objective), results


@pytest.mark.parametrize("seed", range(2))
def test_failures_that_the_objective_allows_are_not_taken_for_the_end(seed):
    """4 % fail at any load: a short stage of 20 requests has 2 of them in one case of five."""
    found, _ = searched(Target(Slots(2, lambda _: 0.1), failing=0.04), seed)
    assert found.capacity == pytest.approx(40, rel=0.2)


def stage_of(failed, purpose, requests=20):
    rows = [started(i * 100.0, iteration=i, base=FAILED if i < failed else OK) for i in range(requests)]
    frame = with_derived(samples(*rows), manifest_with(interval_s=T))
    return measure_hold(frame, StageRecord(0, 20, 0.0, 0.0, 2000.0, purpose), T, OBJECTIVE)


def test_a_short_stage_is_broken_only_by_more_than_chance_has():
    assert [stage_of(failed, "bracket").held for failed in (1, 4, 5)] == [True, True, False]
    assert [stage_of(failed, "measure 1").held for failed in (1, 2)] == [True, False]
    assert stage_of(5, "bracket").broken == ("failure_rate", "duration.p95")


def test_failures_are_named_even_where_the_time_is_asked_of_first():
    times_first = [Criterion("duration.p95", 0.05, 5000.0), Criterion("failure_rate", 0.05)]
    found, results = searched(Queue(1000, 0.5, connections=25), objective=times_first)
    assert {name for r in results for name in r.broken} == {"duration.p95", "failure_rate"}
    assert found.limiting == "failure_rate"
    assert first_crossing([r for r in results if r.purpose == "measure 1"], times_first[:1]).metric == "failure_rate"


def test_later_repeats_look_back_at_the_load_that_was_kept():
    """A first repeat that kept 90 users, and a hiccup at 43: what comes next looks at both."""
    first = iter([True, False])

    def measure(record):
        kept = record.users <= 45 or (record.purpose == "measure 1" and next(first, True))
        return hold(record.users, missed=0 if kept else 30, purpose=record.purpose)

    plan = CapacitySearch(settings(start=40), FAILURES, measure)
    plan.results.extend([hold(90), hold(47, missed=14), hold(52, missed=30)])
    plan._low, plan._high, plan._repeat, plan._moves = 45, 100, 1, 4
    assert max(plan._loads()) > 90
    assert min(plan._loads()) < 52


# A target whose rate is limited


QUICK = Slots(1000, lambda _: 0.05)


def test_holds_last_two_windows_of_a_rate_limiter():
    found, results = searched(Target(QUICK, limit=lambda: Windows(100, 10)), hold=12.0)
    assert found.capacity == pytest.approx(10 * T / 0.95, rel=0.05)
    assert (found.method, found.limiting, found.limiter_seen) == ("limiter", "failure_rate", True)
    assert min(r.seconds for r in results if r.purpose.startswith("measure")) > 18


def test_a_budget_that_is_saved_up_is_not_taken_for_capacity():
    found, _ = searched(Target(QUICK, limit=lambda: Bucket(10, 30)))
    assert found.capacity == pytest.approx(10 * T / 0.95, rel=0.05)


def test_a_window_that_no_hold_can_last_is_said_not_to_be_seen():
    found, results = searched(Target(QUICK, limit=lambda: Windows(100, 3600)))
    assert (found.capacity, found.low, found.limiter_seen) == (None, None, False)
    assert len(results) <= 6, "it does not go on"


# Holds that are too short for their load


def test_a_hold_is_widened_until_it_counts_enough():
    _, results = searched(Target(Sharing(2, lambda random: random.exponential(0.1))), hold=3 * T)
    lasted = {r.users: round(r.seconds / T) for r in results if r.purpose.startswith("measure")}
    assert all(intervals >= min(5, 200 / users) for users, intervals in lasted.items()), lasted
    assert max(lasted.values()) == 5

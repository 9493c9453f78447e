"""A stage as a measurement: what was offered, what came back, what was broken. Queues give the truth."""

import heapq

import pytest

from documents import manifest_with
from katydid.analysis.capacity.holds import Criterion, criterion, measure_hold
from katydid.analysis.derived import with_derived
from katydid.load.stages import Hold, StageRecord
from queue_model import Queue
from rows import ABANDONED, FAILED, OK, samples, started

T = 2.0
OBJECTIVE = [Criterion("failure_rate", 0.05), Criterion("duration.p95", 0.05, 1000.0)]


def held_by(queue, users, seconds=12.0):
    return queue.measured(Hold(users, seconds, settle=T), T, OBJECTIVE)


def measured(*rows, users=1, end=10_000.0, settled=0.0):
    frame = with_derived(samples(*rows), manifest_with(interval_s=1.0))
    return measure_hold(frame, StageRecord(0, users, 0.0, settled, end), 1.0, OBJECTIVE)


def test_below_its_limit_a_queue_keeps_up():
    result = held_by(Queue(slots=10, service=0.2), users=95)  # 100 users × 0.2 s / 2 s = 10 slots
    assert result.held
    assert result.requests == 95 * 5
    assert result.offered_per_s == 47.5
    assert result.ok_per_s == pytest.approx(47.5, rel=0.02)
    assert result.p95_ms == pytest.approx(200, rel=0.1)


def test_a_stage_is_told_in_one_line_while_a_search_goes_on():
    rows = [started(i * 1000.0, iteration=i) for i in range(10)]
    assert measured(*rows).text == "met: 10 requests, 0 failed, p95 500\u00a0ms"
    late = [started(i * 1000.0, iteration=i, duration_ms=1500.0) for i in range(10)]
    assert measured(*late).text.startswith("violated (service time, p95)")


@pytest.mark.parametrize("users", [104, 120, 150, 300])
def test_beyond_its_limit_it_shows_the_limit_however_far_beyond(users):
    result = held_by(Queue(slots=10, service=0.2), users)
    assert not result.keeps_up
    assert "keeps_up" in result.broken
    assert result.sustained == pytest.approx(100, rel=0.01)


def test_a_stage_at_a_rate_is_one_of_the_users_who_would_offer_it():
    rows = [started(i * 100.0, user=i % 30, iteration=i // 30) for i in range(100)]
    frame = with_derived(samples(*rows), manifest_with(interval_s=2.0))
    result = measure_hold(frame, StageRecord(0, 200, 0.0, 0.0, 10_000.0, rate=10.0), T, OBJECTIVE)
    assert (result.users, result.rate_per_s, result.offered_per_s) == (20, 10.0, 10.0)
    assert (result.held, result.load_text) == (True, "10 requests/s")


def test_a_target_that_falls_behind_a_rate_shows_what_it_can_do():
    rows = [started(i * 100.0, user=i % 200, iteration=0, duration_ms=200.0 + i * 100.0) for i in range(100)]
    frame = with_derived(samples(*rows), manifest_with(interval_s=2.0))
    result = measure_hold(frame, StageRecord(0, 200, 0.0, 0.0, 10_000.0, rate=10.0), T, OBJECTIVE)
    assert "keeps_up" in result.broken
    assert result.sustained == pytest.approx(10, rel=0.05), "it answers 5 requests/s, those of 10 users"


def test_what_is_refused_at_once_is_no_falling_behind():
    result = held_by(Queue(slots=1000, service=0.5, connections=25), users=120)
    assert result.keeps_up
    assert result.broken == ("failure_rate", "duration.p95")
    assert result.failed / result.requests == pytest.approx(1 - 100 / 120, abs=0.03)


def test_settling_requests_are_not_counted():
    rows = [started(i * 1000.0, iteration=i, duration_ms=5000.0 if i < 3 else 100.0) for i in range(10)]
    result = measured(*rows, settled=3000.0)
    assert (result.requests, result.p95_ms, result.held) == (7, 100.0, True)


def test_one_bad_request_is_an_accident_and_two_are_not():
    rows = [started(i * 1000.0, iteration=i) for i in range(10)]
    one, two = [*rows[:9], started(9000.0, base=FAILED, iteration=9)], rows[:8]
    two += [started(i * 1000.0, base=FAILED, iteration=i) for i in (8, 9)]
    assert measured(*one).held
    assert measured(*two).broken == ("failure_rate", "duration.p95")


def test_a_failed_request_misses_every_time_limit():
    rows = [started(i * 1000.0, base=FAILED, iteration=i, duration_ms=1.0) for i in range(3)]
    assert measured(*rows).missed == {"failure_rate": 3, "duration.p95": 3}


def test_nothing_held_is_nothing_kept():
    result = measured()
    assert (result.requests, result.held) == (0, False)


def test_a_hold_that_was_stopped_while_settling_is_judged_by_what_there_is():
    rows = [started(i * 10.0, base=FAILED, iteration=i) for i in range(5)]
    result = measured(*rows, end=500.0, settled=500.0)
    assert (result.requests, result.failed) == (5, 5)


@pytest.mark.parametrize(
    ("metric", "limit", "expected"),
    [
        ("failure_rate", 0.01, Criterion("failure_rate", 0.01)),
        ("ttft.p99", 1500.0, Criterion("ttft.p99", 0.01, 1500.0)),
        ("late_share", 0.02, Criterion("late_share", 0.02)),
        ("duration.mean", 100.0, None),
        ("requests_per_s", 5.0, None),
        ("conversation.p95", 5.0, None),
        ("conversations_ok", 0.99, None),
    ],
)
def test_only_what_single_requests_keep_or_miss_is_a_criterion(metric, limit, expected):
    assert criterion(metric, limit, {"ttft_ms", "duration_ms"}) == expected


TALKS = [
    criterion("conversation.p95", 900.0, {"conversation_ms"}),
    criterion("conversations_ok", 0.9, {"conversation_ms"}),
]


def talk(number, took, *, base=OK, turns=3, at=None):
    """A conversation's requests, 100 ms each; a good one says at its end how long it took."""
    at = number * 1000.0 if at is None else at
    rows = [
        started(at + 300.0 * turn, iteration=number, duration_ms=100.0, conversation_ms=None) for turn in range(turns)
    ]
    rows[-1] |= {"outcome": base["outcome"], "conversation_ms": took if base is OK else None}
    return rows


def talks_measured(*talks, settled=0.0, end=10_000.0):
    rows = [row for conversation in talks for row in conversation]
    took = [row["conversation_ms"] for row in rows]
    rows = [{k: v for k, v in row.items() if k != "conversation_ms"} for row in rows]
    frame = with_derived(samples(*rows).assign(conversation_ms=took), manifest_with(interval_s=1.0))
    return measure_hold(frame, StageRecord(0, 1, 0.0, settled, end), 1.0, TALKS)


def test_objectives_of_conversations_are_judged_by_the_conversation():
    result = talks_measured(*(talk(n, 700.0) for n in range(6)), *(talk(n, 950.0) for n in (6, 7)))
    assert (result.requests, result.judged) == (24, {"conversation.p95": 8, "conversations_ok": 8})
    assert result.missed == {"conversation.p95": 2, "conversations_ok": 0}
    assert result.broken == ("conversation.p95",)


def test_a_conversation_that_fails_has_missed_both_objectives_once():
    result = talks_measured(*(talk(n, 700.0) for n in range(6)), *(talk(n, None, base=FAILED, turns=2) for n in (6, 7)))
    assert result.judged == {"conversation.p95": 8, "conversations_ok": 8}
    assert result.missed == {"conversation.p95": 2, "conversations_ok": 2}
    assert [c.text for c in TALKS] == ["conversation.p95 ≤ 900 ms", "conversations_ok ≥ 90 %"]


def test_a_conversation_belongs_to_the_time_in_which_it_began():
    before, late = talk(0, 1000.0, at=1900.0), talk(1, 1000.0, at=9900.0)
    assert talks_measured(before, settled=2000.0).judged["conversation.p95"] == 0
    assert talks_measured(before, late, settled=2000.0).judged["conversation.p95"] == 1


def talks_of_a_queue(users, *, slots=4, service=200.0, turns=3, end=20_000.0):
    """Users who each begin a conversation every 2 s; each of its requests waits for one of the slots."""
    free, due, rows = [0.0] * slots, [(user * T * 1000.0 / users, user, 0, 0) for user in range(users)], []
    began = {}
    heapq.heapify(due)
    while due and (at := due[0][0]) < end:
        _, user, number, turn = heapq.heappop(due)
        ready = max(at, heapq.heappop(free)) + service
        heapq.heappush(free, ready)
        began.setdefault((user, number), at)
        scheduled = user * T * 1000.0 / users + number * T * 1000.0 if turn == 0 else at
        over = turn == turns - 1
        rows.append(
            started(scheduled, start_ms=at, user=user, iteration=number, paced=turn == 0, duration_ms=ready - at)
            | {"conversation_ms": ready - began[user, number] if over else None}
        )
        following = max(ready, user * T * 1000.0 / users + (number + 1) * T * 1000.0)
        heapq.heappush(due, (following, user, number + 1, 0) if over else (ready, user, number, turn + 1))
    return rows


@pytest.mark.parametrize("users", [14, 15, 16, 20])
def test_conversations_show_what_the_slots_do_also_while_more_and_more_of_them_are_begun(users):
    rows = talks_of_a_queue(users)  # 4 slots / (3 × 0.2 s) are 6.67 conversations a second, those of 13.3 users
    took = [row.pop("conversation_ms") for row in rows]
    frame = with_derived(samples(*rows).assign(conversation_ms=took), manifest_with(interval_s=T))
    result = measure_hold(frame, StageRecord(0, users, 0.0, 0.0, 12_000.0), T, TALKS)
    assert "keeps_up" in result.broken
    assert result.sustained == pytest.approx(13.33, rel=0.015)


def test_answers_whose_times_vary_are_no_queue_and_a_queue_is_seen_all_the_same():
    calm, full = Queue(16, 0.4, jitter=0.8), Queue(4, 0.4, jitter=0.8)  # 80 users; 20
    short = [calm.measured(Hold(40, 6.0, settle=T), T, OBJECTIVE, seed) for seed in range(60)]
    assert sum(r.keeps_up for r in short) >= 59
    assert not any(full.measured(Hold(30, 6.0, settle=T), T, OBJECTIVE, seed).keeps_up for seed in range(20))


def test_a_target_does_not_fall_behind_for_clients_that_left():
    rows = [
        started(i * 100.0, user=i % 10, iteration=i // 10, base=ABANDONED if i % 3 == 0 else OK, abandoned_ms=500.0)
        for i in range(100)
    ]
    result = measured(*rows, users=10)
    assert (result.held, result.requests, result.failed) == (True, 66, 0)

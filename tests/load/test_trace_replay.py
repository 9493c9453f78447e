"""A replay: who sends which request of a trace, when, and with which text."""

import json

import pytest

from katydid.load.arrivals import PoolTurn
from katydid.load.made.calibration import Calibration
from katydid.load.traces.files import collected, records
from katydid.load.traces.prompts import TracedPrompts
from katydid.load.traces.trace import ReplayQueue
from katydid.model.sample import LateCause

CHAIN = "time,input,output,session\n0,1,1,a\n1,1,1,b\n2,1,1,a\n3,1,1,b\n4,1,1,\n"


def trace(data):
    return collected(records([data.encode()]))


def queue(data=CHAIN, begin=100.0, **more):
    return ReplayQueue(trace(data), begin, **more)


def every(queue, now=0.0):
    """What there is to take, when each request ends as it was due."""
    found = []
    while (taken := queue.take(now)) is not None:
        queue.begun()
        queue.ended(taken[0], taken[1])
        found.append(taken)
    return found


def test_requests_are_due_when_they_were():
    single = queue("time,input,output\n10,1,1\n10,1,1\n12.5,1,1\n")
    assert every(single) == [(0, 100.0), (1, 100.0), (2, 102.5)]
    assert single.spent


def test_one_that_follows_another_is_not_due_before_the_other_has_ended():
    found = queue()
    assert [found.take(100.0) for _ in range(4)] == [(0, 100.0), (1, 101.0), (4, 104.0), None]
    found.ended(0, 101.5)
    assert found.take(101.5) == (2, 102.0)
    found.ended(1, 103.7)
    assert found.take(103.7) == (3, 103.7)
    assert found.take(103.7) is None


def test_a_conversation_ends_with_a_request_that_was_not_answered():
    found = queue(goes_on=lambda number: number != 0)
    assert [number for number, _ in every(found)] == [0, 1, 3, 4]
    assert found.spent


@pytest.mark.parametrize("processes", [2, 3, 8])
def test_processes_share_conversations_whole(processes):
    parts = [every(queue(rank=rank, processes=processes)) for rank in range(processes)]
    assert sorted(taken for part in parts for taken in part) == every(queue())
    assert {2: [[0, 2, 4], [1, 3]], 3: [[0, 2], [1, 3], [4]]}.get(processes, [[0, 2], [1, 3], [4]]) == [
        [number for number, _ in part] for part in parts if part
    ]


def test_a_process_without_a_request_has_begun_all_of_them():
    assert queue(rank=7, processes=8).spent
    assert not queue(rank=1, processes=8).spent


def test_a_request_that_found_no_user_is_dropped_with_what_follows_it():
    found = queue(drop_late=0.5)
    assert found.take(101.2) == (1, 101.0)
    found.begun()
    assert found.take(110.0) is None
    found.ended(1, 110.0)
    assert found.take(110.0) == (3, 110.0)
    found.begun()
    assert found.spent


def test_a_user_goes_on_with_the_conversation_that_it_is_in():
    found = queue()
    turn, other = PoolTurn(found), PoolTurn(found)
    assert turn.wait(99.0) == 1.0
    assert other.wait(99.0) == 2.0
    turn.begun()
    assert turn.wait(101.9) == pytest.approx(0.1)
    assert (turn.arrival, turn.held_up) == (2, None)
    assert turn.wait(103.0) == 1.0  # the one without a session
    assert other.wait(105.0) == 0.0
    assert (other.arrival, other.held_up) == (3, None)
    assert turn.wait(105.0) is None
    assert turn.arrival is None


def test_an_arrival_without_a_free_user_is_the_pools_fault():
    turn = PoolTurn(queue())
    turn.wait(100.5)
    assert (turn.held_up, turn.spent) == (LateCause.POOL, False)


# Texts


def prompts(*requests, calibration=None):
    made = TracedPrompts(3, trace("".join(f"{json.dumps(each)}\n" for each in requests)))
    made.calibration = calibration or Calibration()
    made.prepare()
    return made


def asked(length, *ids):
    return {"timestamp": 0, "input_length": length, "output_length": 7, **({"hash_ids": ids} if ids else {})}


def text(made, number):
    return made.text(0, number, made.plan(0, number).units).split()


def common(one, other):
    return next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))


def test_prompts_are_as_long_as_in_the_trace_and_share_its_blocks():
    made = prompts(asked(1300, 1, 2, 3), asked(1500, 1, 2, 4), asked(600, 1, 9), asked(20_000, *range(100, 140)))
    texts = [text(made, number) for number in range(4)]
    assert [len(words) for words in texts] == [1300, 1500, 600, 20_000]
    assert common(texts[0], texts[1]) == 1024
    assert common(texts[0], texts[2]) == 512
    assert common(texts[0], texts[3]) == 0
    assert made.plan(0, 2).output_tokens == 7


def test_blocks_end_where_so_many_tokens_of_the_prompt_do():
    """With the target's template, of 31 tokens, and 1.25 tokens a word."""
    made = prompts(asked(1300, 1, 2, 3), asked(1500, 1, 2, 4), calibration=Calibration(31.0, 1.25, "target"))
    one, other = text(made, 0), text(made, 1)
    assert 31 + 1.25 * common(one, other) == pytest.approx(1024, abs=1.25)
    assert 31 + 1.25 * len(one) == pytest.approx(1300, abs=1.25)


def test_what_is_corrected_later_moves_no_block():
    made = prompts(asked(1300, 1, 2, 3), asked(1500, 1, 2, 4))
    before = text(made, 0)
    made.calibration.per_unit = 1.1
    assert common(before, text(made, 1)) == 1024
    assert len(text(made, 1)) == round(1500 / 1.1)


def test_prompts_without_ids_share_nothing():
    made = prompts(*[asked(200)] * 50)
    assert len({tuple(text(made, number)[:8]) for number in range(50)}) == 50


def test_a_prompt_is_never_shorter_than_the_template():
    made = prompts(asked(5), asked(100), calibration=Calibration(31.0, 1.0, "target"))
    assert made.plan(0, 0).input_tokens == 32
    assert made.below(32) == 0.5

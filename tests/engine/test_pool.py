"""The pool of users that serves a rate: when it begins, who takes which arrival, and what a row says of it."""

import time
from types import SimpleNamespace

import pytest

from katydid.engine.arrivals.barrier import LEAD, Barrier
from katydid.engine.arrivals.pool import Pool
from katydid.engine.options import RunOptions
from katydid.engine.stopping import Stopper
from katydid.engine.user import PacedUser
from katydid.load.arrivals import ArrivalQueue, PoolTurn
from katydid.load.schedule import Pacer
from katydid.load.stages import Stage
from katydid.load.threshold import RequestShare

WHOLE_RUN = Stage(0, 8, 0.0, 0.0)


def runtime(origin=0.0, *, rank=0, workers=1, stage=WHOLE_RUN, **options):
    """Of a run at a rate whose origin is that on the monotonic clock."""
    noted = {}
    made = SimpleNamespace(
        options=RunOptions(**{"rate": 10.0} | options),
        info=SimpleNamespace(origin=origin, workers=workers, users=8, ms=lambda at: (at - origin) * 1000.0),
        runner=None,
        is_worker=False,
        is_master=False,
        rank=rank,
        service=None,
        stage=stage,
        noted=noted,
        note=noted.update,
        paced_users=list,
    )
    made.barrier = Barrier(made)
    return made


def test_a_rate_begins_with_the_run_where_its_pool_is_there_by_then():
    origin = time.monotonic() + 5.0
    run = runtime(origin)
    run.barrier.all_spawned()
    assert run.barrier.released_at == origin
    assert run.noted == {"arrivals_begin_ms": 0.0}


def test_else_at_the_next_whole_second_so_that_other_runs_send_the_same_instants():
    run = runtime(time.monotonic() - 3.2)
    run.barrier.all_spawned()
    begin = run.barrier.released_at - run.info.origin
    assert begin == pytest.approx(round(begin), abs=1e-6)
    assert run.barrier.released_at >= time.monotonic() + LEAD - 0.1


def test_users_that_come_later_do_not_move_it():
    run = runtime(time.monotonic())
    run.barrier.all_spawned()
    first = run.barrier.released_at
    time.sleep(0.01)
    run.barrier.all_spawned()
    assert run.barrier.released_at == first


def test_nobody_takes_an_arrival_before_it_is_known_when_the_first_one_comes():
    run = runtime()
    pool = Pool(run)
    assert pool.turn() is None
    run.barrier.released_at = 100.0
    assert pool.turn().wait(99.0) == 1.0


def test_users_of_a_process_take_its_arrivals_in_turn():
    run = runtime(rank=1, workers=2)
    run.barrier.released_at = 100.0
    pool = Pool(run)
    one, other = pool.turn(), pool.turn()
    for turn in (one, other, one):
        turn.wait(99.0)
    assert (other.arrival, one.arrival) == (3, 5)


def test_each_stage_has_arrivals_of_its_own_from_its_beginning():
    run = runtime(origin=100.0, stage=Stage(3, 8, 20.0, 0.0, end=30.0, rate=2.0), rate=None)
    pool = Pool(run)
    turn = pool.turn()
    turn.wait(110.0)
    assert (turn.scheduled, turn.arrival) == (120.0, 0)
    turn.wait(110.0)
    assert turn.scheduled == 120.5
    run.stage = Stage(4, 8, 50.0, 0.0, end=60.0, rate=4.0)
    turn = pool.turn()
    turn.wait(110.0)
    assert (turn.scheduled, turn.arrival) == (150.0, 0)


def test_a_prompt_is_drawn_by_the_arrival_whoever_serves_it():
    turn = PoolTurn(ArrivalQueue(RunOptions(rate=10.0).open_loop(), 0.0))
    turn.wait(0.0)
    turn.wait(0.0)
    user = SimpleNamespace(index=3, iteration=5, _schedule=turn)
    assert PacedUser.draw.fget(user) == (0, 1)
    user._schedule = Pacer(1.0, 0.0)
    assert PacedUser.draw.fget(user) == (3, 5)


def test_the_pool_of_a_trace_takes_its_requests(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("time,input,output\n5,1,1\n7,1,1\n9,1,1\n", encoding="utf-8")
    run = runtime(rank=0, workers=2, rate=None, trace=str(file))
    run.barrier.released_at = 100.0
    turn = Pool(run).turn()
    found = []
    while turn.wait(99.0) is not None:
        turn.begun()
        found.append((turn.arrival, turn.scheduled))
    assert found == [(0, 100.0), (2, 104.0)]
    assert turn.spent


# The number of requests


@pytest.fixture
def stopper(monkeypatch):
    """Of the only process of a run; `ended` has the reasons for which it was ended."""
    monkeypatch.setattr(Stopper, "_register", lambda _: None)
    environment = SimpleNamespace(runner=None, stop_timeout=None)
    made = Stopper(environment, None, hand_in=lambda: 0, nulled=lambda: 0)
    made.ended = []
    monkeypatch.setattr(made, "end", made.ended.append)
    return made


def test_a_run_ends_with_the_start_of_its_last_request(stopper):
    stopper.begin(0, 0.0, RequestShare(3))
    assert [stopper.start_request() for _ in range(2)] == [True, True]
    assert stopper.ended == []
    assert [stopper.start_request() for _ in range(3)] == [True, False, False]
    assert stopper.ended == ["completed"]


def test_a_run_ends_once_however_many_users_say_that_all_have_started(stopper):
    stopper.begin(0, 0.0, RequestShare(None))
    stopper.all_started()
    stopper.all_started()
    assert stopper.ended == ["completed"]
    stopper.begin(0, 0.0, RequestShare(None))
    stopper.all_started()
    assert stopper.ended == ["completed"] * 2


def test_without_a_number_of_requests_nothing_ends_it(stopper):
    stopper.begin(0, 0.0, RequestShare(None))
    assert all(stopper.start_request() for _ in range(100))
    assert stopper.ended == []

"""A run begins when its workers have started up; Locust counts those that have only connected."""

from types import SimpleNamespace

import pytest

from katydid.engine.workers import presence
from katydid.engine.workers.presence import RollCall


class Master:
    """Sends nothing: what is asked of which worker is kept."""

    def __init__(self, *names):
        nodes = [SimpleNamespace(id=name) for name in names]
        self.clients = SimpleNamespace(all=nodes, missing=[])
        self.asked = []
        self.get_worker_index = names.index

    def register_message(self, name, listener):
        self.hear = lambda worker: listener(msg=SimpleNamespace(node_id=worker))
        self.heard = name

    def send_message(self, name, client_id):
        self.asked.append((name, client_id))


class Worker:
    def __init__(self):
        self.sent, self.listeners = [], {}

    def register_message(self, name, listener):
        self.listeners[name] = listener

    def send_message(self, name):
        self.sent.append(name)


@pytest.fixture
def passing(monkeypatch):
    """Time that passes where somebody waits; at each moment, what is to happen then."""
    clock = SimpleNamespace(now=0.0, then=lambda: None)

    def sleep(seconds):
        clock.now += seconds
        clock.then()

    monkeypatch.setattr(presence, "MasterRunner", Master)
    monkeypatch.setattr(presence, "WorkerRunner", Worker)
    monkeypatch.setattr(presence.time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(presence.gevent, "sleep", sleep)
    return clock


def test_workers_that_have_answered_are_not_waited_for(passing):
    master = Master("a", "b")
    call = RollCall(master)
    master.hear("a")
    master.hear("b")
    call.wait()
    assert (passing.now, master.asked) == (0.0, [])


def test_a_worker_that_still_starts_up_is_waited_for(passing):
    master = Master("a", "b")
    call = RollCall(master)
    master.hear("a")
    passing.then = lambda: passing.now >= 3.0 and master.hear("b")
    call.wait()
    assert passing.now == pytest.approx(3.0, abs=0.1)


def test_one_that_had_answered_too_early_is_asked_again(passing):
    master, worker = Master("a"), Worker()
    call, there = RollCall(master), RollCall(worker)
    there.answer()  # before its master listened
    passing.then = lambda: master.asked and master.hear("a")
    call.wait()
    ((question, of),) = master.asked
    assert of == "a"
    assert passing.now < 1.0
    worker.listeners[question]()
    assert worker.sent == [master.heard, master.heard]


def test_one_that_is_out_of_touch_is_not_waited_for(passing):
    master = Master("a")
    master.clients.missing = master.clients.all
    RollCall(master).wait()
    assert passing.now == 0.0


def test_one_that_never_answers_is_named_and_does_not_hold_up_the_run_for_ever(passing, caplog):
    RollCall(Master("a", "b")).wait()
    assert presence.START_PATIENCE <= passing.now < presence.START_PATIENCE + 1.0
    assert [record.args for record in caplog.records] == [("worker-0",), ("worker-1",)]


def test_a_process_without_workers_waits_for_nobody(passing):
    RollCall(SimpleNamespace()).wait()
    RollCall(Worker()).wait()
    assert passing.now == 0.0

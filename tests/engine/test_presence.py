"""A worker that falls silent is named at once, once, and so is its return."""

from types import SimpleNamespace

import pytest

from katydid.engine.run_info import RunInfo
from katydid.engine.workers import presence
from katydid.engine.workers.presence import Presence, tell_of_workers

NAMES = ["a", "b"]


class Clients:
    def __init__(self):
        self.all = [SimpleNamespace(id=name) for name in NAMES]
        self.missing = []
        self.ready = []


@pytest.fixture
def runner():
    return SimpleNamespace(clients=Clients(), get_worker_index=NAMES.index)


@pytest.fixture
def watched(runner):
    said, noted = [], {}
    info = RunInfo(users=2, workers=2, model="m", warm_up=0.0).begun()
    runtime = SimpleNamespace(
        stopper=SimpleNamespace(workers=set(NAMES)),
        info=info,
        announce=said.append,
        warn=said.append,
        note=noted.update,
    )
    return SimpleNamespace(said=said, noted=noted, presence=Presence(runtime, runner))


def test_workers_that_are_there_are_not_worth_a_word(watched):
    watched.presence.look()
    assert (watched.said, watched.noted) == ([], {})


def test_a_missing_worker_is_named_once_with_what_to_do(runner, watched):
    runner.clients.missing = [runner.clients.all[1]]
    watched.presence.look()
    watched.presence.look()
    (told,) = watched.said
    assert told.startswith("worker-1 is out of touch, not heard from for 0 s: check its log and the network between;")
    assert [(s.worker, s.end) for s in watched.noted["silences"]] == [("worker-1", None)]


def test_a_worker_that_has_left_is_missed_too(runner, watched):
    del runner.clients.all[0]
    watched.presence.look()
    assert "worker-0 is out of touch" in watched.said[0]


def test_its_return_ends_the_silence(runner, watched):
    runner.clients.missing = runner.clients.all[:1]
    watched.presence.look()
    runner.clients.missing = []
    watched.presence.look()
    watched.presence.look()
    assert watched.said[1:] == ["worker-0 is back after 0 s; its rows are on their way"]
    (silence,) = watched.noted["silences"]
    assert silence.end >= silence.begin


def test_a_master_says_which_workers_it_waits_for_whenever_that_changes(runner, monkeypatch, capsys):
    monkeypatch.setattr(presence, "MasterRunner", SimpleNamespace)
    monkeypatch.setattr(presence, "PATIENCE", 0.0)
    runner.state = presence.STATE_INIT
    arrivals = iter([[], NAMES[:1], NAMES])

    def pass_time(seconds):
        if seconds:
            runner.clients.ready = next(arrivals)

    monkeypatch.setattr(presence.gevent, "sleep", pass_time)
    tell_of_workers(runner, SimpleNamespace(expect_workers=2, master_bind_port=5557))
    first, second = capsys.readouterr().err.splitlines()
    assert first == (
        "katydid: waiting for 2 workers on port 5557, 0 connected: start each with katydid run WORKLOAD --worker "
        "--master-host ADDRESS"
    )
    assert "2 workers on port 5557, 1 connected" in second

"""Whoever changes a run's users meanwhile, in the page or at the keyboard: the run says so."""

from types import SimpleNamespace

from katydid.engine.options import RunOptions
from katydid.engine.spawning import Spawning


class Runtime(SimpleNamespace):
    def __init__(self, users):
        parsed = SimpleNamespace(katydid_stage=None)
        super().__init__(
            is_master=False,
            options=RunOptions(interval=20.0),
            info=SimpleNamespace(users=users),
            environment=SimpleNamespace(parsed_options=parsed, shape_class=None),
            noted={},
            said=[],
            now=lambda: 5.0,
        )
        self.note = lambda **facts: self.noted.update(facts)
        self.warn = self.said.append


def test_other_users_are_noted_with_their_time():
    runtime = Runtime(3)
    spawning = Spawning(runtime)
    spawning.dispatch(3, 100.0, 0)
    assert "users_changed" not in runtime.noted
    spawning.dispatch(9, 100.0, 3)
    spawning.dispatch(-7, 100.0, 12)
    assert runtime.noted["users_changed"] == [{"at_ms": 5000.0, "users": 12}, {"at_ms": 5000.0, "users": 5}]
    assert "12" in runtime.said[0]


def test_a_worker_that_comes_back_changes_nothing():
    runtime = Runtime(10)
    spawning = Spawning(runtime)
    spawning.dispatch(10, 100.0, 0)
    spawning.dispatch(5, 100.0, 5)
    assert "users_changed" not in runtime.noted


def test_the_next_run_begins_with_its_own():
    runtime = Runtime(3)
    spawning = Spawning(runtime)
    spawning.dispatch(3, 100.0, 0)
    spawning.dispatch(1, 100.0, 3)
    runtime.noted.clear()
    spawning.begin()
    spawning.dispatch(3, 100.0, 0)
    assert "users_changed" not in runtime.noted


def test_a_load_shape_takes_users_away_as_often_as_it_likes():
    runtime = Runtime(None)
    runtime.environment.shape_class = object()
    spawning = Spawning(runtime)
    for there in (9, 7, 5):
        spawning.dispatch(-2, 100.0, there)
    assert (runtime.noted, runtime.said) == ({}, [])

"""A run is closed once, however many ends come at the same time."""

from types import SimpleNamespace

import gevent
from locust.env import Environment

from katydid.engine import plugin


class Closing:
    """A collector that takes a while to write its reports."""

    folder = None
    report = None

    def __init__(self):
        self.ends = []

    def finish(self, ended, *_):
        self.ends.append(ended)
        gevent.sleep(0.02)
        return 0


def test_a_signal_in_the_moment_in_which_a_run_ends_closes_it_once(monkeypatch):
    runner = SimpleNamespace(quit=lambda: None)
    stopper = SimpleNamespace(active=True, reason="run-time")
    info = SimpleNamespace(ms=lambda _: 0.0)
    runtime = SimpleNamespace(
        stopper=stopper, runner=runner, info=info, is_master=False, is_worker=False, paced_users=list,
        finish=lambda: gevent.sleep(0),
    )  # fmt: skip
    collector = Closing()
    monkeypatch.setattr(plugin, "Runtime", lambda _: runtime)
    monkeypatch.setattr(plugin, "Collector", lambda _: collector)
    monkeypatch.setattr(plugin, "RollCall", lambda _: None)
    monkeypatch.setattr(plugin, "watch_target", lambda *_: None)
    lifecycle = plugin.Lifecycle(Environment())
    gevent.joinall([gevent.spawn(lifecycle.on_test_stop) for _ in range(2)], raise_error=True)
    assert collector.ends == ["run-time"]
    assert not stopper.active

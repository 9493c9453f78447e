"""Garbage collections are rare while a run goes on, and as before afterwards; Python knows its files before it."""

import gc
import inspect
import sys

from katydid.engine.monitor.gc_tuning import THRESHOLDS, RareCollections, warm_inspect_cache


def test_collections_are_rare_until_the_run_ends():
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    rare = RareCollections()
    assert gc.get_threshold() == THRESHOLDS
    assert gc.get_freeze_count() > frozen
    rare.end()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_what_locust_asks_python_at_the_end_of_a_run_is_known_before(monkeypatch):
    monkeypatch.setattr(inspect, "_filesbymodname", {})
    monkeypatch.setattr(inspect, "modulesbyfile", {})
    warm_inspect_cache()
    files = {name for name, module in sys.modules.items() if getattr(module, "__file__", None)}
    assert len(files & inspect._filesbymodname.keys()) > 0.9 * len(files)

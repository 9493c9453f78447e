"""Garbage collections are rare while a run goes on, and as before afterwards; Python knows its files before it."""

import gc
import inspect
import sys
from argparse import Namespace
from types import SimpleNamespace

from gevent.pool import Group
from locust import argument_parser
from locust.rpc import Message
from locust.runners import STATE_RUNNING, WorkerRunner

from katydid.engine.monitor.gc_tuning import THRESHOLDS, RareCollections, remember_locusts_options, warm_inspect_cache


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


def test_a_message_that_has_users_spawned_builds_no_parser_in_its_worker(monkeypatch):
    parsers = []
    monkeypatch.setattr(argument_parser, "default_args_dict", argument_parser.default_args_dict)
    monkeypatch.setattr(argument_parser, "get_empty_argument_parser", made_and_counted(parsers))
    remember_locusts_options()
    remember_locusts_options()
    parsers.clear()
    options, spawned = Namespace(), []
    worker = SimpleNamespace(
        client=SimpleNamespace(send=lambda _: None),
        client_id="a",
        environment=SimpleNamespace(parsed_options=options),
        last_received_spawn_timestamp=0.0,
        worker_state=STATE_RUNNING,
        spawning_greenlet=None,
        greenlet=Group(),
        start_worker=spawned.append,
    )
    from_master = {"host": "of Locust", "interval": 20.0, "katydid_batch": {"number": 1}}
    job = {"timestamp": 1.0, "host": None, "stop_timeout": 0, "user_classes_count": {"Stream": 5}}
    WorkerRunner.handle_message(worker, Message("spawn", job | {"parsed_options": from_master}, "a"))
    worker.greenlet.join()
    assert spawned == [{"Stream": 5}]
    assert vars(options) == {"interval": 20.0, "katydid_batch": {"number": 1}}, "Locust's own are the worker's"
    assert parsers == []


def made_and_counted(parsers):
    make = argument_parser.get_empty_argument_parser

    def counted(*args, **kwargs):
        parsers.append(make(*args, **kwargs))
        return parsers[-1]

    return counted

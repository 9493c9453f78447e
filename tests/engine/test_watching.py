"""What the target does for clients that leave, as it is watched: held against the target's own log."""

import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from katydid.engine.leaving import watching
from katydid.engine.leaving.departure import Departure
from katydid.engine.leaving.gauges import UnseenError, gauges
from katydid.engine.leaving.watching import Watch, watch_target
from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.load.leaving import read_leaving
from katydid.model.documents.manifest import LeavingRecord
from katydid.model.errors import ConfigError
from katydid.target.process import start_target
from katydid.transport.exchange import VERIFIED
from serving import serving

TARGET = {"ttft": 0.05, "chunk_interval": 0.01, "chunks": 46}
"""Answers of 500 ms."""


@pytest.fixture(autouse=True)
def one_client(monkeypatch):
    monkeypatch.setattr(watching, "LEAVERS", 1)


@pytest.fixture
def target(tmp_path):
    started = []

    def start(**settings):
        started.append(start_target(log=str(tmp_path / "truth.jsonl"), **TARGET | settings))
        return started[-1]

    yield start
    for each in started:
        each.stop()


def watched(url, leave="1@100ms", gauge=True, most=2, service=ChatService):
    options = RunOptions(abandon=leave, model="katydid-small")
    made = service(options, url)
    made.begin("katydid-small")
    watch = Watch(made, read_leaving(leave), most=most, seconds=30.0)
    found = gauges(url, None, made.credentials.headers, VERIFIED) if gauge else []
    try:
        watch.look(found)
    finally:
        made.close()
    return watch.record


def freed(target):
    return [line for line in target.log() if line["outcome"] == "client_closed"]


def taken_ms(target):
    """How long slots stayed taken from when the target saw that their clients had left, by its log."""
    return [1e-6 * (line["freed_mono_ns"] - line["ended_mono_ns"]) for line in freed(target)]


@pytest.fixture
def lefts(monkeypatch):
    """When clients left, which a busy target sees later."""
    found = []

    class Noting(Departure):
        def during(self, send, exchange):
            super().during(send, exchange)
            found.append(time.monotonic_ns())

    monkeypatch.setattr(watching, "Departure", Noting)
    return found


def assert_bounds(record, target, lefts):
    assert len(record.departed) == len(lefts) == len(freed(target)) > 0
    for seen, line, left, taken in zip(record.departed, freed(target), lefts, taken_ms(target), strict=True):
        assert seen.low_ms <= 1e-6 * (line["freed_mono_ns"] - left)
        assert seen.high_ms >= taken


def test_a_target_that_frees_the_slot(target):
    serving = target()
    record = watched(serving.url)
    assert (record.source, len(record.departed)) == ("metrics", 1)
    assert all(seen.low_ms < record.rest_ms / 2.0 for seen in record.departed)
    assert all(seen.high_ms >= truth for seen, truth in zip(record.departed, taken_ms(serving), strict=True))


@pytest.mark.parametrize("leave", ["1@100ms", "1@6chunks"])
def test_one_that_goes_on_computing(target, lefts, leave):
    """How near its bounds are is shown end to end, where the machine has time (tests/e2e/test_leaving_runs.py)."""
    serving = target(keep_computing=True)
    record = watched(serving.url, leave)
    assert_bounds(record, serving, lefts)
    assert all(seen.low_ms > 0.0 for seen in record.departed)


def test_whole_answers(target, lefts):
    class Whole(ChatService):
        streams = False

    serving = target(keep_computing=True)
    assert_bounds(watched(serving.url, service=Whole), serving, lefts)


@pytest.mark.parametrize(("keeps", "slots"), [(False, 1), (True, 1), (True, 2)])
def test_a_target_that_does_not_tell_is_seen_by_a_request_behind(target, keeps, slots):
    record = watched(target(keep_computing=keeps, slots=slots).url, gauge=False)
    assert record.source == "probe"
    for seen in record.departed:
        assert (seen.low_ms >= record.rest_ms / 2.0) is keeps


def test_one_with_slots_to_spare_cannot_be_seen(target):
    with pytest.raises(UnseenError, match="slots to spare"):
        watched(target(keep_computing=True).url, gauge=False)


def test_answers_that_end_first_show_nothing(target):
    with pytest.raises(UnseenError, match="answers end before their clients leave"):
        watched(target().url, "1@20s")


def test_a_target_that_fails_shows_nothing(target):
    with pytest.raises(UnseenError, match="got no answer"):
        watched(target(fail=("http_500=1",)).url)


SLOTS = b'[{"id":0,"is_processing":true},{"id":1,"is_processing":false}]'


@contextmanager
def pages(told):
    """A server of some pages; its URL, and the headers that each was asked for with."""
    asked = {}

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.partition("?")[0]
            asked[path] = dict(self.headers)
            body = told.get(path, b"")
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Pages)) as server:
        yield f"http://127.0.0.1:{server.server_port}", asked


def first_of(*arguments):
    return next(gauges(*arguments, VERIFIED), None)


def test_pages_are_looked_for_where_they_may_be():
    with pages({"/slots": SLOTS}) as (url, _):
        assert first_of(f"{url}/v1", None, ()).read() == 1
        assert first_of(f"{url}/v1", None, ()).source == "slots"
    with pages({"/gateway/metrics": b"llamacpp:requests_processing 2\n"}) as (url, _):
        assert first_of(f"{url}/gateway/v1", None, ()).read() == 2
        assert first_of(url, None, ()) is None


def test_what_a_person_names_comes_first_and_gets_no_key():
    key = (("Authorization", "Bearer secret"),)
    with pages({"/m": b"llamacpp:requests_processing 2\n", "/slots": SLOTS}) as (url, asked):
        assert first_of(url, f"{url}/m?a=1", key).read() == 2
    assert "Authorization" not in asked["/m"]


# The end of a run


class Runtime(SimpleNamespace):
    def __init__(self, url, service=ChatService, **options):
        users = [SimpleNamespace(service_class=service)]
        super().__init__(
            options=RunOptions(**options), environment=SimpleNamespace(host=url), paced_users=lambda: users,
            info=SimpleNamespace(adaptation=None, calibration=None, model="katydid-small", users=2),
            announce=lambda _: None, note=lambda **facts: self.noted.append(facts), noted=[],
        )  # fmt: skip


def test_the_manifest_has_what_was_seen(target):
    runtime = Runtime(target().url, abandon="10%@100ms")
    watch_target(runtime, "run-time")
    assert runtime.noted[0]["leaving"].departed


@pytest.mark.parametrize(
    ("ended", "options"),
    [("failure-threshold", {"abandon": "10%@1s"}), ("interrupted", {"abandon": "10%@1s"}), ("run-time", {})],
)
def test_nothing_is_sent_after_a_run_that_somebody_ended_or_whose_clients_stay(ended, options):
    runtime = Runtime("http://127.0.0.1:9", **options)
    watch_target(runtime, ended)
    assert runtime.noted == []


def test_that_nothing_could_be_seen_is_noted_with_the_reason(monkeypatch):
    class Gone(ChatService):
        def begin(self, model):
            raise ConfigError("it is gone")

    runtime = Runtime("http://127.0.0.1:9", Gone, abandon="10%@1s")
    watch_target(runtime, "completed")
    assert runtime.noted == [{"leaving": LeavingRecord(why="it is gone")}]


def test_what_takes_too_long_is_left(target, monkeypatch):
    monkeypatch.setattr(watching, "BUDGET_S", 0.2)
    runtime = Runtime(target(ttft=9.0).url, abandon="10%@100ms")
    watch_target(runtime, "completed")
    assert runtime.noted == [{"leaving": LeavingRecord(why="it takes longer than 0.2 s")}]

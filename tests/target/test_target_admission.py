"""Whom the target lets in: connections, keys, rate limits, slots and their queue."""

import asyncio
from contextlib import ExitStack
from itertools import pairwise

import pytest
from wire import OLLAMA, Line, ask, eventually, get, post, request, the_log

from katydid.target.admission import RateLimits, Slots
from katydid.target.faults import choose_fault
from katydid.target.server import Target
from katydid.target.settings import TargetSettings

# Connections


def test_a_connection_too_many_gets_a_503_and_is_closed(start):
    target = start(max_connections=2)
    with Line(target) as first, Line(target) as second, Line(target) as third:
        assert first.ask(post()).status == 200
        assert second.ask(post()).status == 200
        reply = third.ask(post())
        assert (reply.status, reply.headers["connection"]) == (503, "close")
        assert third.closed()
        assert first.ask(post()).status == 200, "those that were there are served on"
    assert [line["status"] for line in the_log(target, 4)] == [200, 200, 503, 200]


def test_a_connection_that_closes_makes_room(start):
    target = start(max_connections=1)
    for _ in range(3):
        assert ask(target, post()).status == 200
        eventually(lambda: target.stats()["connections"] == 1)


def test_one_connection_is_served_at_a_time_and_an_idle_one_blocks_the_others(start):
    target = start(single_threaded=True)
    with Line(target) as first:
        assert first.ask(post()).status == 200
        with Line(target, timeout=0.3) as second, Line(target) as third:
            second.send(post())
            third.send(post(OLLAMA))
            assert second.read().end == "silence", "the first is idle, but still connected"
            first.sock.close()
            assert second.read().status == 200
            second.sock.close()
            assert third.read().status == 200, "and so on, in the order of connecting"


def test_a_blocked_client_that_leaves_does_not_block_the_next(start):
    target = start(single_threaded=True)
    with Line(target) as first, Line(target) as second, Line(target) as third:
        assert first.ask(post()).status == 200
        third.send(post())
        second.sock.close()
        first.sock.close()
        assert third.read().status == 200


def test_a_waiting_connection_that_is_lost_gets_no_turn():
    """Over TLS a connection can be lost while nothing is read from it."""

    class Client:
        reads = True

        @property
        def transport(self):
            return self

        def pause_reading(self):
            self.reads = False

        def resume_reading(self):
            self.reads = True

    loop = asyncio.new_event_loop()
    target = Target(TargetSettings(single_threaded=True), loop)
    loop.close()
    served, lost, waiting = Client(), Client(), Client()
    for client in (served, lost, waiting):
        target.admit(client)
    assert [client.reads for client in (served, lost, waiting)] == [True, False, False]
    target.dismiss(lost)
    target.dismiss(served)
    assert waiting.reads


# Keys


def test_a_key_is_demanded_where_there_is_one(start):
    target = start(api_key="secret")
    assert ask(target, post()).status == 401
    assert ask(target, post(headers=["Authorization: Bearer wrong"])).status == 401
    assert ask(target, request("GET", "/v1/models")).status == 401
    assert ask(target, post(headers=["Authorization: Bearer secret"])).status == 200
    assert get(target, "/health")["status"] == "ok"
    assert target.stats()["requests"] == 1


# Rates


def test_requests_beyond_the_rate_get_a_429_that_says_when_to_come_back(start):
    target = start(rate_limit=3)
    with Line(target) as line:
        assert [line.ask(post()).status for _ in range(3)] == [200] * 3
        reply = line.ask(post(stream=True))
        assert reply.status == 429
        assert 50 <= int(reply.headers["retry-after"]) <= 60
        assert reply.json["error"]["type"] == "rate_limit_exceeded"
        assert line.ask(post(OLLAMA)).status == 429, "whatever the API"


def test_each_key_has_a_rate_of_its_own(start):
    target = start(rate_limit=1)
    assert [ask(target, post(headers=[f"Authorization: Bearer {key}"])).status for key in "aab"] == [200, 429, 200]


def test_the_daily_limit_says_that_it_is_one(start):
    target = start(daily_limit=2)
    replies = [ask(target, post()) for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]
    assert "per day" in replies[2].json["error"]["message"]


def test_the_window_slides_and_who_waits_as_told_is_served():
    limits = RateLimits(2, 0)
    assert limits.refuse("k", 0.0) is None
    assert limits.refuse("k", 30.5) is None
    refusal = limits.refuse("k", 40.2)
    assert refusal.headers == "Retry-After: 20\r\n", "19.8 s, rounded up"
    assert "19.800s" in refusal.message
    assert limits.refuse("k", 60.0) is None
    assert limits.refuse("k", 90.0).status == 429
    assert limits.refuse("other", 90.0) is None


# Slots


def test_requests_beyond_the_slots_wait_in_order_without_headers(start):
    target = start(slots=1, ttft=0.1, chunks=1)
    with ExitStack() as stack:
        lines = []
        for number in range(4):
            lines.append(stack.enter_context(Line(target, timeout=0.01)))
            lines[-1].send(post(stream=True, headers=[f"X-Request-Id: {number}"]))
            eventually(lambda sent=number + 1: target.stats()["requests"] == sent)
        assert lines[3].read().status == 0, "it waits, and has not even a status"
        log = the_log(target, 4)
    assert [line["request_id"] for line in log] == ["0", "1", "2", "3"]
    for before, after in pairwise(log):
        assert after["first_chunk_mono_ns"] > before["ended_mono_ns"]
        assert after["queue_ms"] > before["queue_ms"] + 20
    assert log[0]["queue_ms"] < 50


def test_as_many_are_served_at_a_time_as_there_are_slots(start):
    target = start(slots=2, ttft=0.2, chunks=1)
    with ExitStack() as stack:
        for number in range(4):
            stack.enter_context(Line(target)).send(post(headers=[f"X-Request-Id: {number}"]))
        eventually(lambda: target.stats()["requests"] == 4)
        stats = target.stats()
        assert (stats["in_flight"], stats["queued"], stats["peak_in_flight"]) == (4, 2, 4)
        log = sorted(the_log(target, 4), key=lambda line: line["ended_mono_ns"])
    assert log[1]["ended_mono_ns"] < log[2]["first_chunk_mono_ns"]
    assert sum(line["queue_ms"] < 100 for line in log) == 2


def test_who_finds_the_queue_full_gets_a_503(start):
    target = start(slots=1, queue_limit=1, fail=("hang",))
    with Line(target) as served, Line(target) as queued:
        served.send(post())
        queued.send(post())
        eventually(lambda: target.stats()["queued"] == 1)
        reply = ask(target, post())
        assert (reply.status, reply.headers["retry-after"]) == (503, "1")


def test_a_client_that_leaves_gives_its_slot_and_its_place_back(start):
    target = start(slots=1, ttft=5.0, chunks=1)
    with Line(target) as served, Line(target) as leaving, Line(target) as staying:
        for line in (served, leaving, staying):
            line.send(post(stream=True, headers=["X-Request-Id: x"]))
        eventually(lambda: target.stats()["queued"] == 2)
        leaving.sock.close()
        eventually(lambda: target.stats()["queued"] == 1)
        served.sock.close()
        eventually(lambda: target.stats()["queued"] == 0)
        assert target.stats()["in_flight"] == 1
    gone = the_log(target, 3)[0]
    assert (gone["outcome"], gone["queue_ms"]) == ("client_closed", None)


def test_a_long_queue_that_fails_all_at_once_is_worked_off():
    """Each failure frees a slot for the next; as a recursion, that once had an end."""
    slots, served = Slots(1, 0), []

    def fail_at_once(number):
        def start():
            served.append(number)
            slots.release()

        return start

    slots.acquire(lambda: None)
    for number in range(5000):
        slots.acquire(fail_at_once(number))
    assert slots.waiting == 5000
    slots.release()
    assert served == list(range(5000))
    assert slots.waiting == 0


def test_a_queue_of_injected_failures_drains_over_real_connections(start):
    rates = {"http_500": 0.999}
    seed = next(seed for seed in range(10_000) if choose_fault(rates, seed, 0) is None)
    target = start(slots=1, ttft=1.0, chunks=1, fail=("http_500=0.999",), seed=seed)
    with ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(Line(target)).send(post())
        eventually(lambda: target.stats()["queued"] >= 390)
        assert len(the_log(target, 400, seconds=10)) == 400


@pytest.mark.parametrize("limit", ["rate_limit", "daily_limit", "slots", "max_connections", "queue_limit"])
def test_zero_is_no_limit(start, limit):
    target = start(**{limit: 0})
    with ExitStack() as stack:
        lines = [stack.enter_context(Line(target)) for _ in range(20)]
        assert {line.ask(post()).status for line in lines} == {200}


# Clients that leave


def metrics_of(target):
    lines = ask(target, request("GET", "/metrics")).body.decode().splitlines()
    return dict(line.split(" ") for line in lines if not line.startswith("#"))


def running(target):
    """Requests that have a slot, and those that wait for one."""
    told = metrics_of(target)
    return int(told["katydid_target_requests_running"]), int(told["katydid_target_requests_waiting"])


def seconds_after_leaving(line):
    return (line["freed_mono_ns"] - line["ended_mono_ns"]) / 1e9


def test_a_client_that_leaves_frees_its_slot_at_once(start):
    target = start(slots=1, ttft=0.05, chunk_interval=0.05, chunks=100)
    with Line(target) as leaver:
        leaver.send(post(stream=True))
        eventually(lambda: running(target) == (1, 0))
    eventually(lambda: running(target) == (0, 0))
    (line,) = the_log(target, 1)
    assert (line["outcome"], seconds_after_leaving(line) < 0.05) == ("client_closed", True)


@pytest.mark.parametrize("stream", [True, False])
def test_one_that_keeps_computing_has_the_slot_taken_for_as_long_as_the_answer_would_take(start, stream):
    target = start(slots=1, keep_computing=True, ttft=0.1, chunk_interval=0.02, chunks=11)
    with Line(target) as leaver, Line(target) as second:
        leaver.send(post(stream=stream))
        eventually(lambda: running(target) == (1, 0))
        leaver.sock.close()
        assert second.ask(post(stream=stream)).status == 200
    gone, served = the_log(target, 2)
    assert (gone["outcome"], served["outcome"]) == ("client_closed", "sent")
    assert (gone["freed_mono_ns"] - gone["received_mono_ns"]) / 1e9 >= 0.295
    assert served["first_chunk_mono_ns"] > gone["freed_mono_ns"] > gone["ended_mono_ns"]


def test_it_also_computes_for_one_that_has_left_the_queue(start):
    target = start(slots=1, keep_computing=True, ttft=0.1, chunk_interval=0.0, chunks=3)
    with Line(target) as first, Line(target) as leaver:
        first.send(post(stream=True))
        eventually(lambda: running(target) == (1, 0))
        leaver.send(post(stream=True))
        eventually(lambda: running(target) == (1, 1))
        leaver.sock.close()
        assert first.read().status == 200
        assert running(target)[0] == 1
    gone = the_log(target, 2)[1]
    assert (gone["outcome"], gone["chunks"]) == ("client_closed", 0)
    assert seconds_after_leaving(gone) > 0.09


def test_what_is_still_computed_when_it_stops_is_in_its_log(start):
    target = start(keep_computing=True, ttft=30.0)
    with Line(target) as leaver:
        leaver.send(post(stream=True))
        eventually(lambda: running(target) == (1, 0))
    eventually(lambda: target.stats()["connections"] == 1)
    target.stop()
    (line,) = the_log(target, 1)
    assert line["outcome"] == "client_closed"


def test_its_metrics_need_no_key_and_have_what_the_monitor_of_a_target_reads(start):
    told = metrics_of(start(api_key="secret"))
    assert float(told["process_cpu_seconds_total"]) > 0.0
    assert float(told["process_resident_memory_bytes"]) > 1e6

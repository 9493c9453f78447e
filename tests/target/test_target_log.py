"""The ground truth: a line for every request, with what really happened, on both clocks."""

import os
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from wire import CHAT, Line, ask, eventually, get, post, request, the_log

from katydid.model.errors import ConfigError
from katydid.target.truthlog import Truth, TruthLog

MOMENTS = ("received", "first_chunk", "last_chunk", "ended")


def test_a_line_says_all_about_a_request(start):
    target = start(ttft=0.03, chunk_interval=0.01, chunks=3)
    before = time.monotonic_ns(), time.time_ns()
    reply = ask(target, post(stream=True, headers=["X-Request-Id: mine"]))
    (line,) = the_log(target, 1)
    after = time.monotonic_ns(), time.time_ns()
    assert reply.status == 200
    said = {key: line[key] for key in line if not key.endswith("_ns") and key not in {"queue_ms", "body_sha256"}}
    assert said == {
        "request_id": "mine", "path": CHAT, "model": "katydid-small", "stream": True, "status": 200, "chunks": 3,
        "completion_tokens": 3, "prompt_tokens": 3, "cached_tokens": None, "fault": None, "outcome": "sent",
        "party": None,
    }  # fmt: skip
    for clock, start_, end in zip(("mono", "real"), before, after, strict=True):
        times = [line[f"{moment}_{clock}_ns"] for moment in MOMENTS]
        assert [start_, *times, end] == sorted([start_, *times, end])
    assert line["first_chunk_mono_ns"] - line["received_mono_ns"] >= 25e6
    assert line["last_chunk_mono_ns"] - line["first_chunk_mono_ns"] >= 10e6
    assert 0 <= line["queue_ms"] < 100


def test_both_clocks_tell_the_same_story(start):
    target = start(ttft=0.05, chunks=2)
    ask(target, post(stream=True))
    (line,) = the_log(target, 1)
    spans = [line[f"ended_{clock}_ns"] - line[f"received_{clock}_ns"] for clock in ("mono", "real")]
    assert abs(spans[0] - spans[1]) < 5e6


def test_an_answer_in_one_piece_has_its_moments_too(start):
    target = start(duration=0.05)
    ask(target, post(stream=False))
    (line,) = the_log(target, 1)
    assert (line["stream"], line["chunks"], line["completion_tokens"]) == (False, 4, 4)
    assert line["first_chunk_mono_ns"] == line["last_chunk_mono_ns"] >= line["received_mono_ns"] + 49e6


def test_a_line_that_is_half_written_is_not_read_yet(start):
    target = start()
    ask(target, post())
    the_log(target, 1)  # its line is there
    with Path(target.settings.log).open("a", encoding="utf-8") as log:
        log.write('{"request_id":"half')
    assert len(target.log()) == 1


def test_a_request_without_an_id_gets_one(start):
    target = start()
    for _ in range(3):
        ask(target, post())
    identities = [line["request_id"] for line in the_log(target, 3)]
    assert len(set(identities)) == 3
    assert all(identities)


def test_received_is_the_first_byte_of_a_request_that_came_in_parts(start):
    target = start()
    data = post()
    with Line(target) as line:
        assert line.ask(data).status == 200
        line.send(data[:10])
        time.sleep(0.1)
        line.send(data[10:])
        assert line.read().status == 200
    last = the_log(target, 2)[1]
    assert last["ended_mono_ns"] - last["received_mono_ns"] >= 90e6


def test_a_client_that_leaves_early_is_told_from_one_that_was_served(start):
    target = start(ttft=0.0, chunk_interval=0.05, chunks=100)
    with Line(target) as line:
        line.send(post(stream=True))
        line._until(b"word")
    (entry,) = the_log(target, 1)
    assert entry["outcome"] == "client_closed"
    assert 1 <= entry["chunks"] < 100
    assert entry["ended_mono_ns"] >= entry["last_chunk_mono_ns"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (post(model="other"), 404),
        (post(messages=5), 400),
        (request("POST", CHAT, b"{"), 400),
        (request("GET", "/nowhere"), 404),
        (b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
    ],
)
def test_a_refused_request_has_a_line(start, data, status):
    target = start()
    assert ask(target, data).status == status
    (line,) = the_log(target, 1)
    assert (line["status"], line["outcome"], line["chunks"]) == (status, "sent", 0)


def test_a_request_whose_body_never_came_has_a_line(start):
    target = start()
    with Line(target) as line:
        line.send(post(headers=["X-Request-Id: half"])[:-5])
        time.sleep(0.1)
    (entry,) = the_log(target, 1)
    assert (entry["request_id"], entry["status"], entry["outcome"]) == ("half", None, "client_closed")


def test_requests_that_waited_behind_a_hung_one_have_their_lines(start):
    target = start(fail=("hang",))
    with Line(target) as line:
        line.send(b"".join(post(headers=[f"X-Request-Id: {number}"]) for number in range(3)))
        eventually(lambda: target.stats()["in_flight"] == 1)
    assert [entry["request_id"] for entry in the_log(target, 3)] == ["0", "1", "2"]


def test_what_is_in_flight_when_the_target_stops_has_its_line(start):
    target = start(fail=("hang",), slots=1)
    with ExitStack() as stack:
        for number in range(12):
            stack.enter_context(Line(target)).send(post(headers=[f"X-Request-Id: {number}"]))
        eventually(lambda: target.stats()["queued"] == 11)
        target.stop()
    lines = target.log()
    assert {line["request_id"] for line in lines} == {str(number) for number in range(12)}
    assert {line["outcome"] for line in lines} == {"target_stopped"}
    assert sum(line["queue_ms"] is not None for line in lines) == 1, "nobody gets a slot while it stops"


def test_what_is_only_looked_up_has_no_line(start):
    target = start()
    for path in ("/health", "/stats", "/v1/models", "/api/tags"):
        get(target, path)
    ask(target, post())
    assert [line["path"] for line in the_log(target, 1)] == [CHAT]


def test_counters_agree_with_the_log(start):
    target = start()
    for _ in range(5):
        ask(target, post())
    the_log(target, 5)
    stats = target.stats()
    assert stats == {
        "requests": 5, "in_flight": 0, "peak_in_flight": 1, "queued": 0, "connections": stats["connections"],
        "peak_connections": stats["peak_connections"],
    }  # fmt: skip
    assert 1 <= stats["connections"] <= stats["peak_connections"] <= 6


@pytest.fixture
def one_core():
    """This process and its children share a core, so that whoever is woken by a write may run at once."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("cores cannot be chosen here")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


@pytest.mark.parametrize("settings", [{}, {"single_threaded": True}, {"max_connections": 1}])
def test_who_has_an_answer_finds_its_line_in_the_log(one_core, start, settings):
    target = start(chunk_interval=0.0005, **settings)
    with Line(target) as line:
        for number in range(1, 151):
            assert line.ask(post(stream=True)).end == "complete"
            assert len(target.log()) == number


def test_a_log_is_appended_to_and_every_line_is_there_at_once(tmp_path):
    path = tmp_path / "truth.jsonl"
    for _ in range(2):
        log = TruthLog(str(path))
        log.write(Truth("r", "/", 1, 2))
        size = path.stat().st_size
        assert size > 0
        log.close()
    assert path.read_text().count("\n") == 2


def test_a_log_that_cannot_be_written_is_said_in_one_line(tmp_path):
    with pytest.raises(ConfigError, match="cannot be written"):
        TruthLog(str(tmp_path / "missing" / "truth.jsonl"))

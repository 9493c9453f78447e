"""The embedded target does what it is told, and its log tells the truth. Seen through plain http.client."""

import http.client
import json
import socket
import threading
import time

import pytest
from running import wait_until

from katydid.core.errors import ConfigError
from katydid.target.process import start_target
from katydid.target.settings import TargetSettings, arguments_from_settings, duration, settings_from_arguments

CHAT = "/v1/chat/completions"


@pytest.fixture
def start(tmp_path):
    targets = []

    def start_one(**settings):
        settings = {"ttft": 0.0, "chunk_interval": 0.0, "chunks": 4} | settings
        targets.append(start_target(log=str(tmp_path / f"log-{len(targets)}"), **settings))
        return targets[-1]

    yield start_one
    for target in targets:
        target.stop()


def connect(target):
    return http.client.HTTPConnection("127.0.0.1", target.port, timeout=10)


def post(target, path=CHAT, connection=None, headers=None, **body):
    own = connection or connect(target)
    body = {"model": "katydid-small", "messages": [{"role": "user", "content": "one two three"}]} | body
    try:
        own.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **(headers or {})})
        answer = own.getresponse()
        return answer, answer.read()
    finally:
        if connection is None:
            own.close()


def events(body):
    return [line.removeprefix(b"data: ") for line in body.split(b"\n\n") if line]


def content_of(body):
    chunks = [json.loads(e) for e in events(body) if e != b"[DONE]"]
    return [
        c["choices"][0]["delta"].get("content")
        for c in chunks
        if c["choices"] and c["choices"][0]["delta"].get("content")
    ]


# What it speaks


def test_an_openai_stream_has_role_content_reason_usage_and_end(start):
    _, body = post(start(), stream=True, stream_options={"include_usage": True})
    *chunks, done = events(body)
    chunks = [json.loads(c) for c in chunks]
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": None}
    assert [c["choices"][0]["delta"] for c in chunks[1:5]] == [{"content": " word"}] * 4
    assert chunks[5]["choices"][0]["finish_reason"] == "stop"
    assert (chunks[6]["choices"], chunks[6]["usage"]["completion_tokens"]) == ([], 4)
    assert chunks[6]["usage"]["prompt_tokens"] == 3
    assert done == b"[DONE]"


def test_usage_comes_only_when_it_is_asked_for(start):
    _, body = post(start(), stream=True)
    assert b"usage" not in body


def test_max_tokens_limits_the_answer_and_says_so(start):
    _, body = post(start(chunks=10), stream=True, max_tokens=3)
    assert len(content_of(body)) == 3
    assert b'"finish_reason":"length"' in body


def test_an_openai_answer_that_is_no_stream(start):
    answer, body = post(start())
    value = json.loads(body)
    assert answer.status == 200
    assert value["choices"][0]["message"]["content"] == " word" * 4
    assert value["usage"]["completion_tokens"] == 4


@pytest.mark.parametrize(("path", "key"), [("/api/chat", "message"), ("/api/generate", "response")])
def test_ollama_streams_by_default(start, path, key):
    _, body = post(start(), path)
    lines = [json.loads(line) for line in body.splitlines()]
    assert [line["done"] for line in lines] == [False] * 4 + [True]
    assert all(key in line for line in lines)
    assert lines[-1]["eval_count"] == 4


def test_it_lists_its_models_and_knows_no_others(start):
    target = start(models="a, b")
    connection = connect(target)
    connection.request("GET", "/v1/models")
    assert [m["id"] for m in json.loads(connection.getresponse().read())["data"]] == ["a", "b"]
    connection.request("GET", "/api/tags")
    assert [m["name"] for m in json.loads(connection.getresponse().read())["models"]] == ["a", "b"]
    connection.close()
    answer, body = post(target, model="c")
    assert answer.status == 404
    assert b"'c' does not exist" in body


def test_bad_requests_are_refused(start):
    target = start()
    connection = connect(target)
    connection.request("POST", CHAT, "no json")
    answer = connection.getresponse()
    assert (answer.status, answer.read()[:9]) == (400, b'{"error":')
    connection.request("GET", "/nowhere")
    answer = connection.getresponse()
    assert answer.status == 404
    answer.read()
    connection.close()


def test_a_connection_carries_one_request_after_the_other(start):
    target = start()
    connection = connect(target)
    for stream in (True, False, True):
        post(target, connection=connection, stream=stream)
    connection.close()
    assert target.stats()["peak_connections"] <= 2


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_it_closes_where_the_client_asks_for_it(start, version):
    target = start()
    with socket.create_connection(("127.0.0.1", target.port), timeout=5) as sock:
        sock.sendall(f"GET /health {version}\r\nConnection: close\r\n\r\n".encode())
        data = b""
        while piece := sock.recv(1000):
            data += piece
    assert b'"status":"ok"' in data


# Time


def test_chunks_come_at_their_times_and_do_not_drift(start):
    target = start(ttft=0.2, chunk_interval=0.01, chunks=101)
    post(target, stream=True)
    (line,) = target.log()
    first = (line["first_chunk_mono_ns"] - line["received_mono_ns"]) / 1e6
    whole = (line["last_chunk_mono_ns"] - line["first_chunk_mono_ns"]) / 1e6
    assert 199 <= first < 260
    assert 990 <= whole < 1060


def test_jitter_is_the_same_for_the_same_seed(start):
    def gaps(seed):
        target = start(ttft=0.05, chunk_interval=0.05, chunks=2, jitter=0.9, seed=seed)
        for _ in range(3):
            post(target, stream=True)
        return [(line["last_chunk_mono_ns"] - line["first_chunk_mono_ns"]) / 1e6 for line in target.log()]

    first, again, other = gaps(1), gaps(1), gaps(2)
    assert all(abs(a - b) < 15 for a, b in zip(first, again, strict=True))
    assert any(abs(a - b) > 15 for a, b in zip(first, other, strict=True))


def test_a_whole_answer_takes_as_long_as_its_stream_would(start):
    target = start(ttft=0.1, chunk_interval=0.05, chunks=3)
    began = time.monotonic()
    post(target)
    assert 0.19 <= time.monotonic() - began < 0.4


# Who is served


def all_at_once(target, count, **body):
    answers = [None] * count

    def one(index):
        answers[index] = post(target, headers={"X-Request-Id": str(index)}, **body)[0].status

    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    for thread in threads:
        thread.join()
    return answers


def test_slots_serve_first_come_first_served(start):
    target = start(slots=1, ttft=0.1)
    assert all_at_once(target, 4, stream=True) == [200] * 4
    log = target.log()
    assert [line["request_id"] for line in log] == ["0", "1", "2", "3"]
    waits = [line["queue_ms"] for line in log]
    assert waits == sorted(waits)
    assert waits[0] < 50 < waits[2]


def test_a_full_queue_refuses(start):
    target = start(slots=1, queue_limit=1, ttft=0.3)
    assert sorted(all_at_once(target, 4)) == [200, 200, 503, 503]


def test_a_client_that_leaves_the_queue_frees_its_place(start):
    target = start(slots=1, ttft=0.3)
    first = threading.Thread(target=post, args=(target,))
    first.start()
    time.sleep(0.1)
    gone = connect(target)
    gone.request("POST", CHAT, json.dumps({"model": "katydid-small"}))
    time.sleep(0.05)
    gone.close()
    began = time.monotonic()
    post(target)
    assert time.monotonic() - began < 0.7
    first.join()
    assert sorted(line["outcome"] for line in target.log()) == ["client_closed", "sent", "sent"]


def test_connections_beyond_the_limit_get_a_503(start):
    target = start(max_connections=1)
    held = connect(target)
    post(target, connection=held)
    assert post(target)[0].status == 503
    held.close()
    time.sleep(0.1)
    assert post(target)[0].status == 200


def test_a_rate_limit_is_by_key_and_says_when_to_come_back(start):
    target = start(rate_limit=2)
    alice, bob = {"Authorization": "Bearer a"}, {"Authorization": "Bearer b"}
    assert [post(target, headers=alice)[0].status for _ in range(3)] == [200, 200, 429]
    answer, body = post(target, headers=alice)
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert b"requests per minute" in body
    assert post(target, headers=bob)[0].status == 200


def test_a_daily_limit_says_that_it_is_one(start):
    target = start(daily_limit=1)
    post(target)
    answer, body = post(target)
    assert answer.status == 429
    assert b"per day" in body


def test_a_key_is_demanded(start):
    target = start(api_key="k")
    assert post(target)[0].status == 401
    assert post(target, headers={"Authorization": "Bearer k"})[0].status == 200


def test_single_threaded_an_idle_connection_blocks_all_others(start):
    target = start(single_threaded=True)
    idle = connect(target)
    post(target, connection=idle)
    done = threading.Event()

    def other():
        post(target)
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    assert not done.wait(0.4)
    idle.close()
    assert done.wait(3)
    thread.join()


# Faults


@pytest.mark.parametrize(
    ("fault", "status"), [("http_400", 400), ("http_429", 429), ("http_500", 500), ("http_503", 503)]
)
def test_a_status_fault(start, fault, status):
    assert post(start(fail=(fault,)), stream=True)[0].status == status


@pytest.mark.parametrize("api", [CHAT, "/api/chat"])
def test_faults_inside_a_stream(start, api):
    def body(fault):
        return post(start(fail=(fault,)), api, stream=True)[1]

    whole = post(start(), api, stream=True)[1]
    assert len(body("truncated")) < len(whole)
    assert b"injected error" in body("error_event")
    assert whole.count(b" word") == 4
    assert body("empty").count(b" word") == 0
    assert body("too_few").count(b" word") == 1
    with pytest.raises(json.JSONDecodeError):
        [
            json.loads(e.removeprefix(b"data: "))
            for e in body("malformed").split(b"\n")
            if e.strip() and b"DONE" not in e
        ]


@pytest.mark.parametrize(("fault", "error"), [("reset", ConnectionResetError), ("cut", http.client.IncompleteRead)])
def test_a_connection_that_breaks(start, fault, error):
    with pytest.raises(error):
        post(start(fail=(fault,)), stream=True)


@pytest.mark.parametrize("fault", ["hang", "stall"])
def test_silence(start, fault):
    target = start(fail=(fault,))
    connection = connect(target)
    connection.timeout = 0.4
    with pytest.raises(TimeoutError):
        post(target, connection=connection, stream=True)
    connection.close()
    time.sleep(0.2)
    (line,) = target.log()
    assert (line["fault"], line["outcome"]) == (fault, "client_closed")


def test_the_same_seed_has_the_same_faults(start):
    def faults(seed):
        target = start(fail=("http_500=0.5",), seed=seed)
        return [post(target)[0].status for _ in range(20)]

    assert faults(1) == faults(1)
    assert faults(1) != faults(2)
    assert 3 < faults(1).count(500) < 17


# The log


def test_every_request_has_one_line_with_both_clocks(start):
    target = start()
    for number in range(3):
        post(target, stream=True, headers={"X-Request-Id": f"r{number}"})
    post(target, model="nope", headers={"X-Request-Id": "r3"})
    log = wait_until(lambda: len(target.log()) == 4 and target.log(), 5, "the fourth line")
    assert [line["request_id"] for line in log] == ["r0", "r1", "r2", "r3"]
    assert [line["status"] for line in log] == [200, 200, 200, 404]
    for line in log[:3]:
        times = [line[f"{name}_mono_ns"] for name in ("received", "first_chunk", "last_chunk", "ended")]
        assert times == sorted(times)
        real = [line[f"{name}_real_ns"] for name in ("received", "ended")]
        assert abs((real[1] - real[0]) - (times[3] - times[0])) < 5e6
        assert line["chunks"] == line["completion_tokens"] == 4


def test_a_burst_sends_every_chunk(start):
    target = start(chunks=5000)
    _, body = post(target, stream=True)
    assert len(content_of(body)) == 5000


# Settings


@pytest.mark.parametrize(("text", "seconds"), [("200ms", 0.2), ("1.5s", 1.5), ("2m", 120.0), ("3", 3.0), (".5", 0.5)])
def test_durations(text, seconds):
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "words",
    [
        ["--ttft", "soon"],
        ["--ttft=-1"],
        ["--jitter", "2"],
        ["--fail", "nope"],
        ["--fail", "reset=2"],
        ["--fail", "reset=0.6", "--fail", "cut=0.6"],
        ["--models", ","],
        ["--chunks=-1"],
        ["--nonsense"],
    ],
)
def test_settings_that_make_no_sense_are_refused(words):
    with pytest.raises(ConfigError):
        settings_from_arguments(words)


def test_settings_survive_the_command_line():
    settings = TargetSettings(ttft=0.25, fail=("reset=0.1", "cut=0.2"), single_threaded=True, api_key="k", text=" a b")
    assert settings_from_arguments(arguments_from_settings(settings)) == settings


def test_a_port_that_is_taken_is_said_in_one_line(start, capfd):
    target = start()
    with pytest.raises(ConfigError):
        start_target(port=target.port)
    assert "cannot listen on" in capfd.readouterr().err

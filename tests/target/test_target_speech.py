"""The embedded speech service: who is accepted, what is said when, and what its workers do."""

import json
import os
import signal
import time

import pytest
import websocket
from wire import ask, eventually, get, request

from katydid.model.errors import ConfigError
from katydid.target.settings import TargetSettings

CHUNK = bytes(3200)  # 100 ms


@pytest.fixture
def dial():
    """Open WebSockets; they close with the test."""
    lines = []

    def dialing(target, path="/speech"):
        lines.append(websocket.create_connection(f"ws://127.0.0.1:{target.port}{path}", timeout=5))
        return lines[-1]

    yield dialing
    for line in lines:
        line.shutdown()


def talk(line, chunks, *, start='{"type": "start"}', stop='{"type": "stop"}'):
    """Send so many chunks at once; everything that comes until the server closes."""
    line.send(start)
    for _ in range(chunks):
        line.send_binary(CHUNK)
    line.send(stop)
    return list(heard(line))


def heard(line):
    while message := line.recv():
        yield json.loads(message)


def refusal(target):
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: eA==")
    return ask(target, request("GET", "/speech", headers=upgrade), timeout=1.0)


def test_partials_come_on_the_way_and_the_final_result_says_its_work(start, dial):
    target = start(speech_rtf=0.05)
    *partials, final = talk(dial(target), 10)
    texts = [each["text"] for each in partials if each["type"] == "partial"]
    assert texts == ["word", "word word", "word word word"]
    assert final["type"] == "final"
    assert final["text"] == "word word word"
    assert final["processing_ms"] == pytest.approx(50.0)


def test_a_worker_takes_as_long_as_its_real_time_factor_says(start, dial):
    line = dial(start(speech_rtf=0.1))
    began = time.monotonic()
    talk(line, 50)
    assert 0.49 < time.monotonic() - began < 2.0


def test_workers_share_the_work(start, dial):
    line = dial(start(speech_rtf=0.2, speech_workers=4))
    began = time.monotonic()
    talk(line, 50)
    assert 0.24 < time.monotonic() - began < 0.9, "one worker alone would take a second"


def test_chunks_of_all_streams_wait_in_one_line(start, dial):
    target = start(speech_rtf=0.2)  # 20 ms a chunk
    first, second = dial(target), dial(target)
    for line in (first, second, first):
        for _ in range(10):
            line.send_binary(CHUNK)
        get(target, "/speech/workers")  # answered after what came before it
    for line in (first, second):
        line.send('{"type": "stop"}')
    finals = [list(heard(line))[-1]["type"] for line in (second, first)]
    assert finals == ["final", "final"]
    order = [row["queue_ms"] for row in target.log() if row["path"] == "/speech"]
    assert order == sorted(order), "the second stream was done first: the first one's last chunks came behind it"


def test_streams_that_wait_are_told_how_long_the_queue_is(start, dial):
    line = dial(start(speech_rtf=0.5))
    statuses = [each["pending"] for each in talk(line, 30) if each["type"] == "queue_status"]
    assert statuses
    assert 0 < max(statuses) <= 30


def test_vosk_and_funasr_speak_their_own_way(start, dial):
    target = start(speech_rtf=0.0)
    vosk = talk(dial(target, "/vosk"), 10, start='{"config": {"sample_rate": 16000}}', stop='{"eof": 1}')
    assert vosk[0] == {"partial": "word"}
    assert vosk[-1] == {"text": "word word word"}
    line = dial(target, "/funasr")
    line.send('{"is_speaking": true, "mode": "2pass"}')
    for _ in range(10):
        line.send_binary(CHUNK)
    line.send('{"is_speaking": false}')
    modes = [json.loads(line.recv())["mode"] for _ in range(4)]
    assert modes == ["2pass-online"] * 3 + ["2pass-offline"]


def test_more_streams_than_the_limit_get_a_503(start, dial):
    target = start(speech_connections=2)
    lines = [dial(target), dial(target)]
    refused = refusal(target)
    assert refused.status == 503
    assert refused.headers["retry-after"] == "1"
    lines[0].close()
    eventually(lambda: refusal(target).status == 101)


def test_new_streams_get_a_503_while_too_much_is_pending(start, dial):
    target = start(speech_rtf=1.0, speech_pending_limit=5)
    line = dial(target)
    for _ in range(20):
        line.send_binary(CHUNK)
    eventually(lambda: get(target, "/speech/workers")["pending"] > 5)
    assert refusal(target).status == 503
    line.close()


def test_a_rate_limit_holds_for_streams_too(start, dial):
    target = start(rate_limit=1)
    talk(dial(target), 1)
    assert refusal(target).status == 429


def test_what_is_no_websocket_is_told_so(start):
    assert ask(start(), request("GET", "/speech")).status == 426


def test_a_killed_worker_costs_the_stream_that_it_had_and_no_other(start, dial):
    target = start(speech_rtf=0.5, speech_workers=2)
    lines = [dial(target), dial(target)]
    eventually(lambda: len(get(target, "/speech/workers")["pids"]) == 2)
    victim = get(target, "/speech/workers")["pids"][0]
    for line in lines:
        line.send_binary(CHUNK * 10)  # 0.5 s each, one a worker
        line.send('{"type": "stop"}')
    time.sleep(0.1)
    os.kill(victim, signal.SIGKILL)
    ends = sorted(list(heard(line))[-1]["type"] for line in lines)
    assert ends == ["error", "final"]
    assert len(get(target, "/speech/workers")["pids"]) == 1
    rows = [row for row in target.log() if row["path"] == "worker"]
    assert [row["outcome"] for row in rows] == ["started", "started", "died"]
    assert rows[-1]["request_id"] == f"worker-{victim}"


def test_a_worker_is_replaced_after_its_time(start, dial):
    target = start(speech_rtf=0.0, speech_restart=0.2)
    dial(target).close()
    (victim,) = get(target, "/speech/workers")["pids"]
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: get(target, "/speech/workers")["pids"] not in ([], [victim]))
    assert talk(dial(target), 3)[-1]["type"] == "final"


def test_without_workers_streams_wait_until_they_are_started_again(start, dial):
    target = start(speech_rtf=0.0)
    line = dial(target)
    (victim,) = get(target, "/speech/workers")["pids"]
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: get(target, "/speech/workers")["pids"] == [])
    line.send_binary(CHUNK)
    line.send('{"type": "stop"}')
    eventually(lambda: get(target, "/speech/workers")["pending"] == 1)
    assert len(ask(target, request("POST", "/speech/workers")).json["pids"]) == 1
    assert list(heard(line))[-1]["type"] == "final"


def test_who_leaves_leaves_no_work_behind(start, dial):
    target = start(speech_rtf=1.0)
    line = dial(target)
    for _ in range(30):  # 3 s of work
        line.send_binary(CHUNK)
    eventually(lambda: get(target, "/speech/workers")["pending"] > 20)
    line.close()
    began = time.monotonic()
    talk(dial(target), 1)
    assert time.monotonic() - began < 1.0
    assert [row["outcome"] for row in target.log() if row["path"] == "/speech"] == ["client_closed", "sent"]


@pytest.mark.parametrize("message", ["{", "[]", "3"])
def test_a_text_that_is_no_object_ends_the_stream(start, dial, message):
    line = dial(start())
    line.send(message)
    assert next(heard(line))["type"] == "error"
    line.recv()
    assert not line.connected


def test_workers_end_with_the_target(start, dial):
    target = start(speech_workers=3)
    dial(target).close()
    pids = get(target, "/speech/workers")["pids"]
    assert len(pids) == 3
    target.stop()
    eventually(lambda: not any(alive(pid) for pid in pids))


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("wrong", [{"speech_workers": 0}, {"speech_workers": 501}, {"speech_rtf": -1.0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ConfigError):
        TargetSettings(**wrong)

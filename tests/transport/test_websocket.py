"""Streams of speech to servers that behave well and badly: one outcome each, with its class."""

import json
import time
import wave

import pytest

from katydid.model.errors import ConfigError
from katydid.model.sample import Blame
from katydid.model.sample import ErrorClass as E
from katydid.workloads.speech.user import SpeechOptions, SpeechService
from rawserver import raw_server
from socketserving import accept, hear_out
from speaking import answering, binary, close, speak, text


@pytest.fixture(autouse=True)
def _short_goodbye(monkeypatch):
    """These servers do not answer our close."""
    monkeypatch.setattr("katydid.transport.websocket.CLOSE_TIMEOUT_S", 0.02)


FAST = {"audio_speed": 0.0}
FINAL = text('{"type": "final", "text": "hello"}')
PARTIAL = text('{"type": "partial", "text": "hell"}')


def http(status, body=b"", headers=b""):
    def script(peer):
        peer.request()
        peer.send(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n%b" % (status, len(body), headers, body))

    return script


def closes_at_once(peer):
    peer.sock.close()


def never_answers(peer):
    peer.request()
    peer.wait_for_close()


def garbage_handshake(peer):
    peer.request()
    peer.send(b"\x00\xff\x13garbage\r\n\r\n")


def wrong_token(peer):
    peer.request()
    peer.send(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: bm90IHRoaXM=\r\n\r\n"
    )
    peer.wait_for_close()


CASES = {
    "a proper end": (answering(PARTIAL, FINAL, close(1000)), None, ""),
    "a server that leaves the closing to us": (answering(PARTIAL, FINAL, end="stay"), None, ""),
    "a server that just goes after the final result": (answering(PARTIAL, FINAL), None, ""),
    "a final result before our end": (answering(FINAL, after_stop=False, end="stay"), None, ""),
    "a ping in between": (answering(b"\x89\x02hi", FINAL, end="stay"), None, ""),
    "a fragmented message": (
        answering(b'\x01\x09{"type":"', b'\x80\x18final", "text": "hello"}', end="stay"),
        None,
        "",
    ),
    "no text in the final result": (answering(text('{"type": "final", "text": ""}')), E.EMPTY, "no text"),
    "closed without an answer": (lambda peer: peer.request(), E.TRUNCATED, "without an answer"),
    "closed after the handshake": (answering(after_stop=False), E.TRUNCATED, "without a close frame (1006)"),
    "closed normally before the final result": (answering(PARTIAL, close(1000)), E.TRUNCATED, "normally (1000)"),
    "closed for overload": (answering(close(1013, "too far behind")), E.OVERLOADED, "too far behind"),
    "closed for a bad gateway": (answering(PARTIAL, close(1014, "none is up")), E.OVERLOADED, "gateway (1014)"),
    "closed for bad data": (answering(close(1003)), E.SERVER_ERROR_EVENT, "(1003)"),
    "reset": (answering(PARTIAL, end="reset"), E.RESET, ""),
    "refused for overload": (http(b"503 Busy", b'{"error": "full"}', b"Retry-After: 1\r\n"), E.OVERLOADED, "503 full"),
    "refused for its rate": (http(b"429 Slow Down", b"slow down"), E.RATE_LIMITED, "slow down"),
    "refused without a body": (http(b"404 Not Found"), E.HTTP_4XX, "404"),
    "an answer that is no upgrade": (http(b"200 OK", b"hello"), E.HTTP_4XX, "200"),
    "never answers": (never_answers, E.IDLE_TIMEOUT, "nothing arrived for 0.3 s"),
    "never answers after the stream": (answering(end="stay"), E.IDLE_TIMEOUT, "nothing arrived for 0.3 s"),
    "garbage instead of a handshake": (garbage_handshake, E.MALFORMED, "malformed"),
    "a handshake for somebody else": (wrong_token, E.MALFORMED, "Bad accept token"),
    "garbage instead of frames": (answering(b"\xff" * 64, end="stay"), E.MALFORMED, "malformed"),
    "masked frames": (answering(b"\x81\x85aaaahello", end="stay"), E.MALFORMED, "malformed"),
    "text that is not UTF-8": (answering(b"\x81\x02\xff\xfe", end="stay"), E.MALFORMED, "malformed"),
    "a binary message": (answering(binary(b"\x00\x01\xfe" * 50), end="stay"), E.MALFORMED, "binary message"),
    "text that is not JSON": (answering(text("hello"), end="stay"), E.MALFORMED, "not JSON"),
    "a message of 10 MB": (answering(text("x" * 10_000_000), end="stay"), E.MALFORMED, "more than 1024 KiB"),
    "an error message": (answering(text('{"type": "error", "message": "no model"}')), E.SERVER_ERROR_EVENT, "no model"),
}


@pytest.mark.parametrize("name", CASES)
def test_outcome(name):
    script, error, detail = CASES[name]
    with raw_server(script) as url:
        sample = speak(url, idle=0.3 if error is E.IDLE_TIMEOUT else 5.0, total=10.0, **FAST).sample
    assert sample.error is error, sample.detail
    if error is None:
        assert sample.extra["final_latency_ms"] is not None or name == "a final result before our end"
    else:
        assert detail in sample.detail
        assert sample.blame is Blame.TARGET
        assert error is E.EMPTY or "final_latency_ms" not in sample.extra


def test_a_server_that_closes_at_once():
    with raw_server(closes_at_once) as url:
        assert speak(url).sample.error in {E.RESET, E.TRUNCATED}  # it depends on whether it read our request


def test_nobody_there():
    sample = speak("http://127.0.0.1:1").sample
    assert sample.error is E.CONNECT
    assert sample.extra["audio_ms"] == 1000.0
    assert "rtf" not in sample.extra


def test_the_time_limit_holds_although_the_server_keeps_talking():
    def script(peer):
        socket = accept(peer)
        while True:
            peer.send(socket.send(text('{"type": "queue_status", "pending": 9}')))
            time.sleep(0.05)

    with raw_server(script) as url:
        said = speak(url, total=0.5, idle=0.3, **FAST)
    assert said.sample.error is E.TIMEOUT
    assert said.queue_pending_max == 9


def test_a_server_that_does_not_read_is_not_called_our_lateness(tmp_path):
    def script(peer):
        accept(peer)
        time.sleep(1.0)

    file = tmp_path / "long.wav"
    with wave.open(str(file), "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(16_000)
        recording.writeframes(bytes(32_000 * 500))
    with raw_server(script) as url:
        said = speak(url, total=0.8, idle=5.0, audio=str(file), audio_speed=2000.0, audio_chunk=5000.0)
    assert said.sample.error is not None
    assert said.sent_chunks < 100, "its buffers were full"
    assert said.send_late_ms < 400, "what the server held up for longer is not in it"


def test_audio_arrives_whole_and_in_order_between_its_start_and_its_stop():
    heard = {}

    def script(peer):
        socket = accept(peer)
        heard["audio"] = hear_out(peer, socket)
        peer.send(socket.send(FINAL))
        peer.wait_for_close()

    with raw_server(script) as url:
        said = speak(url, audio_speed=20.0, audio_chunk=30.0)
    assert heard["audio"] == SpeechService(SpeechOptions(), url)._recordings.audios[0].pcm
    assert said.sent_chunks == 34
    assert said.audio_ms == 1000.0


def test_audio_is_sent_at_its_pace():
    arrivals = []

    def script(peer):
        socket = accept(peer)
        while data := peer.sock.recv(65536):
            arrivals.append(time.monotonic())
            socket.receive_data(data)
            if any("stop" in str(getattr(event, "data", b"")) for event in socket.events()):
                break
        peer.send(socket.send(FINAL))
        peer.wait_for_close()

    with raw_server(script) as url:
        said = speak(url, audio_speed=2.0, audio_chunk=100.0)
    assert 0.45 < arrivals[-1] - arrivals[0] < 1.0
    assert len(arrivals) >= 5, "not all at once"
    assert 0.49 <= said.rtf < 1.0


def test_the_first_text_and_the_final_result_are_timed_from_the_audio():
    def script(peer):
        socket = accept(peer)
        time.sleep(0.1)
        peer.send(socket.send(PARTIAL))
        hear_out(peer, socket)
        time.sleep(0.2)
        peer.send(socket.send(FINAL))
        peer.wait_for_close()

    with raw_server(script) as url:
        said = speak(url, audio_speed=4.0)
    assert 70 < said.first_partial_ms < 200, "before the audio was over"
    assert 195 < said.final_latency_ms < 400
    assert said.rtf == pytest.approx(0.25 + said.final_latency_ms / 1000, abs=0.05)
    assert (said.partials, said.revisions) == (1, 0)


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        (http(b"404 Not Found"), "has no WebSocket at /speech (404)"),
        (http(b"200 OK"), "has no WebSocket at /speech (200)"),
        (http(b"503 Busy"), "accepts no connections now (503)"),
        (http(b"401 Who"), "rejects the API key (401)"),
        (closes_at_once, "does not answer"),
        (garbage_handshake, "does not speak WebSocket (the target's WebSocket is malformed"),
    ],
)
def test_a_target_that_is_none_is_told_before_the_load(script, complaint):
    with raw_server(script) as url, pytest.raises(ConfigError) as refusal:
        SpeechService(SpeechOptions(), url).preflight()
    assert complaint in str(refusal.value)


def test_websocket_urls_are_taken_too():
    with raw_server(answering(FINAL, end="stay")) as url:
        assert speak(url.replace("http://", "ws://"), **FAST).sample.error is None


def test_a_status_that_is_json_is_shown_in_its_own_words():
    with raw_server(http(b"503 Busy", json.dumps({"error": {"message": "64 waiting"}}).encode())) as url:
        assert speak(url, **FAST).sample.detail == "503 64 waiting"

"""Interim answers (1xx) are passed over, however many: both clients give each request its own answer."""

import time

import pytest

from katydid.model.sample import ErrorClass as E
from rawserver import END, SSE_HEAD, chunks, raw_server
from streams import DONE, ROLE, STOP, THREE, delta
from talking import CLIENTS, Talker

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\nX-Progress: 1\r\nDate: now\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\nContent-Length: 7\r\n\r\n"


@pytest.fixture(params=CLIENTS)
def client(request):
    return request.param


def numbered(number):
    """An answer of so many chunks more than three."""
    said = ROLE + THREE + delta("again") * number + STOP + DONE
    return SSE_HEAD + chunks(said.encode()) + END


def asked(client, url, requests):
    talker = Talker(client, url)
    try:
        return [talker.ask().sample for _ in range(requests)]
    finally:
        talker.close()


@pytest.mark.parametrize(
    "interim",
    [CONTINUE, PROCESSING, HINTS, HINTS * 3, CONTINUE + PROCESSING + HINTS, b"HTTP/1.1 103\r\n\r\n", HINTS * 500],
    ids=["100", "102", "103", "three", "all", "bare", "many"],
)
@pytest.mark.parametrize("pause", [0.0, 0.02], ids=["together", "apart"])
def test_each_request_of_a_connection_gets_its_own_answer(client, interim, pause):
    def script(peer):
        for number in range(5):
            if not peer.request():
                return
            connections.add(peer.number)
            peer.send(interim, numbered(number), pause=pause)
        peer.wait_for_close()

    connections = set()
    with raw_server(script) as url:
        samples = asked(client, url, 5)
    assert [(s.error, s.status, s.chunks) for s in samples] == [(None, 200, 3 + number) for number in range(5)]
    assert connections == {0}, "and the connection goes on"


def test_an_interim_answer_in_pieces_is_one(client):
    message = HINTS + CONTINUE + numbered(0)

    def script(peer):
        peer.request()
        peer.send(*(message[i : i + 1] for i in range(len(message))))

    with raw_server(script) as url:
        assert asked(client, url, 1)[0].error is None


def test_another_protocol_is_none_that_was_asked_for(client):
    def script(peer):
        peer.request()
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        peer.wait_for_close()

    with raw_server(script) as url:
        began = time.monotonic()
        sample = asked(client, url, 1)[0]
    assert (sample.error, sample.blame) == (E.MALFORMED, "target")
    assert "101" in sample.detail
    assert time.monotonic() - began < 1, "and nobody waits for more"


@pytest.mark.parametrize("cut", [HINTS[:-2], HINTS, HINTS + SSE_HEAD[:30]])
def test_closed_after_an_interim_answer_is_closed_in_the_middle(client, cut):
    def script(peer):
        peer.request()
        peer.send(cut)

    with raw_server(script) as url:
        sample = asked(client, url, 1)[0]
    assert (sample.error, sample.resent) == (E.TRUNCATED, False)


def test_silence_after_an_interim_answer_is_silence(client):
    def script(peer):
        peer.request()
        peer.send(PROCESSING)
        peer.wait_for_close()

    with raw_server(script) as url:
        talker = Talker(client, url, idle=0.4)
        sample = talker.ask().sample
        talker.close()
    assert sample.error == E.IDLE_TIMEOUT

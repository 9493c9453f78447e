"""A request on a kept connection that dies: sent again only where the close crossed it; else it has failed."""

import time

import pytest

from katydid.model.sample import ErrorClass as E
from katydid.protocol.http1 import lost_to_idle_close
from rawserver import END, SSE_HEAD, chunks, raw_server
from streams import PROPER
from talking import CLIENTS, Talker

GOOD = SSE_HEAD + chunks(PROPER.encode()) + END
AT_WORK = 0.3
"""Seconds: far more than a close takes to get here."""


@pytest.fixture(params=CLIENTS)
def client(request):
    return request.param


class Dying:
    """A server that answers the first request of a connection and dies of the second, on its first connections."""

    def __init__(self, die, connections=1):
        self.die, self.connections = die, connections
        self.asked = 0

    def __call__(self, peer):
        answered = 0
        while peer.request():
            self.asked += 1
            if answered and peer.number < self.connections:
                self.die(peer)
                return
            peer.send(GOOD)
            answered += 1


def close_at_once(peer):
    pass


def reset_at_once(peer):
    peer.reset()


def close_at_work(peer):
    time.sleep(AT_WORK)


def reset_at_work(peer):
    time.sleep(AT_WORK)
    peer.reset()


def told(client, server, requests=2):
    with raw_server(server) as url:
        talker = Talker(client, url)
        samples = [talker.ask().sample for _ in range(requests)]
        talker.close()
    return samples


@pytest.mark.parametrize("die", [close_at_once, reset_at_once])
def test_what_the_idle_close_swallowed_is_sent_again_and_says_so(client, die):
    server = Dying(die)
    first, second = told(client, server)
    assert [(s.outcome, s.error, s.resent) for s in (first, second)] == [("ok", None, False), ("ok", None, True)]
    assert second.duration_ms > 0
    assert server.asked == 3


@pytest.mark.parametrize(("die", "error"), [(close_at_work, E.TRUNCATED), (reset_at_work, E.RESET)])
def test_what_the_target_died_of_has_failed_with_its_time(client, die, error):
    server = Dying(die)
    first, second, third = told(client, server, 3)
    assert (first.outcome, third.outcome) == ("ok", "ok")
    assert (second.outcome, second.error, second.blame, second.resent) == ("failed", error, "target", False)
    after = float(second.detail.rpartition(", ")[2].split(" ")[0])
    assert AT_WORK <= after < AT_WORK + 0.3
    assert second.late_ms < third.late_ms - AT_WORK * 1000, "the time is in the request that took it"
    assert server.asked == 3


def test_a_byte_of_an_answer_makes_it_a_failure_however_soon(client):
    server = Dying(lambda peer: peer.send(b"H"))
    _, second = told(client, server)
    assert (second.error, second.resent) == (E.TRUNCATED, False)
    assert server.asked == 2


def test_it_is_sent_again_once(client):
    def script(peer):
        asked.append(peer.request())
        if peer.number == 0:
            peer.send(GOOD)
            asked.append(peer.request())

    asked = []
    _, second = told(client, script)
    assert (second.error, second.resent) == (E.TRUNCATED, True)
    assert len(asked) == 3


def test_a_fresh_connection_that_dies_is_not_tried_again(client):
    asked = []
    (sample,) = told(client, lambda peer: asked.append(peer.request()), 1)
    assert (sample.error, sample.resent) == (E.TRUNCATED, False)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("passed", "connect", "expected"),
    [
        (0.0, 0.0, True),
        (0.005, 0.0001, True),
        (0.0051, 0.0001, False),
        (0.0051, 0.0026, True),
        (0.1, 0.05, True),
        (0.11, 0.05, False),
        (1.0, 0.0005, False),
    ],
)
def test_the_race_is_over_after_5_ms_or_two_times_to_connect(passed, connect, expected):
    assert lost_to_idle_close(passed, connect) is expected

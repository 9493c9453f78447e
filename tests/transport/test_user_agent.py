"""Who we are, in every request: firewalls of web applications answer 403 to those that do not say."""

import pytest

import katydid
from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.model.sample import Sample
from katydid.transport import open_client
from katydid.transport.exchange import Exchange, Request, Timeouts
from katydid.transport.websocket import WebSocketClient
from katydid.workloads.burst.user import BurstOptions, BurstService
from katydid.workloads.speech.user import Visit
from rawserver import raw_server
from talking import CLIENTS

OURS = [f"katydid/{katydid.__version__}"]
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Hearing:
    """A server that keeps the User-Agents of all requests."""

    def __init__(self):
        self.agents = []

    def __call__(self, peer):
        while request := peer.request():
            lines = (line.partition(": ") for line in request.decode().split("\r\n"))
            self.agents.append([value for name, _, value in lines if name.lower() == "user-agent"])
            peer.send(EMPTY)


class Nobody:
    def feed(self, data, at):
        pass

    def finish(self):
        pass


@pytest.mark.parametrize("client", CLIENTS)
def test_every_request_says_who_sends_it(client):
    hearing = Hearing()
    with raw_server(hearing) as url:
        service = ChatService(RunOptions(client=client, model="m"), url)
        service.begin(service.preflight())
        request = service.request(user=0, iteration=0, request_id="r", stream=True)
        service.client.send(request, Nobody(), Exchange())
        service.close()
        burst = BurstService(BurstOptions(client=client, burst_path="/health"), url)
        burst.client.send(burst.ask(Sample("r", 0, 0, "local", "burst", 0.0), (0, 0)), Nobody(), Exchange())
        burst.close()
    assert hearing.agents == [OURS] * 4  # the list, the look, the request and the GET


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", ["User-Agent", "user-agent"])
def test_who_runs_the_test_may_give_another_name(client, name):
    hearing = Hearing()
    with raw_server(hearing) as url:
        sender = open_client(client, url, Timeouts())
        sender.send(Request("GET", "/", ((name, "mine/1"),)), Nobody(), Exchange())
        sender.close()
    assert hearing.agents == [["mine/1"]]


def test_a_websockets_handshake_says_it_too():
    hearing = Hearing()
    with raw_server(hearing) as url:
        WebSocketClient(url, Timeouts(1.0, 1.0)).converse("/speech", {}, Visit(), Exchange())
    assert hearing.agents == [OURS]

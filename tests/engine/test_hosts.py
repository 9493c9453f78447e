"""However `--host` is written, the look before the load and the requests go where they should, with both clients."""

import json

import pytest

from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.model.errors import ConfigError
from katydid.model.sample import Sample
from katydid.transport.exchange import Exchange
from katydid.workloads.burst.user import BurstOptions, BurstService
from katydid.workloads.session.service import SessionOptions, SessionService
from katydid.workloads.speech.user import SpeechOptions, SpeechService
from rawserver import END, HEADS, chunks, raw_server
from streams import PROPER
from talking import CLIENTS

ENDPOINTS = {
    "openai": ("/v1/models", "/v1/chat/completions"),
    "openai-responses": ("/v1/models", "/v1/responses"),
    "anthropic": ("/v1/models", "/v1/messages"),
    "ollama": ("/api/tags", "/api/chat"),
}
LISTED = json.dumps({"data": [{"id": "m"}], "models": [{"name": "m"}]}).encode()


class Target:
    """Answers whatever it is asked, and keeps the paths."""

    def __init__(self):
        self.asked = []

    def __call__(self, peer):
        while request := peer.request():
            method, path, _ = request.split(b" ", 2)
            self.asked.append(path.decode())
            if method == b"GET":
                peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(LISTED), LISTED))
            else:
                peer.send(HEADS["openai"] + chunks(PROPER.encode()) + END)


def visit(written, **options):
    """Look (a list and a request), and send one, to a host written as said; the paths asked for, and what is known."""
    target = Target()
    with raw_server(target) as url:
        service = ChatService(RunOptions(**options), written.replace("URL", url))
        service.begin(service.preflight())
        request = service.request(user=0, iteration=0, request_id="r", stream=True)
        service.client.send(request, service.dialect.stream_parser("count"), Exchange())
        service.close()
        facts = service.facts()
    return target.asked, facts | {"host": facts["host"].replace(url, "URL")}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("api", ENDPOINTS)
def test_every_way_to_write_a_host_reaches_the_api_and_its_list(client, api):
    models, endpoint = ENDPOINTS[api]
    root = endpoint.split("/")[1]
    for written in ("URL", "URL/", f"URL/{root}", f"URL/{root}/", "URL/v1", f"URL{endpoint}", f"  URL{endpoint}/\r\n"):
        asked, facts = visit(written, api=api, client=client)
        assert asked == [models, endpoint, endpoint], written
        assert (facts["host"], facts["endpoint"]) == ("URL", endpoint), "all spellings are one target"


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("prefix", ["/openai", "/api", "/openai/v1", "/api/v1/chat/completions"])
def test_a_gateways_prefix_stays(client, prefix):
    base = "/" + prefix.split("/")[1]
    asked, facts = visit("URL" + prefix, client=client)
    assert asked == [base + "/v1/models", *2 * [base + "/v1/chat/completions"]]
    assert facts["host"] == "URL" + base


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("written", "endpoint", "reached"),
    [
        ("URL/v1", "/v1/events?stream=1", "/v1/events?stream=1"),
        ("URL/v1", "/events", "/v1/events"),
        ("URL/gate/events", "/gate/events", "/gate/events"),
        ("URL/gate", "/events", "/gate/events"),
    ],
)
def test_an_endpoint_of_ones_own_is_never_said_twice(client, written, endpoint, reached):
    asked, _ = visit(written, api="generic-sse", endpoint=endpoint, client=client, model="m")
    assert asked[1] == reached


@pytest.mark.parametrize("client", CLIENTS)
def test_a_path_for_a_burst_stands_below_the_base(client):
    target = Target()
    with raw_server(target) as url:
        service = BurstService(BurstOptions(burst_path="/v1/health", client=client), url + "/v1/")
        sample = Sample(request_id="r", user=0, iteration=0, worker="local", name="n", scheduled_ms=0.0)
        service.client.send(service.ask(sample, (0, 0)), service.dialect.stream_parser("count"), Exchange())
        service.close()
    assert target.asked == ["/v1/health"]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_sessions_paths_stand_below_the_base(client):
    target = Target()
    with raw_server(target) as url:
        service = SessionService(SessionOptions(scenario="openai", client=client), url + "/v1")
        service.begin(service.preflight())
        conversation = service.conversation(0, "secret")
        conversation.say(1)
        request = service.made(service.scenario.message, conversation, "r")
        service.client.send(request, service.dialect.stream_parser("count"), Exchange())
        service.close()
    assert target.asked == ["/v1/models", "/v1/chat/completions"]


@pytest.mark.parametrize(
    ("written", "base", "path"),
    [
        ("ws://h:1/speech", "http://h:1", "/speech"),
        (" wss://h/gate/\r", "https://h/gate", "/speech"),
        ("http://h:1", "http://h:1", "/speech"),
    ],
)
def test_speech_reads_a_host_the_same_way(written, base, path):
    service = SpeechService(SpeechOptions(), written)
    assert (service.facts()["host"], service.path) == (base, path)


def test_the_endpoint_of_another_api_is_told_with_its_name():
    with pytest.raises(ConfigError, match="the endpoint of --api anthropic, but --api is openai"):
        ChatService(RunOptions(), "http://h/v1/messages")


def test_a_login_in_the_url_is_a_secret_and_not_in_the_manifest():
    service = ChatService(RunOptions(), "http://user:p%40ssword@h:1/v1")
    assert service.facts()["host"] == "http://h:1"
    assert "p@ssword" in service.secrets()
    service.close()


@pytest.mark.parametrize("service", [ChatService, SpeechService])
def test_a_query_is_refused_without_showing_it(service):
    options = SpeechOptions() if service is SpeechService else RunOptions()
    with pytest.raises(ConfigError) as refused:
        service(options, "http://h/v1?key=hunter2")
    assert "--endpoint" in str(refused.value)
    assert "hunter2" not in str(refused.value)

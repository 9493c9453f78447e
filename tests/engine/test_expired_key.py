"""A key that expires in mid-run: it is renewed and the request sent again, or the row says `auth_expired`."""

import contextlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import gevent
import pytest

from katydid.dialects import dialect
from katydid.engine.measuring import judge, measure_exchange
from katydid.engine.options import RunOptions
from katydid.engine.sender import api_key
from katydid.engine.sender.headers import ExtraHeaders
from katydid.engine.sender.identity import Credentials, KeyedWebSocketClient
from katydid.engine.services.chat import ChatService
from katydid.model.errors import ConfigError
from katydid.model.sample import Blame, ErrorClass, Sample
from katydid.transport.exchange import VERIFIED, Exchange, Timeouts
from katydid.workloads.speech import SpeechOptions
from katydid.workloads.speech.user import SpeechService
from serving import serving
from streams import DONE, ROLE, STOP, delta
from talking import CLIENTS, Silent, info

ANSWER = (ROLE + delta("a") * 4 + STOP + DONE).encode()


class Guarded(ThreadingHTTPServer):
    """Takes the keys that are good now."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.good = {"Bearer sk-1"}
        self.had = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        key = self.headers.get("Authorization", "")
        self.server.had.append(key)
        good = key in self.server.good
        body = ANSWER if good else b'{"error": {"message": "the token %b has expired"}}' % key.encode()
        self.send_response(200 if good else 401)
        self.send_header("Content-Type", "text/event-stream" if good else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Not on the tests' terminal."""


@pytest.fixture
def server():
    with serving(Guarded()) as running:
        yield running


@pytest.fixture
def key_file(tmp_path, monkeypatch):
    file = tmp_path / "key"
    file.write_text("sk-1")
    monkeypatch.delenv(api_key.KEY, raising=False)
    monkeypatch.setenv(api_key.KEY_FILE, str(file))
    return file


@contextlib.contextmanager
def service_at(url, **options):
    service = ChatService(RunOptions(**{"model": "m", **options}), url)
    service.begin("m")
    try:
        yield service
    finally:
        service.close()


def ask(service, check="count"):
    sample = Sample(request_id="r", user=0, iteration=0, worker="local", name="/", scheduled_ms=0.0)
    exchange, parser = Exchange(), dialect("openai").stream_parser(check)
    service.client.send(service.request(user=0, iteration=0, request_id="r", stream=True), parser, exchange)
    measure_exchange(sample, exchange, info())
    judge(sample, exchange, parser)
    return sample


def outcome(sample):
    return sample.outcome, sample.error, sample.status, sample.resent


GOOD = ("ok", None, 200, False)
SENT_AGAIN = ("ok", None, 200, True)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("check", ["count", "full"])
def test_a_request_whose_key_has_expired_is_sent_again_with_the_next_one(server, key_file, client, check):
    with service_at(server.url, client=client) as service:
        assert outcome(ask(service, check)) == GOOD
        server.good = {"Bearer sk-2"}
        key_file.write_text("sk-2")
        assert outcome(ask(service, check)) == SENT_AGAIN
        assert outcome(ask(service, check)) == GOOD, "all after it have the new key from the first"
        assert {"sk-1", "sk-2"} <= set(service.secrets())
    assert server.had == ["Bearer sk-1"] * 2 + ["Bearer sk-2"] * 2


def test_of_users_that_are_refused_together_one_renews_it_and_each_sends_its_own_again(server, monkeypatch, tmp_path):
    monkeypatch.delenv(api_key.KEY, raising=False)
    calls = tmp_path / "calls"
    monkeypatch.setenv(api_key.KEY_COMMAND, f"echo x >> {calls}; sleep 0.05; echo sk-$(wc -l < {calls})")
    with service_at(server.url) as service:
        server.good = {"Bearer sk-2"}
        jobs = [gevent.spawn(ask, service) for _ in range(8)]
        gevent.joinall(jobs)
    assert {outcome(job.value) for job in jobs} == {SENT_AGAIN}
    assert calls.read_text() == "x\nx\n"


@pytest.mark.parametrize("client", CLIENTS)
def test_without_another_key_it_has_expired_and_the_configuration_is_to_blame(server, key_file, client):
    with service_at(server.url, client=client) as service:
        ask(service)
        server.good = set()
        sample = ask(service)
    assert outcome(sample) == ("failed", ErrorClass.AUTH_EXPIRED, 401, False)
    assert sample.blame is Blame.CONFIG
    assert sample.detail.startswith(f"{api_key.KEY_FILE} {key_file} still gives the same key: 401 the token")


def test_so_it_has_where_the_next_one_is_refused_too(server, key_file):
    with service_at(server.url) as service:
        ask(service)
        server.good = set()
        key_file.write_text("sk-2")
        assert outcome(ask(service)) == ("failed", ErrorClass.AUTH_EXPIRED, 401, True)
    assert server.had == ["Bearer sk-1", "Bearer sk-1", "Bearer sk-2"], "it is sent again once"


def test_a_key_that_is_read_once_expires_where_it_had_been_accepted_and_else_is_wrong(server, monkeypatch):
    monkeypatch.setenv(api_key.KEY, "sk-1")
    with service_at(server.url) as service:
        ask(service)
        server.good = set()
        assert outcome(ask(service)) == ("failed", ErrorClass.AUTH_EXPIRED, 401, False)
    with service_at(server.url) as service:
        assert outcome(ask(service)) == ("failed", ErrorClass.HTTP_4XX, 401, False)


def test_without_a_key_of_ours_nothing_can_expire(server, key_file):
    with service_at(server.url, header="Authorization=Bearer sk-1") as service:
        ask(service)
        server.good = {"Bearer sk-2"}
        key_file.write_text("sk-2")
        assert outcome(ask(service)) == ("failed", ErrorClass.HTTP_4XX, 401, False)


def test_before_the_load_a_refused_key_is_renewed_too_and_one_that_stays_refused_ends_the_start(server, key_file):
    server.good = {"Bearer sk-2"}
    with service_at(server.url) as service:
        key_file.write_text("sk-2")
        assert service.preflight() == "m"
        server.good = set()
        with pytest.raises(ConfigError, match=r"rejects the API key \(401 .*\): .* was rejected too$"):
            service.preflight()


def test_a_websocket_whose_handshake_is_refused_is_opened_again_with_the_next_key(server, key_file):
    credentials = SpeechService(SpeechOptions(), server.url).credentials
    client = KeyedWebSocketClient(server.url, Timeouts(2.0, 2.0), VERIFIED, credentials)
    server.good = set()
    key_file.write_text("sk-2")
    exchange = Exchange()
    client.converse("/", dict(credentials.headers), Silent(), exchange)
    assert server.had == ["Bearer sk-1", "Bearer sk-2"]
    assert (exchange.resent, exchange.key_expired) == (True, "the renewed key was rejected too")


def test_a_dialect_may_put_the_key_wherever_it_wants(key_file):
    key, _ = api_key.find_key()
    credentials = Credentials(key, lambda value: {"Accept": "a", "X-Sum": str(len(value or ""))}, ExtraHeaders(None))
    key_file.write_text("sk-long")
    exchange, sent = Exchange(status=401), []
    credentials.send_again(exchange, (*credentials.headers, ("X-More", "m")), sent.append)
    assert sent == [(("Accept", "a"), ("X-Sum", "7"), ("X-More", "m"))]

"""What a port speaks, looked at before a run: within seconds, whatever it does."""

import socket
import ssl
import time

import pytest

from certificates import certificate
from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.engine.services.preflight import first_look
from katydid.model.errors import ConfigError
from katydid.transport import scheme
from katydid.transport.exchange import VERIFIED, TlsSettings
from katydid.transport.scheme import Spoken, look_for_tls, speaks_tls
from rawserver import raw_server

LISTED = b'HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n{"data": [{"id": "m"}]}'
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(scheme, "HANDSHAKE", 0.5)
    monkeypatch.setattr(scheme, "ANSWER", 0.5)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def waits_for_lines(peer):
    """As a server that reads a handshake as a request whose end is still to come."""
    if peer.request():
        peer.send(LISTED)


def answers_anything(peer):
    peer.sock.recv(65536)
    peer.send(BAD_REQUEST)


def closes_on_what_is_no_request(peer):
    if peer.sock.recv(65536)[:1].isalpha():
        peer.send(LISTED)


def says_something_else(peer):
    peer.send(b"SSH-2.0-OpenSSH_9.6\r\n")
    peer.wait_for_close()


def says_nothing(peer):
    peer.wait_for_close()


@pytest.mark.parametrize(
    ("script", "spoken"),
    [
        (waits_for_lines, Spoken.HTTP),
        (answers_anything, Spoken.HTTP),
        (closes_on_what_is_no_request, Spoken.HTTP),
        (says_something_else, Spoken.OTHER),
        (says_nothing, Spoken.NOTHING),
    ],
)
def test_a_port_without_tls_is_found_out(script, spoken):
    with raw_server(script) as url:
        began = time.monotonic()
        assert look_for_tls(url.replace("http:", "https:"), VERIFIED) is spoken
        assert time.monotonic() - began < 5
        assert not speaks_tls(url)


def test_a_port_with_tls_is_known_whether_its_certificate_is_trusted_or_not(own):
    with raw_server(waits_for_lines, own.context()) as url:
        secure = url.replace("http:", "https:")
        assert look_for_tls(secure, TlsSettings(str(own.cert))) is Spoken.TLS
        assert look_for_tls(secure, VERIFIED) is Spoken.TLS
        assert speaks_tls(secure.replace("https:", "http:"))


def test_a_server_that_refuses_our_version_of_tls_speaks_it_all_the_same(own):
    context = own.context()
    context.set_alpn_protocols(["h2"])
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA256")
    with raw_server(waits_for_lines, context) as url:
        assert look_for_tls(url.replace("http:", "https:"), TlsSettings(str(own.cert))) is Spoken.TLS
        assert speaks_tls(url.replace("https:", "http:"))


def test_of_a_port_that_cannot_be_reached_nothing_is_known():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        assert look_for_tls(f"https://{address}", VERIFIED) is Spoken.UNKNOWN
        assert not speaks_tls(f"http://{address}")


def complaint(host, **options):
    with pytest.raises(ConfigError) as refused:
        first_look(ChatService(RunOptions(**options), host), host, RunOptions(**options).tls)
    return str(refused.value)


@pytest.mark.parametrize("client", ["fast", "requests"])
@pytest.mark.parametrize("model", [None, "m"])
def test_the_look_before_a_run_names_the_url_that_is_right(own, client, model):
    options = {"client": client, "model": model, "request_timeout": 5.0}
    with raw_server(waits_for_lines) as url:
        secure = url.replace("http:", "https:")
        assert complaint(f"{secure}/v1", **options) == f"{secure}/v1 does not speak TLS: give --host {url}/v1"
    with raw_server(waits_for_lines, own.context()) as secure:
        plain = secure.replace("https:", "http:")
        assert complaint(plain, **options) == f"{plain} speaks TLS: give --host {plain.replace('http:', 'https:')}"


@pytest.mark.parametrize(
    "words",
    [
        b"The plain HTTP request was sent to HTTPS port",
        b"Client sent an HTTP request to an HTTPS server.",
        b"You're speaking plain HTTP to an SSL-enabled server port.",
    ],
)
def test_a_server_that_says_itself_that_it_wants_tls_is_not_loaded(words):
    def script(peer):
        if peer.request():
            peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%b" % (len(words), words))

    with raw_server(script) as url:
        assert "give its https URL with --host" in complaint(url, model="m")


def test_where_both_agree_nothing_is_said_and_no_request_is_sent_twice(own):
    asked = []

    def script(peer):
        while request := peer.request():
            asked.append(request.split(b" ", 1)[0])
            peer.send(LISTED)

    with raw_server(script, own.context()) as url:
        host = url.replace("http:", "https:")
        options = RunOptions(ca_file=str(own.cert))
        assert first_look(ChatService(options, host), host, options.tls) == "m"
    assert asked == [b"GET", b"POST"], "the list, and the first request"

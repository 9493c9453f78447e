"""Mutual TLS: a target that asks who we are, and one that we do not ask; with both clients and over a WebSocket."""

import shutil
import ssl
import subprocess

import pytest

from certificates import certificate, certificate_authority, client_certificate
from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.engine.services.preflight import first_look
from katydid.model.errors import ConfigError
from katydid.model.sample import ErrorClass
from katydid.transport import open_client
from katydid.transport.dialing import tls_context
from katydid.transport.exchange import VERIFIED, Exchange, Timeouts, TlsSettings
from katydid.transport.websocket import WebSocketClient
from rawserver import END, SSE_HEAD, chunks, raw_server
from streams import PROPER
from talking import CLIENTS, Silent, ask

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="makes certificates with openssl")

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Certificates: of the target, of its clients' authority, of a client, and of somebody else's client."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = certificate_authority(folder / "authority")
    return {
        "target": certificate(folder / "target"),
        "authority": authority,
        "client": client_certificate(folder / "client", authority),
        "stranger": client_certificate(folder / "stranger", certificate_authority(folder / "another")),
    }


def trusting(made, who=None):
    """Options with which the target is trusted, and who we are."""
    mine = made[who] if who else None
    return {
        "ca_file": str(made["target"].cert),
        "client_cert": str(mine.cert) if mine else None,
        "client_key": str(mine.key) if mine else None,
    }


def answers(peer):
    while peer.request():
        peer.send(SSE_HEAD + chunks(PROPER.encode()) + END)


@pytest.fixture(params=VERSIONS)
def asking(request, made):
    """A target that asks for a certificate."""
    with raw_server(answers, made["target"].context(made["authority"], VERSIONS[request.param])) as url:
        yield url


@pytest.mark.parametrize("client", CLIENTS)
def test_a_target_that_asks_for_a_certificate_is_given_ours(made, asking, client):
    sample = ask(client, asking, **trusting(made, "client")).sample
    assert (sample.outcome, sample.chunks) == ("ok", 3), sample.detail


@pytest.mark.parametrize("client", CLIENTS)
def test_the_key_may_stand_in_the_file_of_its_certificate(made, asking, client, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(made["client"].cert.read_bytes() + made["client"].key.read_bytes())
    sample = ask(client, asking, ca_file=str(made["target"].cert), client_cert=str(both)).sample
    assert sample.outcome == "ok", sample.detail


def test_over_a_websocket_too(made):
    seen = []

    def script(peer):
        seen.append(peer.sock.getpeercert())
        peer.request()
        peer.send(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")

    with raw_server(script, made["target"].context(made["authority"])) as url:
        client, exchange = WebSocketClient(url, Timeouts(2.0, 2.0), TlsSettings(**trusting(made, "client"))), Exchange()
        client.converse("/", {}, Silent(), exchange)
    assert exchange.status == 404, exchange.detail
    assert dict(pair for (pair,) in seen[0]["subject"]) == {"commonName": "client"}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("who", [None, "stranger"])
def test_without_one_that_it_accepts_the_configuration_is_to_blame(made, asking, client, who):
    sample = ask(client, asking, **trusting(made, who)).sample
    assert (sample.outcome, sample.error, sample.blame) == ("failed", ErrorClass.TLS, "config"), sample.detail


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("who", [None, "stranger"])
def test_and_the_look_before_the_load_says_which_option_mends_it(made, asking, client, who):
    options = RunOptions(model="m", client=client, **trusting(made, who))
    with pytest.raises(ConfigError) as refused:
        first_look(ChatService(options, asking), asking, options.tls)
    assert "--client-cert" in str(refused.value)
    assert "--ca-file" not in str(refused.value)


@pytest.mark.parametrize(
    "said",
    [
        b"400 Bad Request\r\n\r\n<html><center>No required SSL certificate was sent</center><hr>nginx</html>",
        b"400 Bad Request\r\n\r\n<html><center>The SSL certificate error</center><hr>nginx</html>",
        b"403 Forbidden\r\n\r\nclient certificate required",
    ],
)
@pytest.mark.parametrize("model", [None, "m"])
def test_so_it_does_where_the_target_asks_for_one_in_http(said, model):
    head, _, body = said.partition(b"\r\n\r\n")

    def script(peer):
        while peer.request():
            peer.send(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (head, len(body), body))

    with raw_server(script) as url, pytest.raises(ConfigError, match="--client-cert"):
        first_look(ChatService(RunOptions(model=model), url), url, VERIFIED)


@pytest.mark.parametrize("client", CLIENTS)
def test_insecure_accepts_any_certificate_and_only_then(made, client):
    with raw_server(answers, made["stranger"].context()) as url:
        assert ask(client, url).sample.error is ErrorClass.TLS
        assert ask(client, url, insecure=True).sample.outcome == "ok"


def test_insecure_shows_in_what_a_run_says_of_itself():
    assert RunOptions(insecure=True).shown()["insecure"] is True


@pytest.fixture
def encrypted(made, tmp_path):
    key = tmp_path / "encrypted.pem"
    words = ["-in", made["client"].key, "-aes256", "-passout", "pass:x", "-out", key]
    subprocess.run(["openssl", "rsa", *map(str, words)], check=True, capture_output=True)
    return key


@pytest.mark.parametrize(
    ("cert", "key", "said"),
    [
        ("none.pem", None, "--client-cert none.pem: does not exist"),
        ("CERT", "none.pem", "--client-key none.pem: does not exist"),
        ("CERT", None, "give the key with --client-key"),
        ("KEY", "KEY", "no certificate with its key can be read"),
        ("CERT", "STRANGER", "is not the key of --client-cert"),
        ("CERT", "ENCRYPTED", "is encrypted: give a key without a passphrase"),
        (None, "KEY", "--client-key without its certificate"),
    ],
)
def test_files_that_are_no_good_are_told_in_one_line_before_any_load(made, encrypted, cert, key, said):
    files = {
        "CERT": made["client"].cert, "KEY": made["client"].key, "STRANGER": made["stranger"].key,
        "ENCRYPTED": encrypted,
    }  # fmt: skip
    named = {
        name: str(files.get(value, value)) if value else None for name, value in {"cert": cert, "key": key}.items()
    }
    for client in CLIENTS:
        with pytest.raises(ConfigError) as refused:
            open_client(client, "https://h", Timeouts(), TlsSettings(None, named["cert"], named["key"]))
        assert said in str(refused.value)
        assert len(str(refused.value).splitlines()) == 1


def test_a_context_verifies_unless_told_otherwise():
    assert tls_context(VERIFIED).verify_mode is ssl.CERT_REQUIRED
    assert tls_context(TlsSettings(insecure=True)).verify_mode is ssl.CERT_NONE
